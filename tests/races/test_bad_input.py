"""Malformed and hostile events: their content reaches no other resource, no terminal and no log."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.event_cases import SAMPLES
from tests.fake_account import ENVIRONMENT, READS, FakeContext
from tests.races.interception import intercepted
from tests.races.length import full_length

import remediate
from pipeseal.aws.clients import client
from pipeseal.clock import Clock
from pipeseal.kinds.cloudtrail import Malformed
from pipeseal.runtime import Runtime

_EVENTS = 10_000
_FEWER = 2_000
_FORGED = '"}\n{"level":"INFO","message":"forged"}'
_HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, "", " ", [], {}, [[]], [None], {"": ""}, {"a": {"b": ["c"]}},
    "\x00", "\x1b[2J\x1b[31mred\x1b[0m", "\x9b31m", "a\nb\r\nc", "\u202eevil", "\ud800", "\udfff\ud800",
    "é" * 50, "\U0001d54f" * 50,
    "A" * 20_000, "../../etc/passwd", "arn:aws:s3:::", "arn:" + ":" * 50, "*", "${jndi:ldap://x}", _FORGED, "<script>",
    "9" * 400, "2026-13-45T99:99:99Z", "9999-12-31T23:59:59+99:99", "0001-01-01T00:00:00+23:59", "-" * 64,
)  # fmt: skip
_MISSING = object()
_TEXTS = [json.dumps(sample) for sample in SAMPLES.values()]


def deep(levels: int) -> Any:
    """Return a value that is nested too deep for recursion."""
    made: Any = "x"
    for number in range(levels):
        made = [made] if number % 2 else {"a": made}
    return made


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to each place in a document."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield from paths(each, (*path, name))


def replaced(event: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return *event*, changed in place to have *value* at *path*, or nothing where that is _MISSING."""
    if not path:
        return {} if value is _MISSING else value
    place = event
    for name in path[:-1]:
        place = place[name]
    if value is _MISSING:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return event


class ViolatingAws:
    """An interceptor for which every resource that an event may name exists in violation; it records the writes."""

    def __init__(self) -> None:
        self.written: list[Mapping[str, Any]] = []
        """The arguments of writes to resources since this was last emptied; reads reflect them."""
        self.sent: list[Mapping[str, Any]] = []

    def __call__(self, operation: str, arguments: Mapping[str, Any], _call: Callable[[], Any]) -> Any:
        """See Interceptor."""
        if operation == "Publish":
            self.sent.append(arguments)
        elif "TableName" not in arguments and not operation.startswith((*READS, "Transact")):
            self.written.append(arguments)
        put = next((each["Policy"] for each in self.written if "Policy" in each), "")
        if operation == "GetBucketPolicy" and put:
            return {"Policy": put}
        if operation in _ABSENT:
            raise ClientError({"Error": {"Code": _ABSENT[operation], "Message": ""}}, operation)
        if operation == "DescribeKey":
            arn = arguments["KeyId"]
            state = "PendingDeletion" if self.written else "Enabled"
            spec = {"KeySpec": "RSA_2048", "KeyState": state, "CreationDate": datetime.now(UTC)}
            return {"KeyMetadata": {"Arn": arn, **spec}}
        return {"Responses": {}, "projects": [], "Buckets": [], "Items": [], "TagSet": []}


_ABSENT = {
    "GetBucketPolicy": "NoSuchBucketPolicy",
    "GetBucketWebsite": "NoSuchWebsiteConfiguration",
    "GetPipeline": "PipelineNotFoundException",
    "GetTrail": "TrailNotFoundException",
    "GetApplication": "ApplicationDoesNotExistException",
}


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """Return the function's log; give the function a runtime of its own."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    written = StringIO()
    monkeypatch.setattr(remediate.logger.registered_handler, "stream", written)
    monkeypatch.setattr("time.sleep", lambda _: None)
    own = Runtime(ENVIRONMENT, client, Clock(sleep=lambda _: None))
    monkeypatch.setattr(remediate, "runtime", lambda: own)
    return written


def hostile(chance: random.Random) -> Any:
    """Return an event that is malformed in one or a few places."""
    event = json.loads(chance.choice(_TEXTS))
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        value = chance.choice((*_HOSTILE, _MISSING, deep(20), deep(90)))
        event = replaced(event, chance.choice(list(paths(event))), deepcopy(value) if value is not _MISSING else value)
    return event


def printable(text: str, *more: str) -> bool:
    """Return whether *text* has only printable characters and *more*."""
    return all(character.isprintable() or character in more for character in text)


def test_no_event_does_damage(
    logs: StringIO, capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    """Only Malformed is raised, and nothing is written to a resource that the event does not name.

    Every line of the log is JSON without control characters; alerts and subjects have none either.
    """
    chance, aws, messages = random.Random(7), ViolatingAws(), list[str]()  # noqa: S311 - the same each time
    number_of_events = _EVENTS if full_length() else _FEWER
    with intercepted(aws):
        for number in range(number_of_events):
            event = hostile(chance)
            try:
                remediate.handler(event, FakeContext())
            except Malformed as error:
                messages.append(str(error))
            named = json.dumps(event) if aws.written else ""
            for arguments in aws.written:
                name = arguments.get("Bucket") or arguments.get("KeyId") or arguments["Name"]
                assert name.rsplit("/", 1)[-1] in named
            aws.written.clear()
            if number % 100 == 0:
                check(logs, capsys)
    assert all(printable(text) and len(text) < 500 for text in messages)
    assert aws.sent
    for message in aws.sent:
        assert printable(message["Subject"])
        assert message["Subject"].isascii()
        assert len(message["Subject"]) <= 100
        parts = json.loads(message["Message"])
        assert printable(parts["email"], "\n")
        assert printable(parts["default"])
        assert "forged" not in [line.strip() for line in parts["email"].splitlines()]
    record_property(
        "hostile events", f"{number_of_events} delivered, {len(messages)} malformed, {len(aws.sent)} alerts"
    )


def check(logs: StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    """Check the log and the output so far, and empty them."""
    text = logs.getvalue()
    lines = [*text.split("\n"), *capsys.readouterr().out.split("\n")]
    for line in filter(None, lines):
        assert isinstance(json.loads(line), dict), line[:300]
        assert printable(line), ascii(line[:500])
        assert len(line) < 20_000, line[:300]
        assert '"message":"forged"' not in line
    logs.seek(0)
    logs.truncate()


_SECRET = "gho_" + "m" * 36
_NAMES = ("bucketName", "name", "keyId", "arn", "trailName", "trailARN", "applicationName", "replicaRegion")


@pytest.mark.parametrize("sample", SAMPLES)
def test_no_secret_of_an_event_is_logged_or_alerted(
    logs: StringIO, capsys: pytest.CaptureFixture[str], sample: str
) -> None:
    """Any text of the request or the response may be a secret, except names."""
    event, aws = deepcopy(SAMPLES[sample]), ViolatingAws()
    for side in ("requestParameters", "responseElements"):
        for path in list(paths(event["detail"].get(side))):
            if path and path[-1] not in _NAMES:
                place = event["detail"][side]
                for name in path[:-1]:
                    place = place[name]
                if isinstance(place[path[-1]], str):
                    place[path[-1]] = _SECRET
    with intercepted(aws):
        remediate.handler(event, FakeContext())
    text = logs.getvalue() + capsys.readouterr().out + json.dumps(aws.sent)
    assert text
    assert _SECRET not in text
