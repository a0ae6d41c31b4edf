"""An AWS account on loopback that enforces IAM: MiniStack over TLS (provider/), with some services of moto."""

from __future__ import annotations

import base64
import json
import logging
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import boto3
from botocore.config import Config
from moto.server import ThreadedMotoServer
from tests.e2e.certificates import write_certificates

from pipeseal.sandbox import extend_moto
from pipeseal.sandbox.identities import Identity, assumed_role, iam_user
from pipeseal.sandbox.records import ApiRequest, ApiResponse, EventDocument, event_of

ROOT = Path(__file__).parents[2]
ACCOUNT = "123456789012"
REGION = "us-east-1"
LOOPBACK = "127.0.0.1"
PROVIDER = ROOT / ".venv-e2e/bin/python"
_START_SECONDS = 60
_SETTLE_SECONDS = 90
_CONFLICTING_VARIABLES = ("AWS_", "BOTO", "MOTO_", "MINISTACK", "LOCALSTACK", "LAMBDA_")

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The access key that signs a request."""

    key: str
    secret: str


OPERATOR = Credentials("operator", "operator-secret")
"""The account's root user, which deploys the stack; MiniStack does not authorize it."""


class Cloud:
    """The account, a context manager; its files, keys and certificates are in *folder*."""

    def __init__(self, folder: Path) -> None:
        """Choose the ports of the account."""
        self.folder = folder
        self.port, self.http_port = _free_ports(2)
        self._closing = ExitStack()
        self._echoes: list[EventDocument] = []

    def __enter__(self) -> Self:
        """Start the account; raise RuntimeError with the end of its log where it does not start."""
        try:
            self._start()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all processes; nothing of the account remains."""
        self._closing.close()

    @property
    def url(self) -> str:
        """Return the HTTPS endpoint."""
        return f"https://{LOOPBACK}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment in which any AWS tool uses this account, as its operator, and no other account."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(_CONFLICTING_VARIABLES)},
            "AWS_ACCESS_KEY_ID": OPERATOR.key,
            "AWS_SECRET_ACCESS_KEY": OPERATOR.secret,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_CA_BUNDLE": str(self.folder / "ca.pem"),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": LOOPBACK,
            "no_proxy": LOOPBACK,
        }

    def client(
        self, service: str, credentials: Credentials = OPERATOR, *, http: bool = False, region: str = REGION
    ) -> Any:
        """Return a client that signs with *credentials*, over HTTPS unless *http*."""
        made = boto3.client(
            service,  # type: ignore[call-overload]
            region_name=region,
            endpoint_url=f"http://{LOOPBACK}:{self.http_port}" if http else self.url,
            verify=str(self.folder / "ca.pem"),
            aws_access_key_id=credentials.key,
            aws_secret_access_key=credentials.secret,
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )
        self._closing.callback(made.close)
        return made

    def create_user(self, name: str) -> Credentials:
        """Create an IAM user with all permissions; return its credentials."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        anything = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
        }
        iam.put_user_policy(UserName=name, PolicyName="anything", PolicyDocument=json.dumps(anything))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def moto(self, service: str) -> Any:
        """Return a client of moto itself, to create what its services need and MiniStack does not pass to them."""
        made = boto3.client(
            service,  # type: ignore[call-overload]
            region_name=REGION,
            endpoint_url=self._moto,
            aws_access_key_id=OPERATOR.key,
            aws_secret_access_key=OPERATOR.secret,
        )
        self._closing.callback(made.close)
        return made

    def artifact_key(self) -> str:
        """Create the operator's key for artifacts; return its ARN."""
        kms = self.client("kms")
        key = kms.create_key(Description="artifacts")["KeyMetadata"]["Arn"]
        kms.enable_key_rotation(KeyId=key)
        return str(key)

    def pipeline_role(self) -> str:
        """Create a role for pipelines, in moto too; return its ARN."""
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
        self.moto("iam").create_role(RoleName="codepipeline", AssumeRolePolicyDocument=json.dumps(trust))
        made = self.client("iam").create_role(RoleName="codepipeline", AssumeRolePolicyDocument=json.dumps(trust))
        return str(made["Role"]["Arn"])

    # ------------------------------------------------------------------ CloudTrail

    def publish(self, *events: Mapping[str, Any]) -> None:
        """Publish *events* on the bus as CloudTrail does."""
        self._control("events", list(events))

    def deliver(self, *, echoes: bool = True) -> list[EventDocument]:
        """Publish the event of every call since the last time until no function runs; return those of users.

        Without *echoes*, the events of the functions' own calls are kept for the next time: EventBridge may be slow.
        """
        delivered: list[EventDocument] = []
        deadline = time.monotonic() + _SETTLE_SECONDS
        while time.monotonic() < deadline:
            idle = self._control("running") == 0
            records, self._echoes = [*self._echoes, *filter(None, map(_record, self._control("calls")))], []
            by_users = [each for each in records if each["detail"]["userIdentity"]["type"] != "AssumedRole"]
            if not echoes:
                self._echoes = [each for each in records if each not in by_users]
                records = by_users
            delivered += by_users
            if records:
                self.publish(*records)
            elif idle:
                return delivered
            time.sleep(0.05)
        raise TimeoutError(f"functions were still running after {_SETTLE_SECONDS} s; log: {self.log}")

    def drop_events(self) -> None:
        """Discard the events of all calls so far, as CloudTrail does where delivery fails."""
        self._control("calls")
        self._echoes = []

    def settle(self) -> None:
        """Wait until no function runs, without delivering further events."""
        eventually(lambda: self._control("running") == 0, "no function runs", _SETTLE_SECONDS)

    def refusals(self) -> list[str]:
        """Return what IAM or a policy denied since the last time: principal, action and resource."""
        return list(self._control("refusals"))

    def _control(self, request: str, body: object = None) -> Any:
        call = urllib.request.Request(
            f"http://{LOOPBACK}:{self.http_port}/_pipeseal/{request}", json.dumps(body).encode()
        )
        with urllib.request.urlopen(call, timeout=60) as response:  # noqa: S310
            return json.load(response)

    # ------------------------------------------------------------------ starting

    @property
    def log(self) -> Path:
        """Return the path of MiniStack's log."""
        return self.folder / "ministack.log"

    def _start(self) -> None:
        if not PROVIDER.exists():
            raise RuntimeError(f"{PROVIDER} is missing: run the tests with make e2e")
        write_certificates(self.folder)
        extend_moto()
        logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
        moto = ThreadedMotoServer(ip_address=LOOPBACK, port=0, verbose=False)
        moto.start()
        self._closing.callback(moto.stop)
        host, port = moto.get_host_and_port()
        self._moto = f"http://{host}:{port}"
        temporary = self.folder / "tmp"
        temporary.mkdir()
        log = self._closing.enter_context(self.log.open("wb"))
        process = subprocess.Popen(  # noqa: S603 - our own program
            [PROVIDER, "-m", "tests.e2e.provider"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={
                **self.environment,
                "AUTH": "true",
                "USE_SSL": "1",
                "MINISTACK_SSL_CERT": str(self.folder / "cert.pem"),
                "MINISTACK_SSL_KEY": str(self.folder / "key.pem"),
                "MINISTACK_ACCOUNT_ID": ACCOUNT,
                "MINISTACK_REGION": REGION,
                "GATEWAY_PORT": str(self.port),
                "PIPESEAL_HTTP_PORT": str(self.http_port),
                "PIPESEAL_MOTO": self._moto,
                "BIND_HOST": LOOPBACK,
                "MINISTACK_HOST": LOOPBACK,
                "SFTP_ENABLED": "0",
                "IOT_MTLS_ENABLED": "0",
                "DOCKER_HOST": f"unix://{temporary}/no-docker-here.sock",
                "TMPDIR": str(temporary),
                "STATE_DIR": str(temporary / "state"),
                "S3_DATA_DIR": str(temporary / "s3"),
                "LOG_LEVEL": "INFO",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        )
        self._closing.callback(_stop, process)
        eventually(
            lambda: self._responds(process), "MiniStack responds", _START_SECONDS, lambda: self.log.read_text()[-3000:]
        )

    def _responds(self, process: subprocess.Popen[bytes]) -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"MiniStack ended:\n{self.log.read_text()[-3000:]}")
        try:
            self._control("running")
        except OSError:
            return False
        return True


def eventually(
    check: Callable[[], _T], expected: str, seconds: float = 30, details: Callable[[], object] = lambda: ""
) -> _T:
    """Return what *check* returns as soon as it is true; raise AssertionError after *seconds*."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {expected} {details()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the program: close its standard input, and kill it where it does not end."""
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server((LOOPBACK, 0))) for _ in range(number)]
        return [each.getsockname()[1] for each in sockets]


def _record(call: Mapping[str, Any]) -> EventDocument | None:
    """Return the event of one call; None for reads and for calls that CloudTrail does not report."""
    request = ApiRequest(call["method"], call["path"], call["query"], call["headers"], base64.b64decode(call["body"]))
    answer = ApiResponse(call["status"], call["answer_headers"], base64.b64decode(call["answer"]))
    event = event_of(request, answer, _caller(call), ACCOUNT, datetime.now(UTC))
    return None if event is None or event["detail"]["readOnly"] else event


def _caller(call: Mapping[str, Any]) -> Identity:
    arn, key = call["principal"], call["key"]
    if ":assumed-role/" in arn:
        _, role, session = arn.split("/", 2)
        return Identity(key, session, "a role", assumed_role(key, role, session))
    name = arn.rpartition("/")[2] if ":user/" in arn else ""
    if name:
        return Identity(key, name, "a user", {**iam_user(name), "accessKeyId": key})
    identity = {"type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT}
    return Identity(key, "root", "root", {**identity, "accessKeyId": key})
