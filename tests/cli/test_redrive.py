"""`pipeseal redrive` on moto: each letter once to its function, poison to the quarantine, a dry run leaves all."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner, Result
from tests.account import ACCOUNT, REGION, Account, event

from pipeseal.aws import functions
from pipeseal.cli import main

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:pipeseal-BucketFunction-1A2B3C"
Run = Callable[..., Result]


class Lambda:
    """What is handed to functions."""

    def __init__(self) -> None:
        self.handed: list[tuple[str, Any]] = []
        self.missing = False
        self.refusing = False

    def hand_over(self, _clients: object, arn: str, payload: str) -> bool:
        if self.refusing:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Invoke")
        self.handed.append((arn, json.loads(payload)))
        return not self.missing


@pytest.fixture
def called() -> Any:
    """Stand in for Lambda."""
    stand_in = Lambda()
    with (
        patch.object(functions, "hand_over", stand_in.hand_over),
        patch("pipeseal.redrive.hand_over", stand_in.hand_over),
        patch("pipeseal.aws.mailbox._PATIENCE", 0),
    ):
        yield stand_in


@pytest.fixture
def queues(account: Account, called: Lambda) -> dict[str, str]:
    """Make the stack's queues; give the URL of each."""
    names = ("dead-letters", "quarantine", "sweep")
    return {name: boto3.client("sqs").create_queue(QueueName=f"pipeseal-{name}")["QueueUrl"] for name in names}


@pytest.fixture
def run(account: Account) -> Run:
    """Give a way to type a command and read its JSON."""
    return lambda *words: CliRunner().invoke(main, ["redrive", *words])


def happened() -> dict[str, Any]:
    """Make an event with an id of its own."""
    return {**event("PutBucketPolicy", {"bucketName": "harbor"}), "id": str(uuid4())}


def failed(of: dict[str, Any], kind: str = "Contested") -> str:
    """Make what Lambda sends to a failure destination."""
    context = {"functionArn": f"{FUNCTION}:$LATEST", "condition": "RetriesExhausted"}
    answer = {"errorType": kind, "errorMessage": "somebody else"}
    return json.dumps({"requestContext": context, "requestPayload": of, "responsePayload": answer})


def put(url: str, body: str, **attributes: str) -> None:
    """Put a message on a queue."""
    given: Any = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    boto3.client("sqs").send_message(QueueUrl=url, MessageBody=body, MessageAttributes=given)


def lies_in(url: str) -> list[dict[str, Any]]:
    """Return what anybody can receive from a queue now; it stays there."""
    asked: Any = {"VisibilityTimeout": 0, "MessageAttributeNames": ["All"], "MaxNumberOfMessages": 10}
    found: list[Any] = boto3.client("sqs").receive_message(QueueUrl=url, **asked).get("Messages", [])
    return found


def said(result: Result) -> dict[str, Any]:
    """Return the JSON of a run that went well."""
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_each_shape_goes_where_it_was_to_go(queues: dict[str, str], called: Lambda, run: Run) -> None:
    """Lambda's and EventBridge's to the function, the sweep's to its queue; then the dead letters are empty."""
    one, other = happened(), happened()
    put(queues["dead-letters"], failed(one))
    put(queues["dead-letters"], json.dumps(other), TARGET_ARN=FUNCTION, ERROR_CODE="THROTTLING", RULE_ARN="x")
    put(queues["dead-letters"], '{"kind": "s3", "name": "harbor"}')
    document = said(run("--format", "json"))
    assert [document[name] for name in ("redriven", "quarantined", "left", "dry_run")] == [3, 0, 0, False]
    assert sorted(each["event"] for each in document["messages"] if each["function"] == FUNCTION) == sorted(
        [one["id"], other["id"]]
    )
    assert {json.dumps(payload) for _, payload in called.handed} == {json.dumps(one), json.dumps(other)}
    assert {arn for arn, _ in called.handed} == {FUNCTION}
    assert [message["Body"] for message in lies_in(queues["sweep"])] == ['{"kind": "s3", "name": "harbor"}']
    assert lies_in(queues["dead-letters"]) == []


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_dry_run_leaves_everything_as_it_was(queues: dict[str, str], called: Lambda, run: Run, form: str) -> None:
    """More than one batch of them: all are told of, and anybody can receive them all at once afterwards."""
    for _ in range(12):
        put(queues["dead-letters"], failed(happened()))
    put(queues["dead-letters"], "no JSON")
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
    assert (called.handed, lies_in(queues["quarantine"])) == ([], [])


def test_poison_is_quarantined_with_the_reason(queues: dict[str, str], called: Lambda, run: Run) -> None:
    """What makes no sense now never will."""
    put(queues["dead-letters"], failed(event("PutBucketPolicy", None)))
    assert said(run("--format", "json"))["quarantined"] == 1
    (message,) = lies_in(queues["quarantine"])
    assert "makes no sense" in message["MessageAttributes"]["REASON"]["StringValue"]
    assert (called.handed, lies_in(queues["dead-letters"])) == ([], [])


def test_an_event_is_put_through_twice_and_no_more(queues: dict[str, str], called: Lambda, run: Run) -> None:
    """The third time it is quarantined, its message attributes kept beside the reason."""
    again = happened()
    actions = []
    for _ in range(3):
        put(queues["dead-letters"], json.dumps(again), TARGET_ARN=FUNCTION, ERROR_CODE="THROTTLING")
        (message,) = said(run("--format", "json"))["messages"]
        actions.append(message["action"])
    assert actions == ["redriven", "redriven", "quarantined"]
    assert len(called.handed) == 2
    (message,) = lies_in(queues["quarantine"])
    kept = {name: each["StringValue"] for name, each in message["MessageAttributes"].items()}
    assert kept.pop("REASON").startswith("it was put through 2 times already")
    assert kept == {"TARGET_ARN": FUNCTION, "ERROR_CODE": "THROTTLING"}


def test_what_is_quarantined_goes_through_on_request(queues: dict[str, str], called: Lambda, run: Run) -> None:
    """Listed with the reason first, then put through, whatever the count says; what nobody can read stays."""
    again = happened()
    for _ in range(3):
        put(queues["dead-letters"], failed(again))
        run()
    put(queues["quarantine"], "no JSON", REASON="nobody could read it")
    listed = said(run("--quarantined", "--dry-run", "--format", "json"))
    assert {each["action"]: each["reason"] for each in listed["messages"]}["redriven"].startswith("it was put through")
    assert len(lies_in(queues["quarantine"])) == 2
    done = said(run("--quarantined", "--format", "json"))
    assert (done["redriven"], done["left"]) == (1, 1)
    assert len(called.handed) == 3
    assert [message["Body"] for message in lies_in(queues["quarantine"])] == ["no JSON"]


def test_a_function_that_is_gone_leaves_the_letter(queues: dict[str, str], called: Lambda, run: Run) -> None:
    """Nothing is lost, it is there for the next time at once, and that it was tried does not count."""
    called.missing = True
    put(queues["dead-letters"], failed(happened()))
    for _ in range(3):
        document = said(run("--format", "json"))
        assert (document["left"], document["messages"][0]["reason"]) == (1, "there is no such function any more")
    assert len(lies_in(queues["dead-letters"])) == 1


def test_one_that_comes_back_at_once_is_left(queues: dict[str, str], called: Lambda, run: Run) -> None:
    """Two of the same in one run: the second is for the next one, so that no run goes on for ever."""
    again = happened()
    for _ in range(2):
        put(queues["dead-letters"], failed(again))
    document = said(run("--format", "json"))
    assert (document["redriven"], document["left"], len(called.handed)) == (1, 1, 1)


def test_what_aws_refuses_is_told_after_what_was_done(queues: dict[str, str], called: Lambda, run: Run) -> None:
    """Exit status 3, and every letter is still there."""
    called.refusing = True
    put(queues["dead-letters"], failed(happened()))
    result = run("--format", "json")
    assert (result.exit_code, json.loads(result.stdout)["messages"]) == (3, [])
    assert "AWS refused Invoke: AccessDeniedException" in result.stderr
    assert len(lies_in(queues["dead-letters"])) == 1


def test_a_stack_without_queues_is_named(run: Run) -> None:
    """Which queue was looked for, and what says which."""
    result = run("--stack", "elsewhere")
    assert result.exit_code == 3
    assert "no queue elsewhere-dead-letters" in result.stderr
    assert "--stack" in result.stderr


def test_without_a_quarantine_poison_is_left(account: Account, called: Lambda, run: Run) -> None:
    """An older stack has none: the letter stays, and the way out is told."""
    url = boto3.client("sqs").create_queue(QueueName="pipeseal-dead-letters")["QueueUrl"]
    put(url, "no JSON")
    (message,) = said(run("--format", "json"))["messages"]
    assert (message["action"], "deploy the stack anew" in message["reason"]) == ("left", True)
    assert len(lies_in(url)) == 1


def test_what_letters_hold_reaches_no_terminal_raw(queues: dict[str, str], called: Lambda, run: Run) -> None:
    """A control character in an error message moves no cursor."""
    put(queues["dead-letters"], failed(happened(), "\x1b[31mContested\r\n"))
    result = run()
    assert "Contested" in result.stdout
    assert "\x1b" not in result.stdout
    assert "\r" not in result.stdout
