"""What a sweep of many sealed buckets costs: calls for each, and whether memory grows with their number.

Run `.venv/bin/python bench/sweep.py [BUCKETS]`. The account is moto in this process: seconds say nothing, calls do, and
the memory that each message takes beyond what there was before it (tracemalloc).
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
from tests.account import ACCOUNT, ENVIRONMENT, REGION, Account, Context

from pipeseal.controls.s3_tls import deny_insecure

_QUEUE = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/pipeseal-sweep"


def main(number: int) -> None:
    """Seal *number* buckets, sweep them, and print what it took."""
    os.environ.update(ENVIRONMENT, SWEEP_QUEUE_URL=_QUEUE, GRACE_MINUTES="0")
    with mock_aws():
        Account()
        boto3.client("sqs").create_queue(QueueName="pipeseal-sweep")
        _buckets(number)
        import sweep  # noqa: PLC0415 - its clients are made under the mock

        sent: list[dict[str, Any]] = []
        calls, peaks = Counter[str](), []
        ask = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001

        def counted(client: object, operation: str, arguments: dict[str, Any]) -> Any:
            calls[operation] += 1
            if operation == "SendMessageBatch":
                sent.extend({"messageId": "m", "body": each["MessageBody"]} for each in arguments["Entries"])
                return {}
            return ask(client, operation, arguments)

        began = "2026-11-21T09:30:00+00:00"
        with patch.object(botocore.client.BaseClient, "_make_api_call", counted):
            tracemalloc.start()
            listing = {"messageId": "m", "body": json.dumps({"list": "s3", "token": "", "began": began})}
            sweep.handler({"Records": [listing]}, Context())
            for message in sent:
                before, _ = tracemalloc.get_traced_memory()
                tracemalloc.reset_peak()
                sweep.handler({"Records": [message]}, Context())
                peaks.append(tracemalloc.get_traced_memory()[1] - before)
    tenth = len(peaks) // 10 or 1
    first, last = (sum(some) / len(some) / 1e6 for some in (peaks[:tenth], peaks[-tenth:]))
    print(f"{number} sealed buckets: {calls.total() / number:.3f} calls each; {dict(calls)}")
    print(f"memory that a message takes: {first:.2f} MB at first, {last:.2f} MB at last")


def _buckets(number: int) -> None:
    s3 = boto3.client("s3")
    for each in range(number):
        name = f"quay-{each}"
        s3.create_bucket(Bucket=name)
        policy = {"Version": "2012-10-17", "Statement": [deny_insecure(f"arn:aws:s3:::{name}").statement]}
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
