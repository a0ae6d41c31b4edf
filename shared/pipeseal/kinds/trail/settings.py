"""Settings of a trail: their names in each of CloudTrail's interfaces, and what a change of one loses; pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import NamedTuple

TrailSettings = Mapping[str, object]
"""Name of a setting in GetTrail -> its value."""

BUCKET = "S3BucketName"
MULTI_REGION = "IsMultiRegionTrail"
LOG_FILE_VALIDATION = "LogFileValidationEnabled"


class TrailSetting(NamedTuple):
    """One setting of a trail."""

    name: str
    """Its name in the response of GetTrail."""
    record_name: str
    """Its name in CloudTrail records of CreateTrail and UpdateTrail."""
    option: str
    """Option of `aws cloudtrail create-trail` that sets it, without a value where it is a flag."""
    loss: str = ""
    """What is lost when a flag is turned off or, with {} for before and after, a value changes; "" for nothing."""
    is_flag: bool = False
    expected: bool = False
    """Whether a trail should have it on."""
    option_for_off: str = ""
    """Option that turns it off, for a setting that is on by default; *option* is "" then."""


TRAIL_SETTINGS = (
    TrailSetting(
        BUCKET,
        "s3BucketName",
        "--s3-bucket-name",
        "Its log files went to bucket {}, and now go to {}.",
    ),
    TrailSetting("S3KeyPrefix", "s3KeyPrefix", "--s3-key-prefix"),
    TrailSetting(
        MULTI_REGION,
        "isMultiRegionTrail",
        "--is-multi-region-trail",
        "It recorded events of every Region, and now records those of one.",
        is_flag=True,
        expected=True,
    ),
    TrailSetting(
        "IncludeGlobalServiceEvents",
        "includeGlobalServiceEvents",
        "",
        "It recorded events of global services such as IAM, and no longer does.",
        is_flag=True,
        expected=True,
        option_for_off="--no-include-global-service-events",
    ),
    TrailSetting(
        LOG_FILE_VALIDATION,
        "logFileValidationEnabled",
        "--enable-log-file-validation",
        "Log file validation is off, so that changes to its log files cannot be detected any more.",
        is_flag=True,
        expected=True,
    ),
    TrailSetting(
        "IsOrganizationTrail",
        "isOrganizationTrail",
        "--is-organization-trail",
        "It recorded events of the whole organization, and no longer does.",
        is_flag=True,
    ),
    TrailSetting(
        "KmsKeyId",
        "kmsKeyId",
        "--kms-key-id",
        "Its log files were encrypted under {}, and now under {}.",
    ),
    TrailSetting("SnsTopicName", "snsTopicName", "--sns-topic-name"),
    TrailSetting(
        "CloudWatchLogsLogGroupArn",
        "cloudWatchLogsLogGroupArn",
        "--cloud-watch-logs-log-group-arn",
        "Its events went to the log group {} too, and now to {}.",
    ),
    TrailSetting("CloudWatchLogsRoleArn", "cloudWatchLogsRoleArn", "--cloud-watch-logs-role-arn"),
)

EXPECTED_SETTINGS = tuple(setting.name for setting in TRAIL_SETTINGS if setting.expected)
"""Names of the flags that a trail should have on."""


def settings_from_response(trail: Mapping[str, object]) -> TrailSettings:
    """Return the settings in *trail*, the Trail of a response of GetTrail."""
    return {setting.name: trail[setting.name] for setting in TRAIL_SETTINGS if setting.name in trail}


def settings_from_record(part: Mapping[str, object]) -> TrailSettings:
    """Return the settings in *part*, the requestParameters or responseElements of a CloudTrail record."""
    named = ((setting.name, part.get(setting.record_name)) for setting in TRAIL_SETTINGS)
    return {name: value for name, value in named if value is not None}


def find_losses(settings: TrailSettings, former: TrailSettings) -> Iterator[str]:
    """Yield sentences that state what *settings* record less than *former*, or elsewhere."""
    for setting in sorted(TRAIL_SETTINGS, key=lambda setting: not setting.is_flag):
        before, now = former.get(setting.name), settings.get(setting.name)
        if not setting.loss or not before or before == now:
            continue
        if not setting.is_flag:
            yield setting.loss.format(before, now or "none")
        elif not now:
            yield setting.loss


def find_missing(settings: TrailSettings) -> Iterator[str]:
    """Yield sentences that state which expected flags are off, for a trail whose former settings are unknown."""
    for name in EXPECTED_SETTINGS:
        if not settings.get(name):
            yield f"{name} is off; the ledger does not know whether it was ever on."


def create_trail_options(settings: TrailSettings) -> str:
    """Return the options of `aws cloudtrail create-trail` that create a trail with *settings*, quoted for a shell."""
    words = []
    for setting in TRAIL_SETTINGS:
        value = settings.get(setting.name)
        if setting.option_for_off:
            words += [setting.option_for_off] if setting.name in settings and not value else []
        elif value:
            words += [setting.option] if setting.is_flag else [setting.option, shlex.quote(str(value))]
    return " ".join(words)
