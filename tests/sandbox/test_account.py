"""The embedded account delivers events to the real handlers and is isolated from everything outside."""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING, cast

import pytest

from pipeseal.notify.email import alert_body, alert_subject
from pipeseal.sandbox.account import EmbeddedAccount
from pipeseal.sandbox.identities import ADA
from pipeseal.sandbox.server import LOOPBACK, PortUnavailable

if TYPE_CHECKING:
    from pipeseal.notify.alert import Alert


def test_a_deleted_bucket_policy_is_restored(embedded: EmbeddedAccount) -> None:
    """A call over HTTP leads to a write by the handler, an alert, and an event of that write that changes nothing."""
    s3 = embedded.client("s3", ADA)
    s3.create_bucket(Bucket="a-bucket")
    s3.create_bucket(Bucket="first-bucket")
    s3.delete_bucket_policy(Bucket="first-bucket")
    embedded.router.settle()  # the first invocation of a function also imports modules
    embedded.alerts()
    s3.delete_bucket_policy(Bucket="a-bucket")
    first, echo = embedded.router.settle()
    assert [outcome["action"] for outcome in first.outcomes] == ["remediated"]
    assert first.seconds < 1
    assert not first.echo
    assert echo.echo
    assert echo.outcomes == ()
    (alert,) = embedded.alerts()
    assert alert.document["controls"] == json.loads(alert.attributes["control"]) == ["S3.TLS"]
    sent = cast("Alert", alert.document)
    assert (alert.subject, alert.email_body) == (alert_subject(sent), alert_body(sent))
    assert alert.document["actor"]["name"].startswith("ada@example.com")
    entry = embedded.ledger_entry("arn:aws:s3:::a-bucket", first.outcomes[0]["ledger_id"])
    assert entry["before"]["policy"] is None
    assert json.loads(s3.get_bucket_policy(Bucket="a-bucket")["Policy"]) == entry["after"]["policy"]


def test_a_new_bucket_has_sse_s3_as_default_encryption(embedded: EmbeddedAccount) -> None:
    """S3 applies SSE-S3 to a new bucket, and to one whose encryption configuration is deleted."""
    s3 = embedded.client("s3")
    s3.create_bucket(Bucket="fresh-bucket")
    s3.delete_bucket_encryption(Bucket="fresh-bucket")
    embedded.router.settle()
    (rule,) = s3.get_bucket_encryption(Bucket="fresh-bucket")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    embedded.alerts()


def test_an_event_that_a_handler_rejects_reaches_the_dead_letter_queue(embedded: EmbeddedAccount) -> None:
    """After Lambda's retries the queue holds the event and the error, and the next event is handled."""
    s3 = embedded.client("s3")
    s3.create_bucket(Bucket="another-bucket")
    s3.delete_bucket_policy(Bucket="another-bucket")
    event = embedded.router.settle()[0].event
    del event["detail"]["requestParameters"]["bucketName"]
    event["detail"]["resources"] = []
    embedded.router.publish(event)
    (failed,) = embedded.router.settle()
    assert failed.error.startswith("Malformed")
    assert failed.outcomes == ()
    (record,) = embedded.dead_letters()
    assert record["requestPayload"] == event
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["responsePayload"]["errorType"] == "Malformed"
    s3.delete_bucket_policy(Bucket="another-bucket")
    assert not embedded.router.settle()[0].error


def test_a_paused_router_delivers_no_event(embedded: EmbeddedAccount) -> None:
    """A resource can be read as a caller left it, before a function changes it."""
    s3 = embedded.client("s3")
    s3.create_bucket(Bucket="paused-bucket")
    with embedded.router.paused():
        s3.delete_bucket_policy(Bucket="paused-bucket")
        with pytest.raises(s3.exceptions.ClientError, match="NoSuchBucketPolicy"):
            s3.get_bucket_policy(Bucket="paused-bucket")
    assert embedded.router.settle()
    assert s3.get_bucket_policy(Bucket="paused-bucket")


def test_the_users_aws_configuration_does_not_apply_and_is_restored(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Profiles, endpoints and credentials of the user are removed while the account is open; stdout stays empty."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://s3.example.com")
    former = dict(os.environ)
    with EmbeddedAccount() as account:
        assert os.environ["AWS_ENDPOINT_URL"] == account.url
        assert {"AWS_PROFILE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_ENDPOINT_URL_S3"}.isdisjoint(os.environ)
        account.client("kms").create_key(KeySpec="RSA_2048")
        assert [delivery.error for delivery in account.router.settle()] == [""]
    assert dict(os.environ) == former
    assert capsys.readouterr().out == ""


def test_a_port_in_use_raises_an_error_and_changes_nothing() -> None:
    """The account opens on the requested port or not at all."""
    former = dict(os.environ)
    with (
        socket.create_server((LOOPBACK, 0)) as server,
        pytest.raises(PortUnavailable, match="cannot listen on port"),
        EmbeddedAccount(server.getsockname()[1]),
    ):
        pass
    assert dict(os.environ) == former
