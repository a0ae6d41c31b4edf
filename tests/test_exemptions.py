"""Exemptions: which resources and actors they cover, until when, and which are invalid."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipeseal.exemptions import Circumstances, Exemption, ExemptionError, Grounds, exemption_for, grant, parse_end
from pipeseal.model import Actor

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
GROUNDS = Grounds("ada", "the vendor's scanner cannot do TLS", NOW + timedelta(days=30))
ARN = "arn:aws:s3:::harbor"
ADA = Actor("ada as role Release", "AssumedRole", arn="arn:aws:sts::123456789012:assumed-role/Release/ada")
BY_ADA = Circumstances(ADA, dict)


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
    """Control and resource are globs, which are case-sensitive."""
    exemption = grant(control, resource, GROUNDS, NOW)
    assert exemption_for([exemption], "S3.TLS", ARN, NOW, BY_ADA) == (exemption if holds else None)


def test_an_exemption_ends() -> None:
    """It applies until its end, and no longer at its end."""
    exemption = grant("S3.TLS", ARN, GROUNDS, NOW)
    assert exemption_for([exemption], "S3.TLS", ARN, GROUNDS.until - timedelta(seconds=1), BY_ADA)
    assert not exemption_for([exemption], "S3.TLS", ARN, GROUNDS.until, BY_ADA)


def test_an_ended_exemption_does_not_hide_another() -> None:
    """The next one that matches and has not ended applies."""
    ended = replace(grant("S3.TLS", ARN, GROUNDS, NOW), until=NOW - timedelta(days=1))
    active = grant("S3.*", ARN, GROUNDS, NOW)
    assert exemption_for([ended, active], "S3.TLS", ARN, NOW, BY_ADA) is active


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
def test_an_exemption_may_name_an_actor(actor: str, holds: bool) -> None:  # noqa: FBT001 - the expectation
    """The actor matches by name, as alerts state it, or by ARN; an unchanged state stays exempted for any cause."""
    exemption = grant("S3.TLS", ARN, GROUNDS, NOW, actor=actor)
    assert bool(exemption_for([exemption], "S3.TLS", ARN, NOW, BY_ADA)) is holds
    sweep = Circumstances(Actor("the sweep", "pipeseal"), dict, unchanged=True)
    assert exemption_for([exemption], "S3.TLS", ARN, NOW, sweep)
    assert not exemption_for([exemption], "S3.TLS", ARN, NOW, replace(sweep, unchanged=False))


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
def test_an_exemption_may_name_a_tag(tag: str, tags: dict[str, str], holds: bool) -> None:  # noqa: FBT001
    """Only the tag that the operator named counts; any other tag of the resource has no effect."""
    exemption = grant("S3.TLS", ARN, GROUNDS, NOW, tag=tag)
    assert bool(exemption_for([exemption], "S3.TLS", ARN, NOW, Circumstances(ADA, lambda: tags))) is holds


def test_tags_are_read_only_where_one_matters() -> None:
    """An exemption without a tag applies without the call that reads tags."""

    def unexpected() -> dict[str, str]:
        raise AssertionError

    others = [grant("S3.TLS", "*", GROUNDS, NOW), grant("KMS.*", "*", GROUNDS, NOW, tag="team=harbor")]
    assert exemption_for(others, "S3.TLS", ARN, NOW, Circumstances(ADA, unexpected)) is others[0]


@pytest.mark.parametrize("tag", ["harbor", "=harbor", "="])
def test_a_tag_without_a_key_is_invalid(tag: str) -> None:
    """A pattern without a key would match any tag."""
    with pytest.raises(ExemptionError, match="KEY=VALUE"):
        grant("S3.TLS", ARN, GROUNDS, NOW, tag=tag)


@pytest.mark.parametrize("control", ["s3.tls", "S3.TSL", "S3"])
def test_an_unknown_control_is_invalid(control: str) -> None:
    """A typing error would otherwise make an exemption without effect; the message lists the controls."""
    with pytest.raises(ExemptionError, match=rf"control: '{control}' matches no control; the controls are: .*S3\.TLS"):
        grant(control, ARN, GROUNDS, NOW)


@pytest.mark.parametrize(
    ("change", "states"),
    [
        ({"owner": " "}, "owner: is blank"),
        ({"reason": ""}, "reason: is blank"),
        ({"reason": "one\ntwo"}, "reason: .* not printable"),
        ({"owner": "\x1b[31mada"}, "owner: .* not printable"),
        ({"reason": "x" * 501}, "reason: has 501 characters"),
        ({"until": NOW}, "until: .* is in the past"),
        ({"until": NOW.replace(tzinfo=None)}, "until: .* has no time zone"),
    ],
)
def test_incomplete_grounds_are_invalid(change: dict[str, object], states: str) -> None:
    """An exemption needs an owner, a reason and an end in the future."""
    with pytest.raises(ExemptionError, match=states):
        grant("S3.TLS", ARN, replace(GROUNDS, **change), NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("resource", "states"), [("harbor", "is not an ARN"), ("", "is blank"), ("arn:\u202e", "printable")]
)
def test_an_invalid_resource_is_named(resource: str, states: str) -> None:
    """A bare name would match no ARN and have no effect."""
    with pytest.raises(ExemptionError, match=f"resource: .*{states}"):
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
def test_the_forms_of_an_end(text: str, end: datetime) -> None:
    """An end is a duration, a date or a time."""
    assert parse_end(text, NOW) == end


@pytest.mark.parametrize("text", ["", "30", "never", "2027-02-30", "999999w", "30 d", "-1d", "30d\n"])
def test_an_invalid_end_is_refused(text: str) -> None:
    """The message states which forms are valid."""
    with pytest.raises(ExemptionError, match=r"until: .* is not an end; write a duration"):
        parse_end(text, NOW)


def test_parsing_returns_the_same_exemption() -> None:
    """The text that the ledger stores holds every field."""
    exemption = grant("S3.TLS", ARN, GROUNDS, NOW)
    assert Exemption.parse(exemption.text) == exemption


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"id": 1, "until": "2027-01-31T12:00Z"}', '{"until": 5}'])
def test_an_unreadable_exemption_is_an_error(text: str) -> None:
    """An exemption that cannot be parsed is neither applied nor ignored."""
    with pytest.raises(ExemptionError, match="cannot be read"):
        Exemption.parse(text)


def test_ids_are_unique() -> None:
    """The same exemption granted at another time has another ID."""
    assert len({grant("S3.TLS", ARN, GROUNDS, NOW + timedelta(seconds=n)).id for n in range(5)}) == 5
