"""The settings of the operator, read once from the variables that the template's parameters set; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

_E = TypeVar("_E", bound=StrEnum)


class Mode(StrEnum):
    """What a control does about a violation: remediate and alert, only alert, or nothing."""

    ENFORCE = "enforce"
    DETECT = "detect"
    OFF = "off"


class Scope(StrEnum):
    """Which buckets must be encrypted with SSE-KMS: those that hold artifacts, or all."""

    ARTIFACTS = "artifacts"
    ALL = "all"


class Rejection(StrEnum):
    """What happens to a new asymmetric key: scheduled for deletion after it is disabled, or only disabled."""

    SCHEDULE_DELETION = "schedule-deletion"
    DISABLE = "disable"


class SettingsError(ValueError):
    """A variable has an invalid value; the text names the variable and the valid values."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings; the defaults are those of the template."""

    mode: Mode = Mode.ENFORCE
    control_modes: Mapping[str, Mode] = field(default_factory=dict)
    """Control ID -> its own mode (see `mode_of`)."""
    encryption_scope: Scope = Scope.ARTIFACTS
    artifact_keys: Mapping[str, str] = field(default_factory=dict)
    """Region -> ARN of the KMS key under which artifacts in that Region must be encrypted."""
    key_rejection: Rejection = Rejection.SCHEDULE_DELETION
    deletion_window_days: int = 30
    """The waiting period before KMS deletes a rejected key."""
    seal_websites: bool = False
    """Whether buckets with website hosting are remediated; otherwise they are only alerted."""
    strict_uploads: bool = False
    """Whether every artifact bucket denies uploads without an encryption header, not only those of pipelines."""
    require_customer_key: bool = False
    """Whether every artifact store must name a customer managed key."""
    quarantine_secrets: bool = False
    """Whether a pipeline with a plaintext secret is stopped until the secret is removed."""
    minimum_tls_version: str = ""
    """The lowest TLS version that buckets accept, 1.2 or 1.3; "" for the default of AWS."""
    organization_id: str = ""
    """ID of the organization (o-...) whose accounts are trusted; "" to trust only the account itself."""
    grace_minutes: int = 60
    """The age at which a sweep begins to check a resource."""
    war_limit: int = 3
    """How often a control remediates the same resource within an hour before it is suspended for that resource."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Return the settings in the variables of a function; raise SettingsError where one is invalid."""
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
        """Return the mode of *control*: its own, but in a stack in detect mode never enforce."""
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
    """Return the modes in a text such as "S3.TLS=detect,KMS.SYMMETRIC=off"."""
    modes = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        control, equals, mode = (part.strip() for part in pair.partition("="))
        if not equals or not control or mode not in set(Mode):
            known = ", ".join(Mode)
            raise SettingsError(f"CONTROL_MODES contains {pair!r}; write CONTROL=MODE, where MODE is one of: {known}")
        modes[control] = Mode(mode)
    return modes


def _artifact_keys(text: str) -> dict[str, str]:
    """Return the keys in a comma-separated list of ARNs, one for each Region."""
    keys: dict[str, str] = {}
    for arn in filter(None, (part.strip() for part in text.split(","))):
        match arn.split(":", 5):
            case ["arn", _, "kms", region, _, resource] if region and resource.startswith("key/"):
                if region in keys:
                    raise SettingsError(f"ARTIFACT_KEY_ARN names two keys in {region}; name one key for each Region")
                keys[region] = arn
            case _:
                raise SettingsError(
                    f"ARTIFACT_KEY_ARN contains {arn!r}, which is not the ARN of a KMS key (arn:aws:kms:...:key/...)"
                )
    return keys


def _days(text: str) -> int:
    if not text.isdecimal() or not 7 <= int(text) <= 30:  # noqa: PLR2004 - the limits of KMS
        raise SettingsError(f"DELETION_WINDOW_DAYS is {text!r}; KMS accepts 7 to 30 days")
    return int(text)


def _minutes(text: str) -> int:
    if not text.isdecimal() or int(text) > 10080:  # noqa: PLR2004 - a week, as in the template
        raise SettingsError(f"GRACE_MINUTES is {text!r}; it must be 0 to 10080 minutes")
    return int(text)


def _war_limit(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100:  # noqa: PLR2004 - as in the template
        raise SettingsError(f"WAR_LIMIT is {text!r}; it must be 1 to 100 remediations an hour")
    return int(text)


def _tls_version(text: str) -> str:
    if text not in ("", "1.2", "1.3"):
        raise SettingsError(f"MINIMUM_TLS_VERSION is {text!r}; it must be 1.2, 1.3 or empty")
    return text


def _organization(text: str) -> str:
    if text and not re.fullmatch(r"o-[a-z0-9]{10,32}", text):
        raise SettingsError(f"ORGANIZATION_ID is {text!r}; it must be the ID of an organization, such as o-a1b2c3d4e5")
    return text


def _flag(environment: Mapping[str, str], name: str) -> bool:
    value = environment.get(name, "") or "false"
    if value not in ("true", "false"):
        raise SettingsError(f"{name} is {value!r}; it must be true or false")
    return value == "true"
