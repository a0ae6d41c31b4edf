"""The account as the shell sees it: one way to read, write and remember whatever a Ref names."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from pipeseal.aws import alerts
from pipeseal.aws.clients import Clients, client, refusal
from pipeseal.aws.ledger import Ledger
from pipeseal.aws.memory import Memory
from pipeseal.model import Kind, Ref
from pipeseal.model.unreadable import Unreadable
from pipeseal.settings import Scope, Settings, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pipeseal.aws.pages import Page
    from pipeseal.aws.queue import Queue
    from pipeseal.model import Cause

_ADAPTERS = {
    Kind.BUCKET: "buckets",
    Kind.KEY: "keys",
    Kind.PIPELINE: "pipelines",
    Kind.APPLICATION: "applications",
    Kind.PROJECT: "projects",
    Kind.TRAIL: "trails",
}

_RESERVE = timedelta(seconds=10)
"""What must be left of an invocation to write, read back and record."""


def _now() -> datetime:
    return datetime.now(UTC)


class OutOfTime(Exception):
    """What is left of this invocation's time is not enough to go on; Lambda tries the event again."""


class World:
    """What one function invocation reaches: settings, clients, ledger and topic, each made when first needed."""

    def __init__(
        self,
        environment: Mapping[str, str],
        clients: Clients = client,
        clock: Callable[[], datetime] = _now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take what the template puts in *environment*; raise SettingsError where it makes no sense."""
        missing = [name for name in ("AWS_REGION", "LEDGER_TABLE", "ALERT_TOPIC_ARN") if not environment.get(name)]
        if missing:
            raise SettingsError(f"not set: {', '.join(missing)}; the template sets them for every function")
        self.settings = Settings.from_environment(environment)
        self.clients = clients
        self.clock = clock
        self.sleep = sleep
        self.region = environment["AWS_REGION"]
        self.ends: datetime | None = None
        """When this invocation is out of time, where that is known."""
        self._table = environment["LEDGER_TABLE"]
        self._topic = environment["ALERT_TOPIC_ARN"]
        self._queue = environment.get("SWEEP_QUEUE_URL", "")
        self._recalled: dict[str, Memory] = {}

    def begin(self, context: Any) -> None:
        """Note when the invocation is out of time that Lambda's *context* tells of, where it does."""
        left = getattr(context, "get_remaining_time_in_millis", None)
        self.ends = self.clock() + timedelta(milliseconds=left()) if left else None

    @cached_property
    def account(self) -> str:
        """Return the account that the credentials are of: the topic's, where its whole ARN is given."""
        if self._topic.startswith("arn:"):
            return self._topic.split(":")[4]
        return str(self.clients("sts", self.region).get_caller_identity()["Account"])

    @property
    def ledger(self) -> Ledger:
        """Return the ledger of this stack."""
        return Ledger(self.clients("dynamodb", self.region), self._table, self.clock)

    @property
    def queue(self) -> Queue:
        """Return the queue of the sweep."""
        return import_module("pipeseal.aws.queue").Queue(self.clients("sqs", self.region), self._queue)  # type: ignore[no-any-return]

    def alert(self, message: Mapping[str, Any]) -> None:
        """Send an alert to the stack's topic."""
        self._publish(message, import_module("pipeseal.alert"))

    def remind(self, message: Mapping[str, Any]) -> None:
        """Send a reminder of an exemption's end to the stack's topic."""
        self._publish(message, import_module("pipeseal.reminder"))

    def _publish(self, message: Mapping[str, Any], form: Any) -> None:
        client = self.clients("sns", self.region)
        alerts.publish(client, self._topic, message, form.subject(message), form.letter(message))

    def pause(self, seconds: float) -> None:
        """Wait for somebody else to be done; raise OutOfTime where that would leave too little to go on with."""
        self.spare(seconds)
        self.sleep(seconds)

    def spare(self, seconds: float = 0) -> None:
        """Raise OutOfTime where, *seconds* from now, too little would be left to finish what is begun."""
        if self.ends and self.clock() + timedelta(seconds=seconds) + _RESERVE > self.ends:
            raise OutOfTime("too little is left of this invocation's time; the event will be tried again")

    def recall(self, refs: Sequence[Ref]) -> None:
        """Ask the ledger for all *refs* at once, ahead of reading them."""
        self._recalled = self.ledger.memories([ref.arn for ref in refs])

    def glance(self, ref: Ref) -> Any:
        """Return the resource as it is now, without what the ledger knows of it."""
        return self._seen(ref, Memory())

    def read(self, ref: Ref, cause: Cause) -> tuple[Any, Memory]:
        """Return the resource as it is now (None where it is gone or not ours) and what the ledger knows of it.

        What AWS will not show is an Unreadable.
        """
        memory = self._recalled.pop(ref.arn, None) or self.ledger.memory(ref.arn)
        memory = memory._replace(looked=self.clock())
        found = self._seen(ref, memory)
        if isinstance(found, Unreadable):
            return found, memory
        if found and ref.kind is Kind.TRAIL:
            found = replace(found, hint=cause.name)
        if found and ref.kind is Kind.BUCKET and cause.put is not None:
            found = import_module("pipeseal.aws.lost_updates").shown(found, cause, self.ledger)
        return found, memory

    def look(self, ref: Ref, memory: Memory) -> Any:
        """Return the resource as it is now by what *memory* knows of it; raise what AWS answers where it refuses."""
        return _adapter(ref.kind).read(self.clients, ref, memory, self.settings)

    def _seen(self, ref: Ref, memory: Memory) -> Any:
        return _shown(ref, lambda: self.look(ref, memory))

    def tags(self, resource: Any) -> dict[str, str]:
        """Return the tags of *resource*; none of one that could not be read."""
        if isinstance(resource, Unreadable):
            return {}
        found: dict[str, str] = _adapter(resource.ref.kind).tags(self.clients, resource.ref)
        return found

    def whole(self, ref: Ref) -> Any:
        """Return the resource with all that the ledger may speak of, or None where it is gone or not ours."""
        adapter = _adapter(ref.kind)
        found = adapter.read(self.clients, ref, Memory(), replace(self.settings, encryption_scope=Scope.ALL))
        if not getattr(found, "exists", True):
            return None  # a trail that is gone is still told of, but there is nothing to show or to put back
        return found and adapter.complete(self.clients, found, self.settings)

    def page(self, kind: Kind, token: str = "") -> Page:
        """Return a page of the account's resources of one kind in the Region; *token* is the former page's."""
        found: Page = _adapter(kind).page(self.clients, self.account, self.region, token)
        return found

    def complete(self, resource: Any) -> Any:
        """Return *resource* with what only one in violation is asked for; what AWS will not show is an Unreadable."""
        if isinstance(resource, Unreadable):
            return resource
        adapter = _adapter(resource.ref.kind)
        return _shown(resource.ref, lambda: adapter.complete(self.clients, resource, self.settings))

    def write(self, before: Any, after: Any) -> Any:
        """Make *before* into *after* with the fewest calls, and return the resource as it is then."""
        adapter = _adapter(after.ref.kind)
        adapter.write(self.clients, before, after)
        return adapter.reread(self.clients, before, after)

    def reread(self, after: Any) -> Any:
        """Return the resource as it is now, where nobody knows how much was written of what makes it into *after*."""
        return _adapter(after.ref.kind).reread(self.clients, None, after)

    def learn(self, resource: Any, memory: Memory) -> None:
        """Note how a trail is, as far as it is sound: what is done to it later is measured by that."""
        if resource.ref.kind is Kind.TRAIL and (sound := resource.remembered()) != memory.sound:
            self.ledger.learn(resource.ref.arn, sound)

    def remember(self, ref: Ref, memory: Memory, uses: Iterable[tuple[Ref, str]]) -> None:
        """Note what the resource uses now, () where it is gone, if the ledger's *memory* of it says otherwise."""
        self.ledger.relink(ref.arn, memory.uses, {used.arn: key for used, key in uses})


def _shown(ref: Ref, look: Callable[[], Any]) -> Any:
    """Return what *look* returns, or an Unreadable where AWS denies it."""
    try:
        return look()
    except ClientError as error:
        refused = refusal(error)
        if refused and refused.denied:
            return Unreadable(ref, refused.permission, refused.answer)
        raise


def _adapter(kind: Kind) -> Any:
    """Import the adapter of one kind of resource: an event pays for its own alone."""
    return import_module(f"pipeseal.aws.{_ADAPTERS[kind]}")
