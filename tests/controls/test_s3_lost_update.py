"""S3.LOST_UPDATE: what a write of pipeseal's took from somebody's policy comes back, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.resources import bucket

from pipeseal.controls.s3_lost_update import CONTROL
from pipeseal.model import Refused
from pipeseal.policy import LIMIT, Policy
from pipeseal.policy.overtaken import Overtaken, overtaken
from pipeseal.settings import Settings

SETTINGS = Settings()


def statement(sid: str, **more: Any) -> dict[str, Any]:
    """Make somebody's statement."""
    allowed = {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "s3:GetObject"}
    return {"Sid": sid, **allowed, "Resource": "arn:aws:s3:::harbor/*", **more}


def document(*statements: dict[str, Any]) -> dict[str, Any] | None:
    """Make a policy of *statements*; none where there are none."""
    return {"Version": "2012-10-17", "Statement": list(statements)} if statements else None


A, B, C, OURS = statement("A"), statement("B"), statement("C"), statement("Ours", Effect="Deny", Principal="*")
OTHER_A = statement("A", Action="s3:ListBucket", Resource="arn:aws:s3:::harbor")


@pytest.mark.parametrize(
    ("read", "put", "live", "lost"),
    [
        pytest.param([A], [A, B], [A, OURS], ([B], []), id="added"),
        pytest.param([A, B], [A], [A, B, OURS], ([], [B]), id="taken out"),
        pytest.param([A], [OTHER_A], [A, OURS], ([OTHER_A], [A]), id="changed"),
        pytest.param([A], [], [A, OURS], ([], [A]), id="deleted whole"),
        pytest.param([], [B], [OURS], ([B], []), id="the first policy"),
        pytest.param([A], [A, B], [A, B, OURS], ([], []), id="put again by its author"),
        pytest.param([A], [A, OTHER_A | {"Sid": "C"}], [A, C, OURS], ([], []), id="its Sid is somebody else's by now"),
        pytest.param([A], [A, B], [C, OURS], ([B], []), id="a third one wrote since"),
    ],
)
def test_the_difference_between_what_was_meant_and_what_is(read: Any, put: Any, live: Any, lost: Any) -> None:
    """What they put or took out and is not so counts; all that others wrote since stays."""
    found = overtaken(document(*live), document(*put), document(*read), sure=True)
    assert (list(found.missing), list(found.undead)) == lost
    before = replace(bucket(), policy=Policy.parse(document(*live)), lost=found)
    after = CONTROL.fix(before, SETTINGS)
    kept = [each for each in live if each not in lost[1]] + lost[0]
    assert after.policy.document == document(*kept)
    assert bool(CONTROL.reasons(before, SETTINGS)) is (after != before)
    assert CONTROL.fix(after, SETTINGS) == after
    assert not CONTROL.reasons(after, SETTINGS)


@pytest.mark.parametrize(
    ("read", "put", "missing"),
    [
        pytest.param([A], [A, B], [B], id="made from what we read"),
        pytest.param([A], [B], [], id="perhaps what A's author replaced"),
        pytest.param([A, B], [A], [], id="perhaps what B was added to"),
    ],
)
def test_in_doubt_only_what_was_added_comes_back(read: Any, put: Any, missing: Any) -> None:
    """CloudTrail's times are whole seconds: which of two documents was there first may be anybody's guess."""
    found = overtaken(document(*read, OURS), document(*put), document(*read), sure=False)
    assert found == Overtaken(tuple(missing), ())


def test_a_reason_names_the_statements() -> None:
    """The owner knows what was gone, and what was there again, for a while."""
    live = replace(bucket(), policy=Policy.parse(document(A, OURS)), lost=Overtaken((B, statement("")), (A,)))
    (said,) = CONTROL.reasons(live, SETTINGS)
    assert said == (
        "pipeseal wrote this policy in the moment in which somebody else did, and statement B, a statement without Sid "
        "was lost and statement A, which they had taken out, was there again."
    )


def test_what_does_not_fit_is_refused() -> None:
    """S3 would not take it, so a person must."""
    long = statement("Long", Resource=[f"arn:aws:s3:::harbor/{number:0>200}" for number in range(LIMIT // 210)])
    live = replace(bucket(), policy=Policy.parse(document(long)), lost=Overtaken((B, C), ()))
    with pytest.raises(Refused, match=rf"has \d+ bytes, and S3 takes {LIMIT}"):
        CONTROL.fix(live, SETTINGS)
