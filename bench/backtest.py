"""Measures `pipeseal backtest` on a million typical records, compared with `zcat` on the same files.

Run `.venv/bin/python bench/backtest.py`; `--records`, `--per-file` and `--relevant` change what is generated, and
`--keep FOLDER` keeps it. The results are the ratio and the memory; the times depend on the machine. Memory is the peak
of all processes together, with shared pages counted once (the kernel's proportional set size).
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from multiprocessing import Pool
from pathlib import Path
from threading import Event, Thread
from time import perf_counter, sleep
from typing import Any
from uuid import UUID

_ACCOUNT = "123456789012"
_START = datetime(2026, 3, 1, tzinfo=UTC)
_ROLES = ("deploy", "webshop", "scanner", "etl", "AWSReservedSSO_Admin_0a1b2c3d4e5f6071", "ci-runner", "backup")
_AGENTS = (
    "aws-sdk-java/1.12.797 Linux/5.10.245 OpenJDK_64-Bit_Server_VM/25.472-b09 cfg/retry-mode#standard",
    "Boto3/1.42.9 md/Botocore#1.42.9 ua/2.1 os/linux#6.1 md/arch#x86_64 lang/python#3.13.1 md/pyimpl#CPython",
    "APN/1.0 HashiCorp/1.0 Terraform/1.11.4 (+https://www.terraform.io) aws-sdk-go-v2/1.36.3",
    "AWS Internal",
)
_NOISE = (
    ("ec2", "DescribeInstances", {"instancesSet": {}, "filterSet": {"items": [{"name": "tag:Name", "valueSet": {}}]}}),
    ("sts", "AssumeRole", {"roleArn": f"arn:aws:iam::{_ACCOUNT}:role/ci-runner", "roleSessionName": "build"}),
    ("kms", "Decrypt", {"encryptionContext": {"aws:s3:arn": "arn:aws:s3:::acme"}, "encryptionAlgorithm": "SYMMETRIC"}),
    ("kms", "GenerateDataKey", {"keySpec": "AES_256", "encryptionContext": {"aws:s3:arn": "arn:aws:s3:::acme"}}),
    ("logs", "CreateLogStream", {"logGroupName": "/aws/lambda/f", "logStreamName": "2026/03/02/[$LATEST]0f1e2d"}),
    (
        "s3",
        "GetBucketPolicy",
        {"bucketName": "acme-artifacts", "Host": "acme-artifacts.s3.amazonaws.com", "policy": ""},
    ),
    ("iam", "GetRole", {"roleName": "ci-runner"}),
    ("ssm", "GetParameters", {"names": ["/acme/webshop/url"], "withDecryption": True}),
    ("codebuild", "BatchGetBuilds", {"ids": ["webshop:1c3a5e7f-0b2d-4f68-9ace-13579bdf2468"]}),
    ("cloudformation", "DescribeStackEvents", {"stackName": "webshop"}),
)
_TLS = {
    "Sid": "Tls",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def _relevant(dice: random.Random) -> tuple[str, str, dict[str, Any]]:
    """Return (service, event name, requestParameters) of a random call that triggers pipeseal."""
    bucket = f"acme-artifacts-{dice.randrange(400)}"
    arn = f"arn:aws:s3:::{bucket}"
    tls_only = [{**_TLS, "Resource": [arn, f"{arn}/*"]}]
    reader = {"Effect": "Allow", "Principal": {"AWS": _ACCOUNT}, "Action": "s3:GetObject", "Resource": f"{arn}/*"}
    statements = tls_only * dice.choice((0, 1, 1)) + [reader]
    match dice.randrange(4):
        case 0 | 1:
            policy = {"Version": "2012-10-17", "Statement": statements}
            return "s3", "PutBucketPolicy", {"bucketName": bucket, "bucketPolicy": policy, "policy": ""}
        case 2:
            return "s3", "DeleteBucketEncryption", {"bucketName": bucket, "encryption": ""}
    key = f"1c3a5e7f-0b2d-4f68-9ace-13579bdf{dice.randrange(400):04}"
    return "kms", "DisableKeyRotation", {"keyId": key}


def _record(dice: random.Random, time: datetime, relevant: float) -> dict[str, Any]:
    is_relevant = dice.random() < relevant
    service, name, request = _relevant(dice) if is_relevant else dice.choice(_NOISE)
    role, agent = dice.choice(_ROLES), dice.choice(_AGENTS)
    session = f"i-{dice.getrandbits(64):016x}"
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": f"AROA2HARBOREXAMPLE:{session}",
            "arn": f"arn:aws:sts::{_ACCOUNT}:assumed-role/{role}/{session}",
            "accountId": _ACCOUNT,
            "accessKeyId": f"ASIA{dice.getrandbits(64):016X}",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": "AROA2HARBOREXAMPLE",
                    "arn": f"arn:aws:iam::{_ACCOUNT}:role/{role}",
                    "accountId": _ACCOUNT,
                    "userName": role,
                },
                "attributes": {"creationDate": f"{time - timedelta(minutes=20):%Y-%m-%dT%H:%M:%SZ}"},
            },
        },
        "eventTime": f"{time:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": f"10.{dice.randrange(256)}.{dice.randrange(256)}.{dice.randrange(256)}",
        "userAgent": agent,
        "requestParameters": request,
        "responseElements": None,
        "requestID": str(UUID(int=dice.getrandbits(128))),
        "eventID": str(UUID(int=dice.getrandbits(128))),
        "readOnly": not is_relevant,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": _ACCOUNT,
        "eventCategory": "Management",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": f"{service}.us-east-1.amazonaws.com",
        },
    }


def _file(job: tuple[Path, int, int, float]) -> None:
    """Write one log file; as in CloudTrail's files, its records are not sorted by time."""
    folder, number, size, relevant = job
    dice = random.Random(number)  # noqa: S311 - generated records
    start = _START + timedelta(minutes=5 * number)
    records = [_record(dice, start + timedelta(seconds=dice.randrange(300)), relevant) for _ in range(size)]
    day = folder / f"AWSLogs/{_ACCOUNT}/CloudTrail/us-east-1/{start:%Y/%m/%d}"
    day.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"Records": records}, separators=(",", ":"))
    name = f"{_ACCOUNT}_CloudTrail_us-east-1_{start:%Y%m%dT%H%MZ}_{number:016d}.json.gz"
    (day / name).write_bytes(gzip.compress(text.encode(), 6))


def _write_files(folder: Path, records: int, per_file: int, relevant: float) -> list[str]:
    jobs = [(folder, number, per_file, relevant) for number in range(max(1, records // per_file))]
    with Pool() as pool:
        pool.map(_file, jobs)
    return [str(file) for file in sorted(folder.rglob("*.json.gz"))]


def _shortest(command: list[str], runs: int, on_start: Callable[[int], Any] = lambda _: None) -> float:
    times = []
    for _ in range(runs):
        start = perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - fixed arguments
        on_start(process.pid)
        process.wait()
        times.append(perf_counter() - start)
    return min(times)


class _Memory:
    """The peak memory of a process and its children, in MB."""

    def __init__(self) -> None:
        self.proportional = self.resident = 0.0
        self._pid = 0
        self._ended = Event()
        Thread(target=self._measure, daemon=True).start()

    def watch(self, pid: int) -> None:
        """Start measuring the process *pid*."""
        self._pid = pid

    def _measure(self) -> None:
        while not self._ended.is_set():
            pids = [self._pid, *_children(self._pid)] if self._pid else []
            sums = [_rollup(pid) for pid in pids]
            self.resident = max(self.resident, sum(rss for rss, _ in sums))
            self.proportional = max(self.proportional, sum(pss for _, pss in sums))
            sleep(0.02)


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _rollup(pid: int) -> tuple[float, float]:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0, 0.0
    found = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines if line.startswith(("Rss:", "Pss:"))}
    return found.get("Rss", 0.0), found.get("Pss", 0.0)


def main() -> None:
    """Generate the records, run both programs, print the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--per-file", type=int, default=2_500)
    parser.add_argument("--relevant", type=float, default=0.003)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    with nullcontext(options.keep) if options.keep else tempfile.TemporaryDirectory() as folder:
        existing = sorted(str(file) for file in Path(folder).rglob("*.json.gz"))
        files = existing or _write_files(Path(folder), options.records, options.per_file, options.relevant)
        command = [str(Path(sys.executable).parent / "pipeseal"), "backtest", str(folder), "--format", "json"]
        answer = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout)  # noqa: S603 - fixed arguments
        zcat = _shortest(["zcat", *files], options.runs)
        backtest = _shortest(command, options.runs)
        memory = _Memory()
        _shortest(command, 1, memory.watch)
    counts = {name: answer[name] for name in ("records", "files", "relevant", "resources_in_violation")}
    print(*(f"{count:,} {name}" for name, count in counts.items()), sep=", ")
    print(f"zcat               {zcat:6.2f} s")
    print(f"pipeseal backtest  {backtest:6.2f} s  {backtest / zcat:.2f} x zcat")
    print(f"memory             {memory.proportional:6.0f} MB in all processes; ", end="")
    print(f"{memory.resident:.0f} MB resident, which counts shared pages in each process")


if __name__ == "__main__":
    main()
