"""Apply on moto: a proposal is written once, is recorded and can be undone; it is declined where it is outdated."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.fake_account import ACCOUNT, FakeAccount, event, writes
from tests.fake_resources import (
    ARN,
    BUCKET,
    READERS,
    create_asymmetric_key,
    create_bucket,
    key_state,
    live_sids,
    put_policy,
)
from tests.operations.operator import OPERATOR

from pipeseal.exemptions import Grounds
from pipeseal.model import Action, Actor
from pipeseal.operations.amendment import Declined, carry_out
from pipeseal.operations.apply import plan_apply
from pipeseal.operations.undo import plan_undo
from pipeseal.runtime import Runtime

GRACE = Actor("grace", "operator", arn=f"arn:aws:iam::{ACCOUNT}:user/grace")
CHANGED = event("PutBucketPolicy", {"bucketName": BUCKET})


@pytest.fixture
def detected(account: FakeAccount, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the ID of the entry that detect mode made for a bucket without TLS."""
    monkeypatch.setenv("MODE", "detect")
    create_bucket(BUCKET, READERS)
    return str(account.deliver(CHANGED)[0]["ledger_id"])


def detected_key(monkeypatch: pytest.MonkeyPatch, account: FakeAccount) -> tuple[str, Callable[[], str]]:
    """Return the ID of the entry that detect mode made for an asymmetric key, and a function that reads its state."""
    monkeypatch.setenv("MODE", "detect")
    key = create_asymmetric_key()
    outcome = account.deliver(event("CreateKey", {}, {"keyMetadata": {"arn": key}}))[0]
    return outcome["ledger_id"], lambda: key_state(key)


def test_a_proposal_is_applied_and_stays(account: FakeAccount, runtime: Runtime, detected: str) -> None:
    """The bucket requires TLS, everything else is kept, and the event of the write finds the bucket compliant."""
    outcome = carry_out(plan_apply(detected, runtime), GRACE, runtime)
    assert outcome.action is Action.REMEDIATED
    assert live_sids() == ["Readers", "DenyInsecureConnections"]
    account.alerts()
    with account.calls() as calls:
        assert account.deliver(CHANGED)[0]["action"] == "compliant"
    assert (writes(calls), account.alerts()) == ([], [])


def test_an_apply_is_recorded(account: FakeAccount, runtime: Runtime, detected: str) -> None:
    """Both entries name each other, the new one names actor and change, and no alert is sent."""
    account.alerts()
    outcome = carry_out(plan_apply(detected, runtime), GRACE, runtime)
    first, own = account.entries()
    assert (first["id"], first["applied_by"]) == (detected, outcome.entry)
    assert (own["id"], own["applies"], own["intent"], own["outcome"]) == (
        outcome.entry,
        detected,
        "remediated",
        "remediated",
    )
    assert own["actor"]["name"] == "grace"
    assert (own["before"], own["after"]) == (first["before"], first["proposed"])
    assert [(finding["control"], finding["writes"]) for finding in own["findings"]] == [("S3.TLS", True)]
    assert account.alerts() == []


def test_an_apply_can_be_undone(account: FakeAccount, runtime: Runtime, detected: str) -> None:
    """Like any entry that wrote: the bucket has its former policy, and is exempted."""
    outcome = carry_out(plan_apply(detected, runtime), GRACE, runtime)
    grounds = Grounds("ada", "the scanner cannot do TLS", datetime.now(UTC) + timedelta(days=30))
    carry_out(plan_undo(outcome.entry, grounds, runtime), OPERATOR, runtime)
    assert live_sids() == ["Readers"]
    assert [exemption.control for exemption in runtime.ledger.exemptions.all()] == ["S3.TLS"]
    assert account.deliver(CHANGED)[0]["action"] == "exempt"


def test_a_proposed_rejection_of_a_key_is_applied(
    account: FakeAccount, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proposal is applied by the adapter of its kind, for keys as for buckets."""
    identity, state = detected_key(monkeypatch, account)
    assert carry_out(plan_apply(identity, runtime), GRACE, runtime).action is Action.REJECTED
    assert state() == "PendingDeletion"


def test_planning_writes_nothing(account: FakeAccount, runtime: Runtime, detected: str) -> None:
    """`plan_apply` only reads; it returns the steps that `carry_out` writes."""
    with account.calls() as calls:
        planned = plan_apply(detected, runtime)
    assert planned.steps == ("bucket policy: DenyInsecureConnections added, all else kept",)
    assert not [call for call in writes(calls) if call != "Query"]


def test_a_remediation_that_aws_denied_can_be_applied_by_an_operator(
    account: FakeAccount, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed entry keeps its proposal."""
    create_bucket()

    def deny(*_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutBucketPolicy")

    with monkeypatch.context() as broken:
        broken.setattr("pipeseal.kinds.bucket.api.BucketAdapter.write", deny)
        failed = account.deliver(CHANGED)[0]
    assert failed["action"] == "failed"
    carry_out(plan_apply(failed["ledger_id"], runtime), GRACE, runtime)
    assert live_sids() == ["DenyInsecureConnections"]


def test_an_apply_to_a_changed_resource_is_declined(runtime: Runtime, detected: str) -> None:
    """A statement that was added since would be lost; with --force it is."""
    put_policy(READERS, {**READERS, "Sid": "Later"})
    with pytest.raises(Declined, match=f"{ARN} was changed after {detected}.*--force"):
        plan_apply(detected, runtime)
    carry_out(plan_apply(detected, runtime, force=True), GRACE, runtime)
    assert live_sids() == ["Readers", "DenyInsecureConnections"]


def test_a_proposal_is_applied_once(runtime: Runtime, detected: str) -> None:
    """The second attempt names the entry that applied it; an entry without a proposal is declined too."""
    outcome = carry_out(plan_apply(detected, runtime), GRACE, runtime)
    with pytest.raises(Declined, match=f"already applied by {outcome.entry}"):
        plan_apply(detected, runtime)
    with pytest.raises(Declined, match="proposes nothing"):
        plan_apply(outcome.entry, runtime)


def test_a_resource_that_is_already_as_proposed_is_declined(
    account: FakeAccount, runtime: Runtime, detected: str
) -> None:
    """The message states that the owner made the change already."""
    put_policy(READERS, runtime.ledger.entries.find(detected).proposed["policy"]["Statement"][1])  # type: ignore[union-attr]
    with pytest.raises(Declined, match=r"already is as .* proposed"):
        plan_apply(detected, runtime)


def test_a_change_between_plan_and_write_is_detected(account: FakeAccount, runtime: Runtime, detected: str) -> None:
    """Only what was planned is written; otherwise nothing is, and the ledger holds the failure."""
    planned = plan_apply(detected, runtime)
    put_policy({**READERS, "Sid": "Later"})
    with pytest.raises(Declined, match="was changed a moment ago"):
        carry_out(planned, GRACE, runtime)
    assert live_sids() == ["Later"]
    assert [entry["outcome"] for entry in account.entries()] == ["detected", "failed"]


def test_an_apply_to_a_deleted_resource_is_declined(runtime: Runtime, detected: str) -> None:
    """The message names the resource that no longer exists."""
    boto3.client("s3").delete_bucket(Bucket=BUCKET)
    with pytest.raises(Declined, match=f"{ARN} no longer exists"):
        plan_apply(detected, runtime)
