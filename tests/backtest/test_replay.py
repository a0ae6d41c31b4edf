"""What pipeseal would have found and done at each record, and what it could not know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.backtest.made_records import START, Record, record
from tests.resources import ACCOUNT, APPLICATION, ARTIFACT_KEY, PIPELINE, PROJECT, REGION, document

from pipeseal.backtest import replay
from pipeseal.backtest.replay import Replay, Violation
from pipeseal.cloudtrail import Malformed
from pipeseal.settings import Settings

HARBOR = "arn:aws:s3:::harbor"
KEY = ARTIFACT_KEY.rpartition("/")[2]
TRAIL = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/harbor"
TLS = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": [HARBOR, f"{HARBOR}/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
READER = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "s3:GetObject", "Resource": f"{HARBOR}/*"}
SECRET = "AKIA" + "Q3EGXLSHARBORKEY"


def policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    """Make a policy's document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def put_policy(*statements: Mapping[str, Any], minute: float = 0, **fields: Any) -> Record:
    """Make a record of PutBucketPolicy on harbor."""
    return record("PutBucketPolicy", {"bucketName": "harbor", "bucketPolicy": policy(*statements)}, minute, **fields)


def on_harbor(name: str, minute: float = 0, **request: Any) -> Record:
    """Make a record of another call on harbor."""
    return record(name, {"bucketName": "harbor", **request}, minute)


def encryption(algorithm: str) -> dict[str, Any]:
    """Make what PutBucketEncryption is given, as CloudTrail turns XML into JSON."""
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}
    return {"ServerSideEncryptionConfiguration": {"xmlns": "http://s3.amazonaws.com/doc/2006-03-01/", "Rule": rule}}


def new_key(spec: str, minute: float = 0) -> Record:
    """Make a record of CreateKey."""
    metadata = {
        "keyId": KEY,
        "arn": ARTIFACT_KEY,
        "keySpec": spec,
        "keyUsage": "ENCRYPT_DECRYPT",
        "keyManager": "CUSTOMER",
    }
    return record("CreateKey", {"keySpec": spec}, minute, responseElements={"keyMetadata": metadata})


def pipeline(*stores: tuple[str, str, str], minute: float = 0, name: str = "UpdatePipeline", **more: str) -> Record:
    """Make a record of a pipeline that keeps its artifacts in harbor or in *stores*."""
    return record(name, {"pipeline": document(*stores, **more)}, minute)


def project(minute: float = 0, *, clear: bool = True) -> Record:
    """Make a record of a build project."""
    made = {"name": "harbor", "artifacts": {"type": "S3", "location": "harbor", "encryptionDisabled": clear}}
    return record("UpdateProject", {"name": "harbor"}, minute, responseElements={"project": made})


def replayed(*records: Record, settings: Settings | None = None) -> list[Violation]:
    """Replay *records* in this order."""
    replay = Replay(settings or Settings())
    return [found for each in records for found in replay.violations({"detail": each})]


def told(*records: Record, settings: Settings | None = None) -> list[tuple[str, str, str, str]]:
    """Say of each violation the resource, the control, what would have been done and on what basis."""
    return [
        (each.ref.arn, each.finding.control.id, str(each.action), each.basis)
        for each in replayed(*records, settings=settings)
    ]


TLS_BY_REQUEST = (HARBOR, "S3.TLS", "remediated", "request")


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        pytest.param([put_policy(READER)], [TLS_BY_REQUEST], id="a policy without TLS"),
        pytest.param([put_policy(READER, TLS)], [], id="a policy with TLS"),
        pytest.param([on_harbor("DeleteBucketPolicy")], [TLS_BY_REQUEST], id="a policy taken away"),
        pytest.param(
            [on_harbor("CreateBucket"), put_policy(READER)],
            [(HARBOR, "S3.TLS", "remediated", "state")],
            id="a bucket made before our eyes",
        ),
        pytest.param(
            [on_harbor("CreateBucket"), on_harbor("PutBucketEncryption", **encryption("aws:kms"))],
            [(HARBOR, "S3.TLS", "remediated", "state")],
            id="a new bucket has no policy",
        ),
        pytest.param([on_harbor("CreateBucket")], [], id="no rule hears CreateBucket"),
        pytest.param([on_harbor("DeleteBucketEncryption")], [], id="a policy never seen is not held against a bucket"),
        pytest.param(
            [record("PutBucketPolicy", {"bucketName": "harbor", "bucketPolicy": '{"Version": "2012-10-17"'})],
            [],
            id="a policy that is no JSON is unknown",
        ),
        pytest.param(
            [record("PutBucketPolicy", {"bucketName": "harbor", "policy": ""})], [], id="an old record without policy"
        ),
        pytest.param(
            [on_harbor("PutBucketWebsite"), put_policy(READER)],
            [(HARBOR, "S3.TLS", "detected", "request")],
            id="a website is only told of",
        ),
        pytest.param(
            [put_policy(READER), put_policy(READER, minute=1)], [TLS_BY_REQUEST] * 2, id="put right, and undone"
        ),
        pytest.param(
            [put_policy(READER), on_harbor("DeleteBucketEncryption", 1)], [TLS_BY_REQUEST], id="put right, and it stays"
        ),
        pytest.param(
            [
                put_policy(READER),
                on_harbor("DeleteBucket", 1),
                on_harbor("CreateBucket", 2),
                put_policy(READER, TLS, minute=3),
            ],
            [TLS_BY_REQUEST],
            id="a bucket of the same name is another",
        ),
        pytest.param([put_policy(READER, errorCode="AccessDenied")], [], id="refused"),
        pytest.param([put_policy(READER, eventSource="osis.amazonaws.com")], [], id="another service's"),
        pytest.param(
            [put_policy(READER, resources=[{"ARN": HARBOR, "accountId": "999999999999"}])], [], id="another account's"
        ),
    ],
)
def test_buckets(records: list[Record], expected: list[tuple[str, ...]]) -> None:
    """A bucket is judged by what the records tell of it, and by nothing that they do not."""
    assert told(*records) == expected


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        pytest.param(
            [pipeline(), put_policy(TLS, minute=1)],
            [(HARBOR, "S3.SSE_UPLOADS", "remediated", "request")],
            id="an artifact bucket",
        ),
        pytest.param(
            [pipeline(), on_harbor("DeleteBucketEncryption", 1)],
            [(HARBOR, "S3.DEFAULT_ENCRYPTION", "remediated", "request")],
            id="its encryption taken away",
        ),
        pytest.param(
            [on_harbor("CreateBucket"), put_policy(TLS), pipeline(minute=1)],
            [
                (HARBOR, "S3.DEFAULT_ENCRYPTION", "remediated", "state"),
                (HARBOR, "S3.SSE_UPLOADS", "remediated", "state"),
            ],
            id="a bucket becomes one with its first pipeline",
        ),
        pytest.param(
            [pipeline(), record("DeletePipeline", {"name": "release"}, 1), put_policy(TLS, minute=2)],
            [],
            id="it is one no longer when the pipeline is gone",
        ),
        pytest.param(
            [pipeline(), pipeline((REGION, "elsewhere", ""), minute=1), put_policy(TLS, minute=2)],
            [],
            id="nor when the pipeline has moved",
        ),
        pytest.param([pipeline((REGION, "harbor", ARTIFACT_KEY))], [], id="a key never seen may be fine"),
        pytest.param(
            [new_key("RSA_4096"), pipeline((REGION, "harbor", ARTIFACT_KEY), minute=1, name="CreatePipeline")],
            [
                (ARTIFACT_KEY, "KMS.SYMMETRIC", "rejected", "state"),
                (PIPELINE, "CODEPIPELINE.SYMMETRIC_KEY", "quarantined", "state"),
            ],
            id="an asymmetric key",
        ),
        pytest.param(
            [
                record("ScheduleKeyDeletion", {"keyId": KEY}),
                pipeline((REGION, "harbor", KEY), minute=1),
                pipeline((REGION, "harbor", ""), minute=2),
            ],
            [(PIPELINE, "CODEPIPELINE.SYMMETRIC_KEY", "quarantined", "request")],
            id="a dying key, and the end of the quarantine is no violation",
        ),
        pytest.param(
            [new_key("SYMMETRIC_DEFAULT"), pipeline((REGION, "harbor", ARTIFACT_KEY), minute=1)],
            [(ARTIFACT_KEY, "KMS.ROTATION", "remediated", "state")],
            id="a new key does not rotate",
        ),
        pytest.param(
            [pipeline((REGION, "harbor", ARTIFACT_KEY)), record("DisableKeyRotation", {"keyId": KEY}, 1)],
            [(ARTIFACT_KEY, "KMS.ROTATION", "remediated", "request")],
            id="a key that a pipeline names, never seen before",
        ),
        pytest.param(
            [pipeline(Token=SECRET), pipeline(minute=1, Token=SECRET)],
            [(PIPELINE, "CODEPIPELINE.SECRETS", "detected", "request")],
            id="a secret is told of once",
        ),
        pytest.param(
            [project(), put_policy(READER, minute=1)],
            [
                (PROJECT, "CODEBUILD.ARTIFACT_ENCRYPTION", "remediated", "state"),
                (HARBOR, "S3.SSE_UPLOADS", "remediated", "request"),
                (HARBOR, "S3.TLS", "remediated", "request"),
            ],
            id="a project and its bucket",
        ),
        pytest.param(
            [
                record(
                    "CreateDeployment",
                    {"applicationName": "harbor", "revision": {"string": {"content": f"env:\n  KEY: {SECRET}\n"}}},
                )
            ],
            [(APPLICATION, "CODEDEPLOY.SECRETS", "detected", "request")],
            id="a secret in a revision",
        ),
    ],
)
def test_what_belongs_together(records: list[Record], expected: list[tuple[str, ...]]) -> None:
    """Pipelines, projects, applications, buckets and keys are judged as pipeseal would have: by who uses them."""
    assert told(*records) == expected


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        pytest.param([new_key("HMAC_256")], [], id="HMAC is symmetric"),
        pytest.param(
            [new_key("ECC_NIST_P256"), record("EnableKey", {"keyId": KEY}, 1)],
            [(ARTIFACT_KEY, "KMS.SYMMETRIC", "rejected", "state")] * 2,
            id="rejected, and enabled again",
        ),
        pytest.param([record("EnableKey", {"keyId": KEY})], [], id="nobody knows the spec"),
        pytest.param(
            [record("StopLogging", {"name": TRAIL})],
            [(TRAIL, "CLOUDTRAIL.LOGGING", "remediated", "request")],
            id="a trail is stopped",
        ),
        pytest.param(
            [record("DeleteTrail", {"name": TRAIL})],
            [(TRAIL, "CLOUDTRAIL.LOGGING", "detected", "request")],
            id="or gone",
        ),
        pytest.param([record("StartLogging", {"name": TRAIL})], [], id="or started"),
        pytest.param(
            [
                record(
                    "PutEventSelectors",
                    {
                        "trailName": TRAIL,
                        "eventSelectors": [{"readWriteType": "All", "includeManagementEvents": False}],
                    },
                )
            ],
            [(TRAIL, "CLOUDTRAIL.LOGGING", "detected", "request")],
            id="or made blind, and nobody knows its former selectors",
        ),
        pytest.param(
            [
                record("CreateTrail", {}, responseElements={"trailARN": TRAIL, "s3BucketName": "logs"}),
                record("StartLogging", {"name": TRAIL}, 1),
                record(
                    "PutEventSelectors",
                    {"trailName": TRAIL, "eventSelectors": [{"readWriteType": "ReadOnly"}]},
                    2,
                ),
            ],
            [(TRAIL, "CLOUDTRAIL.LOGGING", "remediated", "state")],
            id="where its former selectors are known they are put back",
        ),
    ],
)
def test_keys_and_trails(records: list[Record], expected: list[tuple[str, ...]]) -> None:
    """Keys and trails are judged by what the records tell of them."""
    assert told(*records) == expected


def test_settings_are_those_of_the_stack() -> None:
    """What a control may do, and which buckets it is about, is as the operator would have set it."""
    settings = Settings.from_environment({"ENCRYPTION_SCOPE": "all", "CONTROL_MODES": "S3.TLS=detect"})
    assert told(put_policy(READER), settings=settings) == [
        (HARBOR, "S3.SSE_UPLOADS", "remediated", "request"),
        (HARBOR, "S3.TLS", "detected", "request"),
    ]


def breaks(*minutes: float) -> list[tuple[str, bool]]:
    """Break harbor's policy at *minutes*; say what would have been done each time, and whether a war begins."""
    found = replayed(*(put_policy(READER, minute=minute) for minute in minutes))
    return [(str(each.action), each.begins_war) for each in found]


def test_the_fourth_time_within_an_hour_is_a_war() -> None:
    """What is undone more than three times within an hour is left alone, until an hour has been quiet."""
    right, war, rest = ("remediated", False), ("escalated", True), ("escalated", False)
    assert breaks(0, 10, 20, 30, 40, 95) == [right] * 3 + [war, rest, rest]
    assert breaks(0, 10, 20, 30, 91) == [right] * 3 + [war, right]
    assert breaks(0, 25, 50, 75, 100) == [right] * 5


def test_a_violation_names_who_did_it_and_when() -> None:
    """The cause of a violation is the record that brought it."""
    (found,) = replayed(put_policy(READER, minute=5, userAgent="HashiCorp Terraform/1.9"))
    assert (found.cause.actor.name, found.cause.actor.via) == ("tomas", "Terraform")
    assert found.cause.time == START + timedelta(minutes=5)


def test_a_record_that_names_nothing_is_malformed() -> None:
    """What pipeseal asked for and cannot read is raised, not passed over."""
    with pytest.raises(Malformed, match="names no resource"):
        replayed(record("PutBucketPolicy", {}))


@given(
    st.lists(st.tuples(st.sampled_from(("tls", "reader", "none", "pipeline", "gone")), st.integers(0, 40)), max_size=14)
)
def test_a_remembered_plan_is_the_one_that_would_be_made(calls: list[tuple[str, int]]) -> None:
    """What comes again and again is judged as if it came for the first time."""
    makers: dict[str, Callable[[float], Record]] = {
        "tls": lambda minute: put_policy(TLS, minute=minute),
        "reader": lambda minute: put_policy(READER, minute=minute),
        "none": lambda minute: on_harbor("DeleteBucketEncryption", minute),
        "pipeline": lambda minute: pipeline(minute=minute),
        "gone": lambda minute: record("DeletePipeline", {"name": "release"}, minute),
    }
    minutes = accumulate(pause for _, pause in calls)
    records = [makers[what](minute) for (what, _), minute in zip(calls, minutes, strict=True)]
    with pytest.MonkeyPatch.context() as patch:
        remembered = replayed(*records)
        patch.setattr(replay, "_MOST_PLANNED", 0)
        patch.setattr(replay, "_MOST_PLANS", 0)
        assert replayed(*records) == remembered
