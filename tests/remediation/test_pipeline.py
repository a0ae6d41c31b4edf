"""Pipelines: their buckets in every Region, their keys, their secrets, and their quarantine."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from tests.fake_account import ACCOUNT, ENVIRONMENT, REGION, FakeAccount, event
from tests.fake_resources import (
    ARN,
    BUCKET,
    READERS,
    create_asymmetric_key,
    create_bucket,
    create_pipeline,
    create_symmetric_key,
    live_encryption_rule,
    live_pipeline,
    pipeline_action,
    transition_into_build,
    under_key,
)

from pipeseal.clock import Clock
from pipeseal.ledger import Ledger

RELEASE = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:release"
CREATED = event("CreatePipeline", {"pipeline": {"name": "release"}})


@pytest.fixture
def bucket(account: FakeAccount) -> str:
    """Return a bucket for artifacts whose policy does not require TLS."""
    create_bucket(BUCKET, READERS)
    return BUCKET


def update(**parts: Any) -> None:
    """Replace *parts* of the pipeline's structure, as its owner does."""
    boto3.client("codepipeline").update_pipeline(pipeline={**live_pipeline(), **parts})  # type: ignore[arg-type]


def updated() -> dict[str, Any]:
    """Return the event of an update of the pipeline."""
    return event("UpdatePipeline", {"pipeline": {"name": "release"}})


def with_secret() -> dict[str, Any]:
    """Return a source action that has a password in its configuration."""
    return pipeline_action("Checkout", ProjectName="checkout", DbPassword="made-up-literal")


def test_the_buckets_in_every_region_are_remediated(account: FakeAccount, bucket: str) -> None:
    """An event of a pipeline remediates the artifact bucket of each of its Regions, through that Region."""
    boto3.client("s3", region_name="eu-west-1").create_bucket(
        Bucket="harbor-west", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    stores = {
        region: {"type": "S3", "location": name} for region, name in ((REGION, bucket), ("eu-west-1", "harbor-west"))
    }
    create_pipeline(stores=stores)
    outcomes = account.deliver(CREATED)
    assert [(o["resource"].rsplit(":", 1)[1], o["action"]) for o in outcomes] == [
        ("release", "compliant"),
        (bucket, "remediated"),
        ("harbor-west", "remediated"),
    ]
    assert len(account.alerts()) == 2


def test_the_pipelines_own_key_becomes_the_buckets_default(account: FakeAccount, bucket: str) -> None:
    """The bucket of a pipeline with a symmetric key is encrypted under that key by default."""
    key = create_symmetric_key()
    create_pipeline(store=under_key(key.rpartition("/")[2]))
    assert account.deliver(CREATED)[1]["resource"].endswith(bucket)
    assert live_encryption_rule()["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == key


def test_an_asymmetric_artifact_key_is_replaced(
    account: FakeAccount, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key of ArtifactKeyArn replaces an asymmetric key, and the rest of the structure is unchanged."""
    operators = create_symmetric_key()
    monkeypatch.setenv("ARTIFACT_KEY_ARN", operators)
    before = create_pipeline(store=under_key(create_asymmetric_key()))
    assert [account.deliver(CREATED)[0]["action"] for _ in range(2)] == ["remediated", "compliant"]
    after = live_pipeline()
    assert after["artifactStore"] == {"type": "S3", "location": bucket, **under_key(operators)}
    assert {name: after[name] for name in ("stages", "roleArn")} == {
        name: before[name] for name in ("stages", "roleArn")
    }


def test_a_pipeline_with_a_masked_token_is_quarantined(
    account: FakeAccount, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update would replace the token by its mask, so the transition into the second stage is disabled instead.

    Neither the outcomes nor the alerts nor the ledger contain the token.
    """
    monkeypatch.setenv("ARTIFACT_KEY_ARN", create_symmetric_key())
    token = "gho_" + "m" * 36
    source = pipeline_action("Checkout", "GitHub", "ThirdParty", Owner="o", Repo="r", Branch="main", OAuthToken=token)
    create_pipeline(store=under_key(create_asymmetric_key()), source=source)
    with account.calls() as calls:
        outcomes = account.deliver(CREATED)
    assert outcomes[0]["action"] == "quarantined"
    assert "UpdatePipeline" not in calls
    transition = transition_into_build()
    assert transition["enabled"] is False
    assert "symmetric" in transition["disabledReason"]
    alerts = account.alerts()
    assert [alert["controls"] for alert in alerts] == [
        ["CODEPIPELINE.SECRETS", "CODEPIPELINE.SYMMETRIC_KEY"],
        ["S3.DEFAULT_ENCRYPTION", "S3.SSE_UPLOADS", "S3.TLS"],
    ]
    assert alerts[0]["severity"] == "critical"
    everything = json.dumps([outcomes, alerts, account.entries()])
    assert token not in everything
    assert bucket in everything
    assert account.deliver(CREATED)[0]["action"] == "known"
    assert not account.alerts()


def test_a_quarantine_ends_when_the_owner_replaces_the_key(account: FakeAccount, bucket: str) -> None:
    """The transition is enabled again, which the ledger holds and one alert states."""
    create_pipeline(store=under_key(create_asymmetric_key()))
    assert account.deliver(CREATED)[0]["action"] == "quarantined"
    assert not transition_into_build()["enabled"]
    update(artifactStore={"type": "S3", "location": bucket})
    account.alerts()
    happened = updated()
    assert [account.deliver(happened)[0]["action"] for _ in range(2)] == ["remediated", "compliant"]
    assert transition_into_build()["enabled"]
    (alert,) = account.alerts()
    assert (alert["action"], alert["controls"]) == ("remediated", ["CODEPIPELINE.SYMMETRIC_KEY"])
    assert "enabled" in alert["done"][0]


def test_a_secret_is_alerted_once_until_it_returns(account: FakeAccount, bucket: str) -> None:
    """A secret is alerted once while it remains, and again when it was removed and added again."""
    with_it = create_pipeline(source=with_secret())
    without = json.loads(json.dumps(with_it))
    del without["stages"][0]["actions"][0]["configuration"]["DbPassword"]
    seen = []
    for structure in (with_it, with_it, without, with_it):
        boto3.client("codepipeline").update_pipeline(pipeline=structure)  # type: ignore[arg-type]
        seen.append(account.deliver(updated())[0]["action"])
    assert seen == ["detected", "known", "compliant", "detected"]
    alerts = [alert for alert in account.alerts() if alert["resource"]["name"] != bucket]
    assert [alert["severity"] for alert in alerts] == ["critical", "critical"]


def test_a_pipeline_with_a_secret_is_quarantined_on_request(
    account: FakeAccount, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With QuarantineSecrets=true the transition stays disabled until the secret is gone."""
    monkeypatch.setenv("QUARANTINE_SECRETS", "true")
    create_pipeline(source=with_secret())
    assert account.deliver(CREATED)[0]["action"] == "quarantined"
    assert not transition_into_build()["enabled"]
    assert account.deliver(updated())[0]["action"] == "known"
    stages = live_pipeline()["stages"]
    update(stages=[{"name": "Source", "actions": [pipeline_action("Checkout", ProjectName="checkout")]}, *stages[1:]])
    assert account.deliver(updated())[0]["action"] == "remediated"
    assert transition_into_build()["enabled"]


def test_a_store_gets_a_customer_managed_key_on_request(
    account: FakeAccount, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With RequireCustomerKey=true a store without a key gets the key of ArtifactKeyArn."""
    operators = create_symmetric_key()
    monkeypatch.setenv("REQUIRE_CUSTOMER_KEY", "true")
    monkeypatch.setenv("ARTIFACT_KEY_ARN", operators)
    create_pipeline()
    assert [account.deliver(CREATED)[0]["action"] for _ in range(2)] == ["remediated", "compliant"]
    assert live_pipeline()["artifactStore"]["encryptionKey"] == {"id": operators, "type": "KMS"}


def test_a_deleted_pipeline_is_not_an_error(account: FakeAccount) -> None:
    """A pipeline that was deleted before the event arrived is absent."""
    assert account.deliver(updated())[0]["action"] == "absent"


def test_a_deleted_pipeline_is_removed_from_the_graph(account: FakeAccount, bucket: str) -> None:
    """Its bucket no longer holds artifacts, and the record of the pipeline keeps neither dependencies nor alerts."""
    create_pipeline(source=with_secret())
    account.deliver(CREATED)
    ledger = Ledger(boto3.client("dynamodb"), ENVIRONMENT["LEDGER_TABLE"], Clock())
    assert set(ledger.records.get(ARN).dependents) == {RELEASE}
    boto3.client("codepipeline").delete_pipeline(name="release")
    assert account.deliver(event("DeletePipeline", {"name": "release"}))[0]["action"] == "absent"
    assert not ledger.records.get(ARN).dependents
    assert ledger.records.get(RELEASE) == ledger.records.get(RELEASE)._replace(alerted=frozenset(), dependencies={})
