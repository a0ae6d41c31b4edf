"""The registry and the folders of the kinds agree, and every folder is complete."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from tests.resources import ACCOUNT, REGION, RESOURCES

from pipeseal import controls, kinds
from pipeseal.discovery import module_names
from pipeseal.kinds.access import adapter_of
from pipeseal.kinds.adapter import Adapter
from pipeseal.kinds.registry import Kind
from pipeseal.model import Ref, Resource

FOLDER = Path(*kinds.__path__)
ORDINARY_NAME = "harbor-1"

every_kind = pytest.mark.parametrize("kind", Kind)


def value_class(kind: Kind) -> type[Resource]:
    """Return the class of the kind's resources: the one that its adapter is typed by."""
    adapter: Any = type(adapter_of(kind))
    (base,) = adapter.__orig_bases__
    resource: type[Resource]
    (resource,) = get_args(base)
    assert issubclass(resource, Resource)
    return resource


def test_the_registry_has_every_folder() -> None:
    """Each folder in kinds/ is a kind of the registry, and each kind has a folder."""
    folders = {path.parent.name for path in FOLDER.glob("*/__init__.py")}
    assert folders == set(map(str, Kind))
    assert set(RESOURCES) == set(Kind)


@every_kind
def test_the_folder_is_complete(kind: Kind) -> None:
    """Every kind has a value, events and API calls, and snippets where pipeseal writes to it."""
    modules = set(module_names([str(FOLDER / kind)]))
    assert {"value", "events", "api"} <= modules
    state = get_type_hints(value_class(kind).state)["return"]
    if getattr(state, "__annotations__", state):
        assert "snippets" in modules


@every_kind
def test_the_events_of_the_folder_are_found(kind: Kind) -> None:
    """The module events has the attribute EVENTS."""
    assert import_module(f"{kinds.__name__}.{kind}.events").EVENTS


@every_kind
def test_the_adapter_is_that_of_the_folder(kind: Kind) -> None:
    """The adapter is typed by the class in the folder's value module: frozen, slotted and named as the kind."""
    assert isinstance(adapter_of(kind), Adapter)
    resource: Any = value_class(kind)
    assert resource.__module__ == f"{kinds.__name__}.{kind}.value"
    assert resource.__name__ == kind.capitalize()
    assert resource.__dataclass_params__.frozen
    assert resource.__dictoffset__ == 0, "slotted"


@every_kind
def test_the_row_agrees_with_the_value(kind: Kind) -> None:
    """A kind has dependencies exactly if its class yields them, and dependents exactly if its class has the field."""
    resource: Any = value_class(kind)
    assert bool(kind.spec.depends_on) is (resource.dependencies is not Resource.dependencies)
    assert (kind.spec.dependency_level > 0) is ("dependents" in resource.__dataclass_fields__)


@every_kind
def test_the_row_agrees_with_the_service(kind: Kind) -> None:
    """Names of the pattern make ARNs of the service, and permissions are those of the service, except for tags."""
    spec = kind.spec
    assert re.fullmatch(spec.name_pattern, ORDINARY_NAME)
    assert not re.fullmatch(spec.name_pattern, f"{ORDINARY_NAME}\n")
    assert Ref(kind, ACCOUNT, REGION, ORDINARY_NAME).arn.startswith(f"arn:aws:{spec.service}:")
    permissions = [*spec.list_permissions, *filter(None, [spec.tag_permission])]
    assert permissions
    assert all(permission.startswith(f"{spec.service}:") for permission in permissions)


@every_kind
def test_every_prefix_of_control_files_is_used(kind: Kind) -> None:
    """Each prefix in the row is that of a control of the kind, and every control is reached by a prefix."""
    names = module_names(controls.__path__)
    for prefix in kind.spec.control_files:
        assert any(name.startswith(prefix) for name in names)
    assert controls.controls_of(kind)


def test_class_names_are_unique() -> None:
    """No two public classes of the package have the same name."""
    found: dict[str, list[str]] = {}
    for path in FOLDER.parent.rglob("*.py"):
        for name in re.findall(r"^class ([A-Z]\w*)", path.read_text(), re.MULTILINE):
            found.setdefault(name, []).append(path.name)
    assert {name: files for name, files in found.items() if len(files) > 1} == {}
