"""The queue that a sweep hands its work on over."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeseal.aws.pages import slices

_MOST = 10
"""Messages in one call."""


class Unsent(Exception):
    """SQS did not take a message; the text says why."""


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue at *url*, reached through *client* (sqs)."""

    client: Any
    url: str

    def send(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Send *messages*, ten a call; raise Unsent where SQS does not take one."""
        for some in slices(messages, _MOST):
            entries = [{"Id": str(number), "MessageBody": json.dumps(each)} for number, each in enumerate(some)]
            answer = self.client.send_message_batch(QueueUrl=self.url, Entries=entries)
            for failed in answer.get("Failed", ()):
                raise Unsent(f"{self.url}: {failed.get('Code')}: {failed.get('Message', '')}; it is tried again")
