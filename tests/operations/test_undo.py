"""Undo on moto: the former state is restored exactly, once, and stays; an undo that would do damage is declined."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.fake_account import ENVIRONMENT, REGION, FakeAccount, event, writes
from tests.fake_resources import (
    ARN,
    BUCKET,
    READERS,
    create_asymmetric_key,
    create_bucket,
    create_pipeline_role,
    create_symmetric_key,
    live_encryption,
    live_pipeline,
    live_policy,
    live_statements,
    put_encryption,
    put_policy,
    transition_into_build,
)
from tests.operations.operator import OPERATOR
from tests.resources import action, document

from pipeseal.exemptions import ExemptionError, Grounds
from pipeseal.model import Action
from pipeseal.operations.amendment import Declined, carry_out
from pipeseal.operations.undo import plan_undo
from pipeseal.runtime import Runtime

GROUNDS = Grounds("ada", "the scanner cannot do TLS", datetime.now(UTC) + timedelta(days=30))
POLICY_CHANGED = event("PutBucketPolicy", {"bucketName": BUCKET})
ENCRYPTION_CHANGED = event("DeleteBucketEncryption", {"bucketName": BUCKET})


def bucket_state() -> tuple[Any, Any]:
    """Return the bucket's policy and default encryption, each None where there is none."""
    return live_policy(), live_encryption()


def create_pipeline(structure: Any) -> dict[str, Any]:
    """Create a pipeline; return its event."""
    create_pipeline_role()
    boto3.client("codepipeline").create_pipeline(pipeline=structure)
    return event("CreatePipeline", {"pipeline": {"name": "release"}})


def pipeline_state() -> tuple[Any, Any]:
    """Return the pipeline's structure without its version, and whether the transition into Build is enabled."""
    structure = {name: value for name, value in live_pipeline().items() if name != "version"}
    return structure, transition_into_build()["enabled"]


# Each creates a violation, and returns its event and the function that reads the resource.
Case = tuple[dict[str, Any], Callable[[], Any]]


def policy_without_tls(_: pytest.MonkeyPatch) -> Case:
    """The bucket's policy does not require TLS."""
    create_bucket(BUCKET, READERS)
    return POLICY_CHANGED, bucket_state


def no_policy(_: pytest.MonkeyPatch) -> Case:
    """The bucket has no policy."""
    create_bucket()
    return POLICY_CHANGED, bucket_state


def artifact_bucket(monkeypatch: pytest.MonkeyPatch) -> Case:
    """The bucket violates every control of artifact buckets."""
    monkeypatch.setenv("ENCRYPTION_SCOPE", "all")
    create_bucket(BUCKET, READERS)
    boto3.client("s3").delete_bucket_encryption(Bucket=BUCKET)
    return ENCRYPTION_CHANGED, bucket_state


def other_encryption(monkeypatch: pytest.MonkeyPatch) -> Case:
    """Only the default encryption is in violation: it is SSE-S3."""
    case = artifact_bucket(monkeypatch)
    monkeypatch.setenv("CONTROL_MODES", "S3.TLS=off,S3.SSE_UPLOADS=off")
    put_encryption("AES256", bucket_key=False)
    return case


def key_scheduled_for_deletion(_: pytest.MonkeyPatch) -> Case:
    """A new asymmetric key is disabled and scheduled for deletion."""
    key = create_asymmetric_key()
    return (
        event("CreateKey", {}, {"keyMetadata": {"arn": key}}),
        lambda: boto3.client("kms").describe_key(KeyId=key)["KeyMetadata"],
    )


def disabled_key(monkeypatch: pytest.MonkeyPatch) -> Case:
    """A new asymmetric key is only disabled."""
    monkeypatch.setenv("KEY_REJECTION", "disable")
    return key_scheduled_for_deletion(monkeypatch)


def asymmetric_artifact_key(monkeypatch: pytest.MonkeyPatch) -> Case:
    """The operator's key replaces the asymmetric key of a pipeline."""
    monkeypatch.setenv("ARTIFACT_KEY_ARN", create_symmetric_key())
    return create_pipeline(document((REGION, BUCKET, create_asymmetric_key()))), pipeline_state


def artifact_keys_in_two_regions(monkeypatch: pytest.MonkeyPatch) -> Case:
    """The pipeline has stores in two Regions, one of them without a key."""
    monkeypatch.setenv("ARTIFACT_KEY_ARN", create_symmetric_key())
    structure = document((REGION, BUCKET, create_asymmetric_key()), ("eu-west-1", BUCKET, ""))
    return create_pipeline(structure), pipeline_state


def quarantine(_: pytest.MonkeyPatch) -> Case:
    """No key can replace the asymmetric one, so the pipeline is quarantined."""
    return create_pipeline(document((REGION, BUCKET, create_asymmetric_key()))), pipeline_state


def quarantine_with_a_masked_token(monkeypatch: pytest.MonkeyPatch) -> Case:
    """A masked token prevents an update of the structure, but not of the transition."""
    structure = document((REGION, BUCKET, create_asymmetric_key()))
    structure["stages"][0]["actions"] = [action("Checkout", OAuthToken="gho_" + "m" * 36)]
    monkeypatch.setenv("ARTIFACT_KEY_ARN", create_symmetric_key())
    return create_pipeline(structure), pipeline_state


CASES = [
    policy_without_tls,
    no_policy,
    artifact_bucket,
    other_encryption,
    key_scheduled_for_deletion,
    disabled_key,
    asymmetric_artifact_key,
    artifact_keys_in_two_regions,
    quarantine,
    quarantine_with_a_masked_token,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_an_undo_restores_the_former_state_and_it_stays(
    account: FakeAccount, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, case: Callable[[pytest.MonkeyPatch], Case]
) -> None:
    """The former state is restored exactly; the event of the undo finds it exempt, without a write or an alert."""
    happened, state = case(monkeypatch)
    before = state()
    remediation = account.deliver(happened)[0]
    assert remediation["action"] in ("remediated", "rejected", "quarantined")
    assert state() != before
    outcome = carry_out(plan_undo(remediation["ledger_id"], GROUNDS, runtime), OPERATOR, runtime)
    assert state() == before
    assert outcome.steps
    account.alerts()
    with account.calls() as calls:
        echo = account.deliver(happened)[0]
    alerts = [alert for alert in account.alerts() if alert["resource"]["arn"] == remediation["resource"]]
    assert state() == before
    if case is quarantine_with_a_masked_token:  # the secret in it violates another control, which is alerted
        assert (echo["action"], [alert["controls"] for alert in alerts]) == ("detected", [["CODEPIPELINE.SECRETS"]])
    else:
        assert (echo["action"], alerts) == ("exempt", [])
        assert not [call for call in writes(calls) if call != "UpdateItem"]  # of the graph
    assert set(echo["exemptions"]) == set(outcome.exemptions)


def remediated(account: FakeAccount) -> str:
    """Return the ID of the entry that made a bucket require TLS."""
    create_bucket(BUCKET, READERS)
    return str(account.deliver(POLICY_CHANGED)[0]["ledger_id"])


def test_an_undo_is_recorded(account: FakeAccount, runtime: Runtime) -> None:
    """The undo has an entry of its own, and both entries name each other."""
    identity = remediated(account)
    outcome = carry_out(plan_undo(identity, GROUNDS, runtime), OPERATOR, runtime)
    first, own = account.entries()
    assert (first["id"], first["undone_by"]) == (identity, outcome.entry)
    assert (own["id"], own["undoes"], own["intent"], own["outcome"]) == (outcome.entry, identity, "undone", "undone")
    assert (own["before"], own["after"]) == (first["after"], first["before"])
    assert own["actor"]["name"] == "ada"
    assert own["id"] > identity
    assert own["steps"] == ["bucket policy: DenyInsecureConnections removed, all else kept"]
    (exemption,) = runtime.ledger.exemptions.all()
    assert (exemption.control, exemption.resource, exemption.owner) == ("S3.TLS", ARN, "ada")


def test_planning_writes_nothing(account: FakeAccount, runtime: Runtime) -> None:
    """`plan_undo` only reads; it returns the steps that `carry_out` writes."""
    identity = remediated(account)
    with account.calls() as calls:
        planned = plan_undo(identity, GROUNDS, runtime)
    assert planned.steps == ("bucket policy: DenyInsecureConnections removed, all else kept",)
    assert not [call for call in writes(calls) if call != "Query"]


def test_an_undo_of_a_changed_resource_is_declined(account: FakeAccount, runtime: Runtime) -> None:
    """A statement that was added since would be lost; with --force it is."""
    identity = remediated(account)
    put_policy(*live_statements(), {**READERS, "Sid": "Later"})
    with pytest.raises(Declined, match=f"{ARN} was changed after {identity}.*--force"):
        plan_undo(identity, GROUNDS, runtime)
    assert not runtime.ledger.exemptions.all()
    forced = plan_undo(identity, GROUNDS, runtime, force=True)
    assert forced.steps == ("bucket policy: DenyInsecureConnections and Later removed, all else kept",)
    carry_out(forced, OPERATOR, runtime)
    assert live_statements() == [READERS]


def test_an_undo_keeps_what_the_entry_did_not_change(account: FakeAccount, runtime: Runtime) -> None:
    """The entry changed only the policy, so the encryption that was set since stays."""
    identity = remediated(account)
    rule = put_encryption("aws:kms")
    carry_out(plan_undo(identity, GROUNDS, runtime), OPERATOR, runtime)
    policy, encryption = bucket_state()
    assert policy["Statement"] == [READERS]
    assert encryption["Rules"] == [rule]


def test_a_state_that_is_already_restored_is_only_exempted(account: FakeAccount, runtime: Runtime) -> None:
    """An undo that ended between its write and its outcome can be repeated."""
    identity = remediated(account)
    put_policy(READERS)
    planned = plan_undo(identity, GROUNDS, runtime)
    assert planned.steps == ()
    assert carry_out(planned, OPERATOR, runtime).action is Action.UNDONE
    assert account.deliver(POLICY_CHANGED)[0]["action"] == "exempt"


def test_an_entry_is_undone_once(account: FakeAccount, runtime: Runtime) -> None:
    """A second undo names the first one; an undo is reverted by ending its exemptions."""
    identity = remediated(account)
    outcome = carry_out(plan_undo(identity, GROUNDS, runtime), OPERATOR, runtime)
    with pytest.raises(Declined, match=f"already undone by {outcome.entry}"):
        plan_undo(identity, GROUNDS, runtime)
    with pytest.raises(Declined, match=r"is an undo itself.*pipeseal exempt end"):
        plan_undo(outcome.entry, GROUNDS, runtime)


@pytest.mark.parametrize("identity", ["", "#record", "#all", "20261121T092958Z-0123456789", "x" * 3000])
def test_an_unknown_entry_is_declined(runtime: Runtime, identity: str) -> None:
    """Items of the ledger that are not entries cannot be undone either."""
    with pytest.raises(Declined, match="holds no such entry"):
        plan_undo(identity, GROUNDS, runtime)


def test_an_entry_that_wrote_nothing_is_declined(
    account: FakeAccount, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For an entry of detect mode, the message states how to exempt the resource instead."""
    monkeypatch.setenv("MODE", "detect")
    identity = remediated(account)
    with pytest.raises(Declined, match=f"wrote nothing.*exempt add --control S3.TLS --resource '{ARN}'"):
        plan_undo(identity, GROUNDS, runtime)


def test_an_undo_of_a_deleted_resource_is_declined(account: FakeAccount, runtime: Runtime) -> None:
    """The message names the resource that no longer exists."""
    identity = remediated(account)
    boto3.client("s3").delete_bucket(Bucket=BUCKET)
    with pytest.raises(Declined, match=f"{ARN} no longer exists"):
        plan_undo(identity, GROUNDS, runtime)


def test_incomplete_grounds_are_an_error_before_any_write(account: FakeAccount, runtime: Runtime) -> None:
    """An undo needs an owner, a reason and an end."""
    identity = remediated(account)
    with pytest.raises(ExemptionError, match="owner"):
        plan_undo(identity, Grounds("", "why", GROUNDS.until), runtime)


def test_an_undo_that_would_destroy_a_token_is_declined(
    account: FakeAccount, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A structure with a masked token is not written, even with --force."""
    happened, _ = asymmetric_artifact_key(monkeypatch)
    identity = account.deliver(happened)[0]["ledger_id"]
    monkeypatch.setattr("pipeseal.kinds.pipeline.api._locked", lambda *_: "AWS redacted a token in it")
    with pytest.raises(Declined, match="cannot be written: AWS redacted a token"):
        plan_undo(identity, GROUNDS, runtime, force=True)


def test_an_undo_that_aws_denies_adds_no_exemption(
    account: FakeAccount, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resource stays remediated, its lease is released, the failure is recorded, and the undo can be repeated."""
    identity = remediated(account)
    before = bucket_state()

    def deny(*_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutBucketPolicy")

    with monkeypatch.context() as broken:
        broken.setattr("pipeseal.kinds.bucket.api.BucketAdapter.write", deny)
        with pytest.raises(ClientError, match="AccessDenied"):
            carry_out(plan_undo(identity, GROUNDS, runtime), OPERATOR, runtime)
    assert bucket_state() == before
    assert not runtime.ledger.exemptions.all()
    assert [entry["outcome"] for entry in account.entries()] == ["remediated", "failed"]
    assert account.deliver(POLICY_CHANGED)[0]["action"] == "compliant"
    carry_out(plan_undo(identity, GROUNDS, runtime), OPERATOR, runtime)
    assert live_statements() == [READERS]


def test_a_change_between_plan_and_write_is_detected(account: FakeAccount, runtime: Runtime) -> None:
    """Only what was planned is written; otherwise nothing is, and no exemption is added."""
    planned = plan_undo(remediated(account), GROUNDS, runtime)
    put_policy({**READERS, "Sid": "Later"})
    with pytest.raises(Declined, match="was changed a moment ago"):
        carry_out(planned, OPERATOR, runtime)
    assert live_statements() == [{**READERS, "Sid": "Later"}]
    assert not runtime.ledger.exemptions.all()


def test_an_undo_is_declined_while_the_resource_is_leased(account: FakeAccount, runtime: Runtime) -> None:
    """A concurrent invocation could overwrite the undo, so the message asks to try again."""
    planned = plan_undo(remediated(account), GROUNDS, runtime)
    boto3.client("dynamodb").update_item(
        TableName=ENVIRONMENT["LEDGER_TABLE"],
        Key={"resource": {"S": ARN}, "id": {"S": "#record"}},
        UpdateExpression="SET lease_owner = :h, lease_expires = :u",
        ExpressionAttributeValues={":h": {"S": "x"}, ":u": {"N": str(GROUNDS.until.timestamp())}},
    )
    with pytest.raises(Declined, match="try again in a minute"):
        carry_out(planned, OPERATOR, runtime)
    assert not runtime.ledger.exemptions.all()
