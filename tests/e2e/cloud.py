"""An AWS account on loopback that enforces IAM: MiniStack over TLS (provider.py), with some services of moto's."""

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
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import boto3
from botocore.config import Config
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from moto.server import ThreadedMotoServer

from pipeseal.sandbox import extend_moto
from pipeseal.sandbox.people import Person, _role, _user
from pipeseal.sandbox.records import Answer, Event, Request, event_of

ROOT = Path(__file__).parents[2]
ACCOUNT = "123456789012"
REGION = "us-east-1"
LOOPBACK = "127.0.0.1"
PROVIDER = ROOT / ".venv-e2e/bin/python"
_START_SECONDS = 60
_SETTLE_SECONDS = 90
_LEADING_ASTRAY = ("AWS_", "BOTO", "MOTO_", "MINISTACK", "LOCALSTACK", "LAMBDA_")

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What signs a request."""

    key: str
    secret: str


OPERATOR = Credentials("operator", "operator-secret")
"""The account's root, who deploys; MiniStack asks nothing of it."""


class Cloud:
    """The account while it is open (a context manager); its files, keys and certificates are under *folder*."""

    def __init__(self, folder: Path) -> None:
        """Prepare an account."""
        self.folder = folder
        self.port, self.clear_port = _free_ports(2)
        self._closing = ExitStack()
        self._held: list[Event] = []

    def __enter__(self) -> Self:
        """Start it; raise RuntimeError with the end of its log where it does not."""
        try:
            self._start()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything, and forget the account."""
        self._closing.close()

    @property
    def url(self) -> str:
        """Return the endpoint, over TLS."""
        return f"https://{LOOPBACK}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment in which any AWS tool talks to this account as its operator, and to no other."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(_LEADING_ASTRAY)},
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

    def client(self, service: str, who: Credentials = OPERATOR, *, clear: bool = False, region: str = REGION) -> Any:
        """Return a client that signs as *who*, over TLS or in *clear*."""
        made = boto3.client(
            service,  # type: ignore[call-overload]
            region_name=region,
            endpoint_url=f"http://{LOOPBACK}:{self.clear_port}" if clear else self.url,
            verify=str(self.folder / "ca.pem"),
            aws_access_key_id=who.key,
            aws_secret_access_key=who.secret,
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )
        self._closing.callback(made.close)
        return made

    def person(self, name: str) -> Credentials:
        """Make an IAM user who may do anything."""
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
        """Return a client of moto's own, for what its services want to know and MiniStack's do not tell them."""
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
        """Make the operator's key for artifacts; return its ARN."""
        kms = self.client("kms")
        key = kms.create_key(Description="artifacts")["KeyMetadata"]["Arn"]
        kms.enable_key_rotation(KeyId=key)
        return str(key)

    def pipeline_role(self) -> str:
        """Make a role for pipelines; moto wants to know it too."""
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
        self._ask("events", list(events))

    def deliver(self, *, echoes: bool = True) -> list[Event]:
        """Publish the record of every call since last time until nothing more happens; return those of people.

        Without *echoes*, the functions' own calls are not published yet: EventBridge may take its time.
        """
        delivered: list[Event] = []
        deadline = time.monotonic() + _SETTLE_SECONDS
        while time.monotonic() < deadline:
            idle = self._ask("running") == 0
            records, self._held = [*self._held, *filter(None, map(_record, self._ask("calls")))], []
            people = [each for each in records if each["detail"]["userIdentity"]["type"] != "AssumedRole"]
            if not echoes:
                self._held = [each for each in records if each not in people]
                records = people
            delivered += people
            if records:
                self.publish(*records)
            elif idle:
                return delivered
            time.sleep(0.05)
        raise TimeoutError(f"the functions were still at work after {_SETTLE_SECONDS} s; log: {self.log}")

    def forget_calls(self) -> None:
        """Let CloudTrail lose what was done so far."""
        self._ask("calls")
        self._held = []

    def settle(self) -> None:
        """Wait until no function is at work, without delivering anything more."""
        eventually(lambda: self._ask("running") == 0, "the functions come to rest", _SETTLE_SECONDS)

    def refusals(self) -> list[str]:
        """Return what IAM or a policy refused since last time: who, what, on what."""
        return list(self._ask("refusals"))

    def _ask(self, what: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"http://{LOOPBACK}:{self.clear_port}/_pipeseal/{what}", json.dumps(body).encode()
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.load(answer)

    # ------------------------------------------------------------------ starting

    @property
    def log(self) -> Path:
        """Return the file that MiniStack writes to."""
        return self.folder / "ministack.log"

    def _start(self) -> None:
        if not PROVIDER.exists():
            raise RuntimeError(f"{PROVIDER} is missing: run this through make e2e")
        _certify(self.folder)
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
            [PROVIDER, ROOT / "tests/e2e/provider.py"],
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
                "PIPESEAL_CLEAR_PORT": str(self.clear_port),
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
            lambda: self._answers(process), "MiniStack answers", _START_SECONDS, lambda: self.log.read_text()[-3000:]
        )

    def _answers(self, process: subprocess.Popen[bytes]) -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"MiniStack ended by itself:\n{self.log.read_text()[-3000:]}")
        try:
            self._ask("running")
        except OSError:
            return False
        return True


def eventually(check: Callable[[], _T], what: str, seconds: float = 30, why: Callable[[], object] = lambda: "") -> _T:
    """Return what *check* returns once that is true; raise AssertionError after *seconds*."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what} {why()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the program and what it started: its standard input ends, and then its process group."""
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


def _record(call: Mapping[str, Any]) -> Event | None:
    """Return the event of one call, by whoever made it; None for reads and for what CloudTrail leaves out."""
    request = Request(call["method"], call["path"], call["query"], call["headers"], base64.b64decode(call["body"]))
    answer = Answer(call["status"], call["answer_headers"], base64.b64decode(call["answer"]))
    event = event_of(request, answer, _who(call), ACCOUNT, datetime.now(UTC))
    return None if event is None or event["detail"]["readOnly"] else event


def _who(call: Mapping[str, Any]) -> Person:
    arn, key = call["principal"], call["key"]
    if ":assumed-role/" in arn:
        _, role, session = arn.split("/", 2)
        return Person(key, session, "a role", _role(key, role, session))
    name = arn.rpartition("/")[2] if ":user/" in arn else ""
    if name:
        return Person(key, name, "a user", {**_user(name), "accessKeyId": key})
    identity = {"type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT}
    return Person(key, "root", "root", {**identity, "accessKeyId": key})


def _certify(folder: Path) -> None:
    """Write ca.pem, and cert.pem with key.pem for loopback, good for a day."""
    now = datetime.now(UTC)
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pipeseal tests")])

    def builder(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
        )

    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    authority = (
        builder(issuer, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(IPv4Address(LOOPBACK))])
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    certificate = (
        builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, LOOPBACK)]), key.public_key())
        .add_extension(names, critical=False)
        .add_extension(signer, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(authority.public_bytes(pem))
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").touch(mode=0o600)
    (folder / "key.pem").write_bytes(plain)
