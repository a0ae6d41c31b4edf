"""The matters of the whole account that AWS's documents ask for and no control can settle: yes, no or unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from pipeseal.aws.clients import Clients, code
from pipeseal.scan.report import Advice, Answer

PERMISSIONS = (
    "cloudtrail:DescribeTrails",
    "cloudtrail:GetTrailStatus",
    "ec2:DescribeVpcEndpoints",
    "macie2:GetMacieSession",
)
"""IAM actions that the questions need."""

_Finding = tuple[Answer, str]


class _Question(NamedTuple):
    id: str
    title: str
    ask: Callable[[Clients, str], _Finding]
    advice: str
    source: str


def asked(clients: Clients, region: str) -> Iterator[Advice]:
    """Yield the answer to each question; what AWS does not say is unknown, with what it said instead."""
    for question in _QUESTIONS:
        try:
            answer, reason = question.ask(clients, region)
        except ClientError as error:
            said = error.response.get("Error", {}).get("Message", "")
            answer, reason = Answer.UNKNOWN, f"AWS refused {error.operation_name}: {code(error)}: {said}".rstrip(": ")
        except BotoCoreError as error:
            answer, reason = Answer.UNKNOWN, f"AWS was not reached: {error}"
        yield Advice(question.id, question.title, answer, reason, question.advice, question.source)


def _endpoint(service: str, beside: str = "") -> Callable[[Clients, str], _Finding]:
    """Return a question for the interface endpoint of *service*; whether *beside* has one is only mentioned."""

    def ask(clients: Clients, region: str) -> _Finding:
        found = {name: _endpoints(clients, region, name) for name in (service, beside) if name}
        reason = "; ".join(
            f"{name}: {', '.join(ids) or 'none is available in the Region'}" for name, ids in found.items()
        )
        return Answer.YES if found[service] else Answer.NO, reason

    return ask


def _endpoints(clients: Clients, region: str, service: str) -> list[str]:
    """Return the ids of the interface endpoints of *service*; China's service names have another prefix."""
    pages = clients("ec2", region).get_paginator("describe_vpc_endpoints").paginate()
    return [
        endpoint["VpcEndpointId"]
        for page in pages
        for endpoint in page["VpcEndpoints"]
        if endpoint["ServiceName"].endswith(f".{region}.{service}")
        and endpoint.get("VpcEndpointType") == "Interface"
        and endpoint.get("State", "").lower() == "available"
    ]


def _macie(clients: Clients, region: str) -> _Finding:
    try:
        status = clients("macie2", region).get_macie_session()["status"]
    except ClientError as error:
        # Macie answers so where nobody switched it on; a missing permission reads otherwise.
        if "not enabled" in str(error):
            return Answer.NO, "Macie is not enabled"
        raise
    return (Answer.YES if status == "ENABLED" else Answer.NO), f"Macie is {status.lower()}"


def _trail(clients: Clients, region: str) -> _Finding:
    """Trails of other Regions and of the organisation count: CloudTrail describes their shadows here."""
    cloudtrail = clients("cloudtrail", region)
    trails: list[dict[str, Any]] = cloudtrail.describe_trails()["trailList"]
    sound = [each for each in trails if each.get("IsMultiRegionTrail") and each.get("LogFileValidationEnabled")]
    for trail in sound:
        if cloudtrail.get_trail_status(Name=trail["TrailARN"])["IsLogging"]:
            return Answer.YES, f"the trail {trail['Name']} of {trail['HomeRegion']} is logging"
    if sound:
        return Answer.NO, f"the trail {sound[0]['Name']} would be one, but is not logging"
    return Answer.NO, f"none of {len(trails)} trails is one" if trails else "there is no trail"


_QUESTIONS = (
    _Question(
        "VPC_ENDPOINT.CODEPIPELINE",
        "An interface VPC endpoint for CodePipeline",
        _endpoint("codepipeline"),
        "Where machines in a VPC call CodePipeline, create an interface endpoint com.amazonaws.REGION.codepipeline.",
        "https://docs.aws.amazon.com/codepipeline/latest/userguide/infrastructure-security.html",
    ),
    _Question(
        "VPC_ENDPOINT.CODEDEPLOY",
        "An interface VPC endpoint for CodeDeploy",
        _endpoint("codedeploy", "codedeploy-commands-secure"),
        "Where machines in a VPC call CodeDeploy, create an interface endpoint com.amazonaws.REGION.codedeploy; where "
        "its agent runs on them, com.amazonaws.REGION.codedeploy-commands-secure too.",
        "https://docs.aws.amazon.com/codedeploy/latest/userguide/vpc-endpoints.html",
    ),
    _Question(
        "MACIE.ENABLED",
        "Macie looks for sensitive data in S3",
        _macie,
        "Enable Amazon Macie in the Region.",
        "https://docs.aws.amazon.com/codepipeline/latest/userguide/data-protection.html",
    ),
    _Question(
        "CLOUDTRAIL.MULTI_REGION",
        "A trail of every Region with log file validation",
        _trail,
        "Create a multi-Region trail with log file validation, or an organisation's: without a trail pipeseal hears of "
        "nothing.",
        "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/best-practices-security.html",
    ),
)
