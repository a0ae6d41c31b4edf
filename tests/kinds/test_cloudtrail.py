"""CloudTrail events: which resources an event names, and who made the call."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fake_account import ACCOUNT, REGION, event

from pipeseal.kinds.cloudtrail import (
    Malformed,
    cause,
    changed_resources,
    changing_calls,
    is_echo,
    subjects,
    trigger_calls,
)
from pipeseal.model import Kind, Ref

KEY_ID = "1c3a5e7f-0b2d-4f68-9ace-13579bdf2468"
KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{KEY_ID}"
TRAIL_ARN = f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:trail/harbor"
PROJECT_ARN = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/harbor"
REPLICA_ARN = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/mrk-0f1e2d3c4b5a69788796a5b4c3d2e1f0"


def ref(kind: Kind, name: str, region: str = REGION) -> Ref:
    """Return a reference to a resource of the account."""
    return Ref(kind, ACCOUNT, region, name)


@pytest.mark.parametrize(
    ("name", "request_", "response", "expected"),
    [
        ("PutBucketPolicy", {"bucketName": "harbor", "policy": ""}, None, ref(Kind.BUCKET, "harbor")),
        ("PutBucketPolicy", {"bucketName": "harbor", "policy": [""], "host": ["h"]}, None, ref(Kind.BUCKET, "harbor")),
        ("PutBucketPolicy", {"bucketName": "harbor", "bucketPolicy": "not json"}, None, ref(Kind.BUCKET, "harbor")),
        ("DeleteBucketEncryption", {"bucketName": "harbor", "encryption": ""}, None, ref(Kind.BUCKET, "harbor")),
        ("CreateKey", None, {"keyMetadata": {"arn": KEY_ARN, "keyId": KEY_ID}}, ref(Kind.KEY, KEY_ID)),
        ("CreateKey", {}, {"keyMetadata": {"keyId": KEY_ID, "aWSAccountId": ACCOUNT}}, ref(Kind.KEY, KEY_ID)),
        (
            "ReplicateKey",
            {"keyId": "mrk-0f1e2d3c4b5a69788796a5b4c3d2e1f0", "replicaRegion": "eu-west-1"},
            {"replicaKeyMetadata": {"arn": REPLICA_ARN}},
            ref(Kind.KEY, "mrk-0f1e2d3c4b5a69788796a5b4c3d2e1f0", "eu-west-1"),
        ),
        (
            "ReplicateKey",
            {"keyId": "mrk-0f1e2d3c4b5a69788796a5b4c3d2e1f0", "replicaRegion": "eu-west-1"},
            None,
            ref(Kind.KEY, "mrk-0f1e2d3c4b5a69788796a5b4c3d2e1f0", "eu-west-1"),
        ),
        ("EnableKey", {"keyId": KEY_ID}, None, ref(Kind.KEY, KEY_ID)),
        ("EnableKey", {"keyId": KEY_ARN}, None, ref(Kind.KEY, KEY_ID)),
        ("CancelKeyDeletion", {"keyId": KEY_ID}, {"keyId": KEY_ARN}, ref(Kind.KEY, KEY_ID)),
        ("CreatePipeline", {"pipeline": {"name": "release"}}, None, ref(Kind.PIPELINE, "release")),
        ("UpdatePipeline", None, {"pipeline": {"name": "release"}}, ref(Kind.PIPELINE, "release")),
        ("RegisterApplicationRevision", {"applicationName": "harbor"}, None, ref(Kind.APPLICATION, "harbor")),
        ("CreateDeployment", {"applicationName": "a,b=c@d"}, {"deploymentId": "d-1"}, ref(Kind.APPLICATION, "a,b=c@d")),
        ("CreateDeploymentGroup", {"applicationName": "harbor"}, None, ref(Kind.APPLICATION, "harbor")),
        ("CreateProject", {"awsActId": ACCOUNT}, {"project": {"name": "harbor"}}, ref(Kind.PROJECT, "harbor")),
        ("UpdateProject", {"name": PROJECT_ARN}, None, ref(Kind.PROJECT, "harbor")),
        ("DeletePipeline", {"name": "release"}, None, ref(Kind.PIPELINE, "release")),
        ("DisableKeyRotation", {"keyId": KEY_ARN}, None, ref(Kind.KEY, KEY_ID)),
        ("StopLogging", {"name": "harbor"}, None, ref(Kind.TRAIL, "harbor")),
        ("DeleteTrail", {"name": TRAIL_ARN}, None, ref(Kind.TRAIL, "harbor", "eu-west-1")),
        ("PutEventSelectors", {"trailName": "harbor", "eventSelectors": []}, None, ref(Kind.TRAIL, "harbor")),
        ("UpdateTrail", {"name": "harbor"}, {"trailARN": TRAIL_ARN}, ref(Kind.TRAIL, "harbor", "eu-west-1")),
    ],
)
def test_every_form_of_a_record_names_its_resource(
    name: str, request_: object, response: object, expected: Ref
) -> None:
    """Old and new, short and complete records of a call name the same resource."""
    assert subjects(event(name, request_, response)) == (expected,)


@pytest.mark.parametrize(
    ("name", "listed", "expected"),
    [
        ("PutBucketPolicy", {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::harbor"}, ref(Kind.BUCKET, "harbor")),
        ("EnableKey", {"accountId": ACCOUNT, "ARN": KEY_ARN}, ref(Kind.KEY, KEY_ID)),
        ("CreateKey", {"accountId": ACCOUNT, "ARN": KEY_ARN}, ref(Kind.KEY, KEY_ID)),
    ],
)
def test_resources_replace_null_request_parameters(name: str, listed: dict[str, str], expected: Ref) -> None:
    """Where requestParameters is null, the resource is taken from the record's `resources`."""
    assert subjects(event(name, None, resources=[listed])) == (expected,)


@pytest.mark.parametrize(
    "overrides",
    [
        {"errorCode": "AccessDenied"},
        {"eventSource": "osis.amazonaws.com", "eventName": "UpdatePipeline"},
        {"eventSource": "payment-cryptography.amazonaws.com", "eventName": "CreateKey"},
        {"eventSource": "apigateway.amazonaws.com", "eventName": "CreateDeployment"},
        {"eventSource": "iot.amazonaws.com", "eventName": "CreateProject"},
        {"eventName": "CreateBucket"},
        {"resources": [{"accountId": "210987654321", "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::harbor"}]},
    ],
    ids=["denied", "OpenSearch", "payments", "API Gateway", "IoT", "no trigger", "another account's bucket"],
)
def test_events_of_other_resources_name_none(overrides: dict[str, Any]) -> None:
    """A denied call, another service's call of the same name and another account's resource name no resource."""
    assert subjects(event("PutBucketPolicy", {"bucketName": "harbor"}, **overrides)) == ()


def test_an_empty_error_code_is_a_success() -> None:
    """Some records have errorCode "" for a call that succeeded."""
    assert subjects(event("PutBucketPolicy", {"bucketName": "harbor"}, errorCode=""))


def test_account_and_region_of_the_event_precede_those_of_the_record() -> None:
    """Older records lack recipientAccountId; the EventBridge event always has the account and the Region."""
    made = event("PutBucketPolicy", {"bucketName": "harbor"}, awsRegion="eu-west-1")
    assert subjects(made) == (ref(Kind.BUCKET, "harbor"),)
    del made["account"], made["region"]
    made["detail"]["recipientAccountId"] = ACCOUNT
    assert subjects(made) == (ref(Kind.BUCKET, "harbor", "eu-west-1"),)


@pytest.mark.parametrize(
    "request_",
    [None, {}, [], "x", *({"bucketName": name} for name in (None, ["harbor"], "har\nbor", ""))],
)
def test_a_trigger_without_a_resource_is_malformed(request_: object) -> None:
    """A record of a trigger without a valid resource name raises Malformed and is never ignored."""
    with pytest.raises(Malformed, match="names no resource"):
        subjects(event("PutBucketPolicy", request_))


@pytest.mark.parametrize("bad", [{}, {"detail": None}, {"detail": []}, {"detail": {"eventName": "PutBucketPolicy"}}])
def test_an_event_without_required_fields_is_malformed(bad: dict[str, Any]) -> None:
    """Input that EventBridge does not send raises Malformed."""
    with pytest.raises(Malformed):
        subjects(bad)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["eventName", "eventSource", "requestParameters", "responseElements", "resources", "userIdentity", "eventID",
          "eventTime", "errorCode", "userAgent", "sessionCredentialFromConsole"]  # fmt: skip


@given(st.sampled_from(["PutBucketPolicy", "CreateKey", "ReplicateKey", "EnableKey", "UpdatePipeline"]),
       st.dictionaries(st.sampled_from(FIELDS), JSON))  # fmt: skip
def test_any_record_gives_resources_or_malformed(name: str, overrides: dict[str, Any]) -> None:
    """With any value in any field, the result is resources or Malformed, and all text is printable on one line."""
    made = event(name, {"bucketName": "harbor", "keyId": KEY_ID, "pipeline": {"name": "release"}}, **overrides)
    try:
        refs, why = subjects(made), cause(made)
    except Malformed as error:
        assert str(error)  # noqa: PT017 - both results are correct; this one must have a text
        return
    assert all(found.account == ACCOUNT for found in refs)
    assert all(text.isprintable() for text in (why.id, why.name, why.actor.name, why.actor.kind, why.actor.via))


@pytest.mark.parametrize(
    ("identity", "name", "mfa"),
    [
        ({"type": "Root", "accountId": ACCOUNT}, f"root of account {ACCOUNT}", None),
        ({"type": "IAMUser", "userName": "ada"}, "ada", None),
        (
            {
                "type": "AssumedRole",
                "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Admin_0a1b/grace@example.com",
                "sessionContext": {
                    "sessionIssuer": {"userName": "AWSReservedSSO_Admin_0a1b"},
                    "attributes": {"mfaAuthenticated": "true"},
                },
            },
            "grace@example.com as role AWSReservedSSO_Admin_0a1b",
            True,
        ),
        ({"type": "IdentityCenterUser", "onBehalfOf": {"userId": "9067"}}, "IAM Identity Center user 9067", None),
        ({"type": "AWSAccount", "accountId": "210987654321"}, "a principal in account 210987654321", None),
        ({"type": "AWSService", "invokedBy": "cloudformation.amazonaws.com"}, "cloudformation.amazonaws.com", None),
        ({"accountId": ACCOUNT, "invokedBy": "AWS Internal"}, "AWS Internal", None),
        (None, "an unknown identity", None),
    ],
)
def test_every_identity_type_has_a_name(identity: Any, name: str, mfa: bool | None) -> None:  # noqa: FBT001
    """Each type of userIdentity gives a recognizable name, and whether MFA was used where the record tells."""
    actor = cause(event("EnableKey", {"keyId": KEY_ID}, userIdentity=identity)).actor
    assert (actor.name, actor.mfa) == (name, mfa)


@pytest.mark.parametrize(
    ("detail", "via"),
    [
        ({"userAgent": "APN/1.0 HashiCorp/1.0 Terraform/1.9.5 aws-sdk-go-v2"}, "Terraform"),
        ({"userIdentity": {"invokedBy": "cloudformation.amazonaws.com"}}, "cloudformation.amazonaws.com"),
        ({"sessionCredentialFromConsole": "true"}, "the AWS console"),
        ({"userAgent": "aws-cli/2.30"}, ""),
    ],
)
def test_the_tool_of_the_caller_is_named(detail: dict[str, Any], via: str) -> None:
    """Calls by infrastructure code, by a service and from the console are distinguished from direct calls."""
    assert cause(event("EnableKey", {"keyId": KEY_ID}, **detail)).actor.via == via


def test_the_time_of_a_cause_is_that_of_the_call() -> None:
    """The time is the record's eventTime in UTC, not the time of delivery."""
    made = json.loads(json.dumps(event("EnableKey", {"keyId": KEY_ID})))
    assert cause(made).time == datetime(2026, 11, 21, 9, 29, 58, tzinfo=UTC)


def test_a_time_without_an_offset_is_in_utc() -> None:
    """An eventTime without a UTC offset is read as UTC, so that times can be compared."""
    assert cause(event("EnableKey", {"keyId": KEY_ID}, eventTime="2026-11-21T09:29:58")).time == datetime(
        2026, 11, 21, 9, 29, 58, tzinfo=UTC
    )


TWO_BUCKETS = [
    {"ARN": "arn:aws:s3:::harbor", "accountId": ACCOUNT},
    {"ARN": "arn:aws:s3:::quay", "accountId": "210987654321"},
]


@pytest.mark.parametrize(("name", "expected"), [("harbor", (ref(Kind.BUCKET, "harbor"),)), ("quay", ())])
def test_the_owner_is_that_of_the_named_bucket(name: str, expected: tuple[Ref, ...]) -> None:
    """Of two bucket ARNs in a record, the one with the name in requestParameters tells the owner."""
    assert subjects(event("PutBucketPolicy", {"bucketName": name}, resources=TWO_BUCKETS)) == expected


def test_two_bucket_arns_do_not_replace_a_name() -> None:
    """Without a bucket name, a record with two bucket ARNs is ambiguous and raises Malformed."""
    with pytest.raises(Malformed, match="names no resource"):
        subjects(event("PutBucketPolicy", None, resources=TWO_BUCKETS))


def test_a_replica_without_a_region_is_malformed() -> None:
    """A ReplicateKey record that does not give the replica's Region names no resource."""
    with pytest.raises(Malformed, match="names no resource"):
        subjects(event("ReplicateKey", {"keyId": KEY_ID, "replicaRegion": "somewhere"}))


@pytest.mark.parametrize(
    ("name", "request_", "expected"),
    [
        ("PutBucketPolicy", {"bucketName": "harbor", "bucketPolicy": {"Statement": []}}, {"Statement": []}),
        ("PutBucketPolicy", {"bucketName": "harbor"}, None),
        ("DeleteBucketPolicy", {"bucketName": "harbor"}, {}),
        ("PutBucketEncryption", {"bucketName": "harbor", "bucketPolicy": {"Statement": []}}, None),
        ("EnableKey", {"keyId": KEY_ID, "bucketPolicy": {"Statement": []}}, None),
    ],
)
def test_a_cause_has_the_policy_that_the_call_put(name: str, request_: object, expected: object) -> None:
    """The cause holds the bucket policy of PutBucketPolicy, {} for DeleteBucketPolicy, and None for other calls."""
    assert cause(event(name, request_)).put == expected


def test_only_calls_of_the_given_roles_are_echoes() -> None:
    """A call is an echo where the session's role is one of the roles; a user or a record without a role is not."""
    role = f"arn:aws:iam::{ACCOUNT}:role/pipeseal"
    made = event("EnableKey", {"keyId": KEY_ID}, userIdentity={"sessionContext": {"sessionIssuer": {"arn": role}}})
    assert is_echo(made, [role])
    assert not is_echo(made, [f"{role}-2", ""])
    assert not is_echo(event("EnableKey", {"keyId": KEY_ID}), ["", role])
    assert not is_echo(event("EnableKey", {"keyId": KEY_ID}, userIdentity=None), ["", role])


def test_other_changes_name_resources_for_backtest_alone() -> None:
    """CreateBucket changes a bucket and is no trigger: `changed_resources` returns the bucket, `subjects` does not."""
    made = event("PutBucketPolicy", {"bucketName": "harbor"}, eventName="CreateBucket")
    assert (subjects(made), changed_resources(made)) == ((), (ref(Kind.BUCKET, "harbor"),))
    assert trigger_calls() < changing_calls()
    assert ("s3.amazonaws.com", "CreateBucket") in changing_calls() - trigger_calls()


COLD_START = """
import json, sys
from pipeseal.kinds.cloudtrail import cause, subjects
event = json.loads(sys.argv[1])
subjects(event), cause(event)
print(*sorted(name for name in sys.modules if name.startswith("pipeseal.kinds.") and name.count(".") == 3))
"""


def test_an_event_loads_its_own_kind_alone() -> None:
    """The cold start of an event does not import the modules of other kinds."""
    made = json.dumps(event("PutBucketPolicy", {"bucketName": "harbor"}))
    command = [sys.executable, "-c", COLD_START, made]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - the code above
    assert loaded.stdout.split() == ["pipeseal.kinds.bucket.events", "pipeseal.kinds.bucket.value"]
