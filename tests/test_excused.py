"""Exemptions at work: who did it, what a resource is tagged with, and how each use is counted."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from tests.account import ACCOUNT, ENVIRONMENT, Account, event

from pipeseal.aws.ledger import Ledger
from pipeseal.controls.s3_tls import deny_insecure
from pipeseal.exemptions import Exemption, Grounds, grant

ARN = "arn:aws:s3:::harbor"
GRACE = {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/grace", "userName": "grace"}


def ledger() -> Ledger:
    """Return the ledger of the account."""
    return Ledger(boto3.client("dynamodb"), ENVIRONMENT["LEDGER_TABLE"], lambda: datetime.now(UTC))


def excuse(**hangs_on: str) -> Exemption:
    """Excuse every bucket from S3.TLS for a day, as far as *hangs_on* says."""
    now = datetime.now(UTC)
    grounds = Grounds("ada", "a partner without TLS", now + timedelta(days=1))
    exemption = grant("S3.TLS", "arn:aws:s3:::*", grounds, now, **hangs_on)
    ledger().excuse(exemption)
    return exemption


def put(account: Account, sid: str = "Readers", **detail: Any) -> dict[str, Any]:
    """Put a policy that forgets TLS, deliver the event and return the outcome."""
    allowed = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "s3:GetObject"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": sid, **allowed, "Resource": f"{ARN}/*"}]})
    boto3.client("s3").put_bucket_policy(Bucket="harbor", Policy=policy)
    (outcome,) = account.deliver(event("PutBucketPolicy", {"bucketName": "harbor"}, **detail))
    return outcome


@pytest.fixture
def harbor(account: Account) -> Account:
    """Give an account with a bucket."""
    boto3.client("s3").create_bucket(Bucket="harbor")
    return account


def test_what_somebody_did_who_is_excused_stays(harbor: Account) -> None:
    """Also when somebody else makes pipeseal look at it later; what the other one does is put right."""
    exemption = excuse(actor="arn:aws:iam::*:user/ada")
    assert put(harbor)["exemptions"] == [exemption.id]
    (later,) = harbor.deliver(event("PutBucketEncryption", {"bucketName": "harbor"}, userIdentity=GRACE))
    assert (later["action"], later["exemptions"]) == ("exempt", [exemption.id])
    boto3.client("s3").delete_bucket_policy(Bucket="harbor")  # which leaves TLS as little enforced as before
    (other,) = harbor.deliver(event("DeleteBucketPolicy", {"bucketName": "harbor"}, userIdentity=GRACE))
    assert other["action"] == "remediated"


def test_what_was_told_before_makes_no_difference(harbor: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ada left stays excused although somebody else's violation had been told of first."""
    monkeypatch.setenv("MODE", "detect")
    excuse(actor="ada")
    assert put(harbor, "Theirs", userIdentity=GRACE)["action"] == "detected"
    assert put(harbor, "Hers")["action"] == "exempt"
    (later,) = harbor.deliver(event("PutBucketEncryption", {"bucketName": "harbor"}, userIdentity=GRACE))
    assert later["action"] == "exempt"


def test_what_another_did_is_put_right(harbor: Account) -> None:
    """The exemption is ada's, not the bucket's."""
    excuse(actor="ada")
    assert put(harbor, userIdentity=GRACE)["action"] == "remediated"


def test_an_exemption_of_one_person_ends_with_the_repair(harbor: Account) -> None:
    """Once the bucket was sound, nobody is excused by what ada once left."""
    excuse(actor="ada")
    put(harbor)
    sealed = {"Statement": [deny_insecure(ARN).statement]}
    boto3.client("s3").put_bucket_policy(Bucket="harbor", Policy=json.dumps(sealed))
    (sound,) = harbor.deliver(event("PutBucketPolicy", {"bucketName": "harbor"}))
    assert sound["action"] == "compliant"
    assert put(harbor, userIdentity=GRACE)["action"] == "remediated"


@pytest.mark.parametrize(("value", "action"), [("partners", "exempt"), ("harbor", "remediated")])
def test_only_the_configured_tag_excuses(harbor: Account, value: str, action: str) -> None:
    """A bucket that tags itself is excused only where the operator said that this tag is."""
    excuse(tag="team=partner*")
    tags = {"TagSet": [{"Key": "team", "Value": value}, {"Key": "pipeseal", "Value": "exempt"}]}
    boto3.client("s3").put_bucket_tagging(Bucket="harbor", Tagging=tags)  # type: ignore[arg-type]
    assert put(harbor)["action"] == action


TAGGED = {"team": "partners"}


def key() -> str:
    """Make a tagged key."""
    tags = [{"TagKey": name, "TagValue": value} for name, value in TAGGED.items()]
    return boto3.client("kms").create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY", Tags=tags)["KeyMetadata"]["Arn"]  # type: ignore[arg-type]


def test_a_tag_of_a_key_counts_too(account: Account) -> None:
    """Tags are read from each service in its own way."""
    now = datetime.now(UTC)
    ledger().excuse(grant("*", "*", Grounds("ada", "why", now + timedelta(days=1)), now, tag="team=partners"))
    arn = key()
    (outcome,) = account.deliver(event("CreateKey", {}, {"keyMetadata": {"arn": arn}}))
    assert outcome["action"] == "exempt"


def test_each_use_is_counted(harbor: Account) -> None:
    """How often an exemption was used, and where and when last: an unused one can go."""
    exemption = excuse()
    put(harbor)
    put(harbor, "Others")
    use = ledger().uses()[exemption.id]
    assert (use.count, use.resource) == (2, ARN)


def test_our_own_doing_is_not_looked_at_again(harbor: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """An echo costs nothing; whoever only calls themselves like us is looked at."""
    role = f"arn:aws:iam::{ACCOUNT}:role/pipeseal-BucketRole-1A2B"
    monkeypatch.setenv("OWN_ROLES", f"arn:aws:iam::{ACCOUNT}:role/pipeseal-KeyRole,{role}")
    issuer = {"type": "Role", "arn": role, "userName": "pipeseal-BucketRole-1A2B"}
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/pipeseal-BucketRole-1A2B/pipeseal-BucketFunction"
    ours = {"type": "AssumedRole", "arn": session, "sessionContext": {"sessionIssuer": issuer}}
    with harbor.calls() as calls:
        assert harbor.deliver(event("PutBucketPolicy", {"bucketName": "harbor"}, userIdentity=ours)) == []
    assert calls == []
    other = {**ours, "sessionContext": {"sessionIssuer": {**issuer, "arn": f"{role}-not"}}}
    assert put(harbor, userIdentity=other)["action"] == "remediated"


@pytest.mark.parametrize(
    "identity", [None, {}, {"type": "Root"}, GRACE, {"type": "AssumedRole", "sessionContext": None}, "pipeseal"]
)
def test_nobody_else_is_taken_for_us(harbor: Account, identity: Any) -> None:
    """Not root, not a user, not somebody unknown, even where no role of ours is known."""
    assert put(harbor, userIdentity=identity)["action"] == "remediated"
