"""What the demo shows on a terminal: calls, outcomes, policy diffs, letters and the table at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rich import box
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pipeseal.cli._diff import difference
from pipeseal.cli._plain import plain

if TYPE_CHECKING:
    from rich.console import Console

    from pipeseal.model import Ref
    from pipeseal.sandbox.account import Account, Alert
    from pipeseal.sandbox.records import Event
    from pipeseal.sandbox.router import Delivery
    from pipeseal.sandbox.story import Encore, Episode, Fact, Scene

WIDEST = 100

# What became of a resource: mark, words, style.
DONE = {
    "remediated": ("✓", "put right", "green"),
    "rejected": ("✗", "rejected", "magenta"),
    "quarantined": ("■", "quarantined", "yellow"),
    "detected": ("!", "left alone, its owner is told", "cyan"),
    "failed": ("✗", "could not be put right", "red"),
    "escalated": ("✗", "left to people, for somebody keeps undoing it", "red"),
    "compliant": ("·", "as it should be: nothing written, nobody told", "dim"),
    "absent": ("·", "gone by now", "dim"),
    "known": ("·", "as bad as when its owner was told: nothing new to tell", "dim"),
    "busy": ("·", "another delivery is at work on it", "dim"),
    "exempt": ("·", "wrong, and excused: nothing written, nobody told", "dim"),
    "undone": ("↶", "taken back by an operator", "blue"),
    "abandoned": ("·", "given up before the first write; the next look began anew", "dim"),
}
_SEVERITY = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "blue"}
_MARK = {True: ("✓", "green"), False: ("✗", "red"), None: ("■", "yellow")}
_NOUNS = {
    "s3": "Bucket",
    "kms": "Key",
    "codepipeline": "Pipeline",
    "codedeploy": "Application",
    "codebuild": "Project",
    "cloudtrail": "Trail",
}


class Screen:
    """Writes on *console* what happens in *account*; echoes of pipeseal's own calls only where *verbose*."""

    def __init__(self, console: Console, account: Account, *, verbose: bool = False) -> None:
        """Keep what is needed to look up alerts and ledger entries."""
        self._console = console
        self._account = account
        self._verbose = verbose

    def open(self, number: int, scene: Scene) -> None:
        """Announce a scene."""
        self._console.print()
        self._console.rule(f"[bold]{number}  {escape(scene.title)}[/]", align="left", style="blue")
        self._console.print(
            Text.assemble((scene.person.name, "bold"), f" ({scene.person.how}). ", (scene.why, "italic"))
        )

    def play(self, episode: Episode) -> None:
        """Show what the person called and what came of it."""
        self._console.print()
        for call in episode.calls:
            self.call(call)
        alerts = {alert.document["id"]: alert for alert in episode.alerts}
        for delivery in episode.deliveries:
            self.delivery(delivery, alerts, letter=episode.scene.letter, diff=episode.scene.diff)

    def call(self, event: Event, when: str = "") -> None:
        """Show one call of a person: `who  service:Operation  what it is about`."""
        detail = event["detail"]
        line = Text.assemble(
            (f"{when} " if when else "", "dim"),
            ("→ ", "blue"),
            (f"{event['source'].removeprefix('aws.')}:{detail['eventName']}", "bold"),
            f"  {_about(detail.get('requestParameters') or {})}",
        )
        if when:
            line.append(f"  by {_caller(detail)}", "dim")
        if error := detail.get("errorCode"):
            line.append(f"  refused: {error}", "red")
        self._console.print(line)

    def delivery(
        self, delivery: Delivery, alerts: Mapping[str, Alert], *, letter: bool = False, diff: bool = True
    ) -> None:
        """Show what became of one event; the mail whole where *letter*."""
        if delivery.echo and not self._verbose:
            return
        if delivery.echo:
            self._console.print(
                f"  [dim]↺ {delivery.event['detail']['eventName']} by pipeseal itself comes back as an event[/]"
            )
        if delivery.error:
            self._console.print(
                Text.assemble(
                    ("  ✗ ", "red"), f"{delivery.function} gave up; the event is in the dead-letter queue\n    "
                ),
                Text(delivery.error, "red"),
            )
        for outcome in delivery.outcomes:
            self._outcome(outcome, alerts.get(outcome["ledger_id"]), delivery, letter=letter, diff=diff)

    def _outcome(
        self, outcome: dict[str, Any], alert: Alert | None, delivery: Delivery, *, letter: bool, diff: bool
    ) -> None:
        mark, done, style = DONE[outcome["action"]]
        title = Text.assemble(
            ("  " if alert is None else "\n", ""),
            (f"{mark} ", style),
            (_name(outcome["resource"]), "bold" if alert else "dim"),
            (f"  {done}", style),
        )
        if alert:
            title.append(f"  {delivery.seconds:.2f} s after the call", "dim")
        self._console.print(title)
        if alert is None:
            return
        if letter:
            self._difference(outcome)
            self._letter(alert)
            return
        for finding in alert.document["findings"]:
            severity = finding["severity"]
            self._indented(Text.assemble((f"{severity:<9}", _SEVERITY[severity]), (finding["control"], "bold")))
            for reason in filter(None, (*finding["reasons"], finding["refusal"])):
                self._indented(Text(reason), 13)
        for step in alert.document["done"]:
            self._indented(Text.assemble(("done     ", "green"), step), hang=9)
        if diff:
            self._difference(outcome)
        self._indented(Text.assemble(("mail     ", "blue"), alert.subject), hang=9)

    def _indented(self, text: Text, left: int = 4, hang: int = 0) -> None:
        """Print *text* to the right of *left* columns, every line but the first *hang* further."""
        first, rest = text[:hang], text[hang:]
        for number, line in enumerate(rest.wrap(self._console, self._console.width - left - hang)):
            line.rstrip()
            self._console.print(Text.assemble(" " * left, first if number == 0 else " " * hang, line))

    def _difference(self, outcome: dict[str, Any]) -> None:
        """Show what was added to a bucket's policy, as the ledger has it."""
        entry = self._account.ledger_entry(outcome["resource"], outcome["ledger_id"])
        before, after = ((entry.get(side) or {}).get("policy") for side in ("before", "after"))
        if before == after:
            return
        self._indented(Text("policy   before → after, as the ledger has it", "dim"))
        for mark, line in difference(before, after, self._console.width - 8):
            style = {"+": "green", "-": "red"}.get(mark, "dim")
            self._console.print(Text(f"    {mark} {line}", style, no_wrap=True, overflow="ellipsis"))

    def _letter(self, alert: Alert) -> None:
        """Show a mail as it comes in, beside a rule."""
        attributes = "  ".join(f"{name}={value}" for name, value in sorted(alert.attributes.items()))
        self._console.print()
        self._beside_rule(Text.assemble(("Subject: ", "dim"), (alert.subject, "bold")))
        for line in ("", *alert.letter.rstrip().splitlines(), ""):
            self._beside_rule(Text(line, "bold" if line.isupper() else ""))
        self._beside_rule(Text(f"Message attributes for filters: {attributes}", "dim"))

    def _beside_rule(self, text: Text) -> None:
        for line in text.wrap(self._console, self._console.width - 2) or [Text()]:
            line.rstrip()
            self._console.print(Text.assemble(("┃ " if line else "┃", "blue"), line))

    def again(self, encore: Encore) -> None:
        """Show what a second delivery of every event came to."""
        looked = sum(len(delivery.outcomes) for delivery in encore.deliveries)
        good = not encore.writes and not encore.alerts
        self._console.print()
        self._console.rule("[bold]And now every event once more[/]", align="left", style="blue")
        self._console.print(Text("AWS delivers an event at least once, so sometimes twice.", "italic"))
        self._console.print()
        self._console.print(
            Text.assemble(
                ("✓ " if good else "✗ ", "green" if good else "red"),
                f"{len(encore.deliveries)} events delivered again, {looked} resources looked at: ",
                (f"{encore.writes} writes, {len(encore.alerts)} alerts", "bold green" if good else "bold red"),
            )
        )

    def resources(self, left: Mapping[Ref, tuple[Fact, ...]], now: Mapping[Ref, tuple[Fact, ...]]) -> None:
        """Show the table of all resources as people left them and as they are now."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True, padding=(0, 1))
        table.add_column("Resource", min_width=22, overflow="fold")
        table.add_column("As people left it", ratio=1)
        table.add_column("As it is now", ratio=1)
        for ref, facts in sorted(left.items()):
            table.add_row(
                Text.assemble((f"{_NOUNS[ref.kind]}\n", "dim"), _short(ref.name)), _listed(facts), _listed(now[ref])
            )
        self._console.print()
        self._console.rule("[bold]Before and after[/]", align="left", style="blue")
        self._console.print(table)
        self._console.print(Text("What is still red only its owner can mend, and they have mail.", "italic"))
        self._console.print()

    def panel(self, title: str, text: str) -> None:
        """Show a text with markup in a frame."""
        self._console.print(
            Panel(text, title=f"[bold]{title}[/]", title_align="left", border_style="blue", padding=(1, 2))
        )


def _listed(facts: Iterable[Fact]) -> Text:
    lines = []
    for fact in facts:
        mark, style = _MARK[fact.good]
        lines.append(Text.assemble((f"{mark} ", style), fact.text))
    return Text("\n").join(lines)


def _short(name: str) -> str:
    """Shorten a key's id, which nobody reads to the end."""
    return f"{name[:8]}..." if len(name) == 36 and name.count("-") == 4 else name  # noqa: PLR2004 - a UUID


def _name(arn: str) -> str:
    _, _, service, _, _, rest = arn.split(":", 5)
    name = rest.replace(":", "/").rpartition("/")[2]
    return f"{_NOUNS.get(service, service)} {name}"


def _about(request: Mapping[str, Any]) -> str:
    """Name what a call is about."""
    pipeline = request.get("pipeline") or {}
    found = request.get("bucketName") or pipeline.get("name") or request.get("keySpec") or request.get("keyId")
    return plain(found or request.get("pipelineName") or request.get("applicationName") or request.get("name") or "")


def _caller(detail: Mapping[str, Any]) -> str:
    return plain(detail["userIdentity"].get("accessKeyId", "somebody"))
