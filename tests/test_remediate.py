"""The main job from outside: an event in, the account put right, the ledger complete, the subscriber told once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.account import ACCOUNT, ENVIRONMENT, REGION, Account, event, writes

from pipeseal.aws.ledger import Ledger
from pipeseal.controls.s3_sse_uploads import deny_unencrypted
from pipeseal.controls.s3_tls import deny_insecure
from pipeseal.exemptions import Exemption, Grounds, grant

BUCKET = "harbor"
ARN = f"arn:aws:s3:::{BUCKET}"
TLS = deny_insecure(ARN).statement
SSE = deny_unencrypted(ARN).statement
READERS = {
    "Sid": "Readers",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "s3:GetObject",
    "Resource": f"{ARN}/*",
}
PUT_POLICY = {"bucketName": BUCKET, "policy": ""}


@pytest.fixture
def bucket(account: Account) -> str:
    """Give a bucket whose policy says nothing of TLS."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [READERS]}))
    return BUCKET


def statements() -> list[dict[str, Any]]:
    """Return the statements of the bucket's live policy."""
    return list(json.loads(boto3.client("s3").get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"])


def default_encryption() -> dict[str, Any]:
    """Return the rule of the bucket's live encryption."""
    found = boto3.client("s3").get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"][0]
    return dict(found)


def role() -> str:
    """Make the role that a pipeline runs under; return its ARN."""
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}}]}
    made = boto3.client("iam").create_role(RoleName="pipeline", AssumeRolePolicyDocument=json.dumps(trust))
    return str(made["Role"]["Arn"])


def action(name: str, provider: str = "CodeBuild", owner: str = "AWS", **configuration: str) -> dict[str, Any]:
    """Make one action of a stage."""
    category = "Source" if owner == "ThirdParty" else "Build"
    kind = {"category": category, "owner": owner, "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": kind, "configuration": configuration}


def create_pipeline(
    store: dict[str, Any] | None = None,
    source: dict[str, Any] | None = None,
    stores: dict[str, Any] | None = None,
) -> None:
    """Create the pipeline release with one store (its fields beside the bucket) or with *stores* by Region."""
    one = {"artifactStore": {"type": "S3", "location": BUCKET, **(store or {})}}
    structure = {
        "name": "release",
        "roleArn": role(),
        "stages": [
            {"name": "Source", "actions": [source or action("Checkout", ProjectName="checkout")]},
            {"name": "Build", "actions": [action("Compile", ProjectName="compile")]},
        ],
        **({"artifactStores": stores} if stores else one),
    }
    boto3.client("codepipeline").create_pipeline(pipeline=structure)  # type: ignore[arg-type]


CREATED = {"pipeline": {"name": "release"}}

# --------------------------------------------------------------------- buckets


def test_a_bucket_is_sealed_and_its_owner_told(account: Account, bucket: str) -> None:
    """TLS is enforced beside what was there, the ledger holds before and after, one alert says all of it."""
    (outcome,) = account.deliver(event("PutBucketPolicy", PUT_POLICY))
    assert (outcome["resource"], outcome["action"], outcome["controls"]) == (ARN, "remediated", ["S3.TLS"])
    assert statements() == [READERS, TLS]
    (entry,) = account.entries()
    assert entry["id"] == outcome["ledger_id"]
    assert entry["outcome"] == "remediated"
    assert [entry["before"]["policy"]["Statement"], entry["after"]["policy"]["Statement"]] == [
        [READERS],
        [READERS, TLS],
    ]
    (alert,) = account.alerts()
    assert alert["attributes"] == {
        "severity": "high",
        "action": "remediated",
        "account": ACCOUNT,
        "region": REGION,
        "control": '["S3.TLS"]',
    }
    assert (alert["id"], alert["actor"]["name"], alert["resource"]["name"]) == (entry["id"], "ada", bucket)


def test_a_second_delivery_does_nothing(account: Account, bucket: str) -> None:
    """At-least-once delivery is no trouble: nothing is written, nobody is told again."""
    again = event("PutBucketPolicy", {"bucketName": bucket})
    account.deliver(again)
    account.alerts()
    with account.calls() as calls:
        (outcome,) = account.deliver(again)
    assert outcome["action"] == "compliant"
    assert not writes(calls)
    assert not account.alerts()
    assert len(account.entries()) == 1


def test_a_violation_that_comes_back_is_told_again(account: Account, bucket: str) -> None:
    """Each time that somebody breaks the seal it is mended and told, with an entry of its own."""
    s3 = boto3.client("s3")
    for _ in range(2):
        s3.delete_bucket_policy(Bucket=bucket)
        account.deliver(event("DeleteBucketPolicy", PUT_POLICY))
        assert statements() == [TLS]
    assert len(account.alerts()) == len(account.entries()) == 2


def test_an_artifact_bucket_is_sealed_whole(account: Account, bucket: str) -> None:
    """Once a pipeline is known to keep artifacts in it, a bucket is encrypted too; one alert lists all three."""
    create_pipeline()
    account.deliver(event("CreatePipeline", CREATED))
    account.alerts()
    boto3.client("s3").delete_bucket_policy(Bucket=bucket)
    boto3.client("s3").delete_bucket_encryption(Bucket=bucket)
    account.deliver(event("DeleteBucketEncryption", PUT_POLICY))
    assert statements() == [SSE, TLS]
    assert default_encryption() == {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"},
        "BucketKeyEnabled": True,
    }
    (alert,) = account.alerts()
    assert alert["controls"] == ["S3.DEFAULT_ENCRYPTION", "S3.SSE_UPLOADS", "S3.TLS"]
    assert alert["severity"] == "high"


def test_the_scope_can_be_all_buckets(account: Account, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """EncryptionScope=all encrypts a bucket that no pipeline uses."""
    monkeypatch.setenv("ENCRYPTION_SCOPE", "all")
    account.deliver(event("PutBucketPolicy", {"bucketName": bucket}))
    assert statements() == [READERS, SSE, TLS]


def test_a_website_is_told_of_once_and_left_open(account: Account, bucket: str) -> None:
    """A bucket with website hosting is alerted as detected and never written to, however often it is looked at."""
    boto3.client("s3").put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "i.html"}})
    actions = [account.deliver(event("PutBucketPolicy", PUT_POLICY))[0]["action"] for _ in range(3)]
    assert actions == ["detected", "known", "known"]
    assert statements() == [READERS]
    assert [alert["action"] for alert in account.alerts()] == ["detected"]


def test_a_website_is_sealed_where_the_operator_says_so(
    account: Account, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SealWebsites=true."""
    monkeypatch.setenv("SEAL_WEBSITES", "true")
    boto3.client("s3").put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "i.html"}})
    account.deliver(event("PutBucketPolicy", PUT_POLICY))
    assert statements() == [READERS, TLS]


def test_a_bucket_that_is_gone_is_no_error(account: Account) -> None:
    """Somebody deleted it meanwhile."""
    assert account.deliver(event("PutBucketPolicy", PUT_POLICY))[0]["action"] == "absent"
    assert not account.alerts()


def test_detect_mode_writes_to_no_resource(account: Account, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is decided, recorded and told, with what would be done; the bucket stays as it is."""
    monkeypatch.setenv("MODE", "detect")
    (outcome,) = account.deliver(event("PutBucketPolicy", {"bucketName": bucket}))
    assert outcome["action"] == "detected"
    assert statements() == [READERS]
    (alert,), (entry,) = account.alerts(), account.entries()
    assert (alert["done"], len(alert["proposed"])) == ([], 1)
    assert entry["wanted"]["policy"]["Statement"] == [READERS, TLS]


def test_one_control_can_be_turned_off(account: Account, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """ControlModes names it by its id."""
    monkeypatch.setenv("CONTROL_MODES", "S3.TLS=off")
    assert account.deliver(event("PutBucketPolicy", {"bucketName": bucket}))[0]["action"] == "compliant"


def test_a_policy_too_large_fails_in_words(account: Account, bucket: str) -> None:
    """Nothing is written, and the alert says by how many bytes it is too long."""
    many = [{**READERS, "Sid": f"Readers{number:02}" + "x" * 303} for number in range(45)]
    boto3.client("s3").put_bucket_policy(
        Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": many}, separators=(",", ":"))
    )
    (outcome,) = account.deliver(event("PutBucketPolicy", PUT_POLICY))
    assert outcome["action"] == "failed"
    assert statements() == many
    (alert,) = account.alerts()
    assert alert["action"] == "failed"
    assert "bytes" in alert["findings"][0]["refusal"]


# ------------------------------------------------------------------------ keys


@pytest.mark.parametrize(
    ("environment", "state"), [({}, "PendingDeletion"), ({"KEY_REJECTION": "disable"}, "Disabled")]
)
def test_an_asymmetric_key_is_rejected(
    account: Account, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], state: str
) -> None:
    """A new RSA key is taken out of service at once and its maker is told."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    kms = boto3.client("kms")
    made = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    created = event("CreateKey", {}, {"keyMetadata": {"arn": made["Arn"]}})
    assert [account.deliver(created)[0]["action"] for _ in range(2)] == ["rejected", "compliant"]
    assert kms.describe_key(KeyId=made["KeyId"])["KeyMetadata"]["KeyState"] == state
    assert [alert["action"] for alert in account.alerts()] == ["rejected"]


def test_an_old_asymmetric_key_is_told_of_once(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enabling a key of last year is no ground to take it away."""
    made = boto3.client("kms").create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    monkeypatch.setattr("pipeseal.controls.kms_symmetric._young", lambda _key: False)
    enabled = event("EnableKey", {"keyId": made["KeyId"]})
    assert [account.deliver(enabled)[0]["action"] for _ in range(2)] == ["detected", "known"]
    assert boto3.client("kms").describe_key(KeyId=made["KeyId"])["KeyMetadata"]["KeyState"] == "Enabled"
    assert len(account.alerts()) == 1


# ------------------------------------------------------------------- pipelines


def test_a_pipeline_leads_to_its_buckets_in_every_region(account: Account, bucket: str) -> None:
    """Each region's bucket is remembered and sealed, in its own region."""
    boto3.client("s3", region_name="eu-west-1").create_bucket(
        Bucket="harbor-west", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    stores = {
        region: {"type": "S3", "location": name} for region, name in ((REGION, bucket), ("eu-west-1", "harbor-west"))
    }
    create_pipeline(stores=stores)
    outcomes = account.deliver(event("CreatePipeline", CREATED))
    assert [(o["resource"].rsplit(":", 1)[1], o["action"]) for o in outcomes] == [
        ("release", "compliant"),
        (bucket, "remediated"),
        ("harbor-west", "remediated"),
    ]
    assert len(account.alerts()) == 2


def test_the_pipelines_own_key_becomes_the_buckets_default(account: Account, bucket: str) -> None:
    """A symmetric key that the pipeline names encrypts what arrives in its bucket."""
    made = boto3.client("kms").create_key()["KeyMetadata"]
    create_pipeline(store={"encryptionKey": {"id": made["KeyId"], "type": "KMS"}})
    assert account.deliver(event("CreatePipeline", CREATED))[1]["resource"].endswith(bucket)
    assert default_encryption()["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == made["Arn"]


def rsa_store() -> dict[str, Any]:
    """Make an asymmetric key; return the fields of a store under it."""
    made = boto3.client("kms").create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    return {"encryptionKey": {"id": made["Arn"], "type": "KMS"}}


def test_an_asymmetric_artifact_key_is_replaced(account: Account, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator's key takes its place, and the rest of the structure comes through whole."""
    operators = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    monkeypatch.setenv("ARTIFACT_KEY_ARN", operators)
    create_pipeline(store=rsa_store())
    codepipeline = boto3.client("codepipeline")
    before = codepipeline.get_pipeline(name="release")["pipeline"]
    created = event("CreatePipeline", CREATED)
    assert [account.deliver(created)[0]["action"] for _ in range(2)] == ["remediated", "compliant"]
    after = codepipeline.get_pipeline(name="release")["pipeline"]
    assert after["artifactStore"] == {
        "type": "S3", "location": bucket, "encryptionKey": {"id": operators, "type": "KMS"}
    }  # fmt: skip
    assert {name: after[name] for name in ("stages", "roleArn")} == {
        name: before[name] for name in ("stages", "roleArn")
    }


def test_a_pipeline_with_a_masked_token_is_quarantined_and_keeps_it(
    account: Account, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing the structure back would destroy the token, so the way into the second stage is closed instead."""
    monkeypatch.setenv("ARTIFACT_KEY_ARN", boto3.client("kms").create_key()["KeyMetadata"]["Arn"])
    token = "gho_" + "m" * 36
    source = action("Checkout", "GitHub", "ThirdParty", Owner="o", Repo="r", Branch="main", OAuthToken=token)
    create_pipeline(store=rsa_store(), source=source)
    created = event("CreatePipeline", CREATED)
    with account.calls() as calls:
        outcomes = account.deliver(created)
    assert outcomes[0]["action"] == "quarantined"
    assert "UpdatePipeline" not in calls
    way = boto3.client("codepipeline").get_pipeline_state(name="release")["stageStates"][1]["inboundTransitionState"]
    assert way["enabled"] is False
    assert "symmetric" in way["disabledReason"]
    told = account.alerts()
    assert [alert["controls"] for alert in told] == [
        ["CODEPIPELINE.SECRETS", "CODEPIPELINE.SYMMETRIC_KEY"],
        ["S3.DEFAULT_ENCRYPTION", "S3.SSE_UPLOADS", "S3.TLS"],
    ]
    assert told[0]["severity"] == "critical"
    everything = json.dumps([outcomes, told, account.entries()])
    assert token not in everything
    assert bucket in everything
    assert account.deliver(created)[0]["action"] == "known"
    assert not account.alerts()


def test_a_secret_is_told_of_until_it_is_gone(account: Account, bucket: str) -> None:
    """One alert while it stays; if it is taken out and put in again, one more."""
    create_pipeline(source=action("Checkout", ProjectName="checkout", DbPassword="made-up-literal"))
    codepipeline = boto3.client("codepipeline")
    with_secret = codepipeline.get_pipeline(name="release")["pipeline"]
    without = json.loads(json.dumps(with_secret))
    del without["stages"][0]["actions"][0]["configuration"]["DbPassword"]
    seen = []
    for structure in (with_secret, with_secret, without, with_secret):
        codepipeline.update_pipeline(pipeline=structure)
        seen.append(account.deliver(event("UpdatePipeline", CREATED))[0]["action"])
    assert seen == ["detected", "known", "compliant", "detected"]
    told = [alert for alert in account.alerts() if alert["resource"]["name"] != bucket]
    assert [alert["severity"] for alert in told] == ["critical", "critical"]


def test_a_pipeline_that_is_gone_is_no_error(account: Account) -> None:
    """Somebody deleted it meanwhile."""
    assert account.deliver(event("UpdatePipeline", CREATED))[0]["action"] == "absent"


def rewrite(**parts: Any) -> None:
    """Update the pipeline release as its owner does, and leave out what is None."""
    codepipeline = boto3.client("codepipeline")
    structure = {**codepipeline.get_pipeline(name="release")["pipeline"], **parts}
    codepipeline.update_pipeline(pipeline=structure)  # type: ignore[arg-type]


def way_in() -> bool:
    """Tell whether the second stage takes anything in."""
    state = boto3.client("codepipeline").get_pipeline_state(name="release")["stageStates"][1]
    return state["inboundTransitionState"]["enabled"]


def test_a_quarantine_is_lifted_when_the_owner_has_put_it_right(account: Account, bucket: str) -> None:
    """The pipeline runs again, the ledger holds it, and the subscriber hears of it once."""
    create_pipeline(store=rsa_store())
    assert account.deliver(event("CreatePipeline", CREATED))[0]["action"] == "quarantined"
    assert not way_in()
    rewrite(artifactStore={"type": "S3", "location": bucket})
    updated = event("UpdatePipeline", CREATED)
    account.alerts()
    assert [account.deliver(updated)[0]["action"] for _ in range(2)] == ["remediated", "compliant"]
    assert way_in()
    (alert,) = account.alerts()
    assert (alert["action"], alert["controls"]) == ("remediated", ["CODEPIPELINE.SYMMETRIC_KEY"])
    assert "enabled" in alert["done"][0]


def test_a_pipeline_is_stopped_for_a_secret_until_it_is_gone(
    account: Account, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """QuarantineSecrets=true."""
    monkeypatch.setenv("QUARANTINE_SECRETS", "true")
    create_pipeline(source=action("Checkout", ProjectName="checkout", DbPassword="made-up-literal"))
    assert account.deliver(event("CreatePipeline", CREATED))[0]["action"] == "quarantined"
    assert not way_in()
    assert account.deliver(event("UpdatePipeline", CREATED))[0]["action"] == "known"
    stages = boto3.client("codepipeline").get_pipeline(name="release")["pipeline"]["stages"]
    rewrite(stages=[{"name": "Source", "actions": [action("Checkout", ProjectName="checkout")]}, *stages[1:]])
    assert account.deliver(event("UpdatePipeline", CREATED))[0]["action"] == "remediated"
    assert way_in()


def test_a_store_gets_a_customer_managed_key_on_request(
    account: Account, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RequireCustomerKey=true and ArtifactKeyArn; the next event makes the key the bucket's default."""
    operators = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    monkeypatch.setenv("REQUIRE_CUSTOMER_KEY", "true")
    monkeypatch.setenv("ARTIFACT_KEY_ARN", operators)
    create_pipeline()
    assert [account.deliver(event("CreatePipeline", CREATED))[0]["action"] for _ in range(2)] == [
        "remediated",
        "compliant",
    ]
    store = boto3.client("codepipeline").get_pipeline(name="release")["pipeline"]["artifactStore"]
    assert store["encryptionKey"] == {"id": operators, "type": "KMS"}


RELEASE = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:release"


def test_the_key_of_artifacts_is_rotated(account: Account, bucket: str) -> None:
    """A pipeline leads on to its key; whoever turns rotation off later finds it on again."""
    kms = boto3.client("kms")
    made = kms.create_key()["KeyMetadata"]
    create_pipeline(store={"encryptionKey": {"id": made["Arn"], "type": "KMS"}})
    assert account.deliver(event("CreatePipeline", CREATED))[-1]["controls"] == ["KMS.ROTATION"]
    assert kms.get_key_rotation_status(KeyId=made["KeyId"])["KeyRotationEnabled"]
    kms.disable_key_rotation(KeyId=made["KeyId"])
    account.alerts()
    disabled = event("DisableKeyRotation", {"keyId": made["KeyId"]})
    assert [account.deliver(disabled)[0]["action"] for _ in range(2)] == ["remediated", "compliant"]
    assert kms.get_key_rotation_status(KeyId=made["KeyId"])["KeyRotationEnabled"]
    (alert,) = account.alerts()
    assert alert["used_by"] == [RELEASE]


def test_a_deleted_pipeline_leaves_the_graph(account: Account, bucket: str) -> None:
    """Its bucket holds no artifacts any more, and what it was told for is forgotten with it."""
    create_pipeline(source=action("Checkout", ProjectName="checkout", DbPassword="made-up-literal"))
    account.deliver(event("CreatePipeline", CREATED))
    ledger = Ledger(boto3.client("dynamodb"), ENVIRONMENT["LEDGER_TABLE"], lambda: datetime.now(UTC))
    assert set(ledger.memory(ARN).users) == {RELEASE}
    boto3.client("codepipeline").delete_pipeline(name="release")
    assert account.deliver(event("DeletePipeline", {"name": "release"}))[0]["action"] == "absent"
    assert not ledger.memory(ARN).users
    assert ledger.memory(RELEASE) == ledger.memory(RELEASE)._replace(told="", uses={})


# ------------------------------------------------------------------- exemptions


def excuse(control: str, resource: str, ends: timedelta = timedelta(days=1)) -> Exemption:
    """Excuse what matches, from now until *ends* later."""
    now = datetime.now(UTC)
    exemption = replace(grant(control, resource, Grounds("ada", "why", now + timedelta(days=1)), now), until=now + ends)
    Ledger(boto3.client("dynamodb"), ENVIRONMENT["LEDGER_TABLE"], lambda: now).excuse(exemption)
    return exemption


def test_what_is_excused_is_left(account: Account, bucket: str) -> None:
    """Nothing is written, recorded or told, and the outcome says which exemption was used and for what."""
    exemption = excuse("S3.*", "arn:aws:s3:::har*")
    with account.calls() as calls:
        (outcome,) = account.deliver(event("PutBucketPolicy", {"bucketName": bucket}))
    assert (outcome["action"], outcome["exemptions"], outcome["controls"]) == ("exempt", [exemption.id], ["S3.TLS"])
    assert calls == ["BatchGetItem", "GetBucketPolicy", "UpdateItem"]  # the last one counts the use
    assert not account.entries()
    assert not account.alerts()


def test_the_use_of_an_exemption_is_counted(account: Account, bucket: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An operator sees how much is excused."""
    excuse("S3.TLS", ARN)
    account.deliver(event("PutBucketPolicy", {"bucketName": bucket}))
    counted = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "ExemptionsUsed" in line]
    assert [(each["ExemptionsUsed"], each["action"]) for each in counted] == [([1.0], "exempt")]


def test_the_other_controls_are_put_right(account: Account, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is excused from TLS is not excused from encryption; the alert and the read-back leave TLS out."""
    monkeypatch.setenv("ENCRYPTION_SCOPE", "all")
    exemption = excuse("S3.TLS", ARN)
    again = event("PutBucketPolicy", {"bucketName": bucket})
    (outcome,) = account.deliver(again)
    assert (outcome["action"], outcome["exemptions"]) == ("remediated", [exemption.id])
    assert statements() == [READERS, SSE]
    (alert,), (entry,) = account.alerts(), account.entries()
    assert alert["controls"] == outcome["controls"] == ["S3.DEFAULT_ENCRYPTION", "S3.SSE_UPLOADS"]
    assert entry["exemptions"] == [exemption.id]
    assert account.deliver(again)[0]["action"] == "exempt"


@pytest.mark.parametrize(
    ("control", "resource", "ends"),
    [
        ("S3.TLS", ARN, timedelta(seconds=-1)),
        ("S3.TLS", f"{ARN}-other", timedelta(days=1)),
        ("S3.SSE_UPLOADS", ARN, timedelta(days=1)),
    ],
    ids=["ended", "another resource", "another control"],
)
def test_what_is_not_excused_is_put_right(
    account: Account, bucket: str, control: str, resource: str, ends: timedelta
) -> None:
    """An exemption that has ended, or is about something else, excuses nothing."""
    excuse(control, resource, ends)
    (outcome,) = account.deliver(event("PutBucketPolicy", {"bucketName": bucket}))
    assert (outcome["action"], outcome["exemptions"]) == ("remediated", [])


def test_a_key_can_be_excused(account: Account) -> None:
    """The ledger is asked where a key is wrong, before anything is done to it; and the key again, for it was first."""
    made = boto3.client("kms").create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    excuse("KMS.SYMMETRIC", made["Arn"])
    with account.calls() as calls:
        (outcome,) = account.deliver(event("CreateKey", {}, {"keyMetadata": {"arn": made["Arn"]}}))
    assert (outcome["action"], calls) == ("exempt", ["DescribeKey", "BatchGetItem", "DescribeKey", "UpdateItem"])


def test_what_was_told_is_told_again_after_an_exemption(account: Account, bucket: str) -> None:
    """A violation that only its owner can mend comes up anew when its exemption has ended."""
    site: Any = {"IndexDocument": {"Suffix": "index.html"}}
    boto3.client("s3").put_bucket_website(Bucket=bucket, WebsiteConfiguration=site)
    seen = [account.deliver(event("PutBucketPolicy", PUT_POLICY))[0]["action"]]
    exemption = excuse("S3.TLS", ARN)
    seen.append(account.deliver(event("PutBucketPolicy", PUT_POLICY))[0]["action"])
    Ledger(boto3.client("dynamodb"), ENVIRONMENT["LEDGER_TABLE"], lambda: datetime.now(UTC)).end(exemption.id)
    seen += [account.deliver(event("PutBucketPolicy", {"bucketName": bucket}))[0]["action"] for _ in range(2)]
    assert seen == ["detected", "exempt", "detected", "known"]
    assert len(account.alerts()) == 2


# ---------------------------------------------------------------- what it costs


def test_a_sealed_bucket_costs_three_calls(account: Account, bucket: str) -> None:
    """An event on a sealed artifact bucket: the ledger, the policy, the encryption, and no write."""
    create_pipeline()
    account.deliver(event("CreatePipeline", CREATED))
    with account.calls() as calls:
        account.deliver(event("PutBucketPolicy", {"bucketName": bucket}))
    assert calls == ["BatchGetItem", "GetBucketPolicy", "GetBucketEncryption"]


def test_sealing_a_bucket_costs_ten_calls(account: Account, bucket: str) -> None:
    """Everything wrong with an artifact bucket: ledger, read-back and alert included."""
    create_pipeline()
    account.deliver(event("CreatePipeline", CREATED))
    boto3.client("s3").delete_bucket_policy(Bucket=bucket)
    boto3.client("s3").delete_bucket_encryption(Bucket=bucket)
    with account.calls() as calls:
        account.deliver(event("DeleteBucketPolicy", {"bucketName": bucket}))
    assert len(calls) == 10, calls


def test_a_symmetric_key_costs_one_call(account: Account) -> None:
    """CreateKey of a key to encrypt with is a matter of one DescribeKey."""
    made = boto3.client("kms").create_key()["KeyMetadata"]
    with account.calls() as calls:
        account.deliver(event("CreateKey", {}, {"keyMetadata": {"arn": made["Arn"]}}))
    assert calls == ["DescribeKey"]


# ----------------------------------------------------------------- when it fails


def test_what_aws_refuses_is_raised_and_the_resource_let_go(
    account: Account, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error goes to Lambda's retries and the dead letters; the next delivery finds nobody in the way."""
    refusal = ClientError({"Error": {"Code": "ServiceUnavailable", "Message": "later"}}, "PutBucketPolicy")

    def refuse(*_: object) -> None:
        raise refusal

    again = event("PutBucketPolicy", {"bucketName": bucket})
    with monkeypatch.context() as broken:
        broken.setattr("pipeseal.aws.buckets.write", refuse)
        with pytest.raises(ClientError, match="later"):
            account.deliver(again)
    assert not account.alerts()
    assert account.deliver(again)[0]["action"] == "remediated"
    assert [entry["outcome"] for entry in account.entries()] == ["remediated"]


def test_a_malformed_event_is_raised(account: Account) -> None:
    """It reaches the dead letters with a message that says what is missing."""
    with pytest.raises(ValueError, match="names no resource"):
        account.deliver(event("PutBucketPolicy", {}))


def test_of_several_violations_each_is_told_once(
    account: Account, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When one is over the others are not told again; when it comes back, that is news."""
    monkeypatch.setenv("MODE", "detect")
    monkeypatch.setenv("ENCRYPTION_SCOPE", "all")
    s3, seen = boto3.client("s3"), []
    under_kms: Any = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}
    for encrypted in (False, True, True, False):
        if encrypted:
            s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=under_kms)
        else:
            s3.delete_bucket_encryption(Bucket=bucket)
        (outcome,) = account.deliver(event("PutBucketEncryption", {"bucketName": bucket}))
        seen.append(outcome["action"])
    assert seen == ["detected", "known", "known", "detected"]
    assert len(account.alerts()) == 2
