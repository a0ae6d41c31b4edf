"""What template.yaml deploys, as far as the embedded account needs it: functions and their rules, what they keep."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipeseal.model import partition_of

_RULES = {"EventBridgeRule", "CloudWatchEvent"}
_SUBSTITUTED = re.compile(r"\$\{([^!}]+)}")
_ROLE = "AWS::IAM::Role"
_FIRST_RETRIES = 2
"""How often Lambda retries an asynchronous invocation where nothing says otherwise."""
_FIRST_TIMEOUT = 3
"""Seconds that Lambda gives a function where nothing says otherwise."""


class StackError(Exception):
    """The template cannot be found or understood; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function that EventBridge invokes."""

    name: str
    path: Path
    handler: str
    environment: Mapping[str, str]
    rules: Mapping[str, Mapping[str, Any]]
    """The event pattern of each of its rules by the rule's name: one that matches is enough."""
    timeout: int
    """Seconds that it may take."""
    retries: int = _FIRST_RETRIES

    @property
    def patterns(self) -> tuple[Mapping[str, Any], ...]:
        """Return the event patterns of its rules."""
        return tuple(self.rules.values())


def find_template() -> Path:
    """Return the template of this checkout, or of the one around the working directory; raise StackError."""
    for start in (Path(__file__).resolve(), Path.cwd() / "here"):
        for folder in start.parents:
            template = folder / "template.yaml"
            if template.is_file() and (folder / "functions").is_dir():
                return template
    raise StackError("there is no template.yaml here: run this in a clone of pipeseal, which has the functions too")


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: !Ref x is {"Ref": "x"}."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    match node:
        case yaml.ScalarNode():
            return {name: loader.construct_scalar(node)}
        case yaml.SequenceNode():
            return {name: loader.construct_sequence(node, deep=True)}
        case _:
            assert isinstance(node, yaml.MappingNode)  # noqa: S101 - YAML has no fourth kind
            return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _short_form)


def _check(name: str, value: str, declared: Mapping[str, Any]) -> None:
    """Raise StackError where CloudFormation would not take *value* for the parameter *name*."""
    if allowed := [str(each) for each in declared.get("AllowedValues", ())]:
        fits, wanted = value in allowed, f"must be one of: {', '.join(each or '(empty)' for each in allowed)}"
    elif declared["Type"] == "Number":
        least, most = declared.get("MinValue", 0), declared.get("MaxValue", 2**31)
        fits, wanted = value.isdecimal() and least <= int(value) <= most, f"must be a number from {least} to {most}"
    else:
        fits = re.fullmatch(declared.get("AllowedPattern", ".*"), value, re.DOTALL) is not None
        wanted = declared.get("ConstraintDescription", "is not what the template allows")
    if not fits:
        raise StackError(f"the parameter {name} is {value!r}: it {wanted}")


class Stack:
    """The template at *path* as a stack of that *name*; *parameters* override the template's defaults."""

    def __init__(
        self, path: Path, account: str, region: str, parameters: Mapping[str, str], name: str = "pipeseal"
    ) -> None:
        """Read the template; raise StackError where it is none, or where it does not take *parameters*."""
        self.path = path
        try:
            self._template = yaml.load(path.read_text("utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
            declared = self._template["Parameters"]
            self._resources: Mapping[str, Any] = self._template["Resources"]
        except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
            raise StackError(f"{path} is no SAM template that could be read: {error!r}") from error
        if unknown := set(parameters) - set(declared):
            known = ", ".join(sorted(declared))
            raise StackError(f"{path} has no parameter {', '.join(sorted(unknown))}; it has: {known}")
        for parameter, value in parameters.items():
            _check(parameter, value, declared[parameter])
        self._values = {
            "AWS::StackName": name,
            "AWS::AccountId": account,
            "AWS::Region": region,
            "AWS::Partition": partition_of(region),
            "AWS::URLSuffix": "amazonaws.com",
            **{parameter: str(each.get("Default", "")) for parameter, each in declared.items()},
            **parameters,
        }

    def functions(self) -> Iterator[Function]:
        """Yield the functions that an event pattern invokes."""
        shared = self._template.get("Globals", {}).get("Function", {})
        for name, resource in self._resources.items():
            if resource["Type"] != "AWS::Serverless::Function":
                continue
            own = resource["Properties"]
            events = own.get("Events", {}).items()
            rules = {rule: event["Properties"]["Pattern"] for rule, event in events if event["Type"] in _RULES}
            if rules:
                yield self._function(name, shared, own, rules)

    def _function(self, name: str, shared: Any, own: Any, rules: Mapping[str, Any]) -> Function:
        module, _, handler = own["Handler"].rpartition(".")
        variables = {
            **shared.get("Environment", {}).get("Variables", {}),
            **own.get("Environment", {}).get("Variables", {}),
        }
        return Function(
            name=name,
            path=self.path.parent / (own.get("CodeUri") or shared["CodeUri"]) / f"{module}.py",
            handler=handler,
            environment={each: self.resolve(value, f"{name}'s variable {each}") for each, value in variables.items()},
            rules=rules,
            timeout=int(own.get("Timeout") or shared.get("Timeout") or _FIRST_TIMEOUT),
            retries=(own.get("EventInvokeConfig") or shared.get("EventInvokeConfig") or {}).get(
                "MaximumRetryAttempts", _FIRST_RETRIES
            ),
        )

    def properties(self, kind: str) -> Iterator[Mapping[str, Any]]:
        """Yield the properties of every resource of the type *kind*."""
        for resource in self._resources.values():
            if resource["Type"] == kind:
                yield resource.get("Properties", {})

    def resolve(self, value: object, what: str) -> str:
        """Return the text that CloudFormation would put for *value*; raise StackError for what other resources say."""
        match value:
            case {"Ref": str(name)} if name in self._values:
                return self._values[name]
            case {"Fn::Sub": str(text)} if set(_SUBSTITUTED.findall(text)) <= set(self._values):
                return _SUBSTITUTED.sub(lambda found: self._values[found[1]], text)
            case {"Fn::Join": [str(between), list(parts)]}:
                return between.join(self.resolve(part, what) for part in parts)
            case {"Fn::GetAtt": str(path)} if self._resources.get(path.removesuffix(".Arn"), {}).get("Type") == _ROLE:
                name = f"{self._values['AWS::StackName']}-{path.removesuffix('.Arn')}"
                return f"arn:{self._values['AWS::Partition']}:iam::{self._values['AWS::AccountId']}:role/{name}"
            case str() | int() | float():
                return str(value)
        raise StackError(f"{self.path}: {what} is {value!r}, and the embedded account knows parameters and roles only")
