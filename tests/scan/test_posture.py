"""The account's own matters: each answer yes, no or unknown, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from pipeseal.scan.posture import asked
from pipeseal.scan.report import Answer

ARN = "arn:aws:cloudtrail:us-east-1:123456789012:trail/{}"


def refused(operation: str, message: str) -> ClientError:
    """Make AWS's refusal."""
    return ClientError({"Error": {"Code": "AccessDeniedException", "Message": message}}, operation)


def answers(
    endpoints: list[Mapping[str, str]] | Exception = [],  # noqa: B006 - read only
    macie: str | Exception = "ENABLED",
    trails: list[Mapping[str, Any]] | Exception = [],  # noqa: B006 - as above
    logging: frozenset[str] = frozenset(),
) -> dict[str, tuple[Answer, str]]:
    """Ask an AWS that says that, in pages of one endpoint; return answer and reason by the id of the question."""

    def said(what: Any) -> Any:
        if isinstance(what, Exception):
            raise what
        return what

    class Aws:
        def get_paginator(self, _name: str) -> Aws:
            return self

        def paginate(self) -> Any:
            return ({"VpcEndpoints": [each]} for each in said(endpoints))

        def get_macie_session(self) -> dict[str, Any]:
            return {"status": said(macie)}

        def describe_trails(self) -> dict[str, Any]:
            return {"trailList": said(trails)}

        def get_trail_status(self, Name: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
            return {"IsLogging": Name in {ARN.format(each) for each in logging}}

    found = list(asked(lambda *_: Aws(), "us-east-1"))
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
        ([], Answer.NO, Answer.NO),
        ([endpoint("s3", VpcEndpointType="Gateway"), endpoint("codepipeline")], Answer.YES, Answer.NO),
        ([endpoint("codedeploy-commands-secure"), endpoint("codedeploy")], Answer.NO, Answer.YES),
        ([endpoint("codedeploy-commands-secure")], Answer.NO, Answer.NO),
        ([endpoint("codepipeline", State="pending")], Answer.NO, Answer.NO),
        ([endpoint("codepipeline", ServiceName="cn.com.amazonaws.us-east-1.codepipeline")], Answer.YES, Answer.NO),
        ([endpoint("codepipeline", ServiceName="com.amazonaws.eu-west-1.codepipeline")], Answer.NO, Answer.NO),
        (refused("DescribeVpcEndpoints", "no"), Answer.UNKNOWN, Answer.UNKNOWN),
    ],
)
def test_an_endpoint_is_one_that_is_available(endpoints: Any, codepipeline: Answer, codedeploy: Answer) -> None:
    """Of that service, in that Region, whichever page it is on."""
    found = answers(endpoints)
    assert (found["VPC_ENDPOINT.CODEPIPELINE"][0], found["VPC_ENDPOINT.CODEDEPLOY"][0]) == (codepipeline, codedeploy)


@pytest.mark.parametrize(
    ("macie", "answer", "says"),
    [
        ("ENABLED", Answer.YES, "enabled"),
        ("PAUSED", Answer.NO, "paused"),
        (refused("GetMacieSession", "Macie is not enabled."), Answer.NO, "not enabled"),
        (
            refused("GetMacieSession", "User is not authorized to perform: macie2:GetMacieSession"),
            Answer.UNKNOWN,
            "macie2",
        ),
        (EndpointConnectionError(endpoint_url="https://macie2.nowhere"), Answer.UNKNOWN, "not reached"),
    ],
)
def test_macie_that_is_off_is_told_from_one_that_is_kept_from_us(macie: Any, answer: Answer, says: str) -> None:
    """Both come as the same error; only what Macie says with it differs."""
    found, reason = answers(macie=macie)["MACIE.ENABLED"]
    assert (found, says in reason) == (answer, True)


def trail(name: str, *, everywhere: bool = True, validated: bool = True) -> dict[str, Any]:
    """Make a trail as DescribeTrails has it."""
    flags = {"IsMultiRegionTrail": everywhere, "LogFileValidationEnabled": validated}
    return {"Name": name, "TrailARN": ARN.format(name), "HomeRegion": "us-east-1", **flags}


@pytest.mark.parametrize(
    ("trails", "logging", "answer", "says"),
    [
        ([], (), Answer.NO, "no trail"),
        ([trail("one", everywhere=False), trail("two", validated=False)], ("one", "two"), Answer.NO, "none of 2"),
        ([trail("one")], (), Answer.NO, "not logging"),
        ([trail("one"), trail("two")], ("two",), Answer.YES, "the trail two"),
        (refused("DescribeTrails", "no"), (), Answer.UNKNOWN, "DescribeTrails"),
    ],
)
def test_a_trail_counts_that_is_everywhere_validated_and_logging(
    trails: Any, logging: tuple[str, ...], answer: Answer, says: str
) -> None:
    """One is enough."""
    found, reason = answers(trails=trails, logging=frozenset(logging))["CLOUDTRAIL.MULTI_REGION"]
    assert (found, says in reason) == (answer, True)
