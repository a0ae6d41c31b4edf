"""Which rules of the template match an event, and which fields of an event keep the nearest rules from matching."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fake_account import ACCOUNT, REGION, event

from pipeseal.sandbox.event_rules import nearest_rules, rules_of
from pipeseal.sandbox.template import Template, find_template

RULES = rules_of(tuple(Template(find_template(), ACCOUNT, REGION, {}).functions()))
MATCHING = event("PutBucketPolicy", {"bucketName": "harbor"})


def altered(source: str = "aws.s3", **detail: object) -> dict[str, Any]:
    """Return the matching event with another source, or with other fields in its CloudTrail record."""
    return {**MATCHING, "source": source, "detail": {**MATCHING["detail"], **detail}}


def test_only_the_rule_for_a_call_matches_its_event() -> None:
    """PutBucketPolicy invokes the bucket's function only; a read-only event invokes none."""
    assert [rule.function.name for rule in RULES if rule.matches(MATCHING)] == ["BucketFunction"]
    assert not any(rule.matches(altered(readOnly=True)) for rule in RULES)


@pytest.mark.parametrize(
    ("unmatched", "functions", "fields"),
    [
        (altered(eventName="GetObject"), ["BucketFunction"], ["detail.eventName"]),
        (altered(errorCode="AccessDenied"), ["BucketFunction"], ["detail.errorCode"]),
        (altered(source="aws.sss"), ["BucketFunction"], ["source"]),
        (altered(readOnly=True), ["BucketFunction"], ["detail.readOnly"]),
        ({**MATCHING, "detail-type": "AWS Console Action via CloudTrail"}, ["BucketFunction"], ["detail-type"]),
        (
            altered("aws.iam", eventSource="iam.amazonaws.com", eventName="CreateUser"),
            [rule.function.name for rule in RULES],
            ["source", "detail.eventSource", "detail.eventName"],
        ),
    ],
)
def test_the_nearest_rules_are_those_with_the_fewest_mismatched_fields(
    unmatched: dict[str, Any], functions: list[str], fields: list[str]
) -> None:
    """Where several rules are equally near, only the fields in which all of them differ are named."""
    nearest, mismatches = nearest_rules(RULES, unmatched)
    assert [rule.function.name for rule in nearest] == functions
    assert [mismatch.field for mismatch in mismatches] == fields
    assert all(mismatch.accepted for mismatch in mismatches)


def test_a_mismatch_has_the_value_of_the_event_and_the_accepted_values() -> None:
    """A missing value is None; a value that several rules accept is listed once."""
    iam = altered("aws.iam", eventSource="iam.amazonaws.com", eventName="CreateUser")
    _, (source, *_others) = nearest_rules(RULES, iam)
    assert source.found == "aws.iam"
    assert set(source.accepted) == {rule.pattern["source"][0] for rule in RULES}
    assert len(source.accepted) == len(set(source.accepted))
    _, (name,) = nearest_rules(RULES, {**MATCHING, "detail": {**MATCHING["detail"], "eventName": None}})
    assert name.found is None
