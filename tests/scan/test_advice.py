"""Advice for the account: each answer is yes, no or unknown, with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from pipeseal.scan.advice import account_advice
from pipeseal.scan.report import AdviceAnswer

ARN = "arn:aws:cloudtrail:us-east-1:123456789012:trail/{}"


def refused(operation: str, message: str) -> ClientError:
    """Make an error as AWS returns it."""
    return ClientError({"Error": {"Code": "AccessDeniedException", "Message": message}}, operation)


def answers(
    endpoints: list[Mapping[str, str]] | Exception = [],  # noqa: B006 - read only
    macie: str | Exception = "ENABLED",
    trails: list[Mapping[str, Any]] | Exception = [],  # noqa: B006 - as above
    logging: frozenset[str] = frozenset(),
) -> dict[str, tuple[AdviceAnswer, str]]:
    """Return answer and reason by the ID of the advice, for an AWS that returns these values, one endpoint a page."""

    def result(value: Any) -> Any:
        if isinstance(value, Exception):
            raise value
        return value

    class FakeAws:
        def get_paginator(self, _name: str) -> FakeAws:
            return self

        def paginate(self) -> Any:
            return ({"VpcEndpoints": [each]} for each in result(endpoints))

        def get_macie_session(self) -> dict[str, Any]:
            return {"status": result(macie)}

        def describe_trails(self) -> dict[str, Any]:
            return {"trailList": result(trails)}

        def get_trail_status(self, Name: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
            return {"IsLogging": Name in {ARN.format(each) for each in logging}}

    found = list(account_advice(lambda *_: FakeAws(), "us-east-1"))
    assert len(found) == len({each.id for each in found}) == 4
    return {each.id: (each.answer, each.reason) for each in found}


def endpoint(service: str, **fields: str) -> dict[str, str]:
    """Make an interface endpoint."""
    name = f"com.amazonaws.us-east-1.{service}"
    made = {"VpcEndpointId": f"vpce-{service}", "ServiceName": name, "VpcEndpointType": "Interface"}
    return {**made, "State": "available", **fields}


@pytest.mark.parametrize(
    ("endpoints", "codepipeline", "codedeploy"),
    [
        ([], AdviceAnswer.NO, AdviceAnswer.NO),
        ([endpoint("s3", VpcEndpointType="Gateway"), endpoint("codepipeline")], AdviceAnswer.YES, AdviceAnswer.NO),
        ([endpoint("codedeploy-commands-secure"), endpoint("codedeploy")], AdviceAnswer.NO, AdviceAnswer.YES),
        ([endpoint("codedeploy-commands-secure")], AdviceAnswer.NO, AdviceAnswer.NO),
        ([endpoint("codepipeline", State="pending")], AdviceAnswer.NO, AdviceAnswer.NO),
        (
            [endpoint("codepipeline", ServiceName="cn.com.amazonaws.us-east-1.codepipeline")],
            AdviceAnswer.YES,
            AdviceAnswer.NO,
        ),
        (
            [endpoint("codepipeline", ServiceName="com.amazonaws.eu-west-1.codepipeline")],
            AdviceAnswer.NO,
            AdviceAnswer.NO,
        ),
        (refused("DescribeVpcEndpoints", "no"), AdviceAnswer.UNKNOWN, AdviceAnswer.UNKNOWN),
    ],
)
def test_only_an_available_interface_endpoint_counts(
    endpoints: Any, codepipeline: AdviceAnswer, codedeploy: AdviceAnswer
) -> None:
    """It must be of the service and in the Region, and may be on any page."""
    found = answers(endpoints)
    assert (found["VPC_ENDPOINT.CODEPIPELINE"][0], found["VPC_ENDPOINT.CODEDEPLOY"][0]) == (codepipeline, codedeploy)


@pytest.mark.parametrize(
    ("macie", "answer", "says"),
    [
        ("ENABLED", AdviceAnswer.YES, "enabled"),
        ("PAUSED", AdviceAnswer.NO, "paused"),
        (refused("GetMacieSession", "Macie is not enabled."), AdviceAnswer.NO, "not enabled"),
        (
            refused("GetMacieSession", "User is not authorized to perform: macie2:GetMacieSession"),
            AdviceAnswer.UNKNOWN,
            "macie2",
        ),
        (EndpointConnectionError(endpoint_url="https://macie2.nowhere"), AdviceAnswer.UNKNOWN, "not reached"),
    ],
)
def test_disabled_macie_is_distinguished_from_a_missing_permission(macie: Any, answer: AdviceAnswer, says: str) -> None:
    """Both return the same error code; only the message differs."""
    found, reason = answers(macie=macie)["MACIE.ENABLED"]
    assert (found, says in reason) == (answer, True)


def trail(name: str, *, multi_region: bool = True, validated: bool = True) -> dict[str, Any]:
    """Make a trail as DescribeTrails returns it."""
    flags = {"IsMultiRegionTrail": multi_region, "LogFileValidationEnabled": validated}
    return {"Name": name, "TrailARN": ARN.format(name), "HomeRegion": "us-east-1", **flags}


@pytest.mark.parametrize(
    ("trails", "logging", "answer", "says"),
    [
        ([], (), AdviceAnswer.NO, "no trail"),
        (
            [trail("one", multi_region=False), trail("two", validated=False)],
            ("one", "two"),
            AdviceAnswer.NO,
            "none of 2",
        ),
        ([trail("one")], (), AdviceAnswer.NO, "not logging"),
        ([trail("one"), trail("two")], ("two",), AdviceAnswer.YES, "the trail two"),
        (refused("DescribeTrails", "no"), (), AdviceAnswer.UNKNOWN, "DescribeTrails"),
    ],
)
def test_one_multi_region_trail_that_validates_and_logs_is_required(
    trails: Any, logging: tuple[str, ...], answer: AdviceAnswer, says: str
) -> None:
    """A trail that is not multi-Region, does not validate its log files or does not log is not enough."""
    found, reason = answers(trails=trails, logging=frozenset(logging))["CLOUDTRAIL.MULTI_REGION"]
    assert (found, says in reason) == (answer, True)
