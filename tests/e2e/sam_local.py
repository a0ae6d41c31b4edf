"""A program: runs every function in a real container, with every sample event of its rules, against moto.

`make sam-local` runs it. It shows SAM's own output and checks what has changed in the account. Exit status 0 where all
checks hold.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from moto.server import ThreadedMotoServer
from tests.e2e.container_account import (
    ACCOUNT,
    REGION,
    ROOT,
    STACK,
    WITHOUT_VIOLATION,
    ContainerAccount,
    accept_multi_region_keys,
)

from pipeseal.kinds.cloudtrail import subjects
from pipeseal.model import Kind, Ref
from pipeseal.sandbox import extend_moto
from pipeseal.sandbox.event_rules import pattern_matcher
from pipeseal.sandbox.template import Template

SAM = ROOT / ".venv-sam/bin/sam"
BUILT = ROOT / ".aws-sam/build/template.yaml"
_HOST = "host.docker.internal"
_IMAGE = "public.ecr.aws/lambda/python:3.13-x86_64"


def invoke(account: ContainerAccount, function: str, event: Path, *, pulled: bool) -> int:
    """Run `sam local invoke` with its output on the terminal; return its exit status."""
    port, bridge = account.url.rpartition(":")[2], account.url.removeprefix("http://").partition(":")[0]
    command: list[str | Path] = [
        SAM,
        "local",
        "invoke",
        function,
        "--event",
        event,
        "--template-file",
        BUILT,
        "--add-host",
        f"{_HOST}:{bridge}",
        "--parameter-overrides",
        f"AwsEndpointUrl=http://{_HOST}:{port}",
        "EncryptionScope=all",
        *(["--skip-pull-image"] if pulled else []),
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    signed = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
    return subprocess.run(  # noqa: S603 - the SAM CLI of our own lock file
        command,
        cwd=ROOT,
        env={**environment, **signed, "AWS_REGION": REGION, "SAM_CLI_TELEMETRY": "0"},
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=300,
    ).returncode


def prove(account: ContainerAccount, function: str, event: Path, *, pulled: bool) -> list[str]:
    """Return the checks that failed after *function* handled *event*."""
    record = json.loads(event.read_text("utf-8"))
    account.reset()
    refs = subjects(record)
    for ref in refs:
        account.arrange(ref, record)
    failed = [] if invoke(account, function, event, pulled=pulled) == 0 else ["sam local invoke failed"]
    call = record["detail"]["eventName"]
    failed += [f"after the event: {fault}" for ref in refs for fault in account.faults(ref, call)]
    alerted, expected = account.alerted(), {_alerted_arn(ref) for ref in refs if call not in WITHOUT_VIOLATION}
    failed += [f"no alert about {arn}" for arn in sorted(expected - alerted)]
    return failed + [
        f"an alert about {arn}, which is compliant" for arn in sorted(alerted if call in WITHOUT_VIOLATION else ())
    ]


def prove_sweep(account: ContainerAccount, function: str, event: Path, *, pulled: bool) -> list[str]:
    """Return the checks that failed after the sweep began or handled a message."""
    account.reset()
    bucket = Ref(Kind.BUCKET, ACCOUNT, REGION, "harbor-artifacts")
    account.arrange(bucket, {"detail": {"eventName": "", "requestParameters": {}}})
    account.client("sqs").create_queue(QueueName=f"{STACK}-sweep")
    failed = [] if invoke(account, function, event, pulled=pulled) == 0 else ["sam local invoke failed"]
    queue, count = f"{account.url}/{ACCOUNT}/{STACK}-sweep", "ApproximateNumberOfMessages"
    attributes = account.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=[count])["Attributes"]
    waiting = attributes[count]
    if event.stem == "begin":
        return failed + (
            [] if int(waiting) == len(Kind) else [f"{waiting} messages to list a kind, expected {len(Kind)}"]
        )
    failed += [f"after the event: {fault}" for fault in account.faults(bucket, "")]
    return failed + ([] if account.alerted() == {bucket.arn} else ["no alert"])


def _alerted_arn(ref: Ref) -> str:
    """Return the ARN of the resource that is alerted; for an application it is the bucket of its revisions."""
    return "arn:aws:s3:::harbor-revisions" if ref.kind is Kind.APPLICATION else ref.arn


def main(pattern: str) -> int:
    """Print what SAM prints, the result of each event, and the counts."""
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "info"], capture_output=True, check=False).returncode:  # noqa: S603
        print("sam local needs a Docker engine, and none responds", file=sys.stderr)
        return 2
    inspect = [docker, "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]
    bridge = subprocess.run(inspect, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    pulled = subprocess.run([docker, "image", "inspect", _IMAGE], capture_output=True, check=False).returncode == 0  # noqa: S603
    extend_moto()
    accept_multi_region_keys()
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer(ip_address=bridge, port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        account = ContainerAccount(
            Template(ROOT / "template.yaml", ACCOUNT, REGION, {}, STACK), f"http://{bridge}:{port}"
        )
        failed, passed = 0, 0
        for function, event in pairs(account.stack, pattern):
            print(f"\n=== {function} with {event.relative_to(ROOT)}", flush=True)
            started = time.monotonic()
            check = prove_sweep if event.parent.name == "sweep" else prove
            failures = check(account, function, event, pulled=pulled)
            print(
                "\n".join(failures) or "remediated, recorded and alerted",
                f"({time.monotonic() - started:.0f} s)",
                flush=True,
            )
            failed, passed = failed + bool(failures), passed + (not failures)
    finally:
        server.stop()
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def pairs(stack: Template, pattern: str) -> Iterator[tuple[str, Path]]:
    """Yield every function with every sample event that its rules match and whose name matches *pattern*."""
    for function in stack.functions():
        rules = [pattern_matcher(pattern) for pattern in function.patterns]
        for event in sorted((ROOT / "events").glob(f"{pattern}.json")):
            if any(matches(json.loads(event.read_text("utf-8"))) for matches in rules):
                yield function.name, event
    for event in sorted((ROOT / "events/sweep").glob(f"{pattern}.json")):
        yield "SweepFunction", event


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "*"))
