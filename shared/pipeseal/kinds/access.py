"""Read, write and list resources of any kind: finds the adapter of the kind and loads no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from pipeseal import kinds
from pipeseal.aws.errors import refusal
from pipeseal.discovery import load
from pipeseal.kinds.facts import LedgerFacts
from pipeseal.kinds.unreadable import Unreadable
from pipeseal.settings import Scope

if TYPE_CHECKING:
    from pipeseal.aws.clients import Clients
    from pipeseal.clock import Clock
    from pipeseal.kinds.adapter import Adapter
    from pipeseal.kinds.facts import PastWrite
    from pipeseal.kinds.registry import Kind
    from pipeseal.model import Cause, Page, Ref, Resource
    from pipeseal.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Resources:
    """The resources of the account that *clients* reach."""

    clients: Clients
    settings: Settings
    clock: Clock

    def list_page(self, kind: Kind, account: str, region: str, token: str = "") -> Page:
        """Return a page of *account*'s resources of one kind in *region*; *token* is that of the page before."""
        return adapter_of(kind).list_page(self.clients, account, region, token)

    def read(self, ref: Ref, facts: LedgerFacts) -> Resource | None:
        """Return the resource as it is now; None where it does not exist in the account.

        An Unreadable stands for a resource that AWS denies access to. *facts* are what the ledger knows of it.
        """
        return _unless_denied(ref, lambda: self.read_or_raise(ref, facts))

    def read_or_raise(self, ref: Ref, facts: LedgerFacts) -> Resource | None:
        """Do as `read`, but raise ClientError where AWS denies access."""
        return adapter_of(ref.kind).read(self.clients, ref, facts, self.settings)

    def with_event(
        self, resource: Resource, cause: Cause, past_writes: Callable[[], tuple[PastWrite, ...]]
    ) -> Resource:
        """Return *resource* with what the event *cause* adds to the snapshot.

        *past_writes* returns pipeseal's latest writes to it, the newest first; it is called only where they matter.
        """
        return adapter_of(resource.ref.kind).with_event(resource, cause, past_writes)

    def load_details(self, resource: Resource) -> Resource:
        """Return *resource* with what only a violation needs; an Unreadable where AWS denies access to that."""
        if isinstance(resource, Unreadable):
            return resource
        adapter = adapter_of(resource.ref.kind)
        return _unless_denied(
            resource.ref, lambda: adapter.load_details(self.clients, resource, self.settings, self.clock)
        )

    def read_full(self, ref: Ref) -> Resource | None:
        """Return the resource with everything that the ledger may hold of it; None where it does not exist.

        Raises ClientError where AWS denies access.
        """
        adapter = adapter_of(ref.kind)
        everything = replace(self.settings, encryption_scope=Scope.ALL)
        found = adapter.read(self.clients, ref, LedgerFacts(), everything)
        if found is None or not found.exists:
            return None
        return adapter.load_details(self.clients, found, self.settings, self.clock)

    def write(self, before: Resource, after: Resource) -> Resource:
        """Turn *before* into *after* with the fewest calls, and return the resource as it is then."""
        adapter = adapter_of(after.ref.kind)
        adapter.write(self.clients, before, after)
        return adapter.refresh(self.clients, before, after)

    def refresh(self, after: Resource) -> Resource:
        """Return *after* as it is now, where it is unknown how much of it was written."""
        return adapter_of(after.ref.kind).refresh(self.clients, None, after)

    def tags(self, resource: Resource) -> dict[str, str]:
        """Return the tags of *resource*; none of one that cannot be read."""
        if isinstance(resource, Unreadable):
            return {}
        return adapter_of(resource.ref.kind).tags(self.clients, resource.ref)


def adapter_of(kind: Kind) -> Adapter[Resource]:
    """Return the adapter of *kind*; imports the modules of that kind only, to keep a cold start short."""
    adapter: Adapter[Resource] = load(kinds.__name__, f"{kind}.api").ADAPTER
    return adapter


def _unless_denied(ref: Ref, read: Callable[[], T]) -> T | Unreadable:
    """Return what *read* returns, or an Unreadable where AWS denies access."""
    try:
        return read()
    except ClientError as error:
        refused = refusal(error)
        if refused and refused.denied:
            return Unreadable(ref, refused.permission, refused.answer)
        raise
