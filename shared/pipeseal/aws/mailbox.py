"""A queue of letters, found by its name: read one by one, and put back as if nobody had looked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from pipeseal.aws.clients import Clients, code
from pipeseal.aws.pages import slices

_AT_ONCE = 10
_HELD = 900
"""Seconds that a message is kept from others while we look at the rest."""
_PATIENCE = 1
"""Seconds to wait for messages: one that does not wait asks some of SQS's servers only, and may miss some."""
_MISSING = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


@dataclass(frozen=True, slots=True)
class Message:
    """One message while we hold it."""

    id: str
    receipt: str
    body: str
    attributes: Mapping[str, Any]
    """Message attributes as SQS gives and takes them."""

    @property
    def texts(self) -> dict[str, str]:
        """Return those of its attributes that are text."""
        return {name: each["StringValue"] for name, each in self.attributes.items() if "StringValue" in each}


class Mailbox:
    """A queue that is there."""

    def __init__(self, client: Any, url: str) -> None:
        """Take the client (sqs) and the queue's URL."""
        self._client = client
        self._url = url
        self._held: dict[str, str] = {}

    def messages(self) -> Iterator[Message]:
        """Yield each message once; whatever is not deleted is there for everybody again at the end."""
        seen: set[str] = set()
        try:
            while found := [each for each in self._receive() if each.id not in seen]:
                self._held.update({each.id: each.receipt for each in found})
                for each in found:
                    seen.add(each.id)
                    yield each
        finally:
            self._release()

    def delete(self, message: Message) -> None:
        """Take *message* off the queue for good."""
        self._client.delete_message(QueueUrl=self._url, ReceiptHandle=message.receipt)
        self._held.pop(message.id, None)

    def send(self, body: str, attributes: Mapping[str, Any]) -> None:
        """Put a message on the queue."""
        self._client.send_message(QueueUrl=self._url, MessageBody=body, MessageAttributes=dict(attributes))

    def _receive(self) -> Iterator[Message]:
        answer = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=_AT_ONCE,
            MessageAttributeNames=["All"],
            VisibilityTimeout=_HELD,
            WaitTimeSeconds=_PATIENCE,
        )
        for each in answer.get("Messages", ()):
            attributes = {
                name: {part: value for part, value in attribute.items() if part in {"DataType", "StringValue"}}
                for name, attribute in each.get("MessageAttributes", {}).items()
            }
            yield Message(each["MessageId"], each["ReceiptHandle"], each["Body"], attributes)

    def _release(self) -> None:
        receipts, self._held = list(self._held.values()), {}
        for some in slices(receipts, _AT_ONCE):
            entries = [
                {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                for number, receipt in enumerate(some)
            ]
            self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)


def mailbox(clients: Clients, region: str, name: str) -> Mailbox | None:
    """Return the account's queue of that *name*, or None where there is none."""
    client = clients("sqs", region)
    try:
        return Mailbox(client, client.get_queue_url(QueueName=name)["QueueUrl"])
    except ClientError as error:
        if code(error) not in _MISSING:
            raise
        return None
