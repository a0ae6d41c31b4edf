"""An AWS account in this process, on a loopback port: moto, the stack's own resources, and the router behind them."""

from __future__ import annotations

import io
import json
import logging
import os
import socket
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, Self, TextIO

import boto3
from botocore.config import Config
from moto.core.base_backend import BackendDict
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from werkzeug.serving import make_server

from pipeseal.aws.clients import forget
from pipeseal.aws.world import World
from pipeseal.controls.s3_tls import deny_insecure
from pipeseal.sandbox import extend_moto
from pipeseal.sandbox.people import ACCOUNT, OPERATOR, PIPESEAL, REGION, Person, function_role, person_of
from pipeseal.sandbox.records import Answer, Event, Request, event_of
from pipeseal.sandbox.router import Router
from pipeseal.sandbox.stack import Stack, find_template

LOOPBACK = "127.0.0.1"
TRAIL = "acme-trail"
TRAIL_BUCKET = "acme-trail-records"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
_SSE_S3 = {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false"}}
# What a process may have in its environment that would lead calls elsewhere: to a real account, or round a proxy.
_LEADING_ASTRAY = ("AWS_", "BOTO", "MOTO_")


class PortTaken(Exception):
    """The port cannot be listened on; the text says why."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as it reaches a subscriber."""

    subject: str
    document: dict[str, Any]
    """The JSON for machines."""
    attributes: Mapping[str, str]
    """The message attributes that filter policies look at."""
    letter: str
    """The text for mail."""


class Nowhere(io.StringIO):
    """Where the output of the functions goes when nobody wants to see it."""

    def write(self, text: str, /) -> int:
        """Forget *text*."""
        return len(text)


class Account:
    """The account while it is open (a context manager): the stack deployed, every call recorded and delivered."""

    def __init__(
        self, port: int = 0, output: TextIO | None = None, parameters: Mapping[str, str] | None = None
    ) -> None:
        """Prepare an account on that *port* (0: any that is free); the functions write to *output*.

        *parameters* are the template's, beside ArtifactKeyArn and AwsEndpointUrl, which the account gives.
        Raises StackError where there is no template, when the account is opened.
        """
        self._port = port
        self._output: TextIO = output or Nowhere()
        self._parameters = dict(parameters or {})
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._closing = ExitStack()
        self._router: Router | None = None
        self.writes = 0
        """How many calls of the functions have changed a resource."""
        self.calls: SimpleQueue[Event] = SimpleQueue()
        """Every recorded write of a person since the stack was deployed, delivered or not."""

    def __enter__(self) -> Self:
        """Open the account; raise PortTaken or StackError."""
        template = find_template()
        try:
            self._isolate()
            self._serve()
            self._deploy(Stack(template, ACCOUNT, REGION, self._parameters))
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the account and forget everything in it."""
        self._closing.close()

    @property
    def url(self) -> str:
        """Return the endpoint for AWS clients."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def router(self) -> Router:
        """Return the router; the account must be open."""
        assert self._router, "the account is not open"  # noqa: S101 - a fault of the caller
        return self._router

    def client(self, service: str, person: Person = OPERATOR, region: str = REGION) -> Any:
        """Return a client that signs as *person*."""
        place = (service, person.key, region)
        if place not in self._clients:
            made = boto3.client(
                service,  # type: ignore[call-overload]
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id=person.key,
                aws_secret_access_key="none",
                config=Config(user_agent_extra=person.agent, retries={"total_max_attempts": 1}),
            )
            self._closing.callback(made.close)
            self._clients[place] = made
        return self._clients[place]

    @property
    def world(self) -> World:
        """Return the account as the functions see it, through clients of the operator, encryption included."""
        everything = {**os.environ, "ENCRYPTION_SCOPE": "all"}
        return World(everything, clients=lambda service, region: self.client(service, OPERATOR, region))

    def alerts(self) -> list[Alert]:
        """Return the alerts that the subscribed queue holds, oldest first, and take them off it."""
        sqs = self.client("sqs")
        found = []
        while messages := sqs.receive_message(QueueUrl=self._inbox, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(self._alert(json.loads(message["Body"])))
                sqs.delete_message(QueueUrl=self._inbox, ReceiptHandle=message["ReceiptHandle"])
        return found

    def _alert(self, notification: dict[str, Any]) -> Alert:
        # Mail leaves no queue to read, so its text is taken from the message as it was published.
        sent = sns_backends[ACCOUNT][REGION].topics[self._topic].sent_notifications
        published = next(message for number, message, *_ in sent if number == notification["MessageId"])
        attributes = notification.get("MessageAttributes", {})
        return Alert(
            subject=notification["Subject"],
            document=json.loads(notification["Message"]),
            attributes={name: str(each["Value"]) for name, each in attributes.items()},
            letter=json.loads(published)["email"],
        )

    def dead_letters(self) -> list[dict[str, Any]]:
        """Return what the functions gave up on, oldest first; it stays in the queue."""
        request = {"QueueUrl": self._dead_letters, "MaxNumberOfMessages": 10, "VisibilityTimeout": 0}
        return [json.loads(each["Body"]) for each in self.client("sqs").receive_message(**request).get("Messages", ())]

    def ledger_entry(self, resource: str, entry: str) -> dict[str, Any]:
        """Return one entry of the ledger, its JSON parsed where it is some."""
        key = {"resource": {"S": resource}, "id": {"S": entry}}
        item = self.client("dynamodb").get_item(TableName=self._ledger, Key=key).get("Item", {})
        return {name: _parsed(value.get("S", "")) for name, value in item.items()}

    # ---------------------------------------------------------------- opening

    def _isolate(self) -> None:
        """Leave nothing in the environment that could lead a call out of this account; put it back when closing."""
        former = dict(os.environ)
        self._closing.callback(_restore, former)
        for name in former:
            if name.startswith(_LEADING_ASTRAY):
                del os.environ[name]
        os.environ.update(
            AWS_ACCESS_KEY_ID=PIPESEAL,
            AWS_SECRET_ACCESS_KEY="none",
            AWS_REGION=REGION,
            AWS_DEFAULT_REGION=REGION,
            AWS_CONFIG_FILE=os.devnull,
            AWS_SHARED_CREDENTIALS_FILE=os.devnull,
            AWS_EC2_METADATA_DISABLED="true",
            NO_PROXY=LOOPBACK,
            no_proxy=LOOPBACK,
        )
        boto3.DEFAULT_SESSION = None
        forget()
        self._closing.callback(forget)

    def _serve(self) -> None:
        extend_moto()
        BackendDict.reset()
        logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
        app = _Recorder(DomainDispatcherApplication(create_backend_app), self._record)
        try:
            # Not left to werkzeug, which prints and exits where the port is taken.
            listening = socket.create_server((LOOPBACK, self._port))
        except OSError as error:
            raise PortTaken(f"port {self._port} cannot be had: {os.strerror(error.errno or 0)}") from error
        with listening:
            server = make_server(
                LOOPBACK, self._port, app, threaded=True, request_handler=_Quiet, fd=listening.fileno()
            )
        self._port = server.port
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="account", daemon=True)
        thread.start()
        self._closing.callback(thread.join)
        self._closing.callback(server.server_close)
        self._closing.callback(server.shutdown)

    def _deploy(self, stack: Stack) -> None:
        """Make what the template makes, a subscriber, and a role for pipelines; then let the events flow."""
        iam, kms, sqs = self.client("iam"), self.client("kms"), self.client("sqs")
        self.pipeline_role = iam.create_role(RoleName="codepipeline", AssumeRolePolicyDocument=json.dumps(_TRUST))[
            "Role"
        ]["Arn"]
        self.artifact_key = kms.create_key(Description="artifacts of every pipeline")["KeyMetadata"]["Arn"]
        kms.enable_key_rotation(KeyId=self.artifact_key)
        stack = Stack(
            stack.path,
            ACCOUNT,
            REGION,
            {"ArtifactKeyArn": self.artifact_key, **self._parameters, "AwsEndpointUrl": self.url},
        )
        self._trail()
        for table in stack.properties("AWS::DynamoDB::Table"):
            self._ledger = stack.resolve(table["TableName"], "a table's name")
            wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
            own = {name: table[name] for name in wanted if name in table}
            self.client("dynamodb").create_table(TableName=self._ledger, **own)
        for topic in stack.properties("AWS::SNS::Topic"):
            name = stack.resolve(topic["TopicName"], "a topic's name")
            self._topic = self.client("sns").create_topic(Name=name)["TopicArn"]
        for queue in stack.properties("AWS::SQS::Queue"):
            name = stack.resolve(queue["QueueName"], "a queue's name")
            url = sqs.create_queue(QueueName=name)["QueueUrl"]
            if name.endswith("-dead-letters"):
                self._dead_letters = url
        self._inbox = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
        inbox = f"arn:aws:sqs:{REGION}:{ACCOUNT}:subscriber"
        self.client("sns").subscribe(TopicArn=self._topic, Protocol="sqs", Endpoint=inbox)
        router = Router(tuple(stack.functions()), self._output, self._bury)
        self._closing.callback(router.stop)
        self._router = router

    def _trail(self) -> None:
        """Make the trail that an account has before pipeseal comes: without one EventBridge hears of no call."""
        s3, cloudtrail = self.client("s3"), self.client("cloudtrail")
        s3.create_bucket(Bucket=TRAIL_BUCKET)
        sealed = {"Version": "2012-10-17", "Statement": [deny_insecure(f"arn:aws:s3:::{TRAIL_BUCKET}").statement]}
        s3.put_bucket_policy(Bucket=TRAIL_BUCKET, Policy=json.dumps(sealed))
        cloudtrail.create_trail(
            Name=TRAIL, S3BucketName=TRAIL_BUCKET, IsMultiRegionTrail=True, EnableLogFileValidation=True
        )
        cloudtrail.start_logging(Name=TRAIL)

    def _bury(self, letter: dict[str, Any]) -> None:
        self.client("sqs").send_message(QueueUrl=self._dead_letters, MessageBody=json.dumps(letter))

    # -------------------------------------------------------------- recording

    def _record(self, request: Request, answer: Answer) -> None:
        router = self._router
        if router is None:
            return  # deploying: the stack is not there yet to hear of it
        key, _, _ = request.scope
        person = function_role(router.running) if key == PIPESEAL else person_of(key or "anonymous")
        event = event_of(request, answer, person, ACCOUNT, datetime.now(UTC))
        if event is None:
            return
        if event["detail"]["eventName"] in ("CreateBucket", "DeleteBucketEncryption") and not answer.error():
            # Since 2023 no bucket of AWS is without; moto still makes them so.
            s3_backends[ACCOUNT]["aws"].put_bucket_encryption(request.place[0], _SSE_S3)
        if not event["detail"]["readOnly"]:
            if key == PIPESEAL:
                self.writes += 1
            else:
                self.calls.put(event)
        router.publish(event)


def _restore(former: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(former)
    boto3.DEFAULT_SESSION = None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


class _Quiet(MotoRequestHandler):
    """Serves without a line on stderr for each request."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - the parent's name
        """Say nothing."""


_Start = Callable[..., object]


class _Recorder:
    """WSGI middleware: passes each call on, and tells *record* of it and of the answer."""

    def __init__(
        self, app: Callable[[dict[str, Any], _Start], Iterable[bytes]], record: Callable[[Request, Answer], None]
    ) -> None:
        self._app = app
        self._record = record

    def __call__(self, environ: dict[str, Any], start_response: _Start) -> Iterable[bytes]:
        request = _request(environ)
        if request.operation is None:
            return self._app(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], _exc_info: object = None) -> Callable[[bytes], None]:
            started.append((status, headers))
            return lambda _: None

        chunks = self._app(environ, start)
        answer = b"".join(chunks)
        if close := getattr(chunks, "close", None):
            close()
        status, headers = started[-1]
        self._record(
            Request(request.method, request.path, request.query, request.headers, body),
            Answer(int(status.split()[0]), {name.lower(): value for name, value in headers}, answer),
        )
        start_response(status, headers)
        return [answer]


def _request(environ: Mapping[str, Any]) -> Request:
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    return Request(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", ""), headers)
