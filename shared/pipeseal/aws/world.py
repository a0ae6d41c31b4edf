"""The account as the shell sees it: one way to read, write and remember whatever a Ref names."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pipeseal.aws import alerts
from pipeseal.aws.clients import Clients, client
from pipeseal.aws.ledger import Ledger, Memory
from pipeseal.model import Kind, Ref
from pipeseal.settings import Scope, Settings, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pipeseal.model import Cause

_ADAPTERS = {
    Kind.BUCKET: "buckets",
    Kind.KEY: "keys",
    Kind.PIPELINE: "pipelines",
    Kind.APPLICATION: "applications",
    Kind.PROJECT: "projects",
    Kind.TRAIL: "trails",
}


def _now() -> datetime:
    return datetime.now(UTC)


class World:
    """What one function invocation reaches: settings, clients, ledger and topic, each made when first needed."""

    def __init__(
        self, environment: Mapping[str, str], clients: Clients = client, clock: Callable[[], datetime] = _now
    ) -> None:
        """Take what the template puts in *environment*; raise SettingsError where it makes no sense."""
        missing = [name for name in ("AWS_REGION", "LEDGER_TABLE", "ALERT_TOPIC_ARN") if not environment.get(name)]
        if missing:
            raise SettingsError(f"not set: {', '.join(missing)}; the template sets them for every function")
        self.settings = Settings.from_environment(environment)
        self.clients = clients
        self.clock = clock
        self._region = environment["AWS_REGION"]
        self._table = environment["LEDGER_TABLE"]
        self._topic = environment["ALERT_TOPIC_ARN"]

    @property
    def ledger(self) -> Ledger:
        """Return the ledger of this stack."""
        return Ledger(self.clients("dynamodb", self._region), self._table, self.clock)

    def alert(self, message: dict[str, Any]) -> None:
        """Send *message* to the stack's topic."""
        alerts.publish(self.clients("sns", self._region), self._topic, message)

    def read(self, ref: Ref, cause: Cause) -> tuple[Any, Memory | None]:
        """Return the resource as it is now (None where it is gone or not ours) and what the ledger knows of it.

        Of a key that was made this moment the ledger knows nothing and is not asked: a sound one costs one call.
        """
        memory = None if cause.name == "CreateKey" else self.ledger.memory(ref.arn)
        found = _adapter(ref.kind).read(self.clients, ref, memory, self.settings)
        return (replace(found, hint=cause.name) if ref.kind is Kind.TRAIL else found), memory

    def whole(self, ref: Ref) -> Any:
        """Return the resource with all that the ledger may speak of, or None where it is gone or not ours."""
        adapter = _adapter(ref.kind)
        found = adapter.read(self.clients, ref, Memory(), replace(self.settings, encryption_scope=Scope.ALL))
        if not getattr(found, "exists", True):
            return None  # a trail that is gone is still told of, but there is nothing to show or to put back
        return found and adapter.complete(self.clients, found, self.settings)

    def complete(self, resource: Any) -> Any:
        """Return *resource* with what only one in violation is asked for."""
        return _adapter(resource.ref.kind).complete(self.clients, resource, self.settings)

    def write(self, before: Any, after: Any) -> Any:
        """Make *before* into *after* with the fewest calls, and return the resource as it is then."""
        adapter = _adapter(after.ref.kind)
        adapter.write(self.clients, before, after)
        return adapter.reread(self.clients, before, after)

    def learn(self, resource: Any, memory: Memory | None) -> None:
        """Note how a trail is, as far as it is sound: what is done to it later is measured by that."""
        if memory and resource.ref.kind is Kind.TRAIL and (sound := resource.remembered()) != memory.sound:
            self.ledger.learn(resource.ref.arn, sound)

    def remember(self, ref: Ref, memory: Memory | None, uses: Iterable[tuple[Ref, str]]) -> None:
        """Note what the resource uses now, () where it is gone, if the ledger's *memory* of it says otherwise."""
        if memory:
            self.ledger.relink(ref.arn, memory.uses, {used.arn: key for used, key in uses})


def _adapter(kind: Kind) -> Any:
    """Import the adapter of one kind of resource: an event pays for its own alone."""
    return import_module(f"pipeseal.aws.{_ADAPTERS[kind]}")
