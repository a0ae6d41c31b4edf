"""What every resource can say about itself: the base of the values in kinds/."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from pipeseal.aws.documents import Document

if TYPE_CHECKING:
    from pipeseal.model.action import Action
    from pipeseal.model.ref import Ref

State = Document
"""What the ledger keeps of a resource: JSON, a TypedDict for each kind."""


class Resource(ABC):
    """A resource as a frozen value: a snapshot of what AWS returned."""

    __slots__ = ()

    ref: Ref

    @abstractmethod
    def state(self) -> State:
        """Return everything that pipeseal may write, and nothing else: it goes into the ledger."""

    @abstractmethod
    def with_state(self, state: Any) -> Self:  # the TypedDict of the kind
        """Return this resource with *state*, which `state` of the same resource returned; the rest is kept."""

    @abstractmethod
    def same_as(self, other: Self) -> bool:
        """Return whether two snapshots of one resource mean the same `state` to AWS."""

    @abstractmethod
    def describe_change(self, after: Self) -> tuple[Action, tuple[str, ...]]:
        """Return the action that turning this resource into *after* is, and its steps in sentences."""

    @property
    def exists(self) -> bool:
        """Whether the resource exists; False where its absence is a finding itself."""
        return True

    @property
    def in_initial_state(self) -> bool:
        """Whether it looks as its service creates it, so that no former remediation can be unfinished."""
        return True

    @property
    def dependents(self) -> Mapping[str, str]:
        """ARN of each resource that keeps data here or encrypts it under this -> ARN of the key it names, or ""."""
        return {}

    def dependencies(self) -> Iterator[tuple[Ref, str]]:
        """Yield the resources that hold or encrypt this one's data, each with the ARN of the key there, or ""."""
        yield from ()

    def new_baseline(self) -> State | None:
        """Return what later changes are compared with, for kinds that have a baseline; else None."""
        return None

    def states_between(self, _before: State, _after: State) -> tuple[State, ...]:
        """Return the states in which a write from *before* to *after* can leave the resource, without those two."""
        return ()

    def write_refusal(self, _after: Self) -> str:
        """Return why AWS must not be given *after*, because that would destroy a secret or a field; else ""."""
        return ""


R = TypeVar("R", bound=Resource)


class Reason(str):
    """A sentence that states what is wrong; *path* is the place in the resource's document, where there is one."""

    __slots__ = ("path",)

    path: str

    def __new__(cls, text: str, path: str = "") -> Self:
        """Make the reason from its sentence."""
        made = super().__new__(cls, text)
        made.path = path
        return made


class Text(NamedTuple):
    """The content of a free-form field; *name* is the field's name where people choose it, as for a tag."""

    path: str
    text: str
    name: str = ""


def texts_of_tags(tags: Mapping[str, str], path: str) -> Iterator[Text]:
    """Yield keys and values of *tags* without those that AWS sets itself (aws:...)."""
    for number, (key, value) in enumerate(tags.items()):
        if not key.startswith("aws:"):
            yield Text(f"{path}[{number}].key", key)
            yield Text(f"{path}[{number}].value", value, key)
