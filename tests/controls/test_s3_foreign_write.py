"""S3.FOREIGN_WRITE; tests/policy covers which access a policy grants."""

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
DEPENDENTS = {PIPELINE: ARTIFACT_KEY}


def statement(principal: Any, action: Any = "s3:PutObject", **elements: Any) -> dict[str, Any]:
    """Return an Allow statement on the bucket and its objects."""
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
        f"Statement 2 (Partner) allows account {PARTNER} to write objects (s3:PutObject).",
    ),
    (
        statement("*", ["s3:DeleteObject*", "s3:PutBucketPolicy"]),
        (
            "Statement 2 allows anyone to delete objects and change the bucket policy "
            "(s3:DeleteObject* and s3:PutBucketPolicy)."
        ),
    ),
    (
        statement("*", "s3:*"),
        "Statement 2 allows anyone to write objects, delete objects, change the bucket policy and change ACLs (s3:*).",
    ),
    (
        statement("*", Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}),
        "Statement 2 allows anyone to write objects (s3:PutObject), restricted only by aws:SourceIp.",
    ),
    (
        statement({"AWS": [PARTNER, "arn:aws:iam::333344445555:root"]}, "s3:R*"),
        f"Statement 2 allows account {PARTNER} and account 333344445555 to write objects and delete objects (s3:R*).",
    ),
    (
        statement("*", "s3:PutLifecycle*", Condition={"Null": {"aws:PrincipalArn": "false"}}),
        "Statement 2 allows any AWS account to delete objects (s3:PutLifecycle*), restricted only by aws:PrincipalArn.",
    ),
    (
        {name: value for name, value in statement("*").items() if name != "Action"} | {"NotAction": "s3:Put*"},
        (
            "Statement 2 allows anyone to write objects, delete objects and change the bucket policy "
            "(all actions except s3:Put*)."
        ),
    ),
]


@pytest.mark.parametrize(("granting", "sentence"), SENTENCES)
def test_the_finding_states_the_grant(granting: dict[str, Any], sentence: str) -> None:
    """The sentence names the statement, the principals, the effect, the actions and the condition keys."""
    assert CONTROL.reasons(bucket(OWN, granting, dependents=DEPENDENTS), Settings()) == (sentence,)


@pytest.mark.parametrize("action", ["s3:BypassGovernanceRetention", "s3:DeleteBucket", "s3:GetObject*", "s3:List*"])
def test_other_actions_are_not_reported(action: str) -> None:
    """Read access is not checked, and these write actions have no effect without permission to delete objects."""
    assert CONTROL.reasons(bucket(statement("*", action), dependents=DEPENDENTS), Settings()) == ()


def test_each_statement_has_its_own_sentence() -> None:
    """Two statements that grant external access are two reasons."""
    assert (
        len(
            CONTROL.reasons(bucket(statement("*"), OWN, statement({"AWS": PARTNER}), dependents=DEPENDENTS), Settings())
        )
        == 2
    )


def test_only_artifact_buckets_are_checked() -> None:
    """A bucket without artifacts is not checked, even if EncryptionScope includes it."""
    assert CONTROL.reasons(bucket(statement("*"), requires_kms=True), Settings()) == ()


def test_members_of_the_organization_are_not_external() -> None:
    """With OrganizationId, a statement that requires membership is compliant; one that does not is reported."""
    member = statement({"AWS": PARTNER}, Condition={"StringEquals": {"aws:PrincipalOrgID": ORG}})
    assert CONTROL.reasons(bucket(member, dependents=DEPENDENTS), Settings())
    assert CONTROL.reasons(bucket(member, dependents=DEPENDENTS), Settings(organization_id=ORG)) == ()
    unrestricted = bucket(statement({"AWS": PARTNER}), dependents=DEPENDENTS)
    assert CONTROL.reasons(unrestricted, Settings(organization_id=ORG))


def test_nothing_is_written() -> None:
    """The control only notifies."""
    shared = bucket(statement("*"), dependents=DEPENDENTS)
    assert CONTROL.fix(shared, Settings()) is shared


def test_other_remediations_do_not_change_the_finding() -> None:
    """External principals can use TLS and SSE-KMS, so the Deny statements of other controls do not exclude them."""
    shared = bucket(statement("*", "s3:*"), dependents=DEPENDENTS, requires_kms=True)
    remediated = SSE_UPLOADS.fix(TLS.fix(shared, Settings()), Settings())
    assert CONTROL.reasons(remediated, Settings()) == CONTROL.reasons(shared, Settings()) != ()


def test_a_policy_that_is_too_complex_is_reported() -> None:
    """An undecided grant is never considered compliant."""
    numbers = [str(210000000000 + number) for number in range(600)]
    complex_policy = bucket(
        statement({"AWS": numbers}),
        statement({"AWS": numbers}) | {"Effect": "Deny"},
        dependents=DEPENDENTS,
    )
    [reason] = CONTROL.reasons(complex_policy, Settings())
    assert reason.startswith(f"Statement 1 may allow account {numbers[0]}, ")
    assert reason.endswith("and 596 more to write objects (s3:PutObject); the policy is too complex to evaluate.")
