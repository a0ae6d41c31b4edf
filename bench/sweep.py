"""Cost of a sweep of many compliant buckets: API calls per bucket, and whether memory grows with their number.

Run `.venv/bin/python bench/sweep.py [BUCKETS]`. AWS is moto in this process, so time is not measured. The memory of a
message is the peak of the allocations while it is handled (tracemalloc).
"""

from __future__ import annotations

import json
import os
import sys
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "functions"))

import boto3
import botocore.client
from moto import mock_aws
from tests.fake_account import ACCOUNT, ENVIRONMENT, REGION, FakeAccount, FakeContext

from pipeseal.controls.s3_tls import deny_insecure

_QUEUE = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/pipeseal-sweep"


def main(number: int) -> None:
    """Create *number* compliant buckets, sweep them, and print the calls and the memory."""
    os.environ.update(ENVIRONMENT, SWEEP_QUEUE_URL=_QUEUE, GRACE_MINUTES="0")
    with mock_aws():
        FakeAccount()
        boto3.client("sqs").create_queue(QueueName="pipeseal-sweep")
        _create_buckets(number)
        import sweep  # noqa: PLC0415 - imported inside the mock

        sent: list[dict[str, Any]] = []
        calls, peaks = Counter[str](), []
        make_api_call = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001

        def counted(client: object, operation: str, arguments: dict[str, Any]) -> Any:
            calls[operation] += 1
            if operation == "SendMessageBatch":
                sent.extend({"messageId": "m", "body": each["MessageBody"]} for each in arguments["Entries"])
                return {}
            return make_api_call(client, operation, arguments)

        began = "2026-11-21T09:30:00+00:00"
        with patch.object(botocore.client.BaseClient, "_make_api_call", counted):
            tracemalloc.start()
            listing = {"messageId": "m", "body": json.dumps({"list": "bucket", "token": "", "began": began})}
            sweep.handler({"Records": [listing]}, FakeContext())
            for message in sent:
                before, _ = tracemalloc.get_traced_memory()
                tracemalloc.reset_peak()
                sweep.handler({"Records": [message]}, FakeContext())
                peaks.append(tracemalloc.get_traced_memory()[1] - before)
    size = len(peaks) // 10 or 1
    first, last = (sum(tenth) / len(tenth) / 1e6 for tenth in (peaks[:size], peaks[-size:]))
    print(f"{number} compliant buckets: {calls.total() / number:.3f} calls per bucket; {dict(calls)}")
    print(f"memory of a message: {first:.2f} MB in the first tenth, {last:.2f} MB in the last tenth")


def _create_buckets(number: int) -> None:
    s3 = boto3.client("s3")
    for each in range(number):
        name = f"quay-{each}"
        s3.create_bucket(Bucket=name)
        policy = {"Version": "2012-10-17", "Statement": [deny_insecure(f"arn:aws:s3:::{name}").statement]}
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
