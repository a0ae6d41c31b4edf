"""What each kind's `api` module provides: how to read, write and list its resources."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic

from pipeseal.model import R

if TYPE_CHECKING:
    from pipeseal.aws.clients import Clients
    from pipeseal.clock import Clock
    from pipeseal.kinds.facts import LedgerFacts, PastWrite
    from pipeseal.model import Cause, Page, Ref
    from pipeseal.settings import Settings


class Adapter(ABC, Generic[R]):
    """The calls to AWS for one kind of resource; `api.ADAPTER` in the kind's folder is an instance."""

    @abstractmethod
    def list_page(self, clients: Clients, account: str, region: str, token: str) -> Page:
        """Return a page of *account*'s resources in *region*; *token* is "" for the first page."""

    @abstractmethod
    def read(self, clients: Clients, ref: Ref, facts: LedgerFacts, settings: Settings) -> R | None:
        """Return the resource with what controls need to find a violation; None where the account has no such one."""

    def load_details(self, _clients: Clients, resource: R, _settings: Settings, _clock: Clock) -> R:
        """Return *resource* with what only a violation needs; as it is unless a kind overrides this."""
        return resource

    def with_event(self, resource: R, _cause: Cause, _past_writes: Callable[[], tuple[PastWrite, ...]]) -> R:
        """Return *resource* with what the event adds to the snapshot; as it is unless a kind overrides this."""
        return resource

    @abstractmethod
    def write(self, clients: Clients, before: R, after: R) -> None:
        """Turn *before* into *after* with the fewest calls."""

    @abstractmethod
    def refresh(self, clients: Clients, before: R | None, after: R) -> R:
        """Return *after* with everything that may have been written as it is now.

        *before* is None where it is unknown which calls of `write` were made.
        """

    @abstractmethod
    def tags(self, clients: Clients, ref: Ref) -> dict[str, str]:
        """Return the tags of the resource."""
