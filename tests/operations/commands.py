"""Each command that writes: how to arrange what it works on, and what must be true of the result."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
from botocore.exceptions import ClientError
from click.testing import CliRunner
from moto.backends import get_backend
from tests.fake_account import ACCOUNT, ENVIRONMENT, REGION, FakeAccount, event
from tests.operations.fault_injection import Killed, ManualClock, Process, injected

import remediate
import sweep
from pipeseal.aws.clients import client
from pipeseal.cli import main
from pipeseal.clock import Clock
from pipeseal.exemptions import Exemption
from pipeseal.ledger import Ledger
from pipeseal.ledger.entries import LedgerEntry
from pipeseal.ledger.leases import OPERATOR_LEASE

if TYPE_CHECKING:
    import pytest

GROUNDS = ("--owner", "ada", "--reason", "the scanner cannot do TLS", "--until", "30d")
_KILLED = -9
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:pipeseal-BucketFunction-1A2B3C"


class Run(NamedTuple):
    """What a command did."""

    status: int
    stdout: str
    stderr: str
    calls: list[str]

    @property
    def killed(self) -> bool:
        """Whether its process was killed."""
        return self.status == _KILLED


@dataclass(frozen=True, slots=True)
class World:
    """An account in which waiting takes no time."""

    account: FakeAccount
    clock: ManualClock
    patch: pytest.MonkeyPatch
    invoked: list[str] = field(default_factory=list)
    """IDs of the events that a function was invoked with."""

    def run(self, words: Sequence[str], process: Process | None = None) -> Run:
        """Run a command in a process of its own."""
        process = process or Process(self.clock)
        self.patch.setattr("pipeseal.operations.redrive.invoke_async", self._invoke(process))
        try:
            with injected(process):
                done = CliRunner().invoke(main, list(words))
        except Killed:
            return Run(_KILLED, "", "", process.calls)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Run(done.exit_code, done.stdout, done.stderr, process.calls)

    def _invoke(self, process: Process) -> Callable[[object, str, str], bool]:
        def invoke(_clients: object, _arn: str, payload: str) -> bool:
            process.call("Invoke", lambda: self.invoked.append(json.loads(payload)["id"]))
            return True

        return invoke

    def deliver(self, news: dict[str, Any], process: Process | None = None) -> list[Any]:
        """Deliver an event to the function, in a process of its own."""
        remediate.runtime.cache_clear()
        with injected(process or Process(self.clock)):
            return self.account.deliver(news)

    def sweep(self, kind: str, name: str) -> None:
        """Deliver the sweep's message that checks one resource."""
        sweep.runtime.cache_clear()
        body = json.dumps({"check": kind, "names": [name], "began": self.clock.now.isoformat()})
        record = {"messageId": "1", "body": body, "eventSource": "aws:sqs", "eventSourceARN": "arn", "attributes": {}}
        answer = sweep.handler({"Records": [record]}, _SweepContext())
        assert answer == {"batchItemFailures": []}

    @staticmethod
    def forget() -> None:
        """Empty the ledger: moto copies all of it in each transaction, so that many scenes become slow."""
        table = get_backend("dynamodb")[ACCOUNT][REGION].tables[ENVIRONMENT["LEDGER_TABLE"]]
        table.items.clear()

    def wait_for_leases(self) -> None:
        """Wait until every lease of a process that was killed has expired."""
        self.clock.sleep(OPERATOR_LEASE.total_seconds() + 1)

    @property
    def ledger(self) -> Ledger:
        """The ledger."""
        return Ledger(client("dynamodb", REGION), ENVIRONMENT["LEDGER_TABLE"], Clock(self.clock, self.clock.sleep))

    def exemptions(self, arn: str) -> list[Exemption]:
        """Return the exemptions of one resource."""
        return [each for each in self.ledger.exemptions.all() if each.resource == arn]

    def entries(self, arn: str) -> list[LedgerEntry]:
        """Return the entries of one resource, the newest first."""
        return list(self.ledger.entries.latest(arn, 50))


class _SweepContext:
    function_name = "sweep"
    function_version = "$LATEST"
    memory_limit_in_mb = 512
    invoked_function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:sweep"
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 900_000


@dataclass(frozen=True, slots=True)
class Change:
    """An undo or an apply that is about to be run."""

    words: tuple[str, ...]
    arn: str
    kind: str
    news: dict[str, Any]
    """An event on the resource."""
    state: Callable[[], Any]
    """Returns the resource as it is."""
    exempts: int
    """The number of exemptions that come with the change."""


Arrange = Callable[[World, str], Change]


def _s3_state(name: str) -> Any:
    s3: Any = boto3.client("s3")
    found: list[Any] = []
    for read, part in (
        (s3.get_bucket_policy, "Policy"),
        (s3.get_bucket_encryption, "ServerSideEncryptionConfiguration"),
    ):
        try:
            found.append(read(Bucket=name)[part])
        except ClientError:
            found.append(None)
    return found[0] and json.loads(found[0])["Statement"], found[1]


def _open_bucket(name: str) -> str:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=name)
    s3.delete_bucket_encryption(Bucket=name)
    statement = {
        "Sid": "Readers",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{name}/*",
    }
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return f"arn:aws:s3:::{name}"


def _bucket(world: World, name: str, **environment: str) -> tuple[str, dict[str, Any], str]:
    """Return the ARN of an open bucket, the event of it, and the ID of the entry that pipeseal made."""
    for variable, value in environment.items():
        world.patch.setenv(variable, value)
    arn = _open_bucket(name)
    news = event("PutBucketPolicy", {"bucketName": name})
    return arn, news, str(world.deliver(news)[0]["ledger_id"])


def undo_policy(world: World, name: str) -> Change:
    """Arrange the undo of a change of a bucket policy."""
    arn, news, entry = _bucket(world, name)
    return Change(("undo", entry, *GROUNDS), arn, "bucket", _later(news), lambda: _s3_state(name), 1)


def undo_policy_and_encryption(world: World, name: str) -> Change:
    """Arrange the undo of two changes of one bucket: two calls write."""
    arn, news, entry = _bucket(world, name, ENCRYPTION_SCOPE="all")
    return Change(("undo", entry, *GROUNDS), arn, "bucket", _later(news), lambda: _s3_state(name), 3)


def undo_rejection(world: World, _name: str) -> Change:
    """Arrange the undo of the rejection of a key: two calls write, and there is a state in between."""
    kms = boto3.client("kms")
    arn = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    (outcome,) = world.deliver(event("CreateKey", {}, {"keyMetadata": {"arn": arn}}))
    news = event("EnableKey", {"keyId": arn}, None)
    return Change(
        ("undo", outcome["ledger_id"], *GROUNDS),
        arn,
        "key",
        news,
        lambda: kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"],
        1,
    )


def apply_policy(world: World, name: str) -> Change:
    """Arrange that a bucket policy is proposed."""
    arn, news, entry = _bucket(world, name, MODE="detect")
    return Change(("apply", entry), arn, "bucket", _later(news), lambda: _s3_state(name), 0)


def apply_policy_and_encryption(world: World, name: str) -> Change:
    """Arrange that a bucket policy and an encryption are proposed."""
    arn, news, entry = _bucket(world, name, MODE="detect", ENCRYPTION_SCOPE="all")
    return Change(("apply", entry), arn, "bucket", _later(news), lambda: _s3_state(name), 0)


CHANGES: dict[str, Arrange] = {
    "undo of a policy": undo_policy,
    "undo of a policy and an encryption": undo_policy_and_encryption,
    "undo of the rejection of a key": undo_rejection,
    "apply of a policy": apply_policy,
    "apply of a policy and an encryption": apply_policy_and_encryption,
}


def _later(news: dict[str, Any]) -> dict[str, Any]:
    """Return another event of the same call."""
    return event(news["detail"]["eventName"], news["detail"]["requestParameters"])


@dataclass(frozen=True, slots=True)
class Simple:
    """A command whose result is in the ledger or in queues only."""

    words: tuple[str, ...]
    state: Callable[[], Any]
    allowed: tuple[Any, ...]
    """The states that a fault may leave; the last one is that after the command."""


def exempt_add(world: World, name: str) -> Simple:
    """Arrange nothing: an exemption is added."""
    arn = f"arn:aws:s3:::{name}"
    words = ("exempt", "add", "--control", "S3.TLS", "--resource", arn, *GROUNDS)
    return Simple(words, lambda: len(world.exemptions(arn)), (0, 1))


def exempt_end(world: World, name: str) -> Simple:
    """Arrange an exemption to end."""
    added = exempt_add(world, name)
    identity = json.loads(world.run((*added.words, "--format", "json")).stdout)["id"]
    return Simple(("exempt", "end", identity), added.state, (1, 0))


def _suspend(world: World, name: str) -> str:
    """Suspend two controls for a bucket; return its ARN."""
    arn = f"arn:aws:s3:::{name}"
    now = world.clock.now
    world.ledger.records.set_suspended(arn, {"S3.TLS": now, "S3.SSE_UPLOADS": now})
    return arn


def resume_all(world: World, name: str) -> Simple:
    """Arrange two suspended controls."""
    arn = _suspend(world, name)
    suspended = lambda: sorted(world.ledger.records.get(arn).suspended)  # noqa: E731 - the state
    return Simple(("resume", arn), suspended, (["S3.SSE_UPLOADS", "S3.TLS"], []))


def resume_one(world: World, name: str) -> Simple:
    """Arrange two suspended controls, of which one is resumed."""
    arn = _suspend(world, name)
    suspended = lambda: sorted(world.ledger.records.get(arn).suspended)  # noqa: E731 - the state
    both = ["S3.SSE_UPLOADS", "S3.TLS"]
    return Simple(("resume", arn, "--control", "S3.TLS"), suspended, (both, ["S3.SSE_UPLOADS"]))


SIMPLE: dict[str, Callable[[World, str], Simple]] = {
    "exempt add": exempt_add,
    "exempt end": exempt_end,
    "resume": resume_all,
    "resume of one control": resume_one,
}


def queue(name: str) -> str:
    """Return the URL of one of the stack's queues, created if needed."""
    return boto3.client("sqs").create_queue(QueueName=f"pipeseal-{name}")["QueueUrl"]
