"""The pieces that each kind of resource consists of: what is missing is named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import pytest
from tests.event_cases import SAMPLES
from tests.resources import RESOURCES
from tests.template import PATH, TEMPLATE

from pipeseal.kinds.cloudtrail import events_of
from pipeseal.kinds.registry import KindSpec
from pipeseal.model import Kind

ROOT = PATH.parent
MODULES = ("value.py", "api.py", "events.py", "snippets.py")
REPOSITORY = KindSpec(
    service="ecr",
    name_pattern=r"[a-z0-9]+(?:[._/-][a-z0-9]+)*",
    control_files=("ecr_",),
    list_permissions=("ecr:DescribeRepositories",),
    cloudformation_type="AWS::ECR::Repository",
    arn_prefix="repository/",
)
"""A kind that does not exist."""


def missing_pieces(
    noun: str, spec: KindSpec, triggers: Iterable[str], template: Mapping[str, Any] = TEMPLATE
) -> Iterator[str]:
    """Yield a description of each piece that the kind *noun* lacks; *triggers* are the calls in its EVENTS."""
    folder = ROOT / "shared/pipeseal/kinds" / noun
    yield from (f"shared/pipeseal/kinds/{noun}/{name}" for name in MODULES if not (folder / name).is_file())
    for prefix in spec.control_files:
        if not list((ROOT / "shared/pipeseal/controls").glob(f"{prefix}*.py")):
            yield f"a control: shared/pipeseal/controls/{prefix}*.py"
    if noun not in RESOURCES:
        yield f"tests/resources.py: RESOURCES[{noun!r}]"
    if not list((ROOT / "tests/kinds" / noun).glob("test_*.py")):
        yield f"tests/kinds/{noun}/test_*.py"
    triggers = tuple(triggers) or (f"a call of {spec.service}",)
    for call in triggers:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", call).lower()
        if call not in {sample["detail"]["eventName"] for sample in SAMPLES.values()}:
            yield f"events/{name}.json: a sample of {call}"
    yield from (f"template.yaml: {piece}" for piece in _missing_in_template(noun, spec, triggers, template))


def _missing_in_template(
    noun: str, spec: KindSpec, triggers: Iterable[str], template: Mapping[str, Any]
) -> Iterator[str]:
    logical_id = spec.function or f"{noun.capitalize()}Function"
    resources = template["Resources"]
    properties = resources.get(logical_id, {}).get("Properties")
    if properties is None:
        yield f"the function {logical_id}"
        properties = {}
    role = str(properties.get("Role", {}).get("Fn::GetAtt", "")).partition(".")[0]
    if resources.get(role, {}).get("Type") != "AWS::IAM::Role":
        yield f"the role of {logical_id}"
    logs = properties.get("LoggingConfig", {}).get("LogGroup", {}).get("Ref")
    if resources.get(logs, {}).get("Type") != "AWS::Logs::LogGroup":
        yield f"the log group of {logical_id}"
    own_roles = template["Globals"]["Function"]["Environment"]["Variables"]["OWN_ROLES"]["Fn::Join"][1]
    if {"Fn::GetAtt": f"{role}.Arn"} not in own_roles:
        yield f"the role of {logical_id} in OWN_ROLES"
    matched = {
        name
        for event in properties.get("Events", {}).values()
        if event["Type"] == "EventBridgeRule"
        for detail in [event["Properties"]["Pattern"]["detail"]]
        if detail["eventSource"] == [f"{spec.service}.amazonaws.com"]
        for name in detail["eventName"]
    }
    yield from (f"{call} in a rule of {logical_id}" for call in triggers if call not in matched)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_all_its_pieces(kind: Kind) -> None:
    """No kind lacks a file, a sample event or a resource of the template; the sweep's alarm expects each kind."""
    assert list(missing_pieces(kind, kind.spec, events_of(kind).triggers)) == []


def test_every_folder_of_a_kind_is_in_the_registry() -> None:
    """A kind without a row would not be scanned."""
    folders = {path.parent.name for path in (ROOT / "shared/pipeseal/kinds").glob("*/value.py")}
    assert folders == set(Kind)


def test_the_missing_pieces_of_a_new_kind_are_named() -> None:
    """A kind that has only its row lacks everything else, and each piece is named."""
    assert list(missing_pieces("repository", REPOSITORY, ["CreateRepository"])) == [
        "shared/pipeseal/kinds/repository/value.py",
        "shared/pipeseal/kinds/repository/api.py",
        "shared/pipeseal/kinds/repository/events.py",
        "shared/pipeseal/kinds/repository/snippets.py",
        "a control: shared/pipeseal/controls/ecr_*.py",
        "tests/resources.py: RESOURCES['repository']",
        "tests/kinds/repository/test_*.py",
        "events/create_repository.json: a sample of CreateRepository",
        "template.yaml: the function RepositoryFunction",
        "template.yaml: the role of RepositoryFunction",
        "template.yaml: the log group of RepositoryFunction",
        "template.yaml: the role of RepositoryFunction in OWN_ROLES",
        "template.yaml: CreateRepository in a rule of RepositoryFunction",
    ]


def _drop(*path: str) -> Callable[[dict[str, Any]], None]:
    def drop(template: dict[str, Any]) -> None:
        for key in path[:-1]:
            template = template[key]
        del template[path[-1]]

    return drop


def _drop_own_role(template: dict[str, Any]) -> None:
    join = template["Globals"]["Function"]["Environment"]["Variables"]["OWN_ROLES"]["Fn::Join"]
    join[1].remove({"Fn::GetAtt": "KeyRole.Arn"})


def _drop_call(template: dict[str, Any]) -> None:
    (rule,) = template["Resources"]["KeyFunction"]["Properties"]["Events"].values()
    rule["Properties"]["Pattern"]["detail"]["eventName"].remove("ReplicateKey")


@pytest.mark.parametrize(
    ("drop", "named"),
    [
        (_drop("Resources", "KeyRole"), "the role of KeyFunction"),
        (_drop("Resources", "KeyLogs"), "the log group of KeyFunction"),
        (_drop_own_role, "the role of KeyFunction in OWN_ROLES"),
        (_drop_call, "ReplicateKey in a rule of KeyFunction"),
    ],
)
def test_a_piece_that_the_template_lost_is_named(drop: Callable[[dict[str, Any]], None], named: str) -> None:
    """Without one piece of its block, a kind lacks exactly that piece."""
    template = deepcopy(TEMPLATE)
    drop(template)
    triggers = events_of(Kind.KEY).triggers
    assert list(missing_pieces(Kind.KEY, Kind.KEY.spec, triggers, template)) == [f"template.yaml: {named}"]
