"""The `fix` of a control that writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from pipeseal.settings import Settings

T = TypeVar("T")


def unchanged(resource: T, _settings: Settings) -> T:
    """Return *resource* itself: the control reports violations and leaves the change to the resource owner."""
    return resource
