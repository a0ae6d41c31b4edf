"""Exemptions: whom they excuse, until when, and what makes none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipeseal.exemptions import Circumstances, Exemption, ExemptionError, Grounds, excused, grant, moment
from pipeseal.model import Actor

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
GROUNDS = Grounds("ada", "the vendor's scanner cannot do TLS", NOW + timedelta(days=30))
ARN = "arn:aws:s3:::harbor"
ADA = Actor("ada as role Release", "AssumedRole", arn="arn:aws:sts::123456789012:assumed-role/Release/ada")
ANYHOW = Circumstances(ADA, dict)


@pytest.mark.parametrize(
    ("control", "resource", "holds"),
    [
        ("S3.TLS", ARN, True),
        ("S3.*", "arn:aws:s3:::har*", True),
        ("*", "*", True),
        ("S3.TLS", "arn:aws:s3:::harbo?", True),
        ("S3.SSE_UPLOADS", ARN, False),
        ("S3.TLS", "arn:aws:s3:::Harbor", False),
        ("S3.TLS", "arn:aws:s3:::har", False),
    ],
)
def test_both_patterns_must_match(control: str, resource: str, holds: bool) -> None:  # noqa: FBT001 - the expectation
    """Control and resource are globs, in which case matters."""
    exemption = grant(control, resource, GROUNDS, NOW)
    assert excused([exemption], "S3.TLS", ARN, NOW, ANYHOW) == (exemption if holds else None)


def test_an_exemption_ends() -> None:
    """It holds up to its end, and not at it."""
    exemption = grant("S3.TLS", ARN, GROUNDS, NOW)
    assert excused([exemption], "S3.TLS", ARN, GROUNDS.until - timedelta(seconds=1), ANYHOW)
    assert not excused([exemption], "S3.TLS", ARN, GROUNDS.until, ANYHOW)


def test_an_ended_one_does_not_hide_another() -> None:
    """Each is asked in turn."""
    ended = replace(grant("S3.TLS", ARN, GROUNDS, NOW), until=NOW - timedelta(days=1))
    holding = grant("S3.*", ARN, GROUNDS, NOW)
    assert excused([ended, holding], "S3.TLS", ARN, NOW, ANYHOW) is holding


@pytest.mark.parametrize(
    ("actor", "holds"),
    [
        ("ada as role Release", True),
        ("* as role Release", True),
        ("arn:aws:sts::123456789012:assumed-role/Release/*", True),
        ("ada", False),
        ("* as role release", False),
    ],
)
def test_an_exemption_may_hang_on_who_did_it(actor: str, holds: bool) -> None:  # noqa: FBT001 - the expectation
    """By name as alerts have it, or by ARN; what they left stays excused when somebody else makes pipeseal look."""
    exemption = grant("S3.TLS", ARN, GROUNDS, NOW, actor=actor)
    assert bool(excused([exemption], "S3.TLS", ARN, NOW, ANYHOW)) is holds
    sweep = Circumstances(Actor("the sweep", "pipeseal"), dict, stays=True)
    assert excused([exemption], "S3.TLS", ARN, NOW, sweep)
    assert not excused([exemption], "S3.TLS", ARN, NOW, replace(sweep, stays=False))


@pytest.mark.parametrize(
    ("tag", "tags", "holds"),
    [
        ("team=harbor", {"team": "harbor"}, True),
        ("team=har*", {"team": "harbor"}, True),
        ("team=*", {"team": ""}, True),
        ("team=harbor", {"Team": "harbor"}, False),
        ("team=*", {}, False),
        ("team=harbor", {"pipeseal:exempt": "true", "team": "quay"}, False),
    ],
)
def test_an_exemption_may_hang_on_a_tag(tag: str, tags: dict[str, str], holds: bool) -> None:  # noqa: FBT001
    """Only the tag that the operator wrote into the exemption counts, whatever a resource says of itself."""
    exemption = grant("S3.TLS", ARN, GROUNDS, NOW, tag=tag)
    assert bool(excused([exemption], "S3.TLS", ARN, NOW, Circumstances(ADA, lambda: tags))) is holds


def test_tags_are_asked_for_only_where_one_matters() -> None:
    """Reading them is a call to AWS."""

    def unasked() -> dict[str, str]:
        raise AssertionError

    others = [grant("S3.TLS", "*", GROUNDS, NOW), grant("KMS.*", "*", GROUNDS, NOW, tag="team=harbor")]
    assert excused(others, "S3.TLS", ARN, NOW, Circumstances(ADA, unasked)) is others[0]


@pytest.mark.parametrize("tag", ["harbor", "=harbor", "="])
def test_a_tag_has_a_key(tag: str) -> None:
    """A pattern without one would excuse whatever carries any tag."""
    with pytest.raises(ExemptionError, match="KEY=VALUE"):
        grant("S3.TLS", ARN, GROUNDS, NOW, tag=tag)


@pytest.mark.parametrize("control", ["s3.tls", "S3.TSL", "S3"])
def test_a_control_that_is_none_is_named(control: str) -> None:
    """A slip of the pen would excuse nothing, silently."""
    with pytest.raises(ExemptionError, match=rf"control: '{control}' matches none; there are: .*S3\.TLS"):
        grant(control, ARN, GROUNDS, NOW)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"owner": " "}, "owner: is blank"),
        ({"reason": ""}, "reason: is blank"),
        ({"reason": "one\ntwo"}, "reason: .* cannot be printed"),
        ({"owner": "\x1b[31mada"}, "owner: .* cannot be printed"),
        ({"reason": "x" * 501}, "reason: has 501 characters"),
        ({"until": NOW}, "until: .* is past"),
        ({"until": NOW.replace(tzinfo=None)}, "until: .* has no time zone"),
    ],
)
def test_grounds_that_are_none_are_named(change: dict[str, object], says: str) -> None:
    """Owner, reason and a future end are what makes an exemption."""
    with pytest.raises(ExemptionError, match=says):
        grant("S3.TLS", ARN, replace(GROUNDS, **change), NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(("resource", "says"), [("harbor", "is no ARN"), ("", "is blank"), ("arn:\u202e", "printed")])
def test_a_resource_that_is_none_is_named(resource: str, says: str) -> None:
    """A bare name matches no ARN, and would excuse nothing."""
    with pytest.raises(ExemptionError, match=f"resource: .*{says}"):
        grant("S3.TLS", resource, GROUNDS, NOW)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("30d", NOW + timedelta(days=30)),
        ("12h", NOW + timedelta(hours=12)),
        ("4w", NOW + timedelta(weeks=4)),
        ("2027-01-31", datetime(2027, 1, 31, 23, 59, 59, tzinfo=UTC)),
        ("2027-01-31T12:00Z", datetime(2027, 1, 31, 12, tzinfo=UTC)),
        ("2027-01-31T12:00+02:00", datetime(2027, 1, 31, 10, tzinfo=UTC)),
    ],
)
def test_ends_are_read(text: str, end: datetime) -> None:
    """As a span, a whole day, or a time."""
    assert moment(text, NOW) == end


@pytest.mark.parametrize("text", ["", "30", "never", "2027-02-30", "999999w", "30 d", "-1d", "30d\n"])
def test_what_is_no_end_is_refused(text: str) -> None:
    """The message says what may be written."""
    with pytest.raises(ExemptionError, match=r"until: .* is no end; write a span"):
        moment(text, NOW)


def test_an_exemption_is_read_as_it_was_written() -> None:
    """The ledger keeps all of it."""
    exemption = grant("S3.TLS", ARN, GROUNDS, NOW)
    assert Exemption.parse(exemption.text) == exemption


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"id": 1, "until": "2027-01-31T12:00Z"}', '{"until": 5}'])
def test_what_cannot_be_read_is_an_error(text: str) -> None:
    """Unreadable is neither excused nor passed over."""
    with pytest.raises(ExemptionError, match="cannot be read"):
        Exemption.parse(text)


def test_ids_differ() -> None:
    """The same words at another time are another exemption."""
    assert len({grant("S3.TLS", ARN, GROUNDS, NOW + timedelta(seconds=n)).id for n in range(5)}) == 5
