"""CloudTrail records: which resources one names, and who did it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.account import ACCOUNT, REGION, event

from pipeseal.cloudtrail import Malformed, cause, subjects
from pipeseal.model import Kind, Ref

KEY_ID = "1c3a5e7f-0b2d-4f68-9ace-13579bdf2468"
KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{KEY_ID}"
TRAIL_ARN = f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:trail/harbor"
PROJECT_ARN = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/harbor"
REPLICA_ARN = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/mrk-0f1e2d3c4b5a69788796a5b4c3d2e1f0"


def ref(kind: Kind, name: str, region: str = REGION) -> Ref:
    """Name a resource of the account."""
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
def test_a_record_names_its_resource_in_every_shape(
    name: str, request_: object, response: object, expected: Ref
) -> None:
    """Old, new, bare and full records of one call lead to the same resource."""
    assert subjects(event(name, request_, response)) == (expected,)


@pytest.mark.parametrize(
    ("name", "listed", "expected"),
    [
        ("PutBucketPolicy", {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::harbor"}, ref(Kind.BUCKET, "harbor")),
        ("EnableKey", {"accountId": ACCOUNT, "ARN": KEY_ARN}, ref(Kind.KEY, KEY_ID)),
        ("CreateKey", {"accountId": ACCOUNT, "ARN": KEY_ARN}, ref(Kind.KEY, KEY_ID)),
    ],
)
def test_null_request_parameters_fall_back_on_the_resources(name: str, listed: dict[str, str], expected: Ref) -> None:
    """Where requestParameters is null, the record's list of resources says which one it is."""
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
    ids=["refused", "OpenSearch", "payments", "API Gateway", "IoT", "no trigger", "another account's bucket"],
)
def test_some_records_concern_nothing_of_ours(overrides: dict[str, Any]) -> None:
    """A refused call, another service's call of the same name and another account's resource name nothing."""
    assert subjects(event("PutBucketPolicy", {"bucketName": "harbor"}, **overrides)) == ()


def test_an_empty_error_code_is_no_error() -> None:
    """Some records carry errorCode "" for a call that succeeded."""
    assert subjects(event("PutBucketPolicy", {"bucketName": "harbor"}, errorCode=""))


def test_the_envelope_tells_account_and_region_before_the_record() -> None:
    """Older records lack recipientAccountId; the envelope always knows."""
    made = event("PutBucketPolicy", {"bucketName": "harbor"}, awsRegion="eu-west-1")
    assert subjects(made) == (ref(Kind.BUCKET, "harbor"),)
    del made["account"], made["region"]
    made["detail"]["recipientAccountId"] = ACCOUNT
    assert subjects(made) == (ref(Kind.BUCKET, "harbor", "eu-west-1"),)


@pytest.mark.parametrize(
    "request_",
    [None, {}, [], "x", *({"bucketName": name} for name in (None, ["harbor"], "har\nbor", ""))],
)
def test_a_record_that_names_nothing_is_an_error(request_: object) -> None:
    """A record of our own events without a usable name is refused loudly, never passed over."""
    with pytest.raises(Malformed, match="names no resource"):
        subjects(event("PutBucketPolicy", request_))


@pytest.mark.parametrize("bad", [{}, {"detail": None}, {"detail": []}, {"detail": {"eventName": "PutBucketPolicy"}}])
def test_what_is_no_event_is_an_error(bad: dict[str, Any]) -> None:
    """Something that EventBridge would never send is refused with what it lacks."""
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
def test_nothing_but_malformed_comes_of_any_record(name: str, overrides: dict[str, Any]) -> None:
    """Whatever stands in a record's fields, the answer is resources or Malformed, and all text is one plain line."""
    made = event(name, {"bucketName": "harbor", "keyId": KEY_ID, "pipeline": {"name": "release"}}, **overrides)
    try:
        refs, why = subjects(made), cause(made)
    except Malformed as error:
        assert str(error)  # noqa: PT017 - either answer is right; this one must say something
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
        ({"type": "AWSAccount", "accountId": "210987654321"}, "somebody in account 210987654321", None),
        ({"type": "AWSService", "invokedBy": "cloudformation.amazonaws.com"}, "cloudformation.amazonaws.com", None),
        ({"accountId": ACCOUNT, "invokedBy": "AWS Internal"}, "AWS Internal", None),
        (None, "an unknown identity", None),
    ],
)
def test_whoever_did_it_is_named(identity: Any, name: str, mfa: bool | None) -> None:  # noqa: FBT001
    """Every kind of identity has a name that a person recognises, and says whether MFA was used where that is known."""
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
def test_the_tool_is_named(detail: dict[str, Any], via: str) -> None:
    """Infrastructure code and the console are told apart from a person's own call."""
    assert cause(event("EnableKey", {"keyId": KEY_ID}, **detail)).actor.via == via


def test_a_cause_has_its_time_in_utc() -> None:
    """The event's own time counts, not that of its delivery."""
    made = json.loads(json.dumps(event("EnableKey", {"keyId": KEY_ID})))
    assert cause(made).time == datetime(2026, 11, 21, 9, 29, 58, tzinfo=UTC)
