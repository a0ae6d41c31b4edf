"""`pipeseal report`: what it derives from the ledger, and a page that runs no content of the ledger."""

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
from tests.cli.report_cases import HOSTILE, KEY, NOW, entry, found, hostile, month, ref
from tests.fake_account import FakeAccount, event

from pipeseal.cli import main
from pipeseal.cli._report.data import ReportData
from pipeseal.cli._report.formatting import duration, shorten, ticks
from pipeseal.cli._report.graph import NODE_HEIGHT, graph
from pipeseal.cli._report.page import render
from pipeseal.cli._report.periods import PeriodState, ViolationPeriod, violation_periods
from pipeseal.cli._report.posture import Posture, postures
from pipeseal.cli._report.timeline import NAME_WIDTH, PLOT_WIDTH, timeline
from pipeseal.cli._report.trend import SLICES, chart_start, control_trend
from pipeseal.ledger.records import ResourceRecord
from pipeseal.model import Kind

VOID_ELEMENTS = {"meta", "input", "br", "path", "rect", "circle", "use"}


class ParsedPage(HTMLParser):
    """The elements and the text of a page, and the elements that are not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID_ELEMENTS:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page() -> ParsedPage:
    """Return the page of a month."""
    return ParsedPage(render(month()))


# ---------------------------------------------------------- periods and postures


def states_of(data: ReportData, name: str) -> list[tuple[str, PeriodState]]:
    """Return the controls and states of the periods of the resource with that name."""
    return [(period.control, period.state) for period in violation_periods(data) if period.resource.endswith(name)]


def test_a_period_has_a_start_and_an_end() -> None:
    """It lasts from the call that caused the violation until the entry of the remediation was closed."""
    data = replace(month(), entries=(entry(ref("harbor"), timedelta(hours=1), "remediated", found("S3.TLS")),))
    (period,) = violation_periods(data)
    assert (period.start, period.end, period.state) == (
        NOW - timedelta(hours=1),
        NOW - timedelta(hours=1) + timedelta(seconds=4),
        PeriodState.REMEDIATED,
    )


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("website", [("S3.TLS", PeriodState.OPEN)]),
        ("legacy-drop", [("S3.TLS", PeriodState.REMEDIATED)]),
        (":release", [("CODEPIPELINE.SYMMETRIC_KEY", PeriodState.QUARANTINED)]),
        (":deploy-web", [("CODEPIPELINE.SECRETS", PeriodState.OPEN)]),
        ("contested", [("S3.TLS", PeriodState.REMEDIATED)] * 3 + [("S3.TLS", PeriodState.OPEN)]),
        ("scanner-in", [("S3.TLS", PeriodState.REMEDIATED), ("S3.TLS", PeriodState.EXEMPT)]),
        (KEY.name, [("KMS.SYMMETRIC", PeriodState.REMEDIATED)]),
    ],
)
def test_the_state_of_each_period(name: str, states: list[tuple[str, PeriodState]]) -> None:
    """Detected only is open; a failure that is remediated days later is one period; a reverted one is exempt since."""
    assert states_of(month(), name) == states


def test_a_failure_lasts_until_it_is_remediated() -> None:
    """The next read of the resource does not end the period."""
    (period,) = [each for each in violation_periods(month()) if each.resource.endswith("legacy-drop")]
    assert period.end is not None
    assert period.end - period.start > timedelta(days=3)


def test_a_violation_without_fingerprints_is_resolved() -> None:
    """A compliant read clears the fingerprints of the record and makes no entry, so the end is unknown."""
    data = month()
    arn = ref("website").arn
    resolved = replace(data, records={**data.records, arn: ResourceRecord()})
    assert [period.end for period in violation_periods(resolved) if period.resource == arn] == [None]
    assert states_of(resolved, "website") == [("S3.TLS", PeriodState.RESOLVED)]
    assert postures(resolved, violation_periods(resolved))[arn] is Posture.COMPLIANT


def test_a_violation_that_a_later_entry_does_not_find_is_resolved() -> None:
    """The resource owner remediated one of two violations."""
    findings = [found("S3.TLS", writes=False), found("S3.SSE_UPLOADS", writes=False)]
    first = entry(ref("website"), timedelta(hours=3), "detected", *findings)
    second = entry(ref("website"), timedelta(hours=1), "detected", findings[1])
    data = replace(month(), entries=(first, second))
    assert dict(states_of(data, "website")) == {"S3.SSE_UPLOADS": PeriodState.OPEN, "S3.TLS": PeriodState.RESOLVED}


def test_the_latest_read_counts() -> None:
    """If an event is delivered late, entries are ordered by when the resource was read, not by when it was changed."""
    late = entry(ref("website"), timedelta(minutes=9), "detected", found("S3.FOREIGN_WRITE", writes=False))
    late = late._replace(opened=NOW, closed=NOW)
    punctual = entry(ref("website"), timedelta(minutes=5), "remediated", found("S3.TLS"))
    for order in ((late, punctual), (punctual, late)):
        data = replace(month(), entries=order)
        assert dict(states_of(data, "website")) == {
            "S3.FOREIGN_WRITE": PeriodState.OPEN,
            "S3.TLS": PeriodState.REMEDIATED,
        }


def test_the_posture_of_each_resource() -> None:
    """It is that of the worst period that lasts, or exempt where an exemption was used; all others are compliant."""
    data = month()
    found_ = postures(data, violation_periods(data))
    assert {name: found_[ref(name).arn] for name in ("website", "contested", "scanner-in", "harbor-artifacts")} == {
        "website": Posture.VIOLATED,
        "contested": Posture.VIOLATED,
        "scanner-in": Posture.EXEMPT,
        "harbor-artifacts": Posture.COMPLIANT,
    }
    assert found_[ref("release", Kind.PIPELINE).arn] is Posture.QUARANTINED


def test_a_trend_counts_each_violation_once() -> None:
    """Each violation that began in the period is in one slice; the last slice ends now."""
    data = month()
    periods = violation_periods(data)
    trend = control_trend("All", "", "", periods, chart_start(data, periods), data.now)
    assert len(trend.slices) == SLICES
    assert sum(each.ended + each.unresolved for each in trend.slices) == trend.found
    assert trend.slices[-1].open_at_end == trend.open == 3
    assert trend.exempt == 1


# --------------------------------------------------------------------- the drawings


def test_the_graph_runs_from_left_to_right() -> None:
    """Edges lead to the right, nodes do not overlap, and the key of a bucket is reached through the bucket."""
    data = month()
    drawing = graph(data.records, postures(data, violation_periods(data)))
    places = {(node.x, node.y) for node in drawing.nodes}
    assert len(places) == len(drawing.nodes)
    assert all(edge.dependent.x < edge.dependency.x for edge in drawing.edges)
    assert all(0 <= node.y <= drawing.height - NODE_HEIGHT for node in drawing.nodes)
    pipeline = ref("release", Kind.PIPELINE).arn
    edges = {(edge.dependent.arn, edge.dependency.arn) for edge in drawing.edges}
    assert (pipeline, KEY.arn) not in edges
    assert (ref("harbor-artifacts").arn, KEY.arn) in edges


def test_a_large_graph_shows_what_is_violated() -> None:
    """Of a thousand pipelines, those with violations are drawn, and the others are counted."""
    records = {
        ref(f"p{n}", Kind.PIPELINE).arn: ResourceRecord(dependencies={ref(f"b{n}").arn: ""}) for n in range(1000)
    }
    violated = ref("b999").arn
    drawing = graph(records, {violated: Posture.VIOLATED} | dict.fromkeys(records, Posture.COMPLIANT))
    assert {violated, ref("p999", Kind.PIPELINE).arn} <= {node.arn for node in drawing.nodes}
    assert (len(drawing.nodes), drawing.omitted) == (120, 1880)


_PERIODS = st.lists(
    st.builds(
        lambda name, control, began, length, state: ViolationPeriod(
            ref(name).arn,
            control,
            NOW - timedelta(seconds=began),
            None
            if state in (PeriodState.OPEN, PeriodState.EXEMPT)
            else NOW - timedelta(seconds=max(0, began - length)),
            state,
            "e",
        ),
        st.sampled_from("abc"),
        st.sampled_from(["S3.TLS", "S3.SSE_UPLOADS"]),
        st.integers(0, 10**7),
        st.integers(0, 10**6),
        st.sampled_from(PeriodState),
    ),
    max_size=20,
)


@given(_PERIODS)
def test_bars_are_within_the_drawing_and_do_not_overlap(periods: list[ViolationPeriod]) -> None:
    """This holds for periods of any length, at any time."""
    drawing = timeline(periods, NOW - timedelta(days=30), NOW)
    for row in drawing.rows:
        assert all(bar.x >= NAME_WIDTH and bar.x + bar.width <= NAME_WIDTH + PLOT_WIDTH + 1 for bar in row.bars)
        for lane in {bar.y for bar in row.bars}:
            bars = sorted((bar for bar in row.bars if bar.y == lane), key=lambda bar: bar.x)
            assert all(one.x + one.width <= other.x for one, other in pairwise(bars))
            assert row.y <= lane < row.y + row.height


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (3.94, "3.9 s"), (12, "12 s"), (89, "89 s"), (600, "10 min"), (7200, "2 h"), (10**6, "12 d")],
)
def test_a_duration_has_one_unit(seconds: float, text: str) -> None:
    """The unit is the largest that is precise enough."""
    assert duration(timedelta(seconds=seconds)) == text


@given(st.integers(1, 10**9))
def test_an_axis_has_few_ticks(seconds: int) -> None:
    """This holds for seconds and for decades, and each tick is within the axis."""
    start = NOW - timedelta(seconds=seconds)
    found_ = ticks(start, NOW)
    assert len(found_) <= 9
    assert all(start <= when <= NOW for when, _ in found_)


def test_a_long_name_keeps_both_ends() -> None:
    """Names often differ at their ends."""
    assert shorten("acme-webshop-artifacts-eu-central-1-production", 22) == "acme-websh…production"


# -------------------------------------------------------------------------- the page


def test_the_page_is_well_formed(page: ParsedPage) -> None:
    """Every element is closed, every id is unique, and every internal link has a target."""
    assert page.open == []
    ids = [each["id"] for _, each in page.elements if "id" in each]
    assert len(ids) == len(set(ids))
    links = {each["href"] for tag, each in page.elements if tag in ("a", "use") and "href" in each}
    assert links
    assert all(link and link.startswith("#") and link[1:] in ids for link in links)
    named = {each["aria-labelledby"] for _, each in page.elements if "aria-labelledby" in each}
    assert {name for names in named for name in (names or "").split()} <= set(ids)


def test_the_page_loads_nothing_and_runs_one_script(page: ParsedPage) -> None:
    """It has no external resources, inline styles or event handlers; its policy allows one script, by its hash."""
    for tag, attributes in page.elements:
        assert not {"src", "srcset", "style", "action"} & set(attributes), tag
        assert not [name for name in attributes if name.startswith("on")], tag
        assert tag not in ("link", "img", "iframe", "object", "embed", "base")
    (policy,) = [each["content"] for _, each in page.elements if each.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert len(re.findall("'sha256-", policy)) == 2


def test_the_page_has_a_summary_and_the_details(page: ParsedPage) -> None:
    """It has the headline, the policy statements, the commands, and the exemptions with their use."""
    for text in (
        "3 of 14 resources need action.",
        '"Sid": "DenyInsecureConnections"',
        "s3:PutBucketPolicy is missing.",
        "pipeseal undo 2026",
        "pipeseal apply 2026",
        "the scanner does not support TLS",
        "7 times",
        "ends soon",
        "Account 123456789012 · us-east-1 · stack pipeseal",
    ):
        assert text in page.text


def test_the_graph_is_also_text(page: ParsedPage) -> None:
    """Every node has an accessible name with its posture, and there is a table of all resources."""
    titles = re.findall(r"<title>(\w+ [^<]*: (?:compliant|violated|quarantined|exempt))</title>", render(month()))
    assert "bucket scanner-in: exempt" in titles
    assert "pipeline release: quarantined" in titles
    assert "All 14 resources as a table" in page.text


def test_an_empty_ledger_makes_a_page() -> None:
    """The stack may be new."""
    empty = replace(month(), entries=(), records={}, exemptions=(), exemption_uses={})
    assert "No activity is recorded yet." in ParsedPage(render(empty)).text


def test_content_of_the_ledger_is_escaped() -> None:
    """Markup in names, Sids, actors and reasons is text: the page has the same elements as without it."""
    html = render(hostile())
    page = ParsedPage(html)
    assert page.open == []
    kinds = {tag for tag, _ in page.elements}
    assert kinds == {tag for tag, _ in ParsedPage(render(month())).elements}
    assert len([tag for tag, _ in page.elements if tag == "script"]) == 1
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert "49" not in re.findall(r"evil(\d+)", html)
    assert not [c for c in html if not c.isprintable() and c != "\n"]
    page_text = page.text.replace("\n", "")
    for text in HOSTILE[:3]:
        assert text in page_text


# ----------------------------------------------------------------------- the command

Run = Callable[..., Result]


@pytest.fixture
def run(account: FakeAccount) -> Run:
    """Return a function that runs the command."""
    return lambda *arguments: CliRunner().invoke(main, ["report", *arguments])


def test_the_page_has_a_new_remediation(account: FakeAccount, run: Run, tmp_path: Path) -> None:
    """The command writes the page of the ledger, and prints its size."""
    boto3.client("s3").create_bucket(Bucket="harbor")
    record: Any = event("DeleteBucketPolicy", {"bucketName": "harbor"})
    identity = account.deliver(record)[0]["ledger_id"]
    file = tmp_path / "report.html"
    result = run("--output", str(file), "--since", "9999w")
    assert (result.exit_code, result.output) == (0, f"Wrote {file}: {len(file.read_bytes()) // 1024} kB.\n")
    page = ParsedPage(file.read_text("utf-8"))
    assert "All known resources are compliant." in page.text
    assert identity in page.text


def test_the_json_output_describes_the_file(account: FakeAccount, run: Run, tmp_path: Path) -> None:
    """It has the name and the size; entries before the reported time are not on the page."""
    boto3.client("s3").create_bucket(Bucket="harbor")
    record: Any = event("DeleteBucketPolicy", {"bucketName": "harbor"})
    record["detail"]["eventTime"] = "2020-01-01T00:00:00Z"
    identity = account.deliver(record)[0]["ledger_id"]
    file = tmp_path / "report.html"
    document = json.loads(run("--output", str(file), "--format", "json").stdout)
    assert (document["file"], document["bytes"]) == (str(file), len(file.read_bytes()))
    assert identity not in file.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        ((), 2, "--output"),
        (("--output", "/nowhere/report.html"), 2, "/nowhere/report.html: cannot be written: No such file"),
        (("--output", "HERE/x.html", "--since", "soon"), 2, "'soon' is not a duration"),
        (("--output", "HERE/x.html", "--stack", "elsewhere"), 3, "elsewhere-ledger"),
    ],
)
def test_invalid_input_is_named(run: Run, tmp_path: Path, arguments: tuple[str, ...], status: int, says: str) -> None:
    """The message names what is invalid, and nothing is written."""
    result = run(*(argument.replace("HERE", str(tmp_path)) for argument in arguments))
    assert (result.exit_code, result.stdout) == (status, "")
    assert says in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_demo_writes_no_report_while_it_serves() -> None:
    """--serve runs no scenario, so there is nothing to report."""
    result = CliRunner().invoke(main, ["demo", "--serve", "--report", "x.html"])
    assert (result.exit_code, "--serve does not play" in result.stderr) == (2, True)
