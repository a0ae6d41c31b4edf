"""Undo on moto: exactly what was before, once, and not put right again; refused where it would do harm."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.account import ENVIRONMENT, REGION, Account, event, writes
from tests.harbor import ARN, BUCKET, THEIRS, put_policy
from tests.resources import action, document

from pipeseal.amendment import Declined
from pipeseal.aws.world import World
from pipeseal.exemptions import ExemptionError, Grounds
from pipeseal.model import Action
from pipeseal.undo import carry_out, reversal

GROUNDS = Grounds("ada", "the scanner cannot do TLS", datetime.now(UTC) + timedelta(days=30))
POLICY_CHANGED = event("PutBucketPolicy", {"bucketName": BUCKET})
ENCRYPTION_CHANGED = event("DeleteBucketEncryption", {"bucketName": BUCKET})


def bucket_state() -> tuple[Any, Any]:
    """Return the bucket's policy and default encryption, each None where there is none."""
    s3: Any = boto3.client("s3")
    found: list[Any] = []
    for ask, name in (
        (s3.get_bucket_policy, "Policy"),
        (s3.get_bucket_encryption, "ServerSideEncryptionConfiguration"),
    ):
        try:
            found.append(ask(Bucket=BUCKET)[name])
        except ClientError:
            found.append(None)
    return found[0] and json.loads(found[0]), found[1]


def make_role() -> None:
    """Make the role that the structures name."""
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}}]}
    boto3.client("iam").create_role(RoleName="pipeline", AssumeRolePolicyDocument=json.dumps(trust))


def make_pipeline(structure: Any) -> dict[str, Any]:
    """Create a pipeline; return the event of it."""
    make_role()
    boto3.client("codepipeline").create_pipeline(pipeline=structure)
    return event("CreatePipeline", {"pipeline": {"name": "release"}})


def pipeline_state() -> tuple[Any, Any]:
    """Return the pipeline's structure but its version, and the way into its second stage."""
    codepipeline = boto3.client("codepipeline")
    structure = codepipeline.get_pipeline(name="release")["pipeline"]
    way = codepipeline.get_pipeline_state(name="release")["stageStates"][1]["inboundTransitionState"]
    return {name: value for name, value in structure.items() if name != "version"}, way["enabled"]


def asymmetric() -> str:
    """Make a key of the wrong kind; return its ARN."""
    return str(boto3.client("kms").create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"])


def key_state(arn: str) -> Any:
    """Return all that KMS says of the key."""
    return boto3.client("kms").describe_key(KeyId=arn)["KeyMetadata"]


# Each makes something wrong and returns the event of it and the way to look at it.
Case = tuple[dict[str, Any], Callable[[], Any]]


def open_policy(_: pytest.MonkeyPatch) -> Case:
    """A policy of theirs says nothing of TLS."""
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    put_policy(THEIRS)
    return POLICY_CHANGED, bucket_state


def no_policy(_: pytest.MonkeyPatch) -> Case:
    """There is no policy at all."""
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    return POLICY_CHANGED, bucket_state


def artifacts(monkeypatch: pytest.MonkeyPatch) -> Case:
    """Everything wrong at once, as an artifact bucket is sealed."""
    monkeypatch.setenv("ENCRYPTION_SCOPE", "all")
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.delete_bucket_encryption(Bucket=BUCKET)
    put_policy(THEIRS)
    return ENCRYPTION_CHANGED, bucket_state


def other_encryption(monkeypatch: pytest.MonkeyPatch) -> Case:
    """Only the encryption is wrong, and it is another one."""
    case = artifacts(monkeypatch)
    monkeypatch.setenv("CONTROL_MODES", "S3.TLS=off,S3.SSE_UPLOADS=off")
    rule: Any = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}
    boto3.client("s3").put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]})
    return case


def scheduled_key(_: pytest.MonkeyPatch) -> Case:
    """A new key of the wrong kind, disabled and scheduled for deletion."""
    arn = asymmetric()
    return event("CreateKey", {}, {"keyMetadata": {"arn": arn}}), lambda: key_state(arn)


def disabled_key(monkeypatch: pytest.MonkeyPatch) -> Case:
    """A new key of the wrong kind, only disabled."""
    monkeypatch.setenv("KEY_REJECTION", "disable")
    return scheduled_key(monkeypatch)


def wrong_key(monkeypatch: pytest.MonkeyPatch) -> Case:
    """The operator's key takes the place of one of the wrong kind."""
    monkeypatch.setenv("ARTIFACT_KEY_ARN", boto3.client("kms").create_key()["KeyMetadata"]["Arn"])
    return make_pipeline(document((REGION, BUCKET, asymmetric()))), pipeline_state


def wrong_keys(monkeypatch: pytest.MonkeyPatch) -> Case:
    """Two regions, one of them without a key."""
    monkeypatch.setenv("ARTIFACT_KEY_ARN", boto3.client("kms").create_key()["KeyMetadata"]["Arn"])
    return make_pipeline(document((REGION, BUCKET, asymmetric()), ("eu-west-1", BUCKET, ""))), pipeline_state


def quarantine(_: pytest.MonkeyPatch) -> Case:
    """There is no key to take its place."""
    return make_pipeline(document((REGION, BUCKET, asymmetric()))), pipeline_state


def quarantine_of_a_locked_one(monkeypatch: pytest.MonkeyPatch) -> Case:
    """A masked token keeps the structure from being written, but not the transition."""
    structure = document((REGION, BUCKET, asymmetric()))
    structure["stages"][0]["actions"] = [action("Checkout", OAuthToken="gho_" + "m" * 36)]
    monkeypatch.setenv("ARTIFACT_KEY_ARN", boto3.client("kms").create_key()["KeyMetadata"]["Arn"])
    return make_pipeline(structure), pipeline_state


CASES = [
    open_policy,
    no_policy,
    artifacts,
    other_encryption,
    scheduled_key,
    disabled_key,
    wrong_key,
    wrong_keys,
    quarantine,
    quarantine_of_a_locked_one,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_what_was_before_is_back_and_stays(
    account: Account, world: World, monkeypatch: pytest.MonkeyPatch, case: Callable[[pytest.MonkeyPatch], Case]
) -> None:
    """Exactly the former state; the event of the undo itself finds it excused, writes nothing and tells nobody."""
    happened, look = case(monkeypatch)
    before = look()
    done = account.deliver(happened)[0]
    assert done["action"] in ("remediated", "rejected", "quarantined")
    assert look() != before
    outcome = carry_out(reversal(done["ledger_id"], GROUNDS, world), world)
    assert look() == before
    assert outcome.steps
    account.alerts()
    with account.calls() as calls:
        echo = account.deliver(happened)[0]
    told = [alert for alert in account.alerts() if alert["resource"]["arn"] == done["resource"]]
    assert look() == before
    if case is quarantine_of_a_locked_one:  # the secret in it is another control's, which is still told of
        assert (echo["action"], [alert["controls"] for alert in told]) == ("detected", [["CODEPIPELINE.SECRETS"]])
    else:
        assert (echo["action"], told) == ("exempt", [])
        assert not [call for call in writes(calls) if call != "UpdateItem"]  # a pipeline's buckets are remembered
    assert set(echo["exemptions"]) == set(outcome.exemptions)


def sealed(account: Account, *statements: dict[str, Any]) -> str:
    """Seal a bucket under a policy of *statements*; return the entry's id."""
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    put_policy(*(statements or (THEIRS,)))
    return str(account.deliver(POLICY_CHANGED)[0]["ledger_id"])


def test_an_undo_is_recorded(account: Account, world: World) -> None:
    """It has an entry of its own that names the other, and the other names it."""
    identity = sealed(account)
    outcome = carry_out(reversal(identity, GROUNDS, world), world)
    first, own = account.entries()
    assert (first["id"], first["undone_by"]) == (identity, outcome.entry)
    assert (own["id"], own["undoes"], own["intent"], own["outcome"]) == (outcome.entry, identity, "undone", "undone")
    assert (own["before"], own["after"]) == (first["after"], first["before"])
    assert own["actor"]["name"] == "ada"
    assert own["id"] > identity
    assert own["steps"] == ["bucket policy: DenyInsecureConnections taken out, all else kept"]
    (exemption,) = world.ledger.exemptions()
    assert (exemption.control, exemption.resource, exemption.owner) == ("S3.TLS", ARN, "ada")


def test_nothing_is_written_before_it_is_carried_out(account: Account, world: World) -> None:
    """To say what an undo comes to is to read."""
    identity = sealed(account)
    with account.calls() as calls:
        found = reversal(identity, GROUNDS, world)
    assert found.steps == ("bucket policy: DenyInsecureConnections taken out, all else kept",)
    assert not [call for call in writes(calls) if call != "Query"]


def test_a_resource_that_was_changed_since_is_left(account: Account, world: World) -> None:
    """Somebody's later statement would be lost; --force loses it."""
    identity = sealed(account)
    policy, _ = bucket_state()
    later = {**THEIRS, "Sid": "Later"}
    put_policy(*policy["Statement"], later)
    with pytest.raises(Declined, match=f"{ARN} was changed after {identity}.*--force"):
        reversal(identity, GROUNDS, world)
    assert not world.ledger.exemptions()
    forced = reversal(identity, GROUNDS, world, force=True)
    assert forced.steps == ("bucket policy: DenyInsecureConnections and Later taken out, all else kept",)
    carry_out(forced, world)
    assert bucket_state()[0]["Statement"] == [THEIRS]


def test_what_the_entry_did_not_change_may_have_changed(account: Account, world: World) -> None:
    """A policy entry is about the policy: the encryption that somebody set since stays."""
    identity = sealed(account)
    rule: Any = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}
    boto3.client("s3").put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]})
    carry_out(reversal(identity, GROUNDS, world), world)
    policy, encryption = bucket_state()
    assert policy["Statement"] == [THEIRS]
    assert encryption["Rules"] == [rule]


def test_what_is_so_already_is_only_excused(account: Account, world: World) -> None:
    """An undo that was killed between its write and its last word can be done again."""
    identity = sealed(account)
    put_policy(THEIRS)
    found = reversal(identity, GROUNDS, world)
    assert found.steps == ()
    assert carry_out(found, world).action is Action.UNDONE
    assert account.deliver(POLICY_CHANGED)[0]["action"] == "exempt"


def test_an_entry_is_undone_once(account: Account, world: World) -> None:
    """The second time says by what, and an undo itself is taken back by ending its exemptions."""
    identity = sealed(account)
    outcome = carry_out(reversal(identity, GROUNDS, world), world)
    with pytest.raises(Declined, match=f"taken back already, by {outcome.entry}"):
        reversal(identity, GROUNDS, world)
    with pytest.raises(Declined, match=r"is an undo itself.*pipeseal exempt end"):
        reversal(outcome.entry, GROUNDS, world)


@pytest.mark.parametrize("identity", ["", "#memory", "#all", "20261121T092958Z-0123456789", "x" * 3000])
def test_an_unknown_entry_is_named(world: World, identity: str) -> None:
    """The ledger's own items are no entries."""
    with pytest.raises(Declined, match="holds no such entry"):
        reversal(identity, GROUNDS, world)


def test_detect_mode_has_nothing_to_undo(account: Account, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was written, and the message says how to excuse the resource instead."""
    monkeypatch.setenv("MODE", "detect")
    identity = sealed(account)
    with pytest.raises(Declined, match=f"wrote nothing.*exempt add --control S3.TLS --resource '{ARN}'"):
        reversal(identity, GROUNDS, world)


def test_a_resource_that_is_gone_is_named(account: Account, world: World) -> None:
    """There is nothing to put a policy back on."""
    identity = sealed(account)
    boto3.client("s3").delete_bucket(Bucket=BUCKET)
    with pytest.raises(Declined, match=f"{ARN} is gone"):
        reversal(identity, GROUNDS, world)


def test_bad_grounds_are_an_error_before_anything_is_written(account: Account, world: World) -> None:
    """Who, why and until when, or not at all."""
    identity = sealed(account)
    with pytest.raises(ExemptionError, match="owner"):
        reversal(identity, Grounds("", "why", GROUNDS.until), world)


def test_a_locked_structure_is_not_written_back(
    account: Account, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token put in since would be destroyed."""
    happened, _ = wrong_key(monkeypatch)
    identity = account.deliver(happened)[0]["ledger_id"]
    monkeypatch.setattr("pipeseal.aws.pipelines._locked", lambda *_: "AWS masks a token in it")
    with pytest.raises(Declined, match="cannot be written back: AWS masks a token"):
        reversal(identity, GROUNDS, world, force=True)


def test_where_aws_refuses_nothing_is_excused(account: Account, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half an undo leaves the resource sealed and free for others, the failure in the ledger; it can be tried again."""
    identity = sealed(account)
    before = bucket_state()

    def refuse(*_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutBucketPolicy")

    with monkeypatch.context() as broken:
        broken.setattr("pipeseal.aws.buckets.write", refuse)
        with pytest.raises(ClientError, match="AccessDenied"):
            carry_out(reversal(identity, GROUNDS, world), world)
    assert bucket_state() == before
    assert not world.ledger.exemptions()
    assert [entry["outcome"] for entry in account.entries()] == ["remediated", "failed"]
    assert account.deliver(POLICY_CHANGED)[0]["action"] == "compliant"
    carry_out(reversal(identity, GROUNDS, world), world)
    assert bucket_state()[0]["Statement"] == [THEIRS]


def test_a_change_between_look_and_write_is_seen(account: Account, world: World) -> None:
    """What was shown is what is done, or nothing."""
    found = reversal(sealed(account), GROUNDS, world)
    put_policy({**THEIRS, "Sid": "Later"})
    with pytest.raises(Declined, match="was changed just now"):
        carry_out(found, world)
    assert bucket_state()[0]["Statement"] == [{**THEIRS, "Sid": "Later"}]
    assert not world.ledger.exemptions()


def test_whoever_is_at_work_is_waited_for(account: Account, world: World) -> None:
    """While a function holds the resource, an undo would race it."""
    found = reversal(sealed(account), GROUNDS, world)
    boto3.client("dynamodb").update_item(
        TableName=ENVIRONMENT["LEDGER_TABLE"],
        Key={"resource": {"S": ARN}, "id": {"S": "#memory"}},
        UpdateExpression="SET holder = :h, held_until = :u",
        ExpressionAttributeValues={":h": {"S": "x"}, ":u": {"N": str(GROUNDS.until.timestamp())}},
    )
    with pytest.raises(Declined, match="try again in a minute"):
        carry_out(found, world)
    assert not world.ledger.exemptions()
