"""`pipeseal report`: what follows from the ledger, and a page that runs nothing of what others wrote into it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from tests.account import Account, event
from tests.cli.report_cases import HOSTILE, KEY, NOW, entry, found, hostile, month, ref

from pipeseal.aws.memory import Memory
from pipeseal.cli import main
from pipeseal.cli._report.facts import Facts, Posture, Spell, State, postures, spells
from pipeseal.cli._report.graph import HEIGHT, graph
from pipeseal.cli._report.page import render
from pipeseal.cli._report.posture import SLICES, begin, row
from pipeseal.cli._report.timeline import NAMES, PLOT, timeline
from pipeseal.cli._report.words import lasted, short, ticks
from pipeseal.model import Kind

VOID = {"meta", "input", "br", "path", "rect", "circle", "use"}


class Page(HTMLParser):
    """The page as a browser reads it: elements, their text, what is never closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page() -> Page:
    """Give the page of a month."""
    return Page(render(month()))


# ----------------------------------------------------------------------- the facts


def of(facts: Facts, name: str) -> list[tuple[str, State]]:
    """Return what there was with the resource of that name."""
    return [(spell.control, spell.state) for spell in spells(facts) if spell.resource.endswith(name)]


def test_each_violation_has_a_beginning_and_an_end() -> None:
    """From the call that broke it to the close of the entry that put it right."""
    facts = replace(month(), entries=(entry(ref("harbor"), timedelta(hours=1), "remediated", found("S3.TLS")),))
    (spell,) = spells(facts)
    assert (spell.start, spell.end, spell.state) == (
        NOW - timedelta(hours=1),
        NOW - timedelta(hours=1) + timedelta(seconds=4),
        State.RIGHTED,
    )


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("website", [("S3.TLS", State.OPEN)]),
        ("legacy-drop", [("S3.TLS", State.RIGHTED)]),
        (":release", [("CODEPIPELINE.SYMMETRIC_KEY", State.CONTAINED)]),
        (":deploy-web", [("CODEPIPELINE.SECRETS", State.OPEN)]),
        ("contested", [("S3.TLS", State.RIGHTED)] * 3 + [("S3.TLS", State.OPEN)]),
        ("scanner-in", [("S3.TLS", State.RIGHTED), ("S3.TLS", State.EXCUSED)]),
        (KEY.name, [("KMS.SYMMETRIC", State.RIGHTED)]),
    ],
)
def test_how_each_violation_ended(name: str, states: list[tuple[str, State]]) -> None:
    """Only told of: open; failed, and put right days later: one violation of days; taken back: excused since."""
    assert of(month(), name) == states


def test_a_failure_lasts_until_it_is_put_right() -> None:
    """Not until the next look at it."""
    (spell,) = [each for each in spells(month()) if each.resource.endswith("legacy-drop")]
    assert spell.end is not None
    assert spell.end - spell.start > timedelta(days=3)


def test_what_the_ledger_has_forgotten_is_over() -> None:
    """It forgets what was told as soon as a resource is found sound; when that was is nowhere."""
    facts = month()
    arn = ref("website").arn
    over = replace(facts, known={**facts.known, arn: Memory()})
    assert [spell.end for spell in spells(over) if spell.resource == arn] == [None]
    assert of(over, "website") == [("S3.TLS", State.SETTLED)]
    assert postures(over, spells(over))[arn] is Posture.SEALED


def test_what_a_later_entry_does_not_find_is_over() -> None:
    """Its owner put one thing right and not the other."""
    told = [found("S3.TLS", writes=False), found("S3.SSE_UPLOADS", writes=False)]
    first = entry(ref("website"), timedelta(hours=3), "detected", *told)
    second = entry(ref("website"), timedelta(hours=1), "detected", told[1])
    facts = replace(month(), entries=(first, second))
    assert dict(of(facts, "website")) == {"S3.SSE_UPLOADS": State.OPEN, "S3.TLS": State.SETTLED}


def test_what_was_seen_last_counts() -> None:
    """Two calls within a second, and one event that comes late: the order is that of the looks, not of the calls."""
    late = entry(ref("website"), timedelta(minutes=9), "detected", found("S3.FOREIGN_WRITE", writes=False))
    late = late._replace(opened=NOW, closed=NOW)
    soon = entry(ref("website"), timedelta(minutes=5), "remediated", found("S3.TLS"))
    for order in ((late, soon), (soon, late)):
        facts = replace(month(), entries=order)
        assert dict(of(facts, "website")) == {"S3.FOREIGN_WRITE": State.OPEN, "S3.TLS": State.RIGHTED}


def test_the_posture_of_each_resource() -> None:
    """The worst of what lasts; an exemption that spared it; all else that is known is sealed."""
    facts = month()
    found_ = postures(facts, spells(facts))
    assert {name: found_[ref(name).arn] for name in ("website", "contested", "scanner-in", "harbor-artifacts")} == {
        "website": Posture.VIOLATED,
        "contested": Posture.VIOLATED,
        "scanner-in": Posture.EXEMPT,
        "harbor-artifacts": Posture.SEALED,
    }
    assert found_[ref("release", Kind.PIPELINE).arn] is Posture.CONTAINED


def test_a_row_counts_what_it_draws() -> None:
    """Each violation that began in the time is in one slice; the last slice's end is now."""
    facts = month()
    every = spells(facts)
    all_of_it = row("All", "", "", every, begin(facts, every), facts.now)
    assert len(all_of_it.slices) == SLICES
    assert sum(each.righted + each.left for each in all_of_it.slices) == all_of_it.found
    assert all_of_it.slices[-1].open == all_of_it.open == 3
    assert all_of_it.excused == 1


# --------------------------------------------------------------------- the drawings


def test_the_graph_runs_from_left_to_right() -> None:
    """No line runs back, no node lies on another, and a key behind a bucket is reached through it."""
    facts = month()
    drawing = graph(facts.known, postures(facts, spells(facts)))
    places = {(node.x, node.y) for node in drawing.nodes}
    assert len(places) == len(drawing.nodes)
    assert all(edge.user.x < edge.used.x for edge in drawing.edges)
    assert all(0 <= node.y <= drawing.height - HEIGHT for node in drawing.nodes)
    pipeline = ref("release", Kind.PIPELINE).arn
    assert (pipeline, KEY.arn) not in {(edge.user.arn, edge.used.arn) for edge in drawing.edges}
    assert (ref("harbor-artifacts").arn, KEY.arn) in {(edge.user.arn, edge.used.arn) for edge in drawing.edges}


def test_a_graph_of_many_shows_what_is_wrong() -> None:
    """A thousand pipelines are no drawing: what is violated is drawn, and the rest is counted."""
    known = {ref(f"p{n}", Kind.PIPELINE).arn: Memory(uses={ref(f"b{n}").arn: ""}) for n in range(1000)}
    wrong = ref("b999").arn
    drawing = graph(known, {wrong: Posture.VIOLATED} | dict.fromkeys(known, Posture.SEALED))
    assert {wrong, ref("p999", Kind.PIPELINE).arn} <= {node.arn for node in drawing.nodes}
    assert (len(drawing.nodes), drawing.left_out) == (120, 1880)


_SPELLS = st.lists(
    st.builds(
        lambda name, control, began, length, state: Spell(
            ref(name).arn,
            control,
            NOW - timedelta(seconds=began),
            None if state in (State.OPEN, State.EXCUSED) else NOW - timedelta(seconds=max(0, began - length)),
            state,
            "e",
        ),
        st.sampled_from("abc"),
        st.sampled_from(["S3.TLS", "S3.SSE_UPLOADS"]),
        st.integers(0, 10**7),
        st.integers(0, 10**6),
        st.sampled_from(State),
    ),
    max_size=20,
)


@given(_SPELLS)
def test_bars_lie_within_the_drawing_and_hide_no_other(every: list[Spell]) -> None:
    """Whatever happened, however short or long ago."""
    drawing = timeline(every, NOW - timedelta(days=30), NOW)
    for line in drawing.lines:
        assert all(bar.x >= NAMES and bar.x + bar.width <= NAMES + PLOT + 1 for bar in line.bars)
        for lane in {bar.y for bar in line.bars}:
            bars = sorted((bar for bar in line.bars if bar.y == lane), key=lambda bar: bar.x)
            assert all(one.x + one.width <= other.x for one, other in pairwise(bars))
            assert line.y <= lane < line.y + line.height


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0.0 s"), (3.94, "3.9 s"), (12, "12 s"), (89, "89 s"), (600, "10 min"), (7200, "2 h"), (10**6, "12 d")],
)
def test_a_length_of_time_in_words(seconds: float, said: str) -> None:
    """One unit, as coarse as it may be."""
    assert lasted(timedelta(seconds=seconds)) == said


@given(st.integers(1, 10**9))
def test_an_axis_has_few_marks(seconds: int) -> None:
    """For seconds as for decades, and each lies on it."""
    start = NOW - timedelta(seconds=seconds)
    found_ = ticks(start, NOW)
    assert len(found_) <= 9
    assert all(start <= when <= NOW for when, _ in found_)


def test_a_long_name_keeps_both_ends() -> None:
    """Where names differ."""
    assert short("acme-webshop-artifacts-eu-central-1-production", 22) == "acme-websh…production"


# -------------------------------------------------------------------------- the page


def test_the_page_is_whole(page: Page) -> None:
    """Every element is closed, every id is there once, every link within leads somewhere."""
    assert page.open == []
    ids = [each["id"] for _, each in page.elements if "id" in each]
    assert len(ids) == len(set(ids))
    links = {each["href"] for tag, each in page.elements if tag in ("a", "use") and "href" in each}
    assert links
    assert all(link and link.startswith("#") and link[1:] in ids for link in links)
    named = {each["aria-labelledby"] for _, each in page.elements if "aria-labelledby" in each}
    assert {name for names in named for name in (names or "").split()} <= set(ids)


def test_the_page_needs_no_network_and_no_styles_of_its_own(page: Page) -> None:
    """Nothing is loaded, nothing is run but the one script that the page's own policy names by its hash."""
    for tag, attributes in page.elements:
        assert not {"src", "srcset", "style", "action"} & set(attributes), tag
        assert not [name for name in attributes if name.startswith("on")], tag
        assert tag not in ("link", "img", "iframe", "object", "embed", "base")
    (policy,) = [each["content"] for _, each in page.elements if each.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert len(re.findall("'sha256-", policy)) == 2


def test_the_page_says_what_matters(page: Page) -> None:
    """For a manager: the sentence; for an engineer: the statement, and the commands."""
    for text in (
        "3 of 14 resources need somebody.",
        '"Sid": "DenyInsecureConnections"',
        "s3:PutBucketPolicy is missing.",
        "pipeseal undo 2026",
        "pipeseal apply 2026",
        "the scanner cannot do TLS",
        "7 times",
        "ends soon",
        "Account 123456789012 · us-east-1 · stack pipeseal",
    ):
        assert text in page.text


def test_what_is_drawn_is_there_in_words(page: Page) -> None:
    """Every node has a name that says its posture, and a row in the table beside the drawing."""
    titles = re.findall(r"<title>(\w+ [^<]*: (?:sealed|violated|contained|exempt))</title>", render(month()))
    assert "bucket scanner-in: exempt" in titles
    assert "pipeline release: contained" in titles
    assert "All 14 resources as a table" in page.text


def test_an_empty_ledger_makes_a_page() -> None:
    """A stack that was deployed a minute ago."""
    empty = replace(month(), entries=(), known={}, exemptions=(), uses={})
    assert "Nothing has happened yet." in Page(render(empty)).text


def test_what_others_wrote_is_inert() -> None:
    """Markup in names, Sids, actors and reasons is text: the page has the same elements as without it."""
    html = render(hostile())
    page = Page(html)
    assert page.open == []
    kinds = {tag for tag, _ in page.elements}
    assert kinds == {tag for tag, _ in Page(render(month())).elements}
    assert len([tag for tag, _ in page.elements if tag == "script"]) == 1
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert "49" not in re.findall(r"evil(\d+)", html)
    assert not [c for c in html if not c.isprintable() and c != "\n"]
    shown = page.text.replace("\n", "")
    for text in HOSTILE[:3]:
        assert text in shown


# ----------------------------------------------------------------------- the command

Run = Callable[..., Result]


@pytest.fixture
def run(account: Account) -> Run:
    """Give a way to type the command."""
    return lambda *words: CliRunner().invoke(main, ["report", *words])


def test_the_report_of_an_account(account: Account, run: Run, tmp_path: Path) -> None:
    """What was sealed a moment ago is on the page."""
    boto3.client("s3").create_bucket(Bucket="harbor")
    made: Any = event("DeleteBucketPolicy", {"bucketName": "harbor"})
    identity = account.deliver(made)[0]["ledger_id"]
    file = tmp_path / "report.html"
    result = run("--output", str(file), "--since", "9999w")
    assert (result.exit_code, result.output) == (0, f"Wrote {file}: {len(file.read_bytes()) // 1024} kB.\n")
    page = Page(file.read_text("utf-8"))
    assert "Everything that pipeseal knows of is sealed." in page.text
    assert identity in page.text


def test_the_report_for_machines(account: Account, run: Run, tmp_path: Path) -> None:
    """Where it is and how large; what is older than was asked for is no entry of it."""
    boto3.client("s3").create_bucket(Bucket="harbor")
    made: Any = event("DeleteBucketPolicy", {"bucketName": "harbor"})
    made["detail"]["eventTime"] = "2020-01-01T00:00:00Z"
    identity = account.deliver(made)[0]["ledger_id"]
    file = tmp_path / "report.html"
    document = json.loads(run("--output", str(file), "--format", "json").stdout)
    assert (document["file"], document["bytes"]) == (str(file), len(file.read_bytes()))
    assert identity not in file.read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "status", "names"),
    [
        ((), 2, "--output"),
        (("--output", "/nowhere/report.html"), 2, "/nowhere/report.html: cannot be written: No such file"),
        (("--output", "HERE/x.html", "--since", "soon"), 2, "'soon' is no span"),
        (("--output", "HERE/x.html", "--stack", "elsewhere"), 3, "elsewhere-ledger"),
    ],
)
def test_what_is_wrong_is_named(run: Run, tmp_path: Path, words: tuple[str, ...], status: int, names: str) -> None:
    """The thing and the way out; nothing is written."""
    result = run(*(word.replace("HERE", str(tmp_path)) for word in words))
    assert (result.exit_code, result.stdout) == (status, "")
    assert names in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_demo_keeps_no_report_while_it_serves() -> None:
    """There is no story to report on."""
    result = CliRunner().invoke(main, ["demo", "--serve", "--report", "x.html"])
    assert (result.exit_code, "--serve tells none" in result.stderr) == (2, True)
