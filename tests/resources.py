"""Resources of every kind: plain ones for tables, generated ones for laws."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from pipeseal.model import Kind, Ref
from pipeseal.model.bucket import Bucket
from pipeseal.model.key import Key, Unread
from pipeseal.model.pipeline import Pipeline, Transition
from pipeseal.policy import Policy
from pipeseal.settings import Rejection, Settings

ACCOUNT = "123456789012"
REGION = "us-east-1"
ARTIFACT_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/5d3c1b2a-7e6f-4890-a1b2-c3d4e5f60718"
PIPELINE = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:release"


def policy(*statements: Mapping[str, Any]) -> Policy:
    """Make a policy of *statements*; none at all is a bucket without a policy."""
    return Policy.parse({"Version": "2012-10-17", "Statement": list(statements)} if statements else None)


def bucket(*statements: Mapping[str, Any], **fields: Any) -> Bucket:
    """Make a bucket named harbor under a policy of *statements*."""
    return Bucket(Ref(Kind.BUCKET, ACCOUNT, REGION, "harbor"), policy(*statements), **fields)


def key(spec: str = "SYMMETRIC_DEFAULT", usage: str = "ENCRYPT_DECRYPT", status: str = "Enabled", **fields: Any) -> Key:
    """Make a key, an hour old."""
    ref = Ref(Kind.KEY, ACCOUNT, REGION, "1c3a5e7f-0b2d-4f68-9ace-13579bdf2468")
    return Key(ref, spec, usage, status, **{"age": timedelta(hours=1), **fields})


def action(name: str, **configuration: str) -> dict[str, Any]:
    """Make one action of a stage."""
    return {
        "name": name,
        "actionTypeId": {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"},
        "runOrder": 1,
        "configuration": configuration,
    }


def document(*stores: tuple[str, str, str], **configuration: str) -> dict[str, Any]:
    """Make a pipeline's structure; each store is (region, bucket, key or "")."""
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
    """Make a pipeline named release."""
    return Pipeline(Ref(Kind.PIPELINE, ACCOUNT, REGION, "release"), structure or document(), **fields)


# --------------------------------------------------------------- for the laws

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
    users=st.dictionaries(st.just(PIPELINE), st.sampled_from(["", ARTIFACT_KEY])),
    encrypt=st.booleans(),
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
)
_NAMED = st.sampled_from(["", "1c3a5e7f-0b2d-4f68-9ace-13579bdf2468", ARTIFACT_KEY])
_FOUND = KEYS | st.builds(Unread, why=st.just("could not be read"), missing=st.booleans())
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
    locked=st.sampled_from(["", "AWS masks a token in it"]),
    transition=st.sampled_from([None, Transition("Build", enabled=True), Transition("Build", False, "on hold")]),  # noqa: FBT003
)
RESOURCES: Mapping[Kind, st.SearchStrategy[Any]] = {Kind.BUCKET: BUCKETS, Kind.KEY: KEYS, Kind.PIPELINE: PIPELINES}
SETTINGS = st.builds(
    Settings,
    artifact_keys=st.sampled_from([{}, {REGION: ARTIFACT_KEY}]),
    key_rejection=st.sampled_from(list(Rejection)),
    deletion_window_days=st.sampled_from([7, 30]),
    seal_websites=st.booleans(),
)
