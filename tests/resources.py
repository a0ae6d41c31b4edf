"""Resources of every kind: builders for tables of cases, Hypothesis strategies for laws."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from pipeseal.kinds.application.value import Application
from pipeseal.kinds.bucket.value import Bucket
from pipeseal.kinds.key.value import Key, UnreadableKey
from pipeseal.kinds.pipeline.value import Pipeline, QuarantineReason, Transition
from pipeseal.kinds.project.value import Project
from pipeseal.kinds.trail.selectors import ALL_MANAGEMENT_EVENTS
from pipeseal.kinds.trail.value import Trail
from pipeseal.model import Kind, Ref
from pipeseal.policy import Policy
from pipeseal.settings import Rejection, Settings

ACCOUNT = "123456789012"
REGION = "us-east-1"
ARTIFACT_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/5d3c1b2a-7e6f-4890-a1b2-c3d4e5f60718"
PIPELINE = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:release"
APPLICATION = f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:application:harbor"
PROJECT = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/harbor"


def policy(*statements: Mapping[str, Any]) -> Policy:
    """Return a policy of *statements*; without any, that of a bucket without a policy."""
    return Policy.parse({"Version": "2012-10-17", "Statement": list(statements)} if statements else None)


def bucket(*statements: Mapping[str, Any], **fields: Any) -> Bucket:
    """Return the bucket harbor with a policy of *statements*."""
    return Bucket(Ref(Kind.BUCKET, ACCOUNT, REGION, "harbor"), policy(*statements), **fields)


def key(spec: str = "SYMMETRIC_DEFAULT", usage: str = "ENCRYPT_DECRYPT", status: str = "Enabled", **fields: Any) -> Key:
    """Return a key that was created an hour ago."""
    ref = Ref(Kind.KEY, ACCOUNT, REGION, "1c3a5e7f-0b2d-4f68-9ace-13579bdf2468")
    return Key(ref, spec, usage, status, **{"age": timedelta(hours=1), **fields})


def action(name: str, **configuration: str) -> dict[str, Any]:
    """Return an action of a stage."""
    return {
        "name": name,
        "actionTypeId": {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"},
        "runOrder": 1,
        "configuration": configuration,
    }


def document(*stores: tuple[str, str, str], **configuration: str) -> dict[str, Any]:
    """Return a pipeline's structure; each store is (Region, bucket, key or "")."""
    made = {
        region: {"type": "S3", "location": name} | ({"encryptionKey": {"id": key, "type": "KMS"}} if key else {})
        for region, name, key in stores or ((REGION, "harbor", ""),)
    }
    where = {"artifactStore": made[REGION]} if set(made) == {REGION} else {"artifactStores": made}
    stages = [
        {"name": "Source", "actions": [action("Checkout", BranchName="main")]},
        {"name": "Build", "actions": [action("Compile", **configuration)]},
    ]
    role = f"arn:aws:iam::{ACCOUNT}:role/pipeline"
    return {"name": "release", "roleArn": role, "version": 3, "stages": stages, **where}


def pipeline(structure: dict[str, Any] | None = None, **fields: Any) -> Pipeline:
    """Return the pipeline release."""
    return Pipeline(Ref(Kind.PIPELINE, ACCOUNT, REGION, "release"), structure or document(), **fields)


def application(*revisions: Mapping[str, Any], **fields: Any) -> Application:
    """Return the application harbor, which deploys *revisions*."""
    return Application(Ref(Kind.APPLICATION, ACCOUNT, REGION, "harbor"), revisions=revisions, **fields)


def revision(content: str = "", name: str = "string", **s3: str) -> dict[str, Any]:
    """Return the RevisionLocation of a revision in S3, or of one with its text under *name*."""
    if s3:
        return {"revisionType": "S3", "s3Location": s3}
    return {"revisionType": name[:1].upper() + name[1:], name: {"content": content}}


def project(structure: Mapping[str, Any] | None = None, locked: str = "", **parts: Any) -> Project:
    """Return the project harbor, which writes encrypted artifacts to S3 unless *parts* override that."""
    made = structure or {
        "name": "harbor",
        "source": {"type": "GITHUB", "location": "https://github.com/acme/harbor"},
        "artifacts": {"type": "S3", "location": "harbor", "encryptionDisabled": False},
        "environment": {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "environmentVariables": []},
        "serviceRole": f"arn:aws:iam::{ACCOUNT}:role/build",
        **parts,
    }
    return Project(Ref(Kind.PROJECT, ACCOUNT, REGION, "harbor"), made, locked)


COMPLETE_SETTINGS = {
    "S3BucketName": "harbor-trail",
    "IncludeGlobalServiceEvents": True,
    "IsMultiRegionTrail": True,
    "LogFileValidationEnabled": True,
}


def basic(*selectors: Mapping[str, Any]) -> dict[str, Any]:
    """Return basic event selectors."""
    return {"EventSelectors": list(selectors)}


def advanced(*selectors: Mapping[str, Mapping[str, list[str]]]) -> dict[str, Any]:
    """Return advanced event selectors; each is given as field -> operator -> values."""
    fields = ([{"Field": name, **operators} for name, operators in each.items()] for each in selectors)
    return {"AdvancedEventSelectors": [{"Name": "made", "FieldSelectors": each} for each in fields]}


def trail(selectors: Mapping[str, Any] = ALL_MANAGEMENT_EVENTS, **fields: Any) -> Trail:
    """Return the trail harbor, which is compliant unless *fields* override that."""
    return Trail(
        Ref(Kind.TRAIL, ACCOUNT, REGION, "harbor"), selectors=selectors, **{"settings": COMPLETE_SETTINGS, **fields}
    )


# ---------------------------------------------------------------- strategies

_DENIES = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Deny", "Allow"]),
        "Principal": st.sampled_from(["*", {"AWS": "*"}, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}]),
        "Action": st.sampled_from(["s3:*", "s3:PutObject", ["s3:GetObject", "s3:PutObject"]]),
        "Resource": st.sampled_from(["arn:aws:s3:::harbor", "arn:aws:s3:::harbor/*", "arn:aws:s3:::harbor*"]),
    },
    optional={
        "Sid": st.sampled_from(["DenyInsecureConnections", "DenyUnEncryptedObjectUploads", "Theirs"]),
        "Condition": st.sampled_from(
            [
                {"Bool": {"aws:SecureTransport": "false"}},
                {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}},
                {"Null": {"s3:x-amz-server-side-encryption": "true"}},
                {
                    "StringNotEquals": {"s3:x-amz-server-side-encryption": ["aws:kms", "aws:kms:dsse"]},
                    "Null": {"s3:x-amz-server-side-encryption": "false"},
                },
                {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
            ]
        ),
    },
)
_RULES = st.fixed_dictionaries(
    {},
    optional={
        "ApplyServerSideEncryptionByDefault": st.sampled_from(
            [{"SSEAlgorithm": name} for name in ("AES256", "aws:kms", "aws:kms:dsse")]
        ),
        "BucketKeyEnabled": st.booleans(),
        "BlockedEncryptionTypes": st.just({"EncryptionType": ["SSE-C"]}),
    },
)
_ENCRYPTIONS: st.SearchStrategy[dict[str, Any]] = st.just({}) | _RULES.map(lambda rule: {"Rules": [rule]})
BUCKETS = st.builds(
    lambda statements, **fields: bucket(*statements, **fields),
    st.lists(_DENIES, max_size=4),
    encryption=_ENCRYPTIONS,
    dependents=st.dictionaries(st.sampled_from([PIPELINE, APPLICATION, PROJECT]), st.sampled_from(["", ARTIFACT_KEY])),
    requires_kms=st.booleans(),
    website=st.sampled_from([None, False, True]),
)
KEYS = st.builds(
    key,
    spec=st.sampled_from(["SYMMETRIC_DEFAULT", "HMAC_256", "RSA_2048", "ECC_NIST_P256", "ML_DSA_65", "unknown"]),
    usage=st.sampled_from(["ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC"]),
    status=st.sampled_from(["Enabled", "Disabled", "Creating", "PendingDeletion", "PendingImport", "Unavailable"]),
    manager=st.sampled_from(["CUSTOMER", "AWS"]),
    multi_region=st.sampled_from(["", "PRIMARY", "REPLICA"]),
    age=st.sampled_from([None, timedelta(minutes=1), timedelta(days=400)]),
    dependents=st.dictionaries(st.just(PIPELINE), st.just("")),
    origin=st.sampled_from(["AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM"]),
    rotates=st.sampled_from([None, False, True]),
)
_NAMED = st.sampled_from(["", "1c3a5e7f-0b2d-4f68-9ace-13579bdf2468", ARTIFACT_KEY])
_FOUND = KEYS | st.builds(UnreadableKey, problem=st.just("could not be read"), missing=st.booleans())
QUARANTINE_REASONS = tuple(QuarantineReason)
_ENABLED = Transition("Build", enabled=True)
_TRANSITIONS = [
    _ENABLED,
    Transition("Build", enabled=False, reason="on hold"),
    *(
        _ENABLED.quarantined(reasons)
        for reasons in (QUARANTINE_REASONS, QUARANTINE_REASONS[:1], QUARANTINE_REASONS[1:])
    ),
]
PIPELINES = st.builds(
    lambda stores, keys, secret, **fields: pipeline(
        document(*stores, **({"DB_PASSWORD": "made-up-but-literal"} if secret else {})),
        keys={(region, name): keys[i % len(keys)] for i, (region, _, name) in enumerate(stores) if name}
        | {(REGION, ARTIFACT_KEY): keys[-1]},
        **fields,
    ),
    st.lists(st.tuples(st.sampled_from([REGION, "eu-west-1"]), st.just("harbor"), _NAMED), min_size=1, max_size=2),
    st.lists(_FOUND, min_size=1, max_size=3),
    st.booleans(),
    locked=st.sampled_from(["", "AWS redacted a token in it"]),
    transition=st.none() | st.sampled_from(_TRANSITIONS),
    tags=st.dictionaries(
        st.sampled_from([PIPELINE, "arn:aws:s3:::harbor"]),
        st.dictionaries(st.sampled_from(["owner", "DbPassword"]), st.sampled_from(["crew", "ada@example.com"])),
    ),
)
_TEXTS = st.sampled_from(["version: 0.0", "DB_PASSWORD: made-up-but-literal"])
_REVISIONS = st.one_of(
    st.builds(revision, _TEXTS, st.sampled_from(["string", "appSpecContent"])),
    st.builds(revision, bucket=st.sampled_from(["harbor", "quay"]), key=st.just("app.zip")),
    st.builds(
        lambda place: {"revisionType": "GitHub", "gitHubLocation": {"repository": place, "commitId": "0" * 40}},
        st.sampled_from(["acme/harbor", "https://ada:made-up-but-literal@github.com/acme/harbor"]),
    ),
)
APPLICATIONS = st.builds(
    lambda revisions, **fields: application(*revisions, **fields),
    st.lists(_REVISIONS, max_size=3),
    groups=st.sampled_from([(), ("production",), ("ada@example.com",)]),
    tags=st.dictionaries(st.just("owner"), st.sampled_from(["crew", "ada@example.com"])),
    descriptions=st.sampled_from([(), ("release 7",)]),
)
_ARTIFACTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["S3", "CODEPIPELINE", "NO_ARTIFACTS"]), "location": st.just("harbor")},
    optional={"encryptionDisabled": st.booleans(), "packaging": st.just("ZIP"), "fieldOfTomorrow": st.just("kept")},
)
_LOGS = st.fixed_dictionaries(
    {"status": st.sampled_from(["ENABLED", "DISABLED"])},
    optional={"location": st.just("harbor/logs"), "encryptionDisabled": st.booleans()},
)
_VARIABLES = st.fixed_dictionaries(
    {"name": st.sampled_from(["STAGE", "DB_PASSWORD"]), "value": st.just("made-up-but-literal")},
    optional={"type": st.sampled_from(["PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER"])},
)
PROJECTS = st.builds(
    lambda secondary, variables, locked, **parts: project(
        None,
        locked,
        secondaryArtifacts=[{**each, "artifactIdentifier": f"part{n}"} for n, each in enumerate(secondary)],
        environment={"environmentVariables": variables},
        **parts,
    ),
    st.lists(_ARTIFACTS, max_size=2),
    st.lists(_VARIABLES, max_size=2),
    st.just(""),
    artifacts=_ARTIFACTS,
    logsConfig=st.just({}) | st.builds(lambda logs: {"cloudWatchLogs": {"status": "ENABLED"}, "s3Logs": logs}, _LOGS),
    cache=st.sampled_from([{"type": "NO_CACHE"}, {"type": "S3", "location": "quay/cache"}]),
)
_MANAGEMENT = {"eventCategory": {"Equals": ["Management"]}}
_SELECTORS = st.sampled_from(
    [
        dict(ALL_MANAGEMENT_EVENTS),
        basic({"ReadWriteType": "WriteOnly"}, {"ReadWriteType": "ReadOnly"}),
        basic({"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}),
        basic({"IncludeManagementEvents": False}),
        basic({"ExcludeManagementEventSources": ["kms.amazonaws.com", "rdsdata.amazonaws.com"]}),
        advanced(_MANAGEMENT),
        advanced({**_MANAGEMENT, "readOnly": {"Equals": ["false"]}}),
        advanced({**_MANAGEMENT, "eventSource": {"NotEquals": ["rdsdata.amazonaws.com"]}}),
        advanced({**_MANAGEMENT, "eventName": {"NotEquals": ["StopLogging"]}}),
        advanced({"eventCategory": {"Equals": ["Data"]}, "resources.type": {"Equals": ["AWS::S3::Object"]}}),
    ]
)
_SETTINGS = st.sampled_from(
    [
        COMPLETE_SETTINGS,
        {**COMPLETE_SETTINGS, "IsMultiRegionTrail": False, "KmsKeyId": ARTIFACT_KEY},
        {"S3BucketName": "elsewhere", "IncludeGlobalServiceEvents": False},
    ]
)
TRAILS = st.builds(
    trail,
    _SELECTORS,
    logging=st.booleans(),
    never_logged=st.booleans(),
    settings=_SETTINGS,
    baseline=st.fixed_dictionaries(
        {}, optional={"selectors": st.none() | _SELECTORS, "settings": st.none() | _SETTINGS}
    ),
    event_name=st.sampled_from(["StopLogging", "StartLogging", "PutEventSelectors", "UpdateTrail"]),
) | st.builds(
    trail,
    st.just({}),
    exists=st.just(False),  # noqa: FBT003
    logging=st.just(False),  # noqa: FBT003
    settings=st.just({}),
    baseline=st.fixed_dictionaries({}, optional={"selectors": _SELECTORS, "settings": _SETTINGS}),
)
RESOURCES: Mapping[Kind, st.SearchStrategy[Any]] = {
    Kind.BUCKET: BUCKETS,
    Kind.KEY: KEYS,
    Kind.PIPELINE: PIPELINES,
    Kind.APPLICATION: APPLICATIONS,
    Kind.PROJECT: PROJECTS,
    Kind.TRAIL: TRAILS,
}
SETTINGS = st.builds(
    Settings,
    artifact_keys=st.sampled_from([{}, {REGION: ARTIFACT_KEY}]),
    key_rejection=st.sampled_from(list(Rejection)),
    deletion_window_days=st.sampled_from([7, 30]),
    seal_websites=st.booleans(),
    strict_uploads=st.booleans(),
    require_customer_key=st.booleans(),
    quarantine_secrets=st.booleans(),
)
