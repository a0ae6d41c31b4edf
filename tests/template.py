"""template.yaml as Python data, for the tests that compare it with the code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).parents[1] / "template.yaml"


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: !Ref x is {"Ref": "x"}, !GetAtt x.Arn is {"Fn::GetAtt": "x.Arn"}."""


def _full_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _full_form)

TEMPLATE: dict[str, Any] = yaml.load(PATH.read_text("utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
GLOBALS: dict[str, Any] = TEMPLATE["Globals"]["Function"]


def resources_of(resource_type: str) -> dict[str, dict[str, Any]]:
    """Return the properties of every resource of a CloudFormation type, by logical ID."""
    return {
        name: resource.get("Properties", {})
        for name, resource in TEMPLATE["Resources"].items()
        if resource["Type"] == resource_type
    }


FUNCTIONS = resources_of("AWS::Serverless::Function")
ROLES = resources_of("AWS::IAM::Role")
ALARMS = resources_of("AWS::CloudWatch::Alarm")


def rules() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the logical ID and the properties of every EventBridge rule that SAM creates."""
    for function, properties in FUNCTIONS.items():
        for name, event in properties.get("Events", {}).items():
            if event["Type"] in ("EventBridgeRule", "Schedule"):
                yield f"{function}{name}", event["Properties"]


def role_of(function: str) -> str:
    """Return the logical ID of the role of *function*."""
    name, _, attribute = FUNCTIONS[function]["Role"]["Fn::GetAtt"].partition(".")
    assert attribute == "Arn"
    return str(name)


def statements(role: str) -> Iterator[dict[str, Any]]:
    """Yield every statement in the policies of *role*, with all conditions of the template true."""
    documents = [policy["PolicyDocument"] for policy in ROLES[role].get("Policies", ())]
    documents += [
        policy["PolicyDocument"]
        for policy in resources_of("AWS::IAM::Policy").values()
        if {"Ref": role} in policy.get("Roles", ())
    ]
    for document in documents:
        for statement in document["Statement"]:
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def as_list(value: Any) -> list[Any]:
    """Return *value* as a list; IAM accepts a single value instead of a list of one."""
    return value if isinstance(value, list) else [value]
