"""The rules, one file each; a file's name is its control's id."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from pipeseal.model import Control, Kind, Resource
from pipeseal.model.unreadable import Unreadable

# Controls that judge another service's resources beside their own.
_GUESTS: dict[Kind, tuple[str, ...]] = {Kind.APPLICATION: ("codepipeline_free_text",)}


@cache
def controls_of(kind: Kind) -> tuple[Control, ...]:
    """Return the controls of one kind of resource, by id; only their modules are imported."""
    own = (module.name for module in iter_modules(__path__) if module.name.startswith(f"{kind}_"))
    names = sorted({*own, *_GUESTS.get(kind, ())})
    return tuple(import_module(f"{__name__}.{name}").CONTROL for name in names)


def controls_for(resource: Resource) -> tuple[Control, ...]:
    """Return the controls that judge *resource*: those of its kind, or the one for what could not be read."""
    if isinstance(resource, Unreadable):
        from pipeseal.controls.pipeseal_access import CONTROL  # noqa: PLC0415 - hardly ever needed

        return (CONTROL,)
    return controls_of(resource.ref.kind)


def every_control() -> tuple[Control, ...]:
    """Return all controls there are, by id."""
    from pipeseal.controls.pipeseal_access import CONTROL  # noqa: PLC0415 - as above

    found = {control.id: control for kind in Kind for control in controls_of(kind)}
    return tuple(control for _, control in sorted({**found, CONTROL.id: CONTROL}.items()))
