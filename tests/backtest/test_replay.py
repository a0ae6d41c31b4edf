"""Replay: what pipeseal would have found and done after each record, and what stays unknown."""

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
from pipeseal.backtest.replay import Replay, ReplayedViolation
from pipeseal.kinds.cloudtrail import Malformed
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
    """Return a policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def put_policy(*statements: Mapping[str, Any], minute: float = 0, **fields: Any) -> Record:
    """Return a record of PutBucketPolicy for the bucket harbor."""
    return record("PutBucketPolicy", {"bucketName": "harbor", "bucketPolicy": policy(*statements)}, minute, **fields)


def on_harbor(name: str, minute: float = 0, **request: Any) -> Record:
    """Return a record of another call for harbor."""
    return record(name, {"bucketName": "harbor", **request}, minute)


def encryption(algorithm: str) -> dict[str, Any]:
    """Return the request of PutBucketEncryption as CloudTrail converts it from XML."""
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}
    return {"ServerSideEncryptionConfiguration": {"xmlns": "http://s3.amazonaws.com/doc/2006-03-01/", "Rule": rule}}


def new_key(spec: str, minute: float = 0) -> Record:
    """Return a record of CreateKey."""
    metadata = {
        "keyId": KEY,
        "arn": ARTIFACT_KEY,
        "keySpec": spec,
        "keyUsage": "ENCRYPT_DECRYPT",
        "keyManager": "CUSTOMER",
    }
    return record("CreateKey", {"keySpec": spec}, minute, responseElements={"keyMetadata": metadata})


def pipeline(*stores: tuple[str, str, str], minute: float = 0, name: str = "UpdatePipeline", **more: str) -> Record:
    """Return a record of a pipeline with its artifacts in harbor, or in *stores*."""
    return record(name, {"pipeline": document(*stores, **more)}, minute)


def project(minute: float = 0, *, plaintext: bool = True) -> Record:
    """Return a record of a build project with unencrypted artifacts in harbor; encrypted unless *plaintext*."""
    made = {"name": "harbor", "artifacts": {"type": "S3", "location": "harbor", "encryptionDisabled": plaintext}}
    return record("UpdateProject", {"name": "harbor"}, minute, responseElements={"project": made})


def replayed(*records: Record, settings: Settings | None = None) -> list[ReplayedViolation]:
    """Return the violations of replaying *records* in this order."""
    replay = Replay(settings or Settings())
    return [found for each in records for found in replay.violations({"detail": each})]


def summary_of(*records: Record, settings: Settings | None = None) -> list[tuple[str, str, str, str]]:
    """Return (resource, control, action, basis) of each violation in *records*."""
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
        pytest.param([on_harbor("DeleteBucketPolicy")], [TLS_BY_REQUEST], id="the policy is deleted"),
        pytest.param(
            [on_harbor("CreateBucket"), put_policy(READER)],
            [(HARBOR, "S3.TLS", "remediated", "state")],
            id="the records include the creation",
        ),
        pytest.param(
            [on_harbor("CreateBucket"), on_harbor("PutBucketEncryption", **encryption("aws:kms"))],
            [(HARBOR, "S3.TLS", "remediated", "state")],
            id="a new bucket has no policy",
        ),
        pytest.param([on_harbor("CreateBucket")], [], id="CreateBucket is no trigger"),
        pytest.param([on_harbor("DeleteBucketEncryption")], [], id="an unknown policy is no violation"),
        pytest.param(
            [record("PutBucketPolicy", {"bucketName": "harbor", "bucketPolicy": '{"Version": "2012-10-17"'})],
            [],
            id="a policy that is not JSON is unknown",
        ),
        pytest.param(
            [record("PutBucketPolicy", {"bucketName": "harbor", "policy": ""})], [], id="an old record without policy"
        ),
        pytest.param(
            [on_harbor("PutBucketWebsite"), put_policy(READER)],
            [(HARBOR, "S3.TLS", "detected", "request")],
            id="a website is detected only",
        ),
        pytest.param(
            [put_policy(READER), put_policy(READER, minute=1)], [TLS_BY_REQUEST] * 2, id="remediated, and reversed"
        ),
        pytest.param(
            [put_policy(READER), on_harbor("DeleteBucketEncryption", 1)], [TLS_BY_REQUEST], id="remediated, and kept"
        ),
        pytest.param(
            [
                put_policy(READER),
                on_harbor("DeleteBucket", 1),
                on_harbor("CreateBucket", 2),
                put_policy(READER, TLS, minute=3),
            ],
            [TLS_BY_REQUEST],
            id="a recreated bucket has its own policy",
        ),
        pytest.param([put_policy(READER, errorCode="AccessDenied")], [], id="denied"),
        pytest.param([put_policy(READER, eventSource="osis.amazonaws.com")], [], id="another service"),
        pytest.param(
            [put_policy(READER, resources=[{"ARN": HARBOR, "accountId": "999999999999"}])], [], id="another account"
        ),
    ],
)
def test_buckets(records: list[Record], expected: list[tuple[str, ...]]) -> None:
    """A bucket violates a control only in the parts that records describe."""
    assert summary_of(*records) == expected


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
            id="its default encryption is deleted",
        ),
        pytest.param(
            [on_harbor("CreateBucket"), put_policy(TLS), pipeline(minute=1)],
            [
                (HARBOR, "S3.DEFAULT_ENCRYPTION", "remediated", "state"),
                (HARBOR, "S3.SSE_UPLOADS", "remediated", "state"),
            ],
            id="a bucket becomes an artifact bucket with its first pipeline",
        ),
        pytest.param(
            [pipeline(), record("DeletePipeline", {"name": "release"}, 1), put_policy(TLS, minute=2)],
            [],
            id="not after the pipeline is deleted",
        ),
        pytest.param(
            [pipeline(), pipeline((REGION, "elsewhere", ""), minute=1), put_policy(TLS, minute=2)],
            [],
            id="not after the pipeline uses another bucket",
        ),
        pytest.param([pipeline((REGION, "harbor", ARTIFACT_KEY))], [], id="an unknown key is no violation"),
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
            id="a key scheduled for deletion; the end of the quarantine is no violation",
        ),
        pytest.param(
            [new_key("SYMMETRIC_DEFAULT"), pipeline((REGION, "harbor", ARTIFACT_KEY), minute=1)],
            [(ARTIFACT_KEY, "KMS.ROTATION", "remediated", "state")],
            id="a new key is not rotated",
        ),
        pytest.param(
            [pipeline((REGION, "harbor", ARTIFACT_KEY)), record("DisableKeyRotation", {"keyId": KEY}, 1)],
            [(ARTIFACT_KEY, "KMS.ROTATION", "remediated", "request")],
            id="a key that a pipeline uses, without earlier records",
        ),
        pytest.param(
            [pipeline(Token=SECRET), pipeline(minute=1, Token=SECRET)],
            [(PIPELINE, "CODEPIPELINE.SECRETS", "detected", "request")],
            id="a secret is alerted once",
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
def test_dependencies(records: list[Record], expected: list[tuple[str, ...]]) -> None:
    """Buckets and keys are evaluated with the pipelines, projects and applications that depend on them."""
    assert summary_of(*records) == expected


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        pytest.param([new_key("HMAC_256")], [], id="HMAC keys are symmetric"),
        pytest.param(
            [new_key("ECC_NIST_P256"), record("EnableKey", {"keyId": KEY}, 1)],
            [(ARTIFACT_KEY, "KMS.SYMMETRIC", "rejected", "state")] * 2,
            id="rejected, and enabled again",
        ),
        pytest.param([record("EnableKey", {"keyId": KEY})], [], id="an unknown spec is no violation"),
        pytest.param(
            [record("StopLogging", {"name": TRAIL})],
            [(TRAIL, "CLOUDTRAIL.LOGGING", "remediated", "request")],
            id="logging is stopped",
        ),
        pytest.param(
            [record("DeleteTrail", {"name": TRAIL})],
            [(TRAIL, "CLOUDTRAIL.LOGGING", "detected", "request")],
            id="the trail is deleted",
        ),
        pytest.param([record("StartLogging", {"name": TRAIL})], [], id="logging is started"),
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
            id="selectors without management events, and the former ones are unknown",
        ),
        pytest.param(
            [
                record("StopLogging", {"name": TRAIL}),
                record("PutEventSelectors", {"trailName": TRAIL, "eventSelectors": [{"readWriteType": "ReadOnly"}]}, 1),
            ],
            [
                (TRAIL, "CLOUDTRAIL.LOGGING", "remediated", "request"),
                (TRAIL, "CLOUDTRAIL.LOGGING", "detected", "request"),
            ],
            id="assumed selectors are no baseline",
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
            id="known former selectors are restored",
        ),
    ],
)
def test_keys_and_trails(records: list[Record], expected: list[tuple[str, ...]]) -> None:
    """Keys and trails violate a control only in the parts that records describe."""
    assert summary_of(*records) == expected


SWITCHES = ("includeGlobalServiceEvents", "isMultiRegionTrail", "logFileValidationEnabled")


def update_trail(minute: float = 0, **settings: bool) -> Record:
    """Return a record of UpdateTrail whose response has the given *settings*."""
    return record(
        "UpdateTrail", {"name": TRAIL}, minute, responseElements={"trailARN": TRAIL, "s3BucketName": "logs", **settings}
    )


@pytest.mark.parametrize("switch", SWITCHES)
def test_an_unknown_setting_of_a_trail_is_assumed_to_be_on(switch: str) -> None:
    """A setting that the response does not have is no violation; one that is off is, and so is turning it off."""
    detected = (TRAIL, "CLOUDTRAIL.LOGGING", "detected", "request")
    assert summary_of(update_trail()) == []
    assert summary_of(update_trail(**{switch: True})) == []
    assert summary_of(update_trail(**{switch: False})) == [detected]
    assert summary_of(update_trail(), update_trail(1, **{switch: False})) == [detected]


def test_an_update_of_a_trail_without_a_response_changes_what_it_requests() -> None:
    """A record without responseElements describes the settings in the request, and leaves the others unknown."""
    request = {"name": TRAIL, "isMultiRegionTrail": False}
    assert summary_of(record("UpdateTrail", {"name": TRAIL})) == []
    assert summary_of(record("UpdateTrail", request)) == [(TRAIL, "CLOUDTRAIL.LOGGING", "detected", "request")]


NEW_TRAIL = record(
    "CreateTrail",
    {},
    responseElements={"trailARN": TRAIL, "s3BucketName": "logs", **dict.fromkeys(SWITCHES, True)},
)


def test_a_recreated_trail_is_compared_with_its_baseline() -> None:
    """The ledger keeps the baseline of a deleted trail, so a new one of the same name that logs less is a violation."""
    recreated = {**NEW_TRAIL, "responseElements": {**NEW_TRAIL["responseElements"], "isMultiRegionTrail": False}}
    assert [
        action
        for _, _, action, _ in summary_of(
            NEW_TRAIL, record("StartLogging", {"name": TRAIL}, 1), record("DeleteTrail", {"name": TRAIL}, 2), recreated
        )
    ] == ["detected", "detected"]


def test_what_remains_after_a_remediation_is_not_alerted_again() -> None:
    """A reason that a remediation does not resolve stays alerted: only a new reason causes another alert."""
    records = [
        NEW_TRAIL,
        record("StartLogging", {"name": TRAIL}, 1),
        update_trail(2, **{**dict.fromkeys(SWITCHES, True), "isMultiRegionTrail": False}),
        record("StopLogging", {"name": TRAIL}, 3),
        record("StartLogging", {"name": TRAIL}, 4),
    ]
    assert [(each.cause.name, str(each.action)) for each in replayed(*records)] == [
        ("UpdateTrail", "detected"),
        ("StopLogging", "remediated"),
    ]


def test_an_alert_is_repeated_for_a_new_reason() -> None:
    """Fewer reasons than were alerted cause no alert; a reason that returns after it was resolved does."""
    other = SECRET.replace("Q3E", "R4F")
    records = [
        pipeline(Token=SECRET, Other=other),
        pipeline(minute=1, Token=SECRET),
        pipeline(minute=2, Token=SECRET, Other=other),
        pipeline(minute=3),
    ]
    assert [found.cause.time for found in replayed(*records)] == [START, START + timedelta(minutes=2)]


def test_a_refused_remediation_is_alerted_once() -> None:
    """A policy too large to add a statement is a failed remediation; putting it again causes no second alert."""
    large = {**READER, "Resource": f"{HARBOR}/{'x' * 20_150}"}
    assert summary_of(put_policy(large), put_policy(large, minute=1)) == [(HARBOR, "S3.TLS", "failed", "request")]


DETECT = Settings.from_environment({"CONTROL_MODES": "S3.TLS=detect"})


def test_a_recreated_resource_is_alerted_again() -> None:
    """A known violation is alerted once; a resource of the same name that was created later has an alert of its own."""
    first, again = put_policy(READER), put_policy(READER, minute=4)
    recreated = [on_harbor("DeleteBucket", 1), on_harbor("CreateBucket", 2)]
    detected = [(HARBOR, "S3.TLS", "detected", basis) for basis in ("request", "state")]
    assert summary_of(first, again, settings=DETECT) == detected[:1]
    assert summary_of(first, *recreated, again, settings=DETECT) == detected


REVISION = {"revision": {"string": {"content": f"env:\n  KEY: {SECRET}\n"}}}
BAD_STORE = pipeline((REGION, "harbor", ARTIFACT_KEY), minute=1, name="CreatePipeline", Token=SECRET)
ALIAS_STORE = pipeline((REGION, "harbor", "alias/harbor"), minute=1, name="CreatePipeline", Token=SECRET)
SECRETS = ("CODEPIPELINE.SECRETS", "CODEDEPLOY.SECRETS", "S3.TLS")


@pytest.mark.parametrize(
    ("records", "basis"),
    [
        pytest.param([put_policy(READER)], "request", id="a bucket without its creation"),
        pytest.param(
            [on_harbor("CreateBucket"), put_policy(READER, minute=1)], "state", id="a bucket since its creation"
        ),
        pytest.param([pipeline(Token=SECRET)], "request", id="a pipeline without its creation"),
        pytest.param([pipeline(name="CreatePipeline", Token=SECRET)], "state", id="a pipeline since its creation"),
        pytest.param([BAD_STORE], "request", id="a pipeline with an unknown key"),
        pytest.param([new_key("SYMMETRIC_DEFAULT"), BAD_STORE], "state", id="a pipeline with a known key"),
        pytest.param([new_key("SYMMETRIC_DEFAULT"), ALIAS_STORE], "request", id="a pipeline with the alias of a key"),
        pytest.param(
            [record("CreateDeployment", {"applicationName": "harbor", **REVISION})],
            "request",
            id="an application without its creation",
        ),
        pytest.param(
            [
                record("CreateApplication", {"applicationName": "harbor"}),
                record("CreateDeployment", {"applicationName": "harbor", **REVISION}, 1),
            ],
            "state",
            id="an application since its creation",
        ),
    ],
)
def test_the_basis_is_state_where_the_records_are_complete(records: list[Record], basis: str) -> None:
    """The basis is "state" where records describe the whole resource and the keys it names, otherwise "request"."""
    assert [each.basis for each in replayed(*records) if each.finding.control.id in SECRETS] == [basis]


DAY = 24 * 60


@pytest.mark.parametrize(
    ("call", "minute", "actions"),
    [
        pytest.param("CancelKeyDeletion", 10, ["rejected", "rejected"], id="disabled and young: rejected again"),
        pytest.param("CancelKeyDeletion", 2 * DAY, ["rejected"], id="disabled and old: rejected as far as it will be"),
        pytest.param("EnableKey", 10, ["rejected", "rejected"], id="enabled and young: rejected again"),
        pytest.param("EnableKey", 2 * DAY, ["rejected", "detected"], id="enabled and old: detected only"),
    ],
)
def test_the_age_of_a_key_counts_from_its_creation(call: str, minute: float, actions: list[str]) -> None:
    """A key whose rejection is reversed is rejected again within a day of its creation, and not after it."""
    records = [new_key("RSA_4096"), record(call, {"keyId": KEY}, minute)]
    assert [str(each.action) for each in replayed(*records)] == actions


def test_settings_apply() -> None:
    """The operator's modes and scopes apply to the replay as they do to a stack."""
    settings = Settings.from_environment({"ENCRYPTION_SCOPE": "all", "CONTROL_MODES": "S3.TLS=detect"})
    assert summary_of(put_policy(READER), settings=settings) == [
        (HARBOR, "S3.SSE_UPLOADS", "remediated", "request"),
        (HARBOR, "S3.TLS", "detected", "request"),
    ]


def actions_at(*minutes: float) -> list[tuple[str, bool]]:
    """Put a policy without TLS at each of *minutes*; return the actions, and whether each begins a remediation loop."""
    found = replayed(*(put_policy(READER, minute=minute) for minute in minutes))
    return [(str(each.action), each.begins_loop) for each in found]


def test_the_fourth_reversal_within_an_hour_begins_a_loop() -> None:
    """After three remediations within an hour the control is suspended until an hour passes without a violation."""
    remediated, looping, suspended = ("remediated", False), ("escalated", True), ("escalated", False)
    assert actions_at(0, 10, 20, 30, 40, 95) == [remediated] * 3 + [looping, suspended, suspended]
    assert actions_at(0, 10, 20, 30, 91) == [remediated] * 3 + [looping, remediated]
    assert actions_at(0, 25, 50, 75, 100) == [remediated] * 5


def test_a_violation_has_its_cause() -> None:
    """The cause of a violation is the call in the record, with its actor and time."""
    (found,) = replayed(put_policy(READER, minute=5, userAgent="HashiCorp Terraform/1.9"))
    assert (found.cause.actor.name, found.cause.actor.via) == ("tomas", "Terraform")
    assert found.cause.time == START + timedelta(minutes=5)


def test_a_trigger_without_a_resource_is_malformed() -> None:
    """A record of a trigger that names no resource raises Malformed and is not ignored."""
    with pytest.raises(Malformed, match="names no resource"):
        replayed(record("PutBucketPolicy", {}))


@given(
    st.lists(
        st.tuples(st.sampled_from(("tls", "reader", "encryption", "pipeline", "deleted")), st.integers(0, 40)),
        max_size=14,
    )
)
def test_cached_plans_change_nothing(calls: list[tuple[str, int]]) -> None:
    """Any sequence of calls has the same violations with and without the cache of plans."""
    makers: dict[str, Callable[[float], Record]] = {
        "tls": lambda minute: put_policy(TLS, minute=minute),
        "reader": lambda minute: put_policy(READER, minute=minute),
        "encryption": lambda minute: on_harbor("DeleteBucketEncryption", minute),
        "pipeline": lambda minute: pipeline(minute=minute),
        "deleted": lambda minute: record("DeletePipeline", {"name": "release"}, minute),
    }
    minutes = accumulate(pause for _, pause in calls)
    records = [makers[call](minute) for (call, _), minute in zip(calls, minutes, strict=True)]
    with pytest.MonkeyPatch.context() as patch:
        with_cache = replayed(*records)
        patch.setattr(replay, "_PLANNED_RESOURCES_KEPT", 0)
        patch.setattr(replay, "_PLANS_KEPT", 0)
        assert replayed(*records) == with_cache
