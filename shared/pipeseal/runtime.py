"""The composition root: settings, clock, clients, ledger and notifier of one process, each made when first used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from pipeseal.aws.clients import Clients, client
from pipeseal.clock import Clock
from pipeseal.kinds.access import Resources
from pipeseal.ledger import Ledger
from pipeseal.settings import Settings, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeseal.aws.queues import Queue
    from pipeseal.notify.topic import Notifier

_REQUIRED = ("AWS_REGION", "LEDGER_TABLE", "ALERT_TOPIC_ARN")


class Runtime:
    """What an invocation of a function, or a command, works with."""

    def __init__(self, environment: Mapping[str, str], clients: Clients = client, clock: Clock | None = None) -> None:
        """Read the variables that template.yaml sets from *environment*; raise SettingsError where one is invalid."""
        missing = [name for name in _REQUIRED if not environment.get(name)]
        if missing:
            raise SettingsError(f"not set: {', '.join(missing)}; template.yaml sets them for every function")
        self.settings = Settings.from_environment(environment)
        self.clients = clients
        self.clock = clock or Clock()
        self.region = environment["AWS_REGION"]
        self._table = environment["LEDGER_TABLE"]
        self._topic = environment["ALERT_TOPIC_ARN"]
        self._sweep_queue = environment.get("SWEEP_QUEUE_URL", "")

    def start(self, context: object) -> None:
        """Note the start of an invocation: Lambda's *context* says how much time it has."""
        remaining: Callable[[], int] | None = getattr(context, "get_remaining_time_in_millis", None)
        self.clock.start(timedelta(milliseconds=remaining()) if remaining else None)

    @cached_property
    def account(self) -> str:
        """The account of the credentials: that of the topic, where its whole ARN is known."""
        if self._topic.startswith("arn:"):
            return self._topic.split(":")[4]
        return str(self.clients("sts", self.region).get_caller_identity()["Account"])

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger of the stack."""
        return Ledger(self.clients("dynamodb", self.region), self._table, self.clock)

    @cached_property
    def resources(self) -> Resources:
        """The resources of the account."""
        return Resources(self.clients, self.settings, self.clock)

    @cached_property
    def notifier(self) -> Notifier:
        """The sender of alerts and reminders."""
        from pipeseal.notify.topic import Notifier  # noqa: PLC0415 - a compliant resource sends nothing

        return Notifier(self.clients("sns", self.region), self._topic)

    @cached_property
    def sweep_queue(self) -> Queue:
        """The queue over which a sweep distributes its work."""
        from pipeseal.aws.queues import Queue  # noqa: PLC0415 - only the sweep needs it

        return Queue(self.clients("sqs", self.region), self._sweep_queue)
