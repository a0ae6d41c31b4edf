"""One bucket and its owner's policy, for the tests of what operators do with it."""

from __future__ import annotations

import json
from typing import Any

import boto3
from tests.account import ACCOUNT

BUCKET = "harbor"
ARN = f"arn:aws:s3:::{BUCKET}"
THEIRS = {
    "Sid": "Readers",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "s3:GetObject",
    "Resource": f"{ARN}/*",
}


def put_policy(*statements: dict[str, Any]) -> None:
    """Put a policy of *statements* on the bucket."""
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    boto3.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=text)
