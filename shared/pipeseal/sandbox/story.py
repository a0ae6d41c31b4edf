"""The demo's story on an open account: plays the scenes one by one and collects what pipeseal does about each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pipeseal.kinds.cloudtrail import subjects
from pipeseal.model import Ref
from pipeseal.sandbox.account import EmbeddedAccount, ReceivedAlert
from pipeseal.sandbox.facts import DELETED, Fact, facts_of
from pipeseal.sandbox.records import EventDocument
from pipeseal.sandbox.router import EventDelivery
from pipeseal.sandbox.scenes import DemoScene


@dataclass(frozen=True, slots=True)
class SceneResult:
    """What happened in a scene."""

    scene: DemoScene
    calls: tuple[EventDocument, ...]
    """Events of the scene's own calls."""
    deliveries: tuple[EventDelivery, ...]
    alerts: tuple[ReceivedAlert, ...]


@dataclass(frozen=True, slots=True)
class RedeliveryResult:
    """What happened when all events were delivered again."""

    deliveries: tuple[EventDelivery, ...]
    writes: int
    """Number of calls with which the functions changed a resource."""
    alerts: tuple[ReceivedAlert, ...]


@dataclass(slots=True)
class Story:
    """The scenes that were played on *account*."""

    account: EmbeddedAccount
    initial_facts: dict[Ref, tuple[Fact, ...]] = field(default_factory=dict)
    """Facts about each resource when a scene first changed it, before pipeseal acted."""

    def play(self, scene: DemoScene) -> SceneResult:
        """Make the calls of *scene*, note the facts about new resources, then deliver the events."""
        with self.account.router.paused():
            scene.act(self.account)
            calls = tuple(self._new_calls())
            for ref in self._resources_of(calls):
                if ref not in self.initial_facts:
                    self.initial_facts[ref] = self.facts(ref)
        return SceneResult(scene, calls, tuple(self.account.router.settle()), tuple(self.account.alerts()))

    def redeliver(self, calls: Iterable[EventDocument]) -> RedeliveryResult:
        """Deliver the events of *calls* a second time."""
        former = self.account.writes
        for event in calls:
            self.account.router.publish(event)
        deliveries = tuple(self.account.router.settle())
        return RedeliveryResult(deliveries, self.account.writes - former, tuple(self.account.alerts()))

    def facts(self, ref: Ref) -> tuple[Fact, ...]:
        """Return the facts about the resource as it is now."""
        resources = self.account.runtime.resources
        resource = resources.read_full(ref)
        return tuple(facts_of(resources.load_details(resource))) if resource else (DELETED,)

    def _new_calls(self) -> Iterator[EventDocument]:
        while not self.account.calls.empty():
            yield self.account.calls.get()

    def _resources_of(self, calls: Iterable[EventDocument]) -> Iterator[Ref]:
        """Yield the resources that *calls* name, and the dependencies of each."""
        for call in calls:
            for ref in subjects(call):
                yield ref
                if resource := self.account.runtime.resources.read_full(ref):
                    yield from (dependency for dependency, _ in resource.dependencies())
