"""Undo and apply through a proxy that breaks their calls: all of it takes effect, or the next run finishes it."""

from __future__ import annotations

import http.client
import json
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import pytest
from tests.e2e import stack as sam
from tests.interruptible import interruptible

if TYPE_CHECKING:
    from tests.e2e.developer import Developer

_GROUNDS = ("--owner", "ada@example.com", "--reason", "contract", "--until", "30d")
_FAULTS = ("500 for 4 s", "response lost", "interrupted", "killed")
_TIMEOUT = 150
_HOP_BY_HOP = {"connection", "host", "transfer-encoding", "keep-alive", "content-length"}


class Run(NamedTuple):
    """What a command did."""

    status: int
    stderr: str


class BreakingProxy:
    """Forwards each call to the account, but for those that the fault concerns: from the call numbered *at* on."""

    def __init__(self, developer: Developer, fault: str = "", at: int = -1) -> None:
        """Take which fault happens at which call; "" for none."""
        self._target = urlsplit(developer.cloud.url)
        self._tls = ssl.create_default_context(cafile=developer.cloud.environment["AWS_CA_BUNDLE"])
        self._fault, self._at = fault, at
        self._lock = threading.Lock()
        self._until = 0.0
        self.calls = 0
        self.command: subprocess.Popen[str] | None = None

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one call."""
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        with self._lock:
            number = self.calls
            self.calls += 1
            if number == self._at:
                self._until = time.monotonic() + 4
        if self._fault == "500 for 4 s" and number >= self._at and time.monotonic() < self._until:
            _send(request, 500, b'{"__type": "InternalServerError"}')
            return
        if number == self._at and self._fault in {"interrupted", "killed"} and self.command:
            self.command.send_signal(signal.SIGINT if self._fault == "interrupted" else signal.SIGKILL)
            time.sleep(0.5)
            request.close_connection = True
            return
        status, headers, answer = self._forward(request, body)
        if number == self._at and self._fault == "response lost":
            request.close_connection = True
            return
        _send(request, status, answer, headers)

    def _forward(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPSConnection(str(self._target.hostname), self._target.port, context=self._tls)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        connection.request(request.command, request.path, body, headers)
        response = connection.getresponse()
        answer = response.read()
        kept = {name: value for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP}
        connection.close()
        return response.status, kept, answer


def _send(request: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    request.send_response(status)
    for name, value in (headers or {}).items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


@contextmanager
def served(proxy: BreakingProxy) -> Iterator[str]:
    """Serve *proxy* on loopback; yield its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:  # the command was killed
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Log nothing."""

        def _answer(self) -> None:
            proxy.answer(self)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815 - the names that http.server calls

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def run(developer: Developer, proxy: BreakingProxy, *words: str) -> Run:
    """Run the real command through *proxy*."""
    tool = Path(sys.executable).with_name("pipeseal")
    with served(proxy) as url:
        with interruptible():
            proxy.command = subprocess.Popen(  # noqa: S603 - our own tool
                [tool, *words, "--endpoint-url", url],
                env=developer.cloud.environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        _, stderr = proxy.command.communicate(timeout=_TIMEOUT)
        return Run(proxy.command.returncode, stderr)


def _expire_lease(developer: Developer, bucket: str) -> None:
    """End the lease of a command that was killed, as two minutes do."""
    developer.cloud.client("dynamodb").update_item(
        TableName=developer.stack.outputs["LedgerTableName"],
        Key={"resource": {"S": f"arn:aws:s3:::{bucket}"}, "id": {"S": "#record"}},
        UpdateExpression="SET lease_expires = :past",
        ExpressionAttributeValues={":past": {"N": "0"}},
    )


def _exemptions(developer: Developer, bucket: str) -> int:
    """Return the number of exemptions of a bucket."""
    found = developer.cloud.client("dynamodb").get_item(
        TableName=developer.stack.outputs["LedgerTableName"],
        Key={"resource": {"S": "#exemptions"}, "id": {"S": "#all"}},
        ConsistentRead=True,
    )
    texts = [value["S"] for name, value in found.get("Item", {}).items() if name.startswith("exemption:")]
    return sum(json.loads(text)["resource"] == f"arn:aws:s3:::{bucket}" for text in texts)


def _open_entries(developer: Developer, bucket: str) -> list[str]:
    """Return the IDs of the bucket's entries without an outcome."""
    return [
        entry["id"]
        for entry in developer.stack.entries()
        if entry["resource"] == f"arn:aws:s3:::{bucket}" and "outcome" not in entry
    ]


def _remediated(developer: Developer, bucket: str) -> str:
    """Create a bucket in violation, and deliver the event of it; return the ID of the alert."""
    developer.bucket(bucket)
    developer.put_policy(bucket)
    developer.cloud.deliver()
    return str(developer.stack.alerts()[-1]["id"])


def _try_each_call(
    developer: Developer, command: str, options: tuple[str, ...], exempts: int, first_fault: int
) -> tuple[int, list[str]]:
    """Run *command* with a fault at each of its calls, and then again; return the number of faults, and failures.

    The faults take turns from *first_fault* on; tests/operations tries each fault at each call.
    """
    calm = BreakingProxy(developer)
    entry = _remediated(developer, f"acme-{command}-calm")
    first = run(developer, calm, command, entry, *options)
    assert first.status == 0, first.stderr
    failures: list[str] = []
    for at in range(calm.calls):
        fault = _FAULTS[(at + first_fault) % 4]
        bucket = f"acme-{command}-{at}-{fault.split()[0]}"
        entry = _remediated(developer, bucket)
        before = developer.policy(bucket)
        broken = run(developer, BreakingProxy(developer, fault, at), command, entry, *options)
        where = f"{command}, {fault} at call {at}: {broken}"
        active, left = _exemptions(developer, bucket), _open_entries(developer, bucket)
        if fault in _FAULTS[:2] and broken.status:
            failures.append(f"{where}: not survived")
        if active and (left or developer.policy(bucket) == before):
            failures.append(f"{where}: exempted, but not undone")
        if left and fault == "interrupted" and not all(each in broken.stderr for each in left):
            failures.append(f"{where}: the error does not name {left}")
        if fault == "killed":
            _expire_lease(developer, bucket)
        again = run(developer, BreakingProxy(developer), command, entry, *options)
        if again.status and "already" not in again.stderr:
            failures.append(f"{where}; again: {again}")
        if developer.policy(bucket) == before or _open_entries(developer, bucket):
            failures.append(f"{where}: not finished by the second run")
        if _exemptions(developer, bucket) != exempts:
            failures.append(f"{where}: {_exemptions(developer, bucket)} exemptions")
    return calm.calls, failures


def test_an_undo_survives_a_fault_at_each_call(developer: Developer) -> None:
    """A transient fault is survived; after Ctrl-C and SIGKILL the same command finishes it, with one exemption."""
    tried, failures = _try_each_call(developer, "undo", _GROUNDS, 1, 0)
    assert tried > 8
    assert not failures, "\n".join(failures)


def test_an_apply_survives_a_fault_at_each_call(developer: Developer, artifact_key: str, boundary: str) -> None:
    """The same for what detect mode proposed."""
    kept = {"ArtifactKeyArn": artifact_key, "PermissionsBoundary": boundary}
    sam.deploy(developer.cloud, developer.stack.built, **kept, Mode="detect")
    try:
        tried, failures = _try_each_call(developer, "apply", (), 0, 2)
    finally:
        sam.deploy(developer.cloud, developer.stack.built, **kept, Mode="enforce")
    assert tried > 8
    assert not failures, "\n".join(failures)


def test_an_interrupted_undo_prints_the_command_that_finishes_it(developer: Developer) -> None:
    """The printed command runs as pasted."""
    entry = _remediated(developer, "acme-pasted")
    before = developer.policy("acme-pasted")
    for at in range(30):
        broken = run(developer, BreakingProxy(developer, "interrupted", at), "undo", entry, *_GROUNDS)
        if printed := re.search(r"^  pipeseal (undo .*)$", broken.stderr, re.MULTILINE):
            break
    else:
        pytest.fail("no interruption left an operation open")
    words = printed[1].partition(" --endpoint-url")[0]
    done = subprocess.run(  # noqa: S602 - as a person pastes it
        f"{Path(sys.executable).with_name('pipeseal')} {words}",
        shell=True,
        env=developer.cloud.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT,
    )
    assert done.returncode == 0, done.stderr
    assert developer.policy("acme-pasted") != before
