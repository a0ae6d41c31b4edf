"""The embedded AWS account: moto on a loopback port, with the stack deployed and its functions behind the rules."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from queue import SimpleQueue
from types import TracebackType
from typing import Self, TextIO

import boto3
from botocore.config import Config
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends

from pipeseal.aws.clients import Client
from pipeseal.aws.documents import Document, MutableDocument
from pipeseal.clock import Clock
from pipeseal.runtime import Runtime
from pipeseal.sandbox.deployment import create_prerequisites, create_stack
from pipeseal.sandbox.environment import isolated_environment
from pipeseal.sandbox.identities import (
    ACCOUNT,
    OPERATOR,
    PIPESEAL_KEY_ID,
    REGION,
    Identity,
    function_identity,
    identity_of,
)
from pipeseal.sandbox.records import ApiRequest, ApiResponse, EventDocument, event_of
from pipeseal.sandbox.router import EventRouter
from pipeseal.sandbox.server import LOOPBACK, serving
from pipeseal.sandbox.template import Template, find_template

_MAX_MESSAGES = 10
_SSE_S3 = {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false"}}


@dataclass(frozen=True, slots=True)
class ReceivedAlert:
    """An alert as subscribers receive it."""

    subject: str
    document: Document
    """The JSON for machines."""
    attributes: Mapping[str, str]
    """The message attributes that subscription filter policies match."""
    email_body: str


class _DiscardedOutput(io.StringIO):
    """A text stream that keeps nothing: the default for the output of the functions."""

    def write(self, text: str, /) -> int:
        """Discard *text*; return its length."""
        return len(text)


class EmbeddedAccount:
    """An AWS account that exists while this context manager is open; every API call is recorded and delivered."""

    def __init__(
        self, port: int = 0, output: TextIO | None = None, parameters: Mapping[str, str] | None = None
    ) -> None:
        """Prepare the account; entering the context opens it on *port* (0: any free one).

        What the functions print and log is written to *output*. *parameters* are those of template.yaml; the account
        sets ArtifactKeyArn where they do not, and AwsEndpointUrl always.
        """
        self._port = port
        self._output: TextIO = output or _DiscardedOutput()
        self._parameters = dict(parameters or {})
        self._clients: dict[tuple[str, str, str], Client] = {}
        self._closing = ExitStack()
        self._router: EventRouter | None = None
        self.clock = Clock()
        self.writes = 0
        """Number of calls with which the functions changed a resource."""
        self.calls: SimpleQueue[EventDocument] = SimpleQueue()
        """Events of all calls since the deployment that are neither read-only nor pipeseal's own."""

    def __enter__(self) -> Self:
        """Open the account; raise PortUnavailable or TemplateError."""
        template = Template(find_template(), ACCOUNT, REGION, self._parameters)
        with ExitStack() as opening:
            opening.enter_context(isolated_environment(PIPESEAL_KEY_ID, REGION, LOOPBACK))
            self._port = opening.enter_context(serving(self._port, self._record))
            opening.callback(self._close_clients)
            self._deploy(template)
            opening.callback(self.router.stop)
            self._closing = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the account and delete everything in it."""
        self._closing.close()

    @property
    def url(self) -> str:
        """Return the endpoint URL for AWS clients."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def router(self) -> EventRouter:
        """Return the router of events; the account must be open."""
        assert self._router, "the account is not open"  # noqa: S101 - an error of the caller
        return self._router

    def client(self, service: str, identity: Identity = OPERATOR, region: str = REGION) -> Client:
        """Return a boto3 client whose requests *identity* signs."""
        key = (service, identity.access_key_id, region)
        if key not in self._clients:
            self._clients[key] = boto3.client(
                service,  # type: ignore[call-overload]
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id=identity.access_key_id,
                aws_secret_access_key="none",
                config=Config(user_agent_extra=identity.user_agent, retries={"total_max_attempts": 1}),
            )
        return self._clients[key]

    def _close_clients(self) -> None:
        while self._clients:
            _, client = self._clients.popitem()
            client.close()

    @cached_property
    def runtime(self) -> Runtime:
        """The runtime of a function, with the operator's clients and every bucket in the scope of encryption."""
        environment = {**os.environ, "ENCRYPTION_SCOPE": "all"}
        return Runtime(environment, lambda service, region: self.client(service, OPERATOR, region), self.clock)

    def alerts(self) -> list[ReceivedAlert]:
        """Receive all alerts from the subscribed queue, oldest first, and delete them there."""
        sqs, url = self.client("sqs"), self._stack.subscribed_queue
        alerts = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=_MAX_MESSAGES).get("Messages"):
            for message in messages:
                alerts.append(self._alert(json.loads(message["Body"])))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return alerts

    def _alert(self, notification: Document) -> ReceivedAlert:
        # moto sends no email: the body is read from the message as it was published.
        sent = sns_backends[ACCOUNT][REGION].topics[self._stack.topic_arn].sent_notifications
        published = next(message for message_id, message, *_ in sent if message_id == notification["MessageId"])
        attributes = notification.get("MessageAttributes", {})
        return ReceivedAlert(
            subject=notification["Subject"],
            document=json.loads(notification["Message"]),
            attributes={name: str(each["Value"]) for name, each in attributes.items()},
            email_body=json.loads(published)["email"],
        )

    def dead_letters(self) -> list[MutableDocument]:
        """Return the records in the dead-letter queue, oldest first; they remain there."""
        answer = self.client("sqs").receive_message(
            QueueUrl=self._stack.dead_letter_queue, MaxNumberOfMessages=_MAX_MESSAGES, VisibilityTimeout=0
        )
        return [json.loads(message["Body"]) for message in answer.get("Messages", ())]

    def ledger_entry(self, resource: str, entry: str) -> MutableDocument:
        """Return the ledger entry with that ID about the resource with that ARN, its JSON parsed."""
        key = {"resource": {"S": resource}, "id": {"S": entry}}
        item = self.client("dynamodb").get_item(TableName=self._stack.ledger_table, Key=key).get("Item", {})
        return {name: _parsed(value.get("S", "")) for name, value in item.items()}

    def _deploy(self, template: Template) -> None:
        """Create what the account has before pipeseal, deploy the stack, then start to record and deliver calls."""
        prerequisites = create_prerequisites(self.client)
        self.pipeline_role, self.artifact_key = prerequisites.pipeline_role, prerequisites.artifact_key
        given = {"ArtifactKeyArn": self.artifact_key, **self._parameters, "AwsEndpointUrl": self.url}
        template = template.with_parameters(given)
        self._stack = create_stack(template, self.client)
        self._router = EventRouter(tuple(template.functions()), self._output, self._send_dead_letter, self.clock)

    def _send_dead_letter(self, record: Document) -> None:
        self.client("sqs").send_message(QueueUrl=self._stack.dead_letter_queue, MessageBody=json.dumps(record))

    def _record(self, request: ApiRequest, response: ApiResponse) -> None:
        """Make the event of a call and publish it; calls before the end of the deployment are not recorded."""
        router = self._router
        if router is None:
            return
        key_id = request.credential.access_key_id
        own = key_id == PIPESEAL_KEY_ID
        identity = function_identity(router.current_function) if own else identity_of(key_id or "anonymous")
        event = event_of(request, response, identity, ACCOUNT, self.clock.now())
        if event is None:
            return
        if event["detail"]["eventName"] in ("CreateBucket", "DeleteBucketEncryption") and not response.error():
            # Since January 2023 S3 applies SSE-S3 to every bucket by default; moto does not.
            bucket, _ = request.bucket_and_key
            s3_backends[ACCOUNT]["aws"].put_bucket_encryption(bucket, _SSE_S3)
        if not event["detail"]["readOnly"]:
            if own:
                self.writes += 1
            else:
                self.calls.put(event)
        router.publish(event)


def _parsed(text: str) -> object:
    """Return *text* parsed as JSON where it is JSON, else as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text
