"""The demo on a terminal: API calls, outcomes, policy diffs, emails and the table at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pipeseal.cli._diff import difference
from pipeseal.model import Severity, kind_and_name
from pipeseal.text import printable

if TYPE_CHECKING:
    from rich.console import Console

    from pipeseal.aws.documents import Document
    from pipeseal.model import OutcomeDocument, Ref
    from pipeseal.sandbox.account import EmbeddedAccount, ReceivedAlert
    from pipeseal.sandbox.facts import Fact
    from pipeseal.sandbox.records import EventDocument
    from pipeseal.sandbox.router import EventDelivery
    from pipeseal.sandbox.scenes import DemoScene
    from pipeseal.sandbox.story import RedeliveryResult, SceneResult

WIDEST = 100

# Action of an outcome -> mark, words, style.
DONE = {
    "remediated": ("✓", "remediated", "green"),
    "rejected": ("✗", "rejected", "magenta"),
    "quarantined": ("■", "quarantined", "yellow"),
    "detected": ("!", "not changed; subscribers notified", "cyan"),
    "failed": ("✗", "remediation failed", "red"),
    "escalated": ("✗", "suspended: repeatedly reversed", "red"),
    "compliant": ("·", "compliant", "dim"),
    "absent": ("·", "does not exist", "dim"),
    "known": ("·", "still violated; already reported", "dim"),
    "busy": ("·", "another invocation is working on it", "dim"),
    "exempt": ("·", "exempted", "dim"),
    "undone": ("↶", "undone by an operator", "blue"),
    "abandoned": ("·", "stopped before the first write; retried", "dim"),
}
_SEVERITY_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "blue"}
_FACT_MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("■", "yellow")}
_INDENT = 4
_LABEL_WIDTH = 9
_UUID_LENGTH = 36
_UUID_DASHES = 4


class DemoScreen:
    """Shows on *console* what happens in *account*; events of pipeseal's own calls only where *verbose*."""

    def __init__(self, console: Console, account: EmbeddedAccount, *, verbose: bool = False) -> None:
        """Look up ledger entries in *account*."""
        self._console = console
        self._account = account
        self._verbose = verbose

    def show_panel(self, title: str, text: str) -> None:
        """Show *text*, which may contain markup, in a frame."""
        self._console.print(
            Panel(text, title=f"[bold]{title}[/]", title_align="left", border_style="blue", padding=(1, 2))
        )

    def show_scene(self, number: int, scene: DemoScene) -> None:
        """Show the title and the text of a scene."""
        self._show_title(f"{number}  {scene.title}")
        identity = scene.identity
        self._console.print(Text.assemble((identity.name, "bold"), f" ({identity.sign_in}) ", (scene.text, "italic")))

    def show_result(self, result: SceneResult) -> None:
        """Show the calls of a scene and their outcomes."""
        self._console.print()
        for call in result.calls:
            self.show_call(call)
        alerts = {alert.document["id"]: alert for alert in result.alerts}
        for delivery in result.deliveries:
            self.show_delivery(delivery, alerts, email=result.scene.show_email, diff=result.scene.show_diff)

    def show_call(self, event: EventDocument, time: str = "") -> None:
        """Show one call as `time  service:Operation  resource  by identity`; time and identity only with *time*."""
        detail = event["detail"]
        line = Text.assemble(
            (f"{time} " if time else "", "dim"),
            ("→ ", "blue"),
            (f"{event['source'].removeprefix('aws.')}:{detail['eventName']}", "bold"),
            f"  {_resource_name(detail.get('requestParameters') or {})}",
        )
        if time:
            line.append(f"  by {_caller(detail)}", "dim")
        if error := detail.get("errorCode"):
            line.append(f"  error: {error}", "red")
        self._console.print(line)

    def show_delivery(
        self, delivery: EventDelivery, alerts: Mapping[str, ReceivedAlert], *, email: bool = False, diff: bool = True
    ) -> None:
        """Show the outcomes of one event, with the whole email where *email* and policy diffs where *diff*.

        *alerts* are those of the event by ledger ID.
        """
        if delivery.echo and not self._verbose:
            return
        if delivery.echo:
            name = delivery.event["detail"]["eventName"]
            self._console.print(f"  [dim]↺ event of pipeseal's own call {name}[/]")
        if delivery.error:
            self._console.print(
                Text.assemble(
                    ("  ✗ ", "red"), f"{delivery.function} failed; the event is in the dead-letter queue\n    "
                ),
                Text(delivery.error, "red"),
            )
        for outcome in delivery.outcomes:
            alert = alerts.get(outcome["ledger_id"])
            self._show_outcome(outcome, alert, delivery.seconds)
            if alert and email:
                self._show_diff(outcome)
                self._show_email(alert)
            elif alert:
                self._show_alert(outcome, alert, diff=diff)

    def _show_outcome(self, outcome: OutcomeDocument, alert: ReceivedAlert | None, seconds: float) -> None:
        mark, words, style = DONE[outcome["action"]]
        line = Text.assemble(
            "  " if alert is None else "\n",
            (f"{mark} ", style),
            (_kind_and_name(outcome["resource"]), "bold" if alert else "dim"),
            (f"  {words}", style),
        )
        if alert:
            line.append(f" in {seconds:.2f} s", "dim")
        self._console.print(line)

    def _show_alert(self, outcome: OutcomeDocument, alert: ReceivedAlert, *, diff: bool) -> None:
        """Show the findings and the steps of an alert, and the subject of its email."""
        for finding in sorted(alert.document["findings"], key=lambda each: -Severity[each["severity"].upper()]):
            severity = finding["severity"]
            self._show_indented(
                Text.assemble((f"{severity:<{_LABEL_WIDTH}}", _SEVERITY_STYLES[severity]), (finding["control"], "bold"))
            )
            for reason in filter(None, (*finding["reasons"], finding["refusal"])):
                self._show_indented(Text(f"{'':<{_LABEL_WIDTH}}{reason}"), hang=_LABEL_WIDTH)
        for step in alert.document["done"]:
            self._show_indented(Text.assemble((f"{'done':<{_LABEL_WIDTH}}", "green"), step), hang=_LABEL_WIDTH)
        if diff:
            self._show_diff(outcome)
        self._show_indented(Text.assemble((f"{'email':<{_LABEL_WIDTH}}", "blue"), alert.subject), hang=_LABEL_WIDTH)

    def _show_indented(self, text: Text, hang: int = 0) -> None:
        """Print *text* indented, and all lines but the first *hang* columns further.

        No line hangs where the longest word would not fit then: an identifier must not be broken.
        """
        width = self._console.width - _INDENT
        longest = max(map(len, text.plain.split()), default=0)
        hang = hang if longest <= width - hang else 0
        first, rest = text[:hang], text[hang:]
        for number, line in enumerate(rest.wrap(self._console, width - hang)):
            line.rstrip()
            self._console.print(Text.assemble(" " * _INDENT, first if number == 0 else " " * hang, line))

    def _show_diff(self, outcome: OutcomeDocument) -> None:
        """Show the change of a bucket policy that the ledger entry records, if any."""
        entry = self._account.ledger_entry(outcome["resource"], outcome["ledger_id"])
        before, after = ((entry.get(side) or {}).get("policy") for side in ("before", "after"))
        if before == after:
            return
        self._show_indented(Text(f"{'policy':<{_LABEL_WIDTH}}before → after, from the ledger entry", "dim"))
        for mark, line in difference(before, after, self._console.width - 8):
            style = {"+": "green", "-": "red"}.get(mark, "dim")
            self._console.print(Text(f"    {mark} {line}", style, no_wrap=True, overflow="ellipsis"))

    def _show_email(self, alert: ReceivedAlert) -> None:
        """Show the whole email of an alert to the right of a vertical line."""
        attributes = "  ".join(f"{name}={value}" for name, value in sorted(alert.attributes.items()))
        self._console.print()
        self._show_beside_line(Text.assemble(("Subject: ", "dim"), (alert.subject, "bold")))
        for line in ("", *alert.email_body.rstrip().splitlines(), ""):
            self._show_beside_line(Text(line, "bold" if line.isupper() else ""))
        self._show_beside_line(Text(f"Message attributes: {attributes}", "dim"))

    def _show_beside_line(self, text: Text) -> None:
        for line in text.wrap(self._console, self._console.width - 2) or [Text()]:
            line.rstrip()
            self._console.print(Text.assemble(("┃ " if line else "┃", "blue"), line))

    def show_redelivery(self, result: RedeliveryResult) -> None:
        """Show that the second delivery of all events changed nothing, or what it changed."""
        checked = sum(len(delivery.outcomes) for delivery in result.deliveries)
        idempotent = not result.writes and not result.alerts
        self._show_title("Every event delivered again")
        text = "EventBridge delivers an event at least once, so a function may receive it again."
        self._console.print(Text(text, "italic"))
        self._console.print()
        self._console.print(
            Text.assemble(
                ("✓ " if idempotent else "✗ ", "green" if idempotent else "red"),
                f"{len(result.deliveries)} events delivered again, {checked} resources checked: ",
                (f"{result.writes} writes, {len(result.alerts)} alerts", "bold green" if idempotent else "bold red"),
            )
        )

    def show_resources(self, before: Mapping[Ref, tuple[Fact, ...]], now: Mapping[Ref, tuple[Fact, ...]]) -> None:
        """Show a table of all resources: the facts *before* pipeseal acted on each, and *now*."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True, padding=(0, 1))
        table.add_column("Resource", min_width=22, overflow="fold")
        table.add_column("Before pipeseal acted", ratio=1)
        table.add_column("Now", ratio=1)
        for ref, facts in sorted(before.items()):
            table.add_row(
                Text.assemble((f"{ref.kind.capitalize()}\n", "dim"), _shortened(ref.name)),
                _fact_lines(facts),
                _fact_lines(now[ref]),
            )
        self._show_title("Before and after")
        self._console.print(table)
        text = "Items in red (✗) need manual action; subscribers were notified."
        self._console.print(Text(text, "italic"))
        self._console.print()

    def _show_title(self, title: str) -> None:
        self._console.print()
        self._console.rule(f"[bold]{escape(title)}[/]", align="left", style="blue")


def _fact_lines(facts: Iterable[Fact]) -> Text:
    """Return *facts* with a mark each, one a line."""
    lines = []
    for fact in facts:
        mark, style = _FACT_MARKS[fact.compliant]
        lines.append(Text.assemble((f"{mark} ", style), fact.text))
    return Text("\n").join(lines)


def _shortened(name: str) -> str:
    """Return the beginning of a key ID, and any other name as it is."""
    is_uuid = len(name) == _UUID_LENGTH and name.count("-") == _UUID_DASHES
    return f"{name[:8]}..." if is_uuid else name


def _kind_and_name(arn: str) -> str:
    kind, name = kind_and_name(arn) or ("resource", arn)
    return f"{kind.capitalize()} {name}"


def _resource_name(request: Document) -> str:
    """Return the name of the resource in the parameters of a call; for a new key, its key spec."""
    names = (
        request.get("bucketName"),
        (request.get("pipeline") or {}).get("name"),
        *(request.get(name) for name in ("keySpec", "keyId", "pipelineName", "applicationName", "name")),
    )
    return printable(next(filter(None, names), ""), replacement="?")


def _caller(detail: Document) -> str:
    return printable(detail["userIdentity"].get("accessKeyId", "unknown"), replacement="?")
