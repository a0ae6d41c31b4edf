"""CloudFormation: properties of the template that MiniStack drops, and alarms on a sum of metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import dynamodb, sns
from ministack.services import iam as iam_service
from ministack.services.cloudformation import provisioners

_ABOVE = "GreaterThanThreshold"


def install() -> None:
    """Make CloudFormation apply the properties that the tests check."""
    _split_alarms_on_sums()
    _after_creating("AWS::IAM::Role", _set_boundary)
    _after_creating("AWS::SNS::Topic", _encrypt_topic)
    _after_creating("AWS::DynamoDB::Table", _encrypt_table)


def _after_creating(kind: str, apply: Callable[[str, Mapping[str, Any]], None]) -> None:
    """Call *apply* with the physical ID and the properties of each new resource of the type *kind*."""
    handlers = provisioners._RESOURCE_HANDLERS[kind]
    create = handlers["create"]

    def creating(logical_id: str, properties: Mapping[str, Any], stack: str) -> Any:
        made = create(logical_id, properties, stack)
        apply(made[0], properties)
        return made

    handlers["create"] = creating


def _encrypt_topic(arn: str, properties: Mapping[str, Any]) -> None:
    sns._topics[arn]["attributes"]["KmsMasterKeyId"] = properties.get("KmsMasterKeyId", "")


def _encrypt_table(name: str, properties: Mapping[str, Any]) -> None:
    specification = properties.get("SSESpecification")
    dynamodb._tables[name]["SSEDescription"] = dynamodb._sse_description_from_spec(specification)


def _set_boundary(name: str, properties: Mapping[str, Any]) -> None:
    if boundary := properties.get("PermissionsBoundary"):
        iam_service._roles[name]["PermissionsBoundary"] = boundary


def _split_alarms_on_sums() -> None:
    """Create one alarm for each metric where the template has an alarm on their sum: MiniStack has no metric math."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]
    create = handlers["create"]

    def creating(logical_id: str, properties: Mapping[str, Any], stack: str) -> Any:
        parts = [each["MetricStat"] for each in properties.get("Metrics", ()) if "MetricStat" in each]
        if not parts:
            return create(logical_id, properties, stack)
        if (properties["Threshold"], properties["ComparisonOperator"]) not in ((0, _ABOVE), ("0", _ABOVE)):
            raise ValueError(f"{logical_id}: only an alarm on a sum above 0 is equal to an alarm on each part above 0")
        rest = {name: value for name, value in properties.items() if name != "Metrics"}
        made = []
        for number, part in enumerate(parts):
            own = {**part["Metric"], "Period": part["Period"], "Statistic": part["Stat"]}
            name = properties["AlarmName"] + (f"-{number}" if number else "")
            made.append(create(logical_id, {**rest, **own, "AlarmName": name}, stack))
        return made[0]

    handlers["create"] = creating
