"""template.yaml as data, for the tests that hold it to its word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).parents[1] / "template.yaml"


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: !Ref x is {"Ref": "x"}, !GetAtt x.Arn is {"Fn::GetAtt": "x.Arn"}."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _short_form)

TEMPLATE: dict[str, Any] = yaml.load(PATH.read_text("utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
GLOBALS: dict[str, Any] = TEMPLATE["Globals"]["Function"]


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of every resource of the type *kind*, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in TEMPLATE["Resources"].items()
        if resource["Type"] == kind
    }


FUNCTIONS = resources("AWS::Serverless::Function")
ROLES = resources("AWS::IAM::Role")


def rules() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the logical id and the properties of every rule that SAM makes."""
    for function, properties in FUNCTIONS.items():
        for name, event in properties.get("Events", {}).items():
            if event["Type"] in ("EventBridgeRule", "Schedule"):
                yield f"{function}{name}", event["Properties"]


def role_of(function: str) -> str:
    """Return the logical id of the role of *function*."""
    name, _, attribute = FUNCTIONS[function]["Role"]["Fn::GetAtt"].partition(".")
    assert attribute == "Arn"
    return str(name)


def statements(role: str) -> Iterator[dict[str, Any]]:
    """Yield every statement that *role* is granted by, as if all conditions of the template held."""
    documents = [policy["PolicyDocument"] for policy in ROLES[role].get("Policies", ())]
    documents += [
        policy["PolicyDocument"]
        for policy in resources("AWS::IAM::Policy").values()
        if {"Ref": role} in policy.get("Roles", ())
    ]
    for document in documents:
        for statement in document["Statement"]:
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def listed(value: Any) -> list[Any]:
    """Return *value* as the list that IAM takes it for."""
    return value if isinstance(value, list) else [value]
