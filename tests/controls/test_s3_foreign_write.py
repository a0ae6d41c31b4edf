"""S3.FOREIGN_WRITE by cases; whom a policy lets in is the policy engine's own test."""

from __future__ import annotations

from typing import Any

import pytest
from tests.resources import ACCOUNT, ARTIFACT_KEY, PIPELINE, bucket

from pipeseal.controls.s3_foreign_write import CONTROL
from pipeseal.controls.s3_sse_uploads import CONTROL as SSE_UPLOADS
from pipeseal.controls.s3_tls import CONTROL as TLS
from pipeseal.settings import Settings

ARN = "arn:aws:s3:::harbor"
PARTNER = "210987654321"
ORG = "o-harbor1234"
USERS = {PIPELINE: ARTIFACT_KEY}


def statement(principal: Any, action: Any = "s3:PutObject", **elements: Any) -> dict[str, Any]:
    """Make an Allow on the bucket and its objects."""
    return {
        "Effect": "Allow",
        "Principal": principal,
        "Action": action,
        "Resource": [ARN, f"{ARN}/*"],
        **elements,
    }


OWN = statement({"AWS": f"arn:aws:iam::{ACCOUNT}:role/pipeline"}, Sid="Own")
SENTENCES: list[tuple[dict[str, Any], str]] = [
    (
        statement({"AWS": PARTNER}, Sid="Partner"),
        f"Statement 2 (Partner) lets account {PARTNER} write objects (s3:PutObject).",
    ),
    (
        statement("*", ["s3:DeleteObject*", "s3:PutBucketPolicy"]),
        "Statement 2 lets anyone delete objects and change the bucket policy (s3:DeleteObject*, s3:PutBucketPolicy).",
    ),
    (
        statement("*", "s3:*"),
        "Statement 2 lets anyone write objects, delete objects, change the bucket policy and change ACLs (s3:*).",
    ),
    (
        statement("*", Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}),
        "Statement 2 lets anyone write objects (s3:PutObject), narrowed only by aws:SourceIp.",
    ),
    (
        statement({"AWS": [PARTNER, "arn:aws:iam::333344445555:root"]}, "s3:R*"),
        f"Statement 2 lets account {PARTNER} and account 333344445555 write objects and delete objects (s3:R*).",
    ),
    (
        statement("*", "s3:PutLifecycle*", Condition={"Null": {"aws:PrincipalArn": "false"}}),
        "Statement 2 lets any AWS account delete objects (s3:PutLifecycle*), narrowed only by aws:PrincipalArn.",
    ),
    (
        {name: value for name, value in statement("*").items() if name != "Action"} | {"NotAction": "s3:Put*"},
        "Statement 2 lets anyone write objects, delete objects and change the bucket policy (all but s3:Put*).",
    ),
]


@pytest.mark.parametrize(("theirs", "sentence"), SENTENCES)
def test_the_statement_is_told_of(theirs: dict[str, Any], sentence: str) -> None:
    """Which statement, whom it lets do what, by which action, and what narrows it."""
    assert CONTROL.reasons(bucket(OWN, theirs, users=USERS), Settings()) == (sentence,)


@pytest.mark.parametrize("action", ["s3:BypassGovernanceRetention", "s3:DeleteBucket", "s3:GetObject*", "s3:List*"])
def test_what_does_no_harm_alone_is_let_be(action: str) -> None:
    """Reading is another matter, and what works only for who may delete is told of with deleting."""
    assert CONTROL.reasons(bucket(statement("*", action), users=USERS), Settings()) == ()


def test_each_statement_has_its_sentence() -> None:
    """Two statements that let strangers in are two things to put right."""
    assert len(CONTROL.reasons(bucket(statement("*"), OWN, statement({"AWS": PARTNER}), users=USERS), Settings())) == 2


def test_only_buckets_with_artifacts_are_judged() -> None:
    """A bucket that nothing keeps artifacts in may be shared for its own reasons, encrypted or not."""
    assert CONTROL.reasons(bucket(statement("*"), encrypt=True), Settings()) == ()


def test_members_of_the_organisation_are_no_strangers_where_it_is_given() -> None:
    """OrganizationId widens home to the organisation; a statement must say that it means its members."""
    member = statement({"AWS": PARTNER}, Condition={"StringEquals": {"aws:PrincipalOrgID": ORG}})
    assert CONTROL.reasons(bucket(member, users=USERS), Settings())
    assert CONTROL.reasons(bucket(member, users=USERS), Settings(organization_id=ORG)) == ()
    unsaid = bucket(statement({"AWS": PARTNER}), users=USERS)
    assert CONTROL.reasons(unsaid, Settings(organization_id=ORG))


def test_nothing_is_written() -> None:
    """Who is meant to be let in, a person must say."""
    shared = bucket(statement("*"), users=USERS)
    assert CONTROL.fix(shared, Settings()) is shared


def test_sealing_makes_no_stranger_a_friend() -> None:
    """A stranger can use TLS and KMS as well as anyone, so the sentence is the same after the other controls."""
    shared = bucket(statement("*", "s3:*"), users=USERS, encrypt=True)
    sealed = SSE_UPLOADS.fix(TLS.fix(shared, Settings()), Settings())
    assert CONTROL.reasons(sealed, Settings()) == CONTROL.reasons(shared, Settings()) != ()


def test_what_is_too_intricate_is_said() -> None:
    """What cannot be settled is never taken for fine."""
    numbers = [str(210000000000 + number) for number in range(600)]
    hostile = bucket(
        statement({"AWS": numbers}),
        statement({"AWS": numbers}) | {"Effect": "Deny"},
        users=USERS,
    )
    [reason] = CONTROL.reasons(hostile, Settings())
    assert reason.startswith(f"Statement 1 may let account {numbers[0]}, ")
    assert reason.endswith("and 596 more write objects (s3:PutObject); the policy is too intricate to be settled.")
