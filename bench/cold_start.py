"""CPU time of a cold start with one event, compared with a Python program that makes the same calls with boto3.

Run `.venv/bin/python bench/cold_start.py [RUNS]`. The two programs run alternately, so that the load of the machine
affects both. It prints the medians of the CPU seconds of a whole process (user and system), and their ratio.
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
from pipeseal.sandbox.account import EmbeddedAccount

ROOT = Path(__file__).parent.parent
_POLICY = {
    "Version": "2012-10-17",
    "Statement": [deny_insecure("arn:aws:s3:::harbor").statement],
}
_BOTO3 = {
    "bucket": """
import boto3
boto3.client("dynamodb").get_item(TableName="pipeseal-ledger", Key={"resource": {"S": "x"}, "id": {"S": "#record"}})
s3 = boto3.client("s3")
s3.get_bucket_policy(Bucket="harbor", ExpectedBucketOwner="123456789012")
""",
    "key": """
import boto3, sys
boto3.client("kms").describe_key(KeyId=sys.argv[1])
""",
}
_PIPESEAL = """
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


def _cpu_seconds(script: str, *arguments: str, environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(  # noqa: S603 - the scripts above
        [sys.executable, "-c", script, *arguments], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(runs: int) -> None:
    """Print one line for an event of a bucket and one for an event of a key."""
    with EmbeddedAccount() as account, tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "AWS_ENDPOINT_URL": account.url}
        key = account.client("kms").create_key()["KeyMetadata"]["Arn"]
        account.client("s3").create_bucket(Bucket="harbor")
        account.client("s3").put_bucket_policy(Bucket="harbor", Policy=json.dumps(_POLICY))
        account.router.settle()
        events = {
            "bucket": _event("s3", "PutBucketPolicy", {"bucketName": "harbor"}, None),
            "key": _event("kms", "CreateKey", None, {"keyMetadata": {"arn": key}}),
        }
        for kind, event in events.items():
            file = Path(folder) / f"{kind}.json"
            file.write_text(json.dumps(event), "utf-8")
            pairs = [
                (
                    _cpu_seconds(_BOTO3[kind], key, environment=environment),
                    _cpu_seconds(_PIPESEAL, key, str(file), environment=environment),
                )
                for _ in range(runs + 1)
            ]
            # The first pair fills the file system cache.
            boto3, pipeseal = (median(values) for values in zip(*pairs[1:], strict=True))
            print(
                f"{kind:7} boto3 {boto3:.3f} s  pipeseal {pipeseal:.3f} s  ratio {pipeseal / boto3:.2f}  ({runs} runs)"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
