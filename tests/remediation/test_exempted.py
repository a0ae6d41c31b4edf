"""Exemptions: which violations they leave, for how long, for whose changes, and how their use is counted."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from tests.fake_account import ENVIRONMENT, FakeAccount, event, user
from tests.fake_resources import (
    ARN,
    BUCKET,
    READERS,
    STRICT_SSE,
    TLS,
    allow_reads,
    create_asymmetric_key,
    create_bucket,
    live_statements,
    put_policy,
)

from pipeseal.clock import Clock
from pipeseal.exemptions import Exemption, Grounds, grant
from pipeseal.ledger import Ledger

GRACE = user("grace")
POLICY_PUT = event("PutBucketPolicy", {"bucketName": BUCKET})
WEBSITE: Any = {"IndexDocument": {"Suffix": "index.html"}}


def ledger() -> Ledger:
    """Return the ledger of the account."""
    return Ledger(boto3.client("dynamodb"), ENVIRONMENT["LEDGER_TABLE"], Clock())


def exempt(
    control: str = "S3.TLS", resource: str = "arn:aws:s3:::*", ends: timedelta = timedelta(days=1), **condition: str
) -> Exemption:
    """Add an exemption that ends *ends* from now; *condition* is an actor or a tag."""
    now = datetime.now(UTC)
    grounds = Grounds("ada", "a partner without TLS", now + timedelta(days=1))
    exemption = replace(grant(control, resource, grounds, now, **condition), until=now + ends)
    ledger().exemptions.add(exemption)
    return exemption


def put(account: FakeAccount, sid: str = "Readers", **detail: Any) -> Any:
    """Put a policy that does not require TLS, deliver its event and return the outcome."""
    put_policy(allow_reads(sid=sid))
    (outcome,) = account.deliver(event("PutBucketPolicy", {"bucketName": BUCKET}, **detail))
    return outcome


@pytest.fixture
def harbor(account: FakeAccount) -> FakeAccount:
    """Return an account with a bucket whose policy does not require TLS."""
    create_bucket(BUCKET, READERS)
    return account


# ------------------------------------------------------- by control and resource


def test_an_exempted_violation_is_left(harbor: FakeAccount) -> None:
    """Nothing is written, recorded or alerted; the outcome names the exemption and the control."""
    exemption = exempt("S3.*", "arn:aws:s3:::har*")
    with harbor.calls() as calls:
        (outcome,) = harbor.deliver(POLICY_PUT)
    assert (outcome["action"], outcome["exemptions"], outcome["controls"]) == ("exempt", [exemption.id], ["S3.TLS"])
    assert calls == ["BatchGetItem", "GetBucketPolicy", "UpdateItem"]  # the last one counts the use
    assert not harbor.entries()
    assert not harbor.alerts()


def test_the_other_controls_are_remediated(harbor: FakeAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exemption from TLS leaves encryption to be remediated; alert and read-back do not mention TLS."""
    monkeypatch.setenv("ENCRYPTION_SCOPE", "all")
    exemption = exempt("S3.TLS", ARN)
    (outcome,) = harbor.deliver(POLICY_PUT)
    assert (outcome["action"], outcome["exemptions"]) == ("remediated", [exemption.id])
    assert live_statements() == [READERS, STRICT_SSE]
    (alert,), (entry,) = harbor.alerts(), harbor.entries()
    assert alert["controls"] == outcome["controls"] == ["S3.DEFAULT_ENCRYPTION", "S3.SSE_UPLOADS"]
    assert entry["exemptions"] == [exemption.id]
    assert harbor.deliver(POLICY_PUT)[0]["action"] == "exempt"


@pytest.mark.parametrize(
    ("control", "resource", "ends"),
    [
        ("S3.TLS", ARN, timedelta(seconds=-1)),
        ("S3.TLS", f"{ARN}-other", timedelta(days=1)),
        ("S3.SSE_UPLOADS", ARN, timedelta(days=1)),
    ],
    ids=["ended", "another resource", "another control"],
)
def test_an_exemption_that_does_not_match_has_no_effect(
    harbor: FakeAccount, control: str, resource: str, ends: timedelta
) -> None:
    """An exemption that ended, or is for another resource or control, does not prevent the remediation."""
    exempt(control, resource, ends)
    (outcome,) = harbor.deliver(POLICY_PUT)
    assert (outcome["action"], outcome["exemptions"]) == ("remediated", [])


def test_a_new_key_can_be_exempted(account: FakeAccount) -> None:
    """A new key is read before the ledger; in violation, it is read again with its record, and left."""
    key = create_asymmetric_key()
    exempt("KMS.SYMMETRIC", key)
    with account.calls() as calls:
        (outcome,) = account.deliver(event("CreateKey", {}, {"keyMetadata": {"arn": key}}))
    assert (outcome["action"], calls) == ("exempt", ["DescribeKey", "BatchGetItem", "DescribeKey", "UpdateItem"])


def test_an_alert_is_repeated_after_an_exemption(harbor: FakeAccount) -> None:
    """A violation that only the resource owner can remediate is alerted again when its exemption has ended."""
    boto3.client("s3").put_bucket_website(Bucket=BUCKET, WebsiteConfiguration=WEBSITE)
    seen = [harbor.deliver(POLICY_PUT)[0]["action"]]
    exemption = exempt("S3.TLS", ARN)
    seen.append(harbor.deliver(POLICY_PUT)[0]["action"])
    ledger().exemptions.end(exemption.id)
    seen += [harbor.deliver(event("PutBucketPolicy", {"bucketName": BUCKET}))[0]["action"] for _ in range(2)]
    assert seen == ["detected", "exempt", "detected", "known"]
    assert len(harbor.alerts()) == 2


# -------------------------------------------------------------------- by actor


def test_what_an_exempted_actor_did_stays(harbor: FakeAccount) -> None:
    """It also stays when another actor's event makes pipeseal read the bucket; that actor's own change does not."""
    exemption = exempt(actor="arn:aws:iam::*:user/ada")
    assert put(harbor)["exemptions"] == [exemption.id]
    (later,) = harbor.deliver(event("PutBucketEncryption", {"bucketName": BUCKET}, userIdentity=GRACE))
    assert (later["action"], later["exemptions"]) == ("exempt", [exemption.id])
    boto3.client("s3").delete_bucket_policy(Bucket=BUCKET)  # which leaves TLS as little enforced as before
    (other,) = harbor.deliver(event("DeleteBucketPolicy", {"bucketName": BUCKET}, userIdentity=GRACE))
    assert other["action"] == "remediated"


def test_an_earlier_alert_does_not_end_an_actors_exemption(
    harbor: FakeAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the exempted actor left stays exempted, although another actor's violation was alerted before."""
    monkeypatch.setenv("MODE", "detect")
    exempt(actor="ada")
    assert put(harbor, "Graces", userIdentity=GRACE)["action"] == "detected"
    assert put(harbor, "Adas")["action"] == "exempt"
    (later,) = harbor.deliver(event("PutBucketEncryption", {"bucketName": BUCKET}, userIdentity=GRACE))
    assert later["action"] == "exempt"


def test_what_another_actor_did_is_remediated(harbor: FakeAccount) -> None:
    """An exemption of one actor does not cover the bucket."""
    exempt(actor="ada")
    assert put(harbor, userIdentity=GRACE)["action"] == "remediated"


def test_an_actors_exemption_ends_when_the_resource_is_compliant(harbor: FakeAccount) -> None:
    """After the bucket was compliant, the same state from another actor is not exempted."""
    exempt(actor="ada")
    put(harbor)
    put_policy(TLS)
    (compliant,) = harbor.deliver(event("PutBucketPolicy", {"bucketName": BUCKET}))
    assert compliant["action"] == "compliant"
    assert put(harbor, userIdentity=GRACE)["action"] == "remediated"


def test_a_state_that_another_actor_restores_is_remediated(harbor: FakeAccount) -> None:
    """What an exempted actor left is exempted only until it changes, not whenever the bucket is in that state."""
    exempt(actor="ada")
    assert put(harbor, "Adas")["action"] == "exempt"
    assert put(harbor, "Graces", userIdentity=GRACE)["action"] == "remediated"
    assert put(harbor, "Adas", userIdentity=GRACE)["action"] == "remediated"


# ---------------------------------------------------------------------- by tag


@pytest.mark.parametrize(("value", "action"), [("partners", "exempt"), ("harbor", "remediated")])
def test_only_the_tag_of_the_exemption_exempts(harbor: FakeAccount, value: str, action: str) -> None:
    """A bucket cannot exempt itself with a tag of its own choice."""
    exempt(tag="team=partner*")
    tags: Any = {"TagSet": [{"Key": "team", "Value": value}, {"Key": "pipeseal", "Value": "exempt"}]}
    boto3.client("s3").put_bucket_tagging(Bucket=BUCKET, Tagging=tags)
    assert put(harbor)["action"] == action


def test_the_tags_of_a_key_are_read_from_kms(account: FakeAccount) -> None:
    """A tagged key is exempted like a tagged bucket."""
    exempt("*", "*", tag="team=partners")
    key = create_asymmetric_key(Tags=[{"TagKey": "team", "TagValue": "partners"}])
    (outcome,) = account.deliver(event("CreateKey", {}, {"keyMetadata": {"arn": key}}))
    assert outcome["action"] == "exempt"


# ------------------------------------------------------------------------- use


def test_the_use_of_an_exemption_is_a_metric(harbor: FakeAccount, capsys: pytest.CaptureFixture[str]) -> None:
    """Each use is counted in the metric ExemptionsUsed."""
    exempt("S3.TLS", ARN)
    harbor.deliver(POLICY_PUT)
    counted = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "ExemptionsUsed" in line]
    assert [(each["ExemptionsUsed"], each["action"]) for each in counted] == [([1.0], "exempt")]


def test_each_use_is_counted_in_the_ledger(harbor: FakeAccount) -> None:
    """The ledger holds how often an exemption was used, and for which resource last."""
    exemption = exempt()
    put(harbor)
    put(harbor, "Others")
    use = ledger().exemptions.uses()[exemption.id]
    assert (use.count, use.resource) == (2, ARN)
