"""S3.LOST_UPDATE: a concurrent change that pipeseal overwrote is restored, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.resources import bucket

from pipeseal.controls.s3_lost_update import CONTROL
from pipeseal.model import Refused
from pipeseal.policy import MAX_POLICY_BYTES, Policy
from pipeseal.policy.lost_update import LostUpdate, lost_update
from pipeseal.settings import Settings

SETTINGS = Settings()


def statement(sid: str, **more: Any) -> dict[str, Any]:
    """Return a statement of another writer."""
    allowed = {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "s3:GetObject"}
    return {"Sid": sid, **allowed, "Resource": "arn:aws:s3:::harbor/*", **more}


def document(*statements: dict[str, Any]) -> dict[str, Any] | None:
    """Return a policy with *statements*; None if there are none."""
    return {"Version": "2012-10-17", "Statement": list(statements)} if statements else None


A, B, C, OURS = statement("A"), statement("B"), statement("C"), statement("Ours", Effect="Deny", Principal="*")
OTHER_A = statement("A", Action="s3:ListBucket", Resource="arn:aws:s3:::harbor")


@pytest.mark.parametrize(
    ("read", "put", "live", "lost"),
    [
        pytest.param([A], [A, B], [A, OURS], ([B], []), id="added"),
        pytest.param([A, B], [A], [A, B, OURS], ([], [B]), id="removed"),
        pytest.param([A], [OTHER_A], [A, OURS], ([OTHER_A], [A]), id="changed"),
        pytest.param([A], [], [A, OURS], ([], [A]), id="policy deleted"),
        pytest.param([], [B], [OURS], ([B], []), id="first policy"),
        pytest.param([A], [A, B], [A, B, OURS], ([], []), id="written again by its author"),
        pytest.param([A], [A, OTHER_A | {"Sid": "C"}], [A, C, OURS], ([], []), id="a later writer reused its Sid"),
        pytest.param([A], [A, B], [C, OURS], ([B], []), id="a third writer changed the policy since"),
    ],
)
def test_a_lost_update_is_restored(read: Any, put: Any, live: Any, lost: Any) -> None:
    """Missing statements are added, removed ones are removed again, and later changes by others are kept."""
    found = lost_update(document(*live), document(*put), document(*read), put_after_read=True)
    assert (list(found.missing), list(found.resurrected)) == lost
    before = replace(bucket(), policy=Policy.parse(document(*live)), lost_update=found)
    after = CONTROL.fix(before, SETTINGS)
    kept = [each for each in live if each not in lost[1]] + lost[0]
    assert after.policy.document == document(*kept)
    assert bool(CONTROL.reasons(before, SETTINGS)) is (after != before)
    assert CONTROL.fix(after, SETTINGS) == after
    assert not CONTROL.reasons(after, SETTINGS)


@pytest.mark.parametrize(
    ("read", "put", "missing"),
    [
        pytest.param([A], [A, B], [B], id="based on the policy that pipeseal read"),
        pytest.param([A], [B], [], id="possibly replaced by the author of A"),
        pytest.param([A, B], [A], [], id="possibly the policy before B was added"),
    ],
)
def test_with_an_unknown_order_only_additions_are_restored(read: Any, put: Any, missing: Any) -> None:
    """Event times are whole seconds, so the order of two writes can be unknown."""
    found = lost_update(document(*read, OURS), document(*put), document(*read), put_after_read=False)
    assert found == LostUpdate(tuple(missing), ())


def test_the_finding_names_the_statements() -> None:
    """The sentence lists the missing statements and those that are present although removed."""
    live = replace(bucket(), policy=Policy.parse(document(A, OURS)), lost_update=LostUpdate((B, statement("")), (A,)))
    (reason,) = CONTROL.reasons(live, SETTINGS)
    assert reason == (
        "pipeseal overwrote a concurrent change of the bucket policy; missing: statement B and a statement without "
        "Sid; present although removed: statement A."
    )


def test_a_policy_that_would_be_too_large_is_refused() -> None:
    """A policy over 20 KB is not written."""
    long = statement(
        "Long", Resource=[f"arn:aws:s3:::harbor/{number:0>200}" for number in range(MAX_POLICY_BYTES // 210)]
    )
    live = replace(bucket(), policy=Policy.parse(document(long)), lost_update=LostUpdate((B, C), ()))
    with pytest.raises(Refused, match=rf"has \d+ bytes; S3 accepts {MAX_POLICY_BYTES}"):
        CONTROL.fix(live, SETTINGS)
