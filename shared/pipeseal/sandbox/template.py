"""The SAM template as far as the embedded account needs it: functions, their rules, and properties of resources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import yaml

from pipeseal.aws.documents import Document, MutableDocument
from pipeseal.model import partition_of

_RULE_EVENTS = {"EventBridgeRule", "CloudWatchEvent"}
_SUBSTITUTION = re.compile(r"\$\{([^!}]+)}")
_ROLE = "AWS::IAM::Role"
_DEFAULT_RETRIES = 2
"""How often Lambda retries an asynchronous invocation (MaximumRetryAttempts) by default."""
_DEFAULT_TIMEOUT = 3
"""Lambda's default timeout of a function in seconds."""


class TemplateError(Exception):
    """The template cannot be found or read, or does not accept a parameter; the text says what to do."""


@dataclass(frozen=True, slots=True)
class TemplateFunction:
    """A Lambda function that EventBridge rules invoke."""

    name: str
    """Its logical ID."""
    path: Path
    handler: str
    environment: Mapping[str, str]
    rules: Mapping[str, Document]
    """Name of each of its rules -> event pattern."""
    timeout: int
    """In seconds."""
    retries: int = _DEFAULT_RETRIES

    @property
    def patterns(self) -> tuple[Document, ...]:
        """Return the event patterns of its rules."""
        return tuple(self.rules.values())


def find_template() -> Path:
    """Return the template of the clone that holds this file, else of the one that holds the working directory.

    Raises TemplateError where neither is in a clone.
    """
    for folder in (*Path(__file__).resolve().parents, Path.cwd(), *Path.cwd().parents):
        template = folder / "template.yaml"
        if template.is_file() and (folder / "functions").is_dir():
            return template
    raise TemplateError("no template.yaml found; run this in a clone of pipeseal, which also has the functions")


class _TemplateLoader(yaml.SafeLoader):
    """YAML with the short form of CloudFormation's intrinsic functions: !Ref x becomes {"Ref": "x"}."""


def _full_form(loader: _TemplateLoader, suffix: str, node: yaml.Node) -> MutableDocument:
    """Return the full form of an intrinsic function."""
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    match node:
        case yaml.ScalarNode():
            return {name: loader.construct_scalar(node)}
        case yaml.SequenceNode():
            return {name: loader.construct_sequence(node, deep=True)}
        case _:
            assert isinstance(node, yaml.MappingNode)  # noqa: S101 - YAML has three kinds of nodes
            return {name: loader.construct_mapping(node, deep=True)}


_TemplateLoader.add_multi_constructor("!", _full_form)


class Template:
    """The template at *path*, deployed as the stack *stack_name*; *parameters* override the template's defaults."""

    def __init__(
        self, path: Path, account: str, region: str, parameters: Mapping[str, str], stack_name: str = "pipeseal"
    ) -> None:
        """Read the template; raise TemplateError where it is invalid or does not accept *parameters*."""
        self.path = path
        self._scope = (account, region)
        self._parameters = parameters
        self._stack_name = stack_name
        try:
            self._template = yaml.load(path.read_text("utf-8"), Loader=_TemplateLoader)  # noqa: S506 - a SafeLoader
            declared = self._template["Parameters"]
            self._resources: Document = self._template["Resources"]
        except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
            raise TemplateError(f"{path} is not a SAM template that can be read: {error!r}") from error
        if unknown := set(parameters) - set(declared):
            known = ", ".join(sorted(declared))
            raise TemplateError(f"{path} has no parameter {', '.join(sorted(unknown))}; it has: {known}")
        for parameter, value in parameters.items():
            _check_parameter(parameter, value, declared[parameter])
        self._values = {
            "AWS::StackName": stack_name,
            "AWS::AccountId": account,
            "AWS::Region": region,
            "AWS::Partition": partition_of(region),
            "AWS::URLSuffix": "amazonaws.com",
            **{parameter: str(each.get("Default", "")) for parameter, each in declared.items()},
            **parameters,
        }

    def with_parameters(self, parameters: Mapping[str, str]) -> Self:
        """Return the template with further *parameters*; raise TemplateError where it does not accept them."""
        return type(self)(self.path, *self._scope, {**self._parameters, **parameters}, self._stack_name)

    def functions(self) -> Iterator[TemplateFunction]:
        """Yield the functions that are the target of a rule with an event pattern."""
        shared = self._template.get("Globals", {}).get("Function", {})
        for name, resource in self._resources.items():
            if resource["Type"] != "AWS::Serverless::Function":
                continue
            own = resource["Properties"]
            events = own.get("Events", {}).items()
            rules = {rule: event["Properties"]["Pattern"] for rule, event in events if event["Type"] in _RULE_EVENTS}
            if rules:
                yield self._function(name, shared, own, rules)

    def _function(self, name: str, shared: Document, own: Document, rules: Document) -> TemplateFunction:
        """Return the function with its *own* properties, and the *shared* ones of Globals where it has none."""
        module, _, handler = own["Handler"].rpartition(".")
        variables = {
            **shared.get("Environment", {}).get("Variables", {}),
            **own.get("Environment", {}).get("Variables", {}),
        }
        return TemplateFunction(
            name=name,
            path=self.path.parent / (own.get("CodeUri") or shared["CodeUri"]) / f"{module}.py",
            handler=handler,
            environment={each: self.resolve(value, f"{name}'s variable {each}") for each, value in variables.items()},
            rules=rules,
            timeout=int(own.get("Timeout") or shared.get("Timeout") or _DEFAULT_TIMEOUT),
            retries=(own.get("EventInvokeConfig") or shared.get("EventInvokeConfig") or {}).get(
                "MaximumRetryAttempts", _DEFAULT_RETRIES
            ),
        )

    def properties(self, resource_type: str) -> Iterator[Document]:
        """Yield the properties of every resource of that type."""
        for resource in self._resources.values():
            if resource["Type"] == resource_type:
                yield resource.get("Properties", {})

    def resolve(self, value: object, purpose: str) -> str:
        """Return the text that CloudFormation would put for *value*; *purpose* names it in the error.

        Raises TemplateError where the value depends on anything but parameters and roles.
        """
        match value:
            case {"Ref": str(name)} if name in self._values:
                return self._values[name]
            case {"Fn::Sub": str(text)} if set(_SUBSTITUTION.findall(text)) <= set(self._values):
                return _SUBSTITUTION.sub(lambda found: self._values[found[1]], text)
            case {"Fn::Join": [str(between), list(parts)]}:
                return between.join(self.resolve(part, purpose) for part in parts)
            case {"Fn::GetAtt": str(path)} if self._resources.get(path.removesuffix(".Arn"), {}).get("Type") == _ROLE:
                name = f"{self._values['AWS::StackName']}-{path.removesuffix('.Arn')}"
                return f"arn:{self._values['AWS::Partition']}:iam::{self._values['AWS::AccountId']}:role/{name}"
            case str() | int() | float():
                return str(value)
        raise TemplateError(f"{self.path}: {purpose} is {value!r}; the embedded account resolves parameters and roles")


def _check_parameter(name: str, value: str, declared: Document) -> None:
    """Raise TemplateError where CloudFormation would not accept *value* for the parameter *name*."""
    if allowed := [str(each) for each in declared.get("AllowedValues", ())]:
        valid, constraint = value in allowed, f"must be one of: {', '.join(each or '(empty)' for each in allowed)}"
    elif declared["Type"] == "Number":
        least, most = declared.get("MinValue", 0), declared.get("MaxValue", 2**31)
        valid, constraint = (
            value.isdecimal() and least <= int(value) <= most,
            f"must be a number from {least} to {most}",
        )
    else:
        valid = re.fullmatch(declared.get("AllowedPattern", ".*"), value, re.DOTALL) is not None
        constraint = declared.get("ConstraintDescription", "does not match the template's AllowedPattern")
    if not valid:
        raise TemplateError(f"the parameter {name} is {value!r}: it {constraint}")
