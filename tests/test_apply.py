"""Apply on moto: what was only proposed is done, once, recorded, and can be taken back; refused where it would harm."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.account import ACCOUNT, Account, event, writes
from tests.harbor import ARN, BUCKET, THEIRS, put_policy

from pipeseal import undo
from pipeseal.amendment import Declined
from pipeseal.apply import carry_out, proposal
from pipeseal.aws.world import World
from pipeseal.exemptions import Grounds
from pipeseal.model import Action, Actor

GRACE = Actor("grace", "operator", arn=f"arn:aws:iam::{ACCOUNT}:user/grace")
CHANGED = event("PutBucketPolicy", {"bucketName": BUCKET})


def sids() -> list[str]:
    """Return the Sids of the bucket's policy."""
    policy = json.loads(boto3.client("s3").get_bucket_policy(Bucket=BUCKET)["Policy"])
    return [statement["Sid"] for statement in policy["Statement"]]


@pytest.fixture
def detected(account: Account, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let detect mode see an open bucket; give the entry's id."""
    monkeypatch.setenv("MODE", "detect")
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    put_policy(THEIRS)
    return str(account.deliver(CHANGED)[0]["ledger_id"])


def rejected_key(monkeypatch: pytest.MonkeyPatch, account: Account) -> tuple[str, Callable[[], str]]:
    """Let detect mode see a key of the wrong kind; return the entry's id and the way to look at the key."""
    monkeypatch.setenv("MODE", "detect")
    kms = boto3.client("kms")
    arn = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    done = account.deliver(event("CreateKey", {}, {"keyMetadata": {"arn": arn}}))[0]
    return done["ledger_id"], lambda: kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"]


def test_what_was_proposed_is_done_and_stays(account: Account, world: World, detected: str) -> None:
    """The bucket is sealed, all else kept; the event of it finds nothing wrong and writes nothing."""
    outcome = carry_out(proposal(detected, world), GRACE, world)
    assert outcome.action is Action.REMEDIATED
    assert sids() == ["Readers", "DenyInsecureConnections"]
    account.alerts()
    with account.calls() as calls:
        assert account.deliver(CHANGED)[0]["action"] == "compliant"
    assert (writes(calls), account.alerts()) == ([], [])


def test_it_is_recorded(account: Account, world: World, detected: str) -> None:
    """Both entries name one another, and the new one says who and what; nobody is told."""
    account.alerts()
    outcome = carry_out(proposal(detected, world), GRACE, world)
    first, own = account.entries()
    assert (first["id"], first["applied_by"]) == (detected, outcome.entry)
    assert (own["id"], own["applies"], own["intent"], own["outcome"]) == (
        outcome.entry,
        detected,
        "remediated",
        "remediated",
    )
    assert own["actor"]["name"] == "grace"
    assert (own["before"], own["after"]) == (first["before"], first["wanted"])
    assert [(finding["control"], finding["writes"]) for finding in own["findings"]] == [("S3.TLS", True)]
    assert account.alerts() == []


def test_it_can_be_taken_back(account: Account, world: World, detected: str) -> None:
    """As any entry that wrote: the bucket is as it was, and excused."""
    outcome = carry_out(proposal(detected, world), GRACE, world)
    grounds = Grounds("ada", "the scanner cannot do TLS", datetime.now(UTC) + timedelta(days=30))
    undo.carry_out(undo.reversal(outcome.entry, grounds, world), world)
    assert sids() == ["Readers"]
    assert [exemption.control for exemption in world.ledger.exemptions()] == ["S3.TLS"]
    assert account.deliver(CHANGED)[0]["action"] == "exempt"


def test_a_key_is_rejected_on_an_operators_word(
    account: Account, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only buckets: what is proposed for any kind of resource is what its adapter writes."""
    identity, state = rejected_key(monkeypatch, account)
    assert carry_out(proposal(identity, world), GRACE, world).action is Action.REJECTED
    assert state() == "PendingDeletion"


def test_nothing_is_written_before_it_is_carried_out(account: Account, world: World, detected: str) -> None:
    """To say what it comes to is to read."""
    with account.calls() as calls:
        found = proposal(detected, world)
    assert found.steps == ("bucket policy: DenyInsecureConnections added, all else kept",)
    assert not [call for call in writes(calls) if call != "Query"]


def test_what_the_function_was_refused_can_be_done_by_somebody_who_may(
    account: Account, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed entry keeps what was wanted."""
    boto3.client("s3").create_bucket(Bucket=BUCKET)

    def refuse(*_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutBucketPolicy")

    with monkeypatch.context() as broken:
        broken.setattr("pipeseal.aws.buckets.write", refuse)
        failed = account.deliver(CHANGED)[0]
    assert failed["action"] == "failed"
    carry_out(proposal(failed["ledger_id"], world), GRACE, world)
    assert sids() == ["DenyInsecureConnections"]


def test_a_resource_that_was_changed_since_is_left(world: World, detected: str) -> None:
    """Somebody's later statement would be lost; --force loses it."""
    put_policy(THEIRS, {**THEIRS, "Sid": "Later"})
    with pytest.raises(Declined, match=f"{ARN} was changed after {detected}.*--force"):
        proposal(detected, world)
    carry_out(proposal(detected, world, force=True), GRACE, world)
    assert sids() == ["Readers", "DenyInsecureConnections"]


def test_it_is_done_once(world: World, detected: str) -> None:
    """The second time says by what, and what wants nothing says so."""
    outcome = carry_out(proposal(detected, world), GRACE, world)
    with pytest.raises(Declined, match=f"carried out already, by {outcome.entry}"):
        proposal(detected, world)
    with pytest.raises(Declined, match="proposes nothing"):
        proposal(outcome.entry, world)


def test_what_is_so_already_is_said(account: Account, world: World, detected: str) -> None:
    """Its owner was faster."""
    put_policy(THEIRS, world.ledger.entry(detected).wanted["policy"]["Statement"][1])  # type: ignore[union-attr]
    with pytest.raises(Declined, match=r"as .* proposed already"):
        proposal(detected, world)


def test_a_change_between_look_and_write_is_seen(account: Account, world: World, detected: str) -> None:
    """What was shown is what is done, or nothing; the failure is in the ledger."""
    found = proposal(detected, world)
    put_policy({**THEIRS, "Sid": "Later"})
    with pytest.raises(Declined, match="was changed just now"):
        carry_out(found, GRACE, world)
    assert sids() == ["Later"]
    assert [entry["outcome"] for entry in account.entries()] == ["detected", "failed"]


def test_a_resource_that_is_gone_is_named(world: World, detected: str) -> None:
    """There is nothing to write to."""
    boto3.client("s3").delete_bucket(Bucket=BUCKET)
    with pytest.raises(Declined, match=f"{ARN} is gone"):
        proposal(detected, world)
