"""Resources in the fake account: create them, and read back how they are."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import boto3
from botocore.exceptions import ClientError
from tests.fake_account import ACCOUNT

from pipeseal.controls.s3_sse_uploads import deny_other_encryption, deny_unencrypted
from pipeseal.controls.s3_tls import deny_insecure

BUCKET = "harbor"
ARN = f"arn:aws:s3:::{BUCKET}"
TLS = deny_insecure(ARN).statement
"""The statement that denies plain HTTP."""
STRICT_SSE = deny_unencrypted(ARN).statement
"""The statement that denies uploads without an SSE-KMS header."""
LENIENT_SSE = deny_other_encryption(ARN).statement
"""The statement that denies uploads with another encryption, and allows those without a header."""


def allow_reads(bucket: str = BUCKET, sid: str = "Readers") -> dict[str, Any]:
    """Return a statement of the bucket owner's, which has nothing to do with TLS."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }


READERS = allow_reads()


def policy_text(*statements: dict[str, Any]) -> str:
    """Return a policy of *statements*, as short as JSON allows."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def create_bucket(name: str = BUCKET, *statements: dict[str, Any]) -> str:
    """Create a bucket with a policy of *statements* (none: without a policy); return its ARN."""
    boto3.client("s3").create_bucket(Bucket=name)
    if statements:
        put_policy(*statements, bucket=name)
    return f"arn:aws:s3:::{name}"


def put_policy(*statements: dict[str, Any], bucket: str = BUCKET) -> None:
    """Put a policy of *statements* on the bucket."""
    boto3.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy_text(*statements))


def live_policy(bucket: str = BUCKET) -> dict[str, Any] | None:
    """Return the bucket's policy, None where it has none."""
    try:
        policy: dict[str, Any] = json.loads(boto3.client("s3").get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError:
        return None
    return policy


def live_statements(bucket: str = BUCKET) -> list[dict[str, Any]]:
    """Return the statements of the bucket's policy, none where it has no policy."""
    return list((live_policy(bucket) or {"Statement": []})["Statement"])


def live_sids(bucket: str = BUCKET) -> list[str]:
    """Return the Sids of the bucket's policy."""
    return [statement["Sid"] for statement in live_statements(bucket)]


def live_encryption(bucket: str = BUCKET) -> dict[str, Any] | None:
    """Return the bucket's default encryption, None where it has none."""
    try:
        found: Any = boto3.client("s3").get_bucket_encryption(Bucket=bucket)
    except ClientError:
        return None
    return dict(found["ServerSideEncryptionConfiguration"])


def live_encryption_rule(bucket: str = BUCKET) -> dict[str, Any]:
    """Return the only rule of the bucket's default encryption."""
    (rule,) = (live_encryption(bucket) or {"Rules": []})["Rules"]
    return dict(rule)


def put_encryption(algorithm: str, *, bucket_key: bool = True, bucket: str = BUCKET) -> dict[str, Any]:
    """Set the bucket's default encryption; return the rule."""
    rule: Any = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}, "BucketKeyEnabled": bucket_key}
    boto3.client("s3").put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    return dict(rule)


def create_asymmetric_key(**fields: Any) -> str:
    """Create an RSA key; return its ARN."""
    made = boto3.client("kms").create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY", **fields)
    return str(made["KeyMetadata"]["Arn"])


def create_symmetric_key() -> str:
    """Create a key that encrypts artifacts; return its ARN."""
    return str(boto3.client("kms").create_key()["KeyMetadata"]["Arn"])


def key_state(key: str) -> str:
    """Return the state of the key."""
    return str(boto3.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"])


def create_pipeline_role() -> str:
    """Create the role that pipelines run under, unless it exists; return its ARN."""
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}}]}
    with suppress(ClientError):
        boto3.client("iam").create_role(RoleName="pipeline", AssumeRolePolicyDocument=json.dumps(trust))
    return f"arn:aws:iam::{ACCOUNT}:role/pipeline"


def pipeline_action(name: str, provider: str = "CodeBuild", owner: str = "AWS", **configuration: str) -> dict[str, Any]:
    """Return one action of a stage."""
    category = "Source" if owner == "ThirdParty" else "Build"
    kind = {"category": category, "owner": owner, "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": kind, "configuration": configuration}


def create_pipeline(
    name: str = "release",
    store: dict[str, Any] | None = None,
    source: dict[str, Any] | None = None,
    stores: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Create a pipeline with one artifact store (*store* overrides its fields) or with *stores* by Region.

    *source* is the action of its first stage. Returns the structure as CodePipeline returns it.
    """
    one = {"artifactStore": {"type": "S3", "location": BUCKET, **(store or {})}}
    structure: Any = {
        "name": name,
        "roleArn": create_pipeline_role(),
        "stages": [
            {"name": "Source", "actions": [source or pipeline_action("Checkout", ProjectName="checkout")]},
            {"name": "Build", "actions": [pipeline_action("Compile", ProjectName="compile")]},
        ],
        **({"artifactStores": stores} if stores else one),
    }
    boto3.client("codepipeline").create_pipeline(pipeline=structure)
    return live_pipeline(name)


def live_pipeline(name: str = "release") -> dict[str, Any]:
    """Return the structure of the pipeline."""
    found: Any = boto3.client("codepipeline").get_pipeline(name=name)["pipeline"]
    return dict(found)


def transition_into_build(name: str = "release") -> dict[str, Any]:
    """Return the state of the transition into the pipeline's second stage."""
    state: Any = boto3.client("codepipeline").get_pipeline_state(name=name)["stageStates"][1]
    return dict(state["inboundTransitionState"])


def under_key(key: str) -> dict[str, Any]:
    """Return the fields of an artifact store that is encrypted under the key."""
    return {"encryptionKey": {"id": key, "type": "KMS"}}
