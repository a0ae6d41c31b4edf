"""Recommendations of the AWS documentation for the account as a whole, which no control covers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from pipeseal.aws.clients import Clients
from pipeseal.kinds.trail.settings import LOG_FILE_VALIDATION, MULTI_REGION
from pipeseal.scan.errors import describe_error
from pipeseal.scan.report import Advice, AdviceAnswer

PERMISSIONS = (
    "cloudtrail:DescribeTrails",
    "cloudtrail:GetTrailStatus",
    "ec2:DescribeVpcEndpoints",
    "macie2:GetMacieSession",
)
"""IAM actions that the checks need."""

_Result = tuple[AdviceAnswer, str]
"""The answer, and the reason for it."""


class _Recommendation(NamedTuple):
    id: str
    title: str
    check: Callable[[Clients, str], _Result]
    advice: str
    source: str


def account_advice(clients: Clients, region: str) -> Iterator[Advice]:
    """Yield whether the account follows each recommendation in *region*; UNKNOWN, with the error, where AWS refuses."""
    for each in _RECOMMENDATIONS:
        try:
            answer, reason = each.check(clients, region)
        except (ClientError, BotoCoreError) as error:
            answer, reason = AdviceAnswer.UNKNOWN, describe_error(error)
        yield Advice(each.id, each.title, answer, reason, each.advice, each.source)


def _endpoint_check(service: str, mentioned: str = "") -> Callable[[Clients, str], _Result]:
    """Return a check for an interface endpoint of *service*; one of *mentioned* is reported, but not required."""

    def check(clients: Clients, region: str) -> _Result:
        found = {name: _endpoints(clients, region, name) for name in (service, mentioned) if name}
        reason = "; ".join(f"{name}: {', '.join(ids) or 'none available in the Region'}" for name, ids in found.items())
        return AdviceAnswer.YES if found[service] else AdviceAnswer.NO, reason

    return check


def _endpoints(clients: Clients, region: str, service: str) -> list[str]:
    """Return the IDs of the available interface endpoints of *service*."""
    pages = clients("ec2", region).get_paginator("describe_vpc_endpoints").paginate()
    return [
        endpoint["VpcEndpointId"]
        for page in pages
        for endpoint in page["VpcEndpoints"]
        # The prefix of the service name depends on the partition: com.amazonaws or cn.com.amazonaws.
        if endpoint["ServiceName"].endswith(f".{region}.{service}")
        and endpoint.get("VpcEndpointType") == "Interface"
        and endpoint.get("State", "").lower() == "available"
    ]


def _check_macie(clients: Clients, region: str) -> _Result:
    try:
        status = clients("macie2", region).get_macie_session()["status"]
    except ClientError as error:
        # Macie returns AccessDeniedException where it is disabled, too: only the message differs.
        if "not enabled" in str(error):
            return AdviceAnswer.NO, "Macie is not enabled"
        raise
    return (AdviceAnswer.YES if status == "ENABLED" else AdviceAnswer.NO), f"Macie is {status.lower()}"


def _check_trails(clients: Clients, region: str) -> _Result:
    """Trails of other Regions and of the organization count: DescribeTrails includes their shadow trails."""
    cloudtrail = clients("cloudtrail", region)
    trails: list[dict[str, object]] = cloudtrail.describe_trails()["trailList"]
    suitable = [each for each in trails if each.get(MULTI_REGION) and each.get(LOG_FILE_VALIDATION)]
    for trail in suitable:
        if cloudtrail.get_trail_status(Name=trail["TrailARN"])["IsLogging"]:
            return AdviceAnswer.YES, f"the trail {trail['Name']} of {trail['HomeRegion']} is logging"
    if suitable:
        return AdviceAnswer.NO, f"the trail {suitable[0]['Name']} is configured so, but is not logging"
    return AdviceAnswer.NO, f"none of {len(trails)} trails is configured so" if trails else "the Region has no trail"


_RECOMMENDATIONS = (
    _Recommendation(
        "VPC_ENDPOINT.CODEPIPELINE",
        "Interface VPC endpoint for CodePipeline",
        _endpoint_check("codepipeline"),
        "If hosts in a VPC call CodePipeline, create an interface endpoint for com.amazonaws.REGION.codepipeline.",
        "https://docs.aws.amazon.com/codepipeline/latest/userguide/infrastructure-security.html",
    ),
    _Recommendation(
        "VPC_ENDPOINT.CODEDEPLOY",
        "Interface VPC endpoint for CodeDeploy",
        _endpoint_check("codedeploy", "codedeploy-commands-secure"),
        "If hosts in a VPC call CodeDeploy, create an interface endpoint for com.amazonaws.REGION.codedeploy; if they "
        "run the CodeDeploy agent, also for com.amazonaws.REGION.codedeploy-commands-secure.",
        "https://docs.aws.amazon.com/codedeploy/latest/userguide/vpc-endpoints.html",
    ),
    _Recommendation(
        "MACIE.ENABLED",
        "Amazon Macie enabled",
        _check_macie,
        "Enable Amazon Macie in the Region; it discovers sensitive data in S3.",
        "https://docs.aws.amazon.com/codepipeline/latest/userguide/data-protection.html",
    ),
    _Recommendation(
        "CLOUDTRAIL.MULTI_REGION",
        "Multi-Region trail with log file validation",
        _check_trails,
        "Create a multi-Region trail or an organization trail, with log file validation: without a trail, pipeseal "
        "receives no events.",
        "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/best-practices-security.html",
    ),
)
