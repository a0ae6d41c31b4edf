"""The controls, one file each: the ID S3.TLS is in s3_tls.py. Files that begin with "_" contain what controls share."""

from __future__ import annotations

from functools import cache

from pipeseal.discovery import load, module_names
from pipeseal.kinds.unreadable import Unreadable
from pipeseal.model import AnyControl, Control, Kind, R


@cache
def controls_of(kind: Kind) -> tuple[AnyControl, ...]:
    """Return the controls of one kind of resource, by ID; only their modules are imported."""
    files = (name for name in module_names(__path__) if name.startswith(kind.spec.control_files))
    found: tuple[AnyControl, ...] = tuple(load(__name__, name).CONTROL for name in files)
    return tuple(sorted((control for control in found if kind in control.kinds), key=lambda control: control.id))


def controls_for(resource: R) -> tuple[Control[R], ...]:
    """Return the controls of *resource*: those of its kind, or the one for a resource that cannot be read."""
    if isinstance(resource, Unreadable):
        return (_access_control(),)
    return controls_of(resource.ref.kind)


def every_control() -> tuple[AnyControl, ...]:
    """Return all controls, by ID."""
    found = {control.id: control for kind in Kind for control in controls_of(kind)}
    access = _access_control()
    return tuple(control for _, control in sorted({**found, access.id: access}.items()))


def _access_control() -> AnyControl:
    from pipeseal.controls.pipeseal_access import CONTROL  # noqa: PLC0415 - rarely needed

    return CONTROL
