"""Which rules hear an event, what keeps the nearest from it, and which parameters the template takes."""

from __future__ import annotations

from typing import Any

import pytest
from tests.account import ACCOUNT, REGION, event

from pipeseal.sandbox.rules import nearest, rules_of
from pipeseal.sandbox.stack import Stack, StackError, find_template

RULES = rules_of(tuple(Stack(find_template(), ACCOUNT, REGION, {}).functions()))
SEALED = event("PutBucketPolicy", {"bucketName": "harbor"})


def altered(source: str = "aws.s3", **detail: object) -> dict[str, Any]:
    """Return the event with another source, or other fields of the record."""
    return {**SEALED, "source": source, "detail": {**SEALED["detail"], **detail}}


def test_one_rule_hears_what_it_listens_to() -> None:
    """The bucket's function hears of the bucket's policy; of a read nobody hears."""
    assert [rule.function.name for rule in RULES if rule.hears(SEALED)] == ["BucketFunction"]
    assert not any(rule.hears(altered(readOnly=True)) for rule in RULES)


@pytest.mark.parametrize(
    ("unheard", "functions", "fields"),
    [
        (altered(eventName="GetObject"), ["BucketFunction"], ["detail.eventName"]),
        (altered(errorCode="AccessDenied"), ["BucketFunction"], ["detail.errorCode"]),
        (altered(source="aws.sss"), ["BucketFunction"], ["source"]),
        (altered(readOnly=True), ["BucketFunction"], ["detail.readOnly"]),
        ({**SEALED, "detail-type": "AWS Console Action via CloudTrail"}, ["BucketFunction"], ["detail-type"]),
        (
            altered("aws.iam", eventSource="iam.amazonaws.com", eventName="CreateUser"),
            [rule.function.name for rule in RULES],
            ["source", "detail.eventSource", "detail.eventName"],
        ),
    ],
)
def test_what_keeps_the_nearest_rules_from_it_is_named(
    unheard: dict[str, Any], functions: list[str], fields: list[str]
) -> None:
    """The fewest fields; where several rules are as near, what they have in common."""
    near, differences = nearest(RULES, unheard)
    assert [rule.function.name for rule in near] == functions
    assert [difference.field for difference in differences] == fields
    assert all(difference.wanted for difference in differences)


def test_a_difference_says_what_is_there_and_what_would_do() -> None:
    """A value that is missing is None; what several rules take is told once."""
    _, (source, *_others) = nearest(RULES, altered("aws.iam", eventSource="iam.amazonaws.com", eventName="CreateUser"))
    assert source.found == "aws.iam"
    assert set(source.wanted) == {rule.pattern["source"][0] for rule in RULES}
    _, (name,) = nearest(RULES, {**SEALED, "detail": {**SEALED["detail"], "eventName": None}})
    assert name.found is None


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"Mood": "detect"}, "no parameter Mood"),
        ({"Mode": "observe"}, "must be one of: enforce, detect"),
        ({"DeletionWindowDays": "31"}, "must be a number from 7 to 30"),
        ({"ArtifactKeyArn": "alias/mine"}, "must be key ARNs"),
        ({"MinimumTlsVersion": "1.1"}, "must be one of: (empty), 1.2, 1.3"),
    ],
)
def test_a_parameter_is_held_to_what_the_template_says(parameters: dict[str, str], says: str) -> None:
    """As CloudFormation would, by name."""
    with pytest.raises(StackError) as refused:
        Stack(find_template(), ACCOUNT, REGION, parameters)
    assert says in str(refused.value)


def test_the_partition_is_that_of_the_region() -> None:
    """In China the topic is not that of partition aws."""
    (first, *_) = Stack(find_template(), ACCOUNT, "cn-north-1", {}).functions()
    assert first.environment["ALERT_TOPIC_ARN"].startswith("arn:aws-cn:sns:cn-north-1:")
