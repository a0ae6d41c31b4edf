"""What the operator asked for, read once from the template's parameters; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

SPELL = timedelta(hours=1)
"""The time within which being undone WarLimit times is a war, and the quiet after which it is over."""

_E = TypeVar("_E", bound=StrEnum)


class Mode(StrEnum):
    """How far a control may go."""

    ENFORCE = "enforce"
    DETECT = "detect"
    OFF = "off"


class Scope(StrEnum):
    """Which buckets must be encrypted under KMS."""

    ARTIFACTS = "artifacts"
    ALL = "all"


class Rejection(StrEnum):
    """What becomes of a new asymmetric key after it was disabled."""

    SCHEDULE_DELETION = "schedule-deletion"
    DISABLE = "disable"


class SettingsError(ValueError):
    """A parameter has a value that pipeseal does not know; the text names the parameter and the values."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The operator's choices; the defaults are the template's."""

    mode: Mode = Mode.ENFORCE
    control_modes: Mapping[str, Mode] = field(default_factory=dict)
    encryption_scope: Scope = Scope.ARTIFACTS
    artifact_keys: Mapping[str, str] = field(default_factory=dict)
    """Region -> ARN of the key that artifacts there are to be encrypted under."""
    key_rejection: Rejection = Rejection.SCHEDULE_DELETION
    deletion_window_days: int = 30
    seal_websites: bool = False
    strict_uploads: bool = False
    """Whether every artifact bucket refuses an upload without a header, not only those of pipelines."""
    require_customer_key: bool = False
    """Whether each artifact store must name a customer managed key."""
    quarantine_secrets: bool = False
    """Whether a pipeline with a secret in clear is stopped until the secret is gone."""
    minimum_tls_version: str = ""
    """The oldest TLS version that buckets take, 1.2 or 1.3; "" leaves that to AWS."""
    organization_id: str = ""
    """The organisation (o-...) whose accounts are no strangers; "" where only the account itself is none."""
    grace_minutes: int = 60
    """How old a resource must be before a sweep looks at it."""
    war_limit: int = 3
    """How often within an hour a control puts the same resource right before it leaves the matter to people."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the variables that the template gives each function; raise SettingsError on a bad one."""
        return cls(
            mode=_choice(environment, "MODE", Mode, Mode.ENFORCE),
            control_modes=_control_modes(environment.get("CONTROL_MODES", "")),
            encryption_scope=_choice(environment, "ENCRYPTION_SCOPE", Scope, Scope.ARTIFACTS),
            artifact_keys=_artifact_keys(environment.get("ARTIFACT_KEY_ARN", "")),
            key_rejection=_choice(environment, "KEY_REJECTION", Rejection, Rejection.SCHEDULE_DELETION),
            deletion_window_days=_days(environment.get("DELETION_WINDOW_DAYS", "") or "30"),
            seal_websites=_flag(environment, "SEAL_WEBSITES"),
            strict_uploads=_flag(environment, "STRICT_UPLOADS"),
            require_customer_key=_flag(environment, "REQUIRE_CUSTOMER_KEY"),
            quarantine_secrets=_flag(environment, "QUARANTINE_SECRETS"),
            minimum_tls_version=_tls_version(environment.get("MINIMUM_TLS_VERSION", "")),
            organization_id=_organization(environment.get("ORGANIZATION_ID", "")),
            grace_minutes=_minutes(environment.get("GRACE_MINUTES", "") or "60"),
            war_limit=_war_limit(environment.get("WAR_LIMIT", "") or "3"),
        )

    def mode_of(self, control: str) -> Mode:
        """Return how far *control* may go: its own mode, but never further than the stack's."""
        own = self.control_modes.get(control, self.mode)
        return Mode.DETECT if own is Mode.ENFORCE and self.mode is Mode.DETECT else own


def _choice(environment: Mapping[str, str], name: str, choices: type[_E], default: _E) -> _E:
    value = environment.get(name, "") or default
    try:
        return choices(value)
    except ValueError:
        known = ", ".join(choices)
        raise SettingsError(f"{name} is {value!r}; it must be one of: {known}") from None


def _control_modes(text: str) -> dict[str, Mode]:
    """Read "S3.TLS=detect,KMS.SYMMETRIC=off"."""
    modes = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        control, equals, mode = (part.strip() for part in pair.partition("="))
        if not equals or not control or mode not in set(Mode):
            known = ", ".join(Mode)
            raise SettingsError(f"CONTROL_MODES has {pair!r}; it must be CONTROL=MODE with a mode of: {known}")
        modes[control] = Mode(mode)
    return modes


def _artifact_keys(text: str) -> dict[str, str]:
    """Read one or several key ARNs, comma separated, one a region."""
    keys: dict[str, str] = {}
    for arn in filter(None, (part.strip() for part in text.split(","))):
        match arn.split(":", 5):
            case ["arn", _, "kms", region, _, resource] if region and resource.startswith("key/"):
                if region in keys:
                    raise SettingsError(f"ARTIFACT_KEY_ARN names two keys in {region}; give one a region")
                keys[region] = arn
            case _:
                raise SettingsError(f"ARTIFACT_KEY_ARN has {arn!r}; it must be the ARN of a KMS key (arn:...:key/...)")
    return keys


def _days(text: str) -> int:
    if not text.isdecimal() or not 7 <= int(text) <= 30:  # noqa: PLR2004 - KMS's own bounds
        raise SettingsError(f"DELETION_WINDOW_DAYS is {text!r}; KMS takes 7 to 30 days")
    return int(text)


def _minutes(text: str) -> int:
    if not text.isdecimal() or int(text) > 10080:  # noqa: PLR2004 - a week, as the template has it
        raise SettingsError(f"GRACE_MINUTES is {text!r}; it must be 0 to 10080 minutes")
    return int(text)


def _war_limit(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100:  # noqa: PLR2004 - as the template has it
        raise SettingsError(f"WAR_LIMIT is {text!r}; it must be 1 to 100 times within an hour")
    return int(text)


def _tls_version(text: str) -> str:
    if text not in ("", "1.2", "1.3"):
        raise SettingsError(f"MINIMUM_TLS_VERSION is {text!r}; it must be 1.2, 1.3 or empty")
    return text


def _organization(text: str) -> str:
    if text and not re.fullmatch(r"o-[a-z0-9]{10,32}", text):
        raise SettingsError(f"ORGANIZATION_ID is {text!r}; it must be an organisation's id, such as o-a1b2c3d4e5")
    return text


def _flag(environment: Mapping[str, str], name: str) -> bool:
    value = environment.get(name, "") or "false"
    if value not in ("true", "false"):
        raise SettingsError(f"{name} is {value!r}; it must be true or false")
    return value == "true"
