"""Settings: how the functions read the parameters of the template."""

from __future__ import annotations

import pytest

from pipeseal.settings import Mode, Rejection, Scope, Settings, SettingsError

KEY = "arn:aws:kms:us-east-1:123456789012:key/1c3a5e7f-0b2d-4f68-9ace-13579bdf2468"
KEY_WEST = "arn:aws:kms:us-west-2:123456789012:key/mrk-0f1e2d3c4b5a69788796a5b4c3d2e1f0"


def test_an_empty_environment_gives_the_defaults() -> None:
    """Variables that are missing or empty give the defaults of the template."""
    assert Settings.from_environment({}) == Settings.from_environment({"MODE": "", "SEAL_WEBSITES": ""}) == Settings()


def test_every_variable_is_read() -> None:
    """Each variable sets its field."""
    assert Settings.from_environment(
        {
            "MODE": "detect",
            "CONTROL_MODES": "S3.TLS=off, KMS.SYMMETRIC = detect,",
            "ENCRYPTION_SCOPE": "all",
            "ARTIFACT_KEY_ARN": f"{KEY}, {KEY_WEST}",
            "KEY_REJECTION": "disable",
            "DELETION_WINDOW_DAYS": "7",
            "SEAL_WEBSITES": "true",
            "STRICT_UPLOADS": "true",
            "REQUIRE_CUSTOMER_KEY": "true",
            "QUARANTINE_SECRETS": "true",
            "MINIMUM_TLS_VERSION": "1.2",
            "ORGANIZATION_ID": "o-a1b2c3d4e5",
            "GRACE_MINUTES": "0",
            "WAR_LIMIT": "5",
        }
    ) == Settings(
        mode=Mode.DETECT,
        control_modes={"S3.TLS": Mode.OFF, "KMS.SYMMETRIC": Mode.DETECT},
        encryption_scope=Scope.ALL,
        artifact_keys={"us-east-1": KEY, "us-west-2": KEY_WEST},
        key_rejection=Rejection.DISABLE,
        deletion_window_days=7,
        seal_websites=True,
        strict_uploads=True,
        require_customer_key=True,
        quarantine_secrets=True,
        minimum_tls_version="1.2",
        organization_id="o-a1b2c3d4e5",
        grace_minutes=0,
        war_limit=5,
    )


@pytest.mark.parametrize(
    ("name", "value", "states"),
    [
        ("MODE", "observe", "enforce, detect, off"),
        ("CONTROL_MODES", "S3.TLS", "CONTROL=MODE"),
        ("CONTROL_MODES", "S3.TLS=maybe", "enforce, detect, off"),
        ("ENCRYPTION_SCOPE", "some", "artifacts, all"),
        ("ARTIFACT_KEY_ARN", "alias/harbor", "ARN of a KMS key"),
        ("ARTIFACT_KEY_ARN", f"{KEY},{KEY}", "two keys in us-east-1"),
        ("KEY_REJECTION", "delete", "schedule-deletion, disable"),
        ("DELETION_WINDOW_DAYS", "31", "7 to 30"),
        ("DELETION_WINDOW_DAYS", "a week", "7 to 30"),
        ("SEAL_WEBSITES", "yes", "true or false"),
        ("MINIMUM_TLS_VERSION", "1.1", "1.2, 1.3"),
        ("ORGANIZATION_ID", "acme", "o-a1b2c3d4e5"),
        ("GRACE_MINUTES", "10081", "0 to 10080"),
        ("GRACE_MINUTES", "-1", "0 to 10080"),
        ("WAR_LIMIT", "0", "1 to 100"),
        ("WAR_LIMIT", "101", "1 to 100"),
    ],
)
def test_an_error_names_the_variable_and_its_values(name: str, value: str, states: str) -> None:
    """An invalid value raises SettingsError with the name of the variable and the values that it accepts."""
    with pytest.raises(SettingsError, match=f"(?s){name}.*{states}"):
        Settings.from_environment({name: value})


@pytest.mark.parametrize(
    ("mode", "own", "expected"),
    [
        (Mode.ENFORCE, None, Mode.ENFORCE),
        (Mode.ENFORCE, Mode.DETECT, Mode.DETECT),
        (Mode.ENFORCE, Mode.OFF, Mode.OFF),
        (Mode.DETECT, None, Mode.DETECT),
        (Mode.DETECT, Mode.ENFORCE, Mode.DETECT),
        (Mode.DETECT, Mode.OFF, Mode.OFF),
    ],
)
def test_the_mode_of_the_stack_limits_each_control(mode: Mode, own: Mode | None, expected: Mode) -> None:
    """In detect mode no control writes, even where ControlModes sets it to enforce."""
    settings = Settings(mode=mode, control_modes={"S3.TLS": own} if own else {})
    assert settings.mode_of("S3.TLS") is expected
