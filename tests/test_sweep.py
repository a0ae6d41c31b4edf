"""The sweep: everything there is gets its look, page by page, over the queue, at the cost of a call or two each."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from tests.account import ACCOUNT, ENVIRONMENT, REGION, Account, Context, writes

import sweep
from pipeseal import reminder
from pipeseal.aws.ledger import Ledger
from pipeseal.exemptions import Grounds, Stage, grant
from pipeseal.model import Kind

QUEUE = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/pipeseal-sweep"
PIPELINE = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:harbor"
SCHEDULED = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}


class Sweeping:
    """The queue and the function behind it."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.sqs = boto3.client("sqs")
        self.url = self.sqs.create_queue(QueueName="pipeseal-sweep")["QueueUrl"]

    def begin(self) -> None:
        """Let the schedule call."""
        sweep.handler(SCHEDULED, Context())

    def messages(self) -> list[dict[str, Any]]:
        """Take a batch off the queue."""
        found = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", ())
        for message in found:
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return [record(message["MessageId"], json.loads(message["Body"])) for message in found]

    def work_off(self) -> None:
        """Hand batches to the function until the queue is empty; none of them may fail."""
        while batch := self.messages():
            assert sweep.handler({"Records": batch}, Context()) == {"batchItemFailures": []}


def record(identity: str, body: Any) -> dict[str, Any]:
    """Make a message as Lambda hands it over."""
    return {
        "messageId": identity,
        "body": json.dumps(body),
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:pipeseal-sweep",
        "awsRegion": REGION,
    }


@pytest.fixture
def sweeping(account: Account, monkeypatch: pytest.MonkeyPatch) -> Sweeping:
    """Give the sweep of an account in which nothing is too young for it."""
    monkeypatch.setenv("SWEEP_QUEUE_URL", QUEUE)
    monkeypatch.setenv("GRACE_MINUTES", "0")
    sweep.world.cache_clear()
    return Sweeping(account)


def sealed(bucket: str) -> bool:
    """Say whether the bucket has a policy by now."""
    try:
        return "DenyInsecureConnections" in boto3.client("s3").get_bucket_policy(Bucket=bucket)["Policy"]
    except boto3.client("s3").exceptions.ClientError:
        return False


def test_what_never_had_an_event_is_put_right(sweeping: Sweeping) -> None:
    """A bucket, a key and a pipeline's artifact bucket that were there first; the alert says how they were found."""
    boto3.client("s3").create_bucket(Bucket="quay")
    key = boto3.client("kms").create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    sweeping.begin()
    sweeping.work_off()
    assert sealed("quay")
    assert boto3.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    alerts = sweeping.account.alerts()
    assert sorted(alert["action"] for alert in alerts) == ["rejected", "remediated"]
    assert {alert["actor"]["name"] for alert in alerts} == {"the sweep"}
    assert {alert["event"]["name"] for alert in alerts} == {"Sweep"}


def test_a_second_sweep_finds_nothing(sweeping: Sweeping) -> None:
    """No write, no alert."""
    boto3.client("s3").create_bucket(Bucket="quay")
    sweeping.begin()
    sweeping.work_off()
    sweeping.account.alerts()
    with sweeping.account.calls() as calls:
        sweeping.begin()
        sweeping.work_off()
    assert set(writes(calls)) <= {"SendMessageBatch", "ReceiveMessage", "DeleteMessage"}
    assert sweeping.account.alerts() == []


def test_what_is_young_is_left_for_the_next_time(sweeping: Sweeping, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who makes a bucket gives it its policy a moment later, and needs no alert before."""
    monkeypatch.setenv("GRACE_MINUTES", "60")
    sweep.world.cache_clear()
    boto3.client("s3").create_bucket(Bucket="quay")
    boto3.client("kms").create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    sweeping.begin()
    sweeping.work_off()
    assert not sealed("quay")
    sweep.world().clock = lambda: datetime.now(UTC) + timedelta(minutes=61)
    sweeping.begin()
    sweeping.work_off()
    assert sealed("quay")


@pytest.mark.parametrize("artifacts", [False, True])
def test_a_sealed_bucket_costs(sweeping: Sweeping, artifacts: bool) -> None:  # noqa: FBT001 - the case
    """At most 2.1 calls, the listing and the queue included, be it for artifacts or not."""
    number, s3 = 50, boto3.client("s3")
    ledger = Ledger(boto3.client("dynamodb"), ENVIRONMENT["LEDGER_TABLE"], lambda: datetime.now(UTC))
    for each in range(number):
        s3.create_bucket(Bucket=f"quay-{each}")
        if artifacts:
            ledger.relink(PIPELINE, {}, {f"arn:aws:s3:::quay-{each}": ""})
    sweeping.begin()
    sweeping.work_off()
    asked = [record("list", {"list": "s3", "token": "", "began": "2026-11-21T09:30:00+00:00"})]
    with sweeping.account.calls() as calls:
        sweep.handler({"Records": asked}, Context())
        looks = sweeping.messages()
        sweep.handler({"Records": looks}, Context())
    own = Counter(call for call in calls if call not in ("ReceiveMessage", "DeleteMessage"))
    assert own["GetBucketPolicy"] == number
    assert own["GetBucketEncryption"] == (number if artifacts else 0)
    assert own.total() <= 2.1 * number


def test_one_that_fails_keeps_no_other_from_its_turn(sweeping: Sweeping, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its message alone comes again; the other resources in it, and the other messages, are done."""
    for name in ("harbor", "quay", "wharf"):
        boto3.client("s3").create_bucket(Bucket=name)
    world = sweep.world()
    read = world.read

    def failing(ref: Any, cause: Any) -> Any:
        if ref.name == "harbor":
            raise TimeoutError("no answer")
        return read(ref, cause)

    monkeypatch.setattr(world, "read", failing)
    began = "2026-11-21T09:30:00+00:00"
    batch = [
        record("one", {"look": "s3", "names": ["harbor", "quay"], "began": began}),
        record("two", {"look": "s3", "names": ["wharf"], "began": began}),
    ]
    assert sweep.handler({"Records": batch}, Context()) == {"batchItemFailures": [{"itemIdentifier": "one"}]}
    assert [sealed(name) for name in ("harbor", "quay", "wharf")] == [False, True, True]


@pytest.mark.parametrize("body", ["no object", {"list": "sqs"}, {"look": "s3"}, {}])
def test_a_message_that_is_none_comes_to_the_dead_letters(sweeping: Sweeping, body: Any) -> None:
    """It fails by itself, and with it nothing else; SQS puts it away after three tries."""
    good = record("good", {"look": "s3", "names": [], "began": "2026-11-21T09:30:00+00:00"})
    answer = sweep.handler({"Records": [record("bad", body), good]}, Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}]}


def test_a_listing_that_runs_out_of_time_goes_on(sweeping: Sweeping, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a message, from the page where it stopped, so that nothing is listed twice or left out."""
    world, began = sweep.world(), "2026-11-21T09:30:00+00:00"
    pages = {"": ("one", "2"), "2": ("two", "3"), "3": ("three", "")}

    def page(kind: Kind, token: str) -> Any:
        name, following = pages[token]
        listed = SimpleNamespace(ref=SimpleNamespace(name=f"{kind}-{name}"), created=None)
        return SimpleNamespace(found=(listed,), token=following)

    monkeypatch.setattr(world, "page", page)
    hurried = Context()
    monkeypatch.setattr(hurried, "get_remaining_time_in_millis", lambda: 1_000)
    batch, names = [record("first", {"list": "s3", "token": "", "began": began})], []
    for _ in pages:
        sweep.handler({"Records": batch}, hurried)
        bodies = [json.loads(each["body"]) for each in sweeping.messages()]
        names += [name for body in bodies if "look" in body for name in body["names"]]
        batch = [record("next", body) for body in bodies if "list" in body]
    assert (names, batch) == (["s3-one", "s3-two", "s3-three"], [])


def test_people_are_reminded_of_exemptions_that_end(sweeping: Sweeping) -> None:
    """Once a week ahead and once when it has ended, whatever the number of sweeps."""
    now = datetime.now(UTC)
    ledger = Ledger(boto3.client("dynamodb"), ENVIRONMENT["LEDGER_TABLE"], lambda: now)
    soon, later = (
        grant("S3.TLS", "arn:aws:s3:::quay", Grounds("ada", "a partner without TLS", now + timedelta(days=days)), now)
        for days in (6, 60)
    )
    for exemption in (soon, later):
        ledger.excuse(exemption)
    sweeping.begin()
    sweeping.begin()
    (told,) = sweeping.account.alerts()
    assert (told["action"], told["id"], told["severity"]) == ("exemption-ending", soon.id, "low")
    assert told["attributes"]["control"] == '["S3.TLS"]'
    sweep.world().clock = lambda: now + timedelta(days=7)
    sweeping.begin()
    sweeping.begin()
    (told,) = sweeping.account.alerts()
    assert (told["action"], told["exemption"]["owner"]) == ("exemption-ended", "ada")


def test_a_reminder_says_how_to_renew_just_what_ends(sweeping: Sweeping) -> None:
    """The same control, resource, person and tag, ready to copy, whatever a shell would make of them."""
    now = datetime.now(UTC)
    grounds = Grounds("ada", "why", now + timedelta(days=1))
    exemption = grant("S3.*", "arn:aws:s3:::*", grounds, now, actor="o'hara as role *", tag="team=a b")
    letter = reminder.letter(reminder.remind(exemption, Stage.ENDING, ACCOUNT, REGION))
    (line,) = (line for line in letter.splitlines() if "exempt add" in line)
    given = shlex.split(line)
    asked = {name: given[given.index(f"--{name}") + 1] for name in ("control", "resource", "actor", "tag")}
    assert asked == {"control": "S3.*", "resource": "arn:aws:s3:::*", "actor": "o'hara as role *", "tag": "team=a b"}
