"""SQS queues: send messages, and read those of a queue one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from botocore.exceptions import ClientError

from pipeseal.aws.clients import Client, Clients
from pipeseal.aws.errors import code
from pipeseal.aws.paging import slices

_AT_ONCE = 10
"""Messages in one call."""
_VISIBILITY_TIMEOUT = 900
"""Seconds for which other consumers do not see a message while the rest is read."""
_WAIT_SECONDS = 1
"""Seconds to wait for messages: without long polling SQS asks only some of its servers and may return none."""
_MISSING = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


class SendFailed(Exception):
    """SQS did not accept a message; the text says why."""


@dataclass(frozen=True, slots=True)
class Message:
    """A received message, hidden from other consumers."""

    id: str
    receipt: str
    body: str
    attributes: Mapping[str, Mapping[str, str]]
    """Message attributes as SQS returns and accepts them."""

    @property
    def texts(self) -> dict[str, str]:
        """Return those of its attributes that are text."""
        return {name: each["StringValue"] for name, each in self.attributes.items() if "StringValue" in each}


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue at *url*, reached through *client* (sqs)."""

    client: Client
    url: str

    def send(self, body: str, attributes: Mapping[str, Mapping[str, str]]) -> None:
        """Send one message."""
        self.client.send_message(QueueUrl=self.url, MessageBody=body, MessageAttributes=dict(attributes))

    def send_all(self, messages: Sequence[Mapping[str, object]]) -> None:
        """Send *messages* as JSON, ten a call; raise SendFailed where SQS does not accept one."""
        for some in slices(messages, _AT_ONCE):
            entries = [{"Id": str(number), "MessageBody": json.dumps(each)} for number, each in enumerate(some)]
            answer = self.client.send_message_batch(QueueUrl=self.url, Entries=entries)
            for failed in answer.get("Failed", ()):
                raise SendFailed(f"{self.url}: {failed.get('Code')}: {failed.get('Message', '')}; it is sent again")


class QueueReader:
    """Reads each message of a queue once; those that are not deleted become visible again at the end."""

    def __init__(self, queue: Queue) -> None:
        """Read from *queue*."""
        self.queue = queue
        self._hidden: dict[str, str] = {}

    def messages(self) -> Iterator[Message]:
        """Yield each message once."""
        seen: set[str] = set()
        try:
            while found := [each for each in self._receive() if each.id not in seen]:
                self._hidden.update({each.id: each.receipt for each in found})
                for each in found:
                    seen.add(each.id)
                    yield each
        finally:
            self._make_visible()

    def delete(self, message: Message) -> None:
        """Delete *message* from the queue."""
        self.queue.client.delete_message(QueueUrl=self.queue.url, ReceiptHandle=message.receipt)
        self._hidden.pop(message.id, None)

    def _receive(self) -> Iterator[Message]:
        answer = self.queue.client.receive_message(
            QueueUrl=self.queue.url,
            MaxNumberOfMessages=_AT_ONCE,
            MessageAttributeNames=["All"],
            VisibilityTimeout=_VISIBILITY_TIMEOUT,
            WaitTimeSeconds=_WAIT_SECONDS,
        )
        for each in answer.get("Messages", ()):
            attributes = {
                name: {part: value for part, value in attribute.items() if part in {"DataType", "StringValue"}}
                for name, attribute in each.get("MessageAttributes", {}).items()
            }
            yield Message(each["MessageId"], each["ReceiptHandle"], each["Body"], attributes)

    def _make_visible(self) -> None:
        receipts, self._hidden = list(self._hidden.values()), {}
        for some in slices(receipts, _AT_ONCE):
            entries = [
                {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                for number, receipt in enumerate(some)
            ]
            self.queue.client.change_message_visibility_batch(QueueUrl=self.queue.url, Entries=entries)


def find_queue(clients: Clients, region: str, name: str) -> Queue | None:
    """Return the account's queue of that *name*; None where there is none."""
    client = clients("sqs", region)
    try:
        return Queue(client, client.get_queue_url(QueueName=name)["QueueUrl"])
    except ClientError as error:
        if code(error) not in _MISSING:
            raise
        return None
