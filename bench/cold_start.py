"""Cold start: from process start to the first answer, against Python with boto3 and the same clients and calls.

Run `.venv/bin/python bench/cold_start.py [RUNS]`. Each pair runs in turn, so that a busy machine is fair to both; the
figures are CPU seconds of the whole process (user and system) and the ratio of the medians.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from pipeseal.controls.s3_tls import deny_insecure
from pipeseal.sandbox.account import Account

ROOT = Path(__file__).parent.parent
_POLICY = {
    "Version": "2012-10-17",
    "Statement": [deny_insecure("arn:aws:s3:::harbor").statement],
}
_BARE = {
    "bucket": """
import boto3
boto3.client("dynamodb").get_item(TableName="pipeseal-ledger", Key={"resource": {"S": "x"}, "id": {"S": "#memory"}})
s3 = boto3.client("s3")
s3.get_bucket_policy(Bucket="harbor", ExpectedBucketOwner="123456789012")
""",
    "key": """
import boto3, sys
boto3.client("kms").describe_key(KeyId=sys.argv[1])
""",
}
_OURS = """
import json, sys, types
sys.path.insert(0, "functions")
import remediate
context = types.SimpleNamespace(
    function_name="f", memory_limit_in_mb=512, invoked_function_arn="f", aws_request_id="r",
    get_remaining_time_in_millis=lambda: 60_000,
)
print(remediate.handler(json.load(open(sys.argv[2])), context))
"""


def _event(service: str, name: str, request: object, response: object) -> dict[str, object]:
    return {
        "account": "123456789012",
        "region": "us-east-1",
        "detail": {
            "eventID": "bench",
            "eventTime": "2026-11-21T09:30:00Z",
            "eventSource": f"{service}.amazonaws.com",
            "eventName": name,
            "requestParameters": request,
            "responseElements": response,
        },
    }


def _cpu(script: str, *arguments: str, environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(  # noqa: S603 - our own scripts
        [sys.executable, "-c", script, *arguments], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(runs: int) -> None:
    """Print a line for each family of events."""
    with Account() as account, tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "AWS_ENDPOINT_URL": account.url}
        key = account.client("kms").create_key()["KeyMetadata"]["Arn"]
        account.client("s3").create_bucket(Bucket="harbor")
        account.client("s3").put_bucket_policy(Bucket="harbor", Policy=json.dumps(_POLICY))
        account.router.settle()
        events = {
            "bucket": _event("s3", "PutBucketPolicy", {"bucketName": "harbor"}, None),
            "key": _event("kms", "CreateKey", None, {"keyMetadata": {"arn": key}}),
        }
        for family, event in events.items():
            file = Path(folder) / f"{family}.json"
            file.write_text(json.dumps(event), "utf-8")
            pairs = []
            for _ in range(runs + 1):
                bare = _cpu(_BARE[family], key, environment=environment)
                pairs.append((bare, _cpu(_OURS, key, str(file), environment=environment)))
            bare, ours = (median(values) for values in zip(*pairs[1:], strict=True))  # the first warms the caches
            print(f"{family:7} bare {bare:.3f} s  pipeseal {ours:.3f} s  ratio {ours / bare:.2f}  ({runs} runs)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
