"""`pipeseal redrive` on moto: each dead letter goes to its function once, or to the quarantine queue."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner, Result
from tests.fake_account import ACCOUNT, REGION, FakeAccount, event

from pipeseal.cli import main

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:pipeseal-BucketFunction-1A2B3C"
Run = Callable[..., Result]


class LambdaStub:
    """Records the asynchronous invocations."""

    def __init__(self) -> None:
        self.invoked: list[tuple[str, Any]] = []
        self.missing = False
        self.refusing = False

    def invoke_async(self, _clients: object, arn: str, payload: str) -> bool:
        if self.refusing:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Invoke")
        self.invoked.append((arn, json.loads(payload)))
        return not self.missing


@pytest.fixture
def called() -> Iterator[LambdaStub]:
    """Replace Lambda, and wait for no messages."""
    stub = LambdaStub()
    with (
        patch("pipeseal.operations.redrive.invoke_async", stub.invoke_async),
        patch("pipeseal.aws.queues._WAIT_SECONDS", 0),
    ):
        yield stub


@pytest.fixture
def queues(account: FakeAccount, called: LambdaStub) -> dict[str, str]:
    """Create the stack's queues; return the URL of each."""
    names = ("dead-letters", "quarantine", "sweep")
    return {name: boto3.client("sqs").create_queue(QueueName=f"pipeseal-{name}")["QueueUrl"] for name in names}


@pytest.fixture
def run(account: FakeAccount) -> Run:
    """Return a function that runs the command in the account of the environment."""
    return lambda *words: CliRunner().invoke(main, ["redrive", *words])


def new_event() -> dict[str, Any]:
    """Return an event with a unique ID."""
    return {**event("PutBucketPolicy", {"bucketName": "harbor"}), "id": str(uuid4())}


def failure(payload: dict[str, Any], kind: str = "Contested") -> str:
    """Return the record that Lambda sends to a failure destination."""
    context = {"functionArn": f"{FUNCTION}:$LATEST", "condition": "RetriesExhausted"}
    response = {"errorType": kind, "errorMessage": "another writer"}
    return json.dumps({"requestContext": context, "requestPayload": payload, "responsePayload": response})


def send(url: str, body: str, **attributes: str) -> None:
    """Send a message to a queue."""
    typed: Any = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    boto3.client("sqs").send_message(QueueUrl=url, MessageBody=body, MessageAttributes=typed)


def messages_in(url: str) -> list[dict[str, Any]]:
    """Return the messages that are visible in a queue, without hiding them."""
    options: Any = {"VisibilityTimeout": 0, "MessageAttributeNames": ["All"], "MaxNumberOfMessages": 10}
    found: list[Any] = boto3.client("sqs").receive_message(QueueUrl=url, **options).get("Messages", [])
    return found


def parsed(result: Result) -> dict[str, Any]:
    """Return the JSON output of a command that succeeded."""
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_each_message_goes_to_its_destination(queues: dict[str, str], called: LambdaStub, run: Run) -> None:
    """Events of Lambda and EventBridge go to the function, messages of the sweep to its queue; none remains."""
    one, other = new_event(), new_event()
    send(queues["dead-letters"], failure(one))
    send(queues["dead-letters"], json.dumps(other), TARGET_ARN=FUNCTION, ERROR_CODE="THROTTLING", RULE_ARN="x")
    send(queues["dead-letters"], '{"kind": "s3", "name": "harbor"}')
    document = parsed(run("--format", "json"))
    assert [document[name] for name in ("redriven", "quarantined", "left", "dry_run")] == [3, 0, 0, False]
    assert sorted(each["event"] for each in document["messages"] if each["function"] == FUNCTION) == sorted(
        [one["id"], other["id"]]
    )
    assert {json.dumps(payload) for _, payload in called.invoked} == {json.dumps(one), json.dumps(other)}
    assert {arn for arn, _ in called.invoked} == {FUNCTION}
    assert [message["Body"] for message in messages_in(queues["sweep"])] == ['{"kind": "s3", "name": "harbor"}']
    assert messages_in(queues["dead-letters"]) == []


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_dry_run_changes_nothing(queues: dict[str, str], called: LambdaStub, run: Run, form: str) -> None:
    """More messages than one call returns are all listed, and all are visible immediately afterwards."""
    for _ in range(12):
        send(queues["dead-letters"], failure(new_event()))
    send(queues["dead-letters"], "no JSON")
    result = run("--dry-run", "--format", form)
    assert result.exit_code == 0
    if form == "json":
        document = json.loads(result.stdout)
        assert [document[name] for name in ("redriven", "quarantined", "dry_run")] == [12, 1, True]
    else:
        assert "12 redriven, 1 quarantined, 0 left\nNothing was written (--dry-run).\n" in result.stdout
    counts: Any = boto3.client("sqs").get_queue_attributes(QueueUrl=queues["dead-letters"], AttributeNames=["All"])
    assert counts["Attributes"]["ApproximateNumberOfMessages"] == "13"
    assert counts["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "0"
    assert (called.invoked, messages_in(queues["quarantine"])) == ([], [])


def test_a_malformed_event_is_quarantined(queues: dict[str, str], called: LambdaStub, run: Run) -> None:
    """An event that can never be handled goes to the quarantine queue with the reason."""
    send(queues["dead-letters"], failure(event("PutBucketPolicy", None)))
    assert parsed(run("--format", "json"))["quarantined"] == 1
    (message,) = messages_in(queues["quarantine"])
    assert "the event is malformed" in message["MessageAttributes"]["REASON"]["StringValue"]
    assert (called.invoked, messages_in(queues["dead-letters"])) == ([], [])


def test_an_event_is_redriven_twice_at_most(queues: dict[str, str], called: LambdaStub, run: Run) -> None:
    """The third time it is quarantined, with its message attributes and the reason."""
    repeated = new_event()
    actions = []
    for _ in range(3):
        send(queues["dead-letters"], json.dumps(repeated), TARGET_ARN=FUNCTION, ERROR_CODE="THROTTLING")
        (message,) = parsed(run("--format", "json"))["messages"]
        actions.append(message["action"])
    assert actions == ["redriven", "redriven", "quarantined"]
    assert len(called.invoked) == 2
    (message,) = messages_in(queues["quarantine"])
    kept = {name: each["StringValue"] for name, each in message["MessageAttributes"].items()}
    assert kept.pop("REASON").startswith("it was redriven 2 times and failed again")
    assert kept == {"TARGET_ARN": FUNCTION, "ERROR_CODE": "THROTTLING"}


def test_quarantined_messages_are_redriven_on_request(queues: dict[str, str], called: LambdaStub, run: Run) -> None:
    """A dry run lists them with the reason; then they are redriven despite the limit, unreadable ones excepted."""
    repeated = new_event()
    for _ in range(3):
        send(queues["dead-letters"], failure(repeated))
        run()
    send(queues["quarantine"], "no JSON", REASON="unreadable")
    listed = parsed(run("--quarantined", "--dry-run", "--format", "json"))
    assert {each["action"]: each["reason"] for each in listed["messages"]}["redriven"].startswith("it was redriven")
    assert len(messages_in(queues["quarantine"])) == 2
    done = parsed(run("--quarantined", "--format", "json"))
    assert (done["redriven"], done["left"]) == (1, 1)
    assert len(called.invoked) == 3
    assert [message["Body"] for message in messages_in(queues["quarantine"])] == ["no JSON"]


def test_a_message_for_a_missing_function_is_left(queues: dict[str, str], called: LambdaStub, run: Run) -> None:
    """The message is visible again immediately, and the attempt is not counted."""
    called.missing = True
    send(queues["dead-letters"], failure(new_event()))
    for _ in range(3):
        document = parsed(run("--format", "json"))
        assert (document["left"], document["messages"][0]["reason"]) == (1, "the function no longer exists")
    assert len(messages_in(queues["dead-letters"])) == 1


def test_an_event_is_redriven_once_in_a_run(queues: dict[str, str], called: LambdaStub, run: Run) -> None:
    """A second message with the same event is left for the next run, so that every run ends."""
    repeated = new_event()
    for _ in range(2):
        send(queues["dead-letters"], failure(repeated))
    document = parsed(run("--format", "json"))
    assert (document["redriven"], document["left"], len(called.invoked)) == (1, 1, 1)


def test_a_refused_call_is_reported_after_the_results(queues: dict[str, str], called: LambdaStub, run: Run) -> None:
    """The exit status is 3, and every message is still in the queue."""
    called.refusing = True
    send(queues["dead-letters"], failure(new_event()))
    result = run("--format", "json")
    assert (result.exit_code, json.loads(result.stdout)["messages"]) == (3, [])
    assert "AWS refused Invoke: AccessDeniedException" in result.stderr
    assert len(messages_in(queues["dead-letters"])) == 1


def test_a_missing_queue_is_named(run: Run) -> None:
    """The exit status is 3, and the error names the queue and the options that select another stack."""
    result = run("--stack", "elsewhere")
    assert result.exit_code == 3
    assert "no queue elsewhere-dead-letters" in result.stderr
    assert "--stack" in result.stderr


def test_without_a_quarantine_queue_a_message_is_left(account: FakeAccount, called: LambdaStub, run: Run) -> None:
    """In a stack of an older version the message stays, and the reason says what to do."""
    url = boto3.client("sqs").create_queue(QueueName="pipeseal-dead-letters")["QueueUrl"]
    send(url, "no JSON")
    (message,) = parsed(run("--format", "json"))["messages"]
    assert (message["action"], "deploy the stack again" in message["reason"]) == ("left", True)
    assert len(messages_in(url)) == 1


def test_control_characters_of_a_message_never_reach_the_terminal(
    queues: dict[str, str], called: LambdaStub, run: Run
) -> None:
    """An error message in a dead letter is text that was written outside pipeseal."""
    send(queues["dead-letters"], failure(new_event(), "\x1b[31mContested\r\n"))
    result = run()
    assert "Contested" in result.stdout
    assert "\x1b" not in result.stdout
    assert "\r" not in result.stdout
