"""Settings of a trail: one table for GetTrail, CloudTrail records and create-trail, and what a change loses."""

from __future__ import annotations

import shlex
from typing import Any

import boto3
import pytest
from tests.resources import COMPLETE_SETTINGS

from pipeseal.kinds.trail.settings import (
    EXPECTED_SETTINGS,
    TRAIL_SETTINGS,
    TrailSetting,
    create_trail_options,
    find_losses,
    find_missing,
    settings_from_record,
    settings_from_response,
)

every_setting = pytest.mark.parametrize("setting", TRAIL_SETTINGS, ids=lambda setting: str(setting.name))


@every_setting
def test_names_are_those_of_the_api(setting: TrailSetting) -> None:
    """Each name is a member of GetTrail's Trail, and in records the same name begins with a lowercase letter."""
    response: Any = boto3.client("cloudtrail", "us-east-1").meta.service_model.operation_model("GetTrail").output_shape
    trail = response.members["Trail"]
    assert setting.name in trail.members
    assert setting.record_name[0].islower()
    assert setting.record_name.lower() == setting.name.lower()
    assert (trail.members[setting.name].type_name == "boolean") is setting.is_flag


@every_setting
def test_options_are_those_of_create_trail(setting: TrailSetting) -> None:
    """Each option is that of a parameter of CreateTrail."""
    request: Any = boto3.client("cloudtrail", "us-east-1").meta.service_model.operation_model("CreateTrail").input_shape
    parameters = {name.lower() for name in request.members}
    option = (setting.option or setting.option_for_off).removeprefix("--no")
    assert option.replace("-", "") in parameters


def test_settings_are_read_from_responses_and_records() -> None:
    """GetTrail's response and a record of the same trail give the same settings, and other fields are ignored."""
    response = {**COMPLETE_SETTINGS, "SnsTopicName": "topic", "HasInsightSelectors": True}
    record: dict[str, Any] = {"s3BucketName": "harbor-trail", "snsTopicName": "topic", "name": "x", "kmsKeyId": None}
    record |= {"includeGlobalServiceEvents": True, "isMultiRegionTrail": True, "logFileValidationEnabled": True}
    assert settings_from_response(response) == settings_from_record(record)
    assert settings_from_record(record) == {**COMPLETE_SETTINGS, "SnsTopicName": "topic"}


@every_setting
def test_each_loss_is_stated_once(setting: TrailSetting) -> None:
    """A flag that is turned off or a value that changes is one sentence, and the reverse is none for a flag."""
    former: dict[str, Any] = {setting.name: True if setting.is_flag else "former"}
    now: dict[str, Any] = {setting.name: False} if setting.is_flag else {}
    assert len(list(find_losses(now, former))) == bool(setting.loss)
    assert list(find_losses(former, former)) == []
    assert list(find_losses(former, now)) == []


def test_expected_flags_that_are_off_are_named() -> None:
    """Without former settings only the flags that every trail should have are checked."""
    assert list(find_missing(COMPLETE_SETTINGS)) == []
    assert [sentence.split()[0] for sentence in find_missing({})] == list(EXPECTED_SETTINGS)


def test_the_options_create_the_same_trail() -> None:
    """Flags have no value, values are quoted, and a default that is off has its own option."""
    settings = {**COMPLETE_SETTINGS, "IncludeGlobalServiceEvents": False, "S3KeyPrefix": "a b"}
    assert shlex.split(create_trail_options(settings)) == [
        "--s3-bucket-name",
        "harbor-trail",
        "--s3-key-prefix",
        "a b",
        "--is-multi-region-trail",
        "--no-include-global-service-events",
        "--enable-log-file-validation",
    ]
