"""The rules, one file each; a file's name is its control's id."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from pipeseal.model import Control, Kind


@cache
def controls_of(kind: Kind) -> tuple[Control, ...]:
    """Return the controls of one kind of resource, by id; only their modules are imported."""
    names = sorted(module.name for module in iter_modules(__path__) if module.name.startswith(f"{kind}_"))
    return tuple(import_module(f"{__name__}.{name}").CONTROL for name in names)
