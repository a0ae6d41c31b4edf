"""The embedded account delivers events to the real handlers, and keeps them from everything outside of it."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from pipeseal.sandbox.account import LOOPBACK, Account, PortTaken
from pipeseal.sandbox.people import ADA
from pipeseal.sandbox.stack import Stack, StackError, find_template


def test_a_bucket_without_its_seal_is_sealed_again(embedded: Account) -> None:
    """A call over HTTP leads to a write by the handler, an alert, and an echo that changes nothing."""
    s3 = embedded.client("s3", ADA)
    s3.create_bucket(Bucket="a-bucket")
    embedded.router.settle()
    s3.delete_bucket_policy(Bucket="a-bucket")
    first, echo = embedded.router.settle()
    assert [outcome["action"] for outcome in first.outcomes] == ["remediated"]
    assert first.seconds < 1
    assert not first.echo
    assert echo.echo
    assert echo.outcomes == ()
    (alert,) = embedded.alerts()
    assert alert.document["controls"] == json.loads(alert.attributes["control"]) == ["S3.TLS"]
    assert alert.subject in f"[pipeseal] {alert.letter[0].lower()}{alert.letter[1:]}"
    assert alert.document["actor"]["name"].startswith("ada@example.com")
    entry = embedded.ledger_entry("arn:aws:s3:::a-bucket", first.outcomes[0]["ledger_id"])
    assert entry["before"]["policy"] is None
    assert json.loads(s3.get_bucket_policy(Bucket="a-bucket")["Policy"]) == entry["after"]["policy"]


def test_a_fresh_bucket_has_the_default_encryption_of_aws(embedded: Account) -> None:
    """Since 2023 every bucket is under SSE-S3 from the start, and again once its configuration is deleted."""
    s3 = embedded.client("s3")
    s3.create_bucket(Bucket="fresh-bucket")
    s3.delete_bucket_encryption(Bucket="fresh-bucket")
    embedded.router.settle()
    (rule,) = s3.get_bucket_encryption(Bucket="fresh-bucket")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    embedded.alerts()


def test_what_a_handler_cannot_take_ends_in_the_dead_letters(embedded: Account) -> None:
    """After Lambda's retries the event is in the queue, with the reason, and the next one is handled."""
    s3 = embedded.client("s3")
    s3.create_bucket(Bucket="another-bucket")
    s3.delete_bucket_policy(Bucket="another-bucket")
    event = embedded.router.settle()[0].event
    del event["detail"]["requestParameters"]["bucketName"]
    event["detail"]["resources"] = []
    embedded.router.publish(event)
    (failed,) = embedded.router.settle()
    assert failed.error.startswith("Malformed")
    (letter,) = embedded.dead_letters()
    assert letter["requestPayload"] == event
    assert letter["requestContext"]["approximateInvokeCount"] == 3
    assert letter["responsePayload"]["errorType"] == "Malformed"
    s3.delete_bucket_policy(Bucket="another-bucket")
    assert not embedded.router.settle()[0].error


def test_nothing_is_delivered_while_the_router_is_held(embedded: Account) -> None:
    """A look at what people left comes before the service's own."""
    s3 = embedded.client("s3")
    s3.create_bucket(Bucket="held-bucket")
    with embedded.router.held():
        s3.delete_bucket_policy(Bucket="held-bucket")
        with pytest.raises(s3.exceptions.ClientError, match="NoSuchBucketPolicy"):
            s3.get_bucket_policy(Bucket="held-bucket")
    assert embedded.router.settle()
    assert s3.get_bucket_policy(Bucket="held-bucket")


def test_the_environment_leads_nowhere_else_and_is_put_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Profiles, endpoints and credentials of the person who runs it are out of reach; so is their stdout."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://s3.example.com")
    former = dict(os.environ)
    with Account() as account:
        assert os.environ["AWS_ENDPOINT_URL"] == account.url
        assert {"AWS_PROFILE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_ENDPOINT_URL_S3"}.isdisjoint(os.environ)
        account.client("kms").create_key(KeySpec="RSA_2048")
        assert [delivery.error for delivery in account.router.settle()] == [""]
    assert dict(os.environ) == former
    assert capsys.readouterr().out == ""


def test_a_port_that_is_taken_is_said_to_be() -> None:
    """The account opens on the port that was asked for or not at all, and leaves no trace."""
    former = dict(os.environ)
    with (
        socket.create_server((LOOPBACK, 0)) as taken,
        pytest.raises(PortTaken, match="cannot be had"),
        Account(taken.getsockname()[1]),
    ):
        pass
    assert dict(os.environ) == former


def test_the_functions_run_as_the_template_says(embedded: Account) -> None:
    """Variables come from Globals and from parameters, with the account's own values where it has some."""
    stack = Stack(find_template(), "123456789012", "us-east-1", {"Mode": "detect"})
    by_name = {function.name: function for function in stack.functions()}
    assert {"PipelineFunction", "BucketFunction", "KeyFunction"} <= set(by_name)
    assert by_name["KeyFunction"].environment["MODE"] == "detect"
    assert os.environ["LEDGER_TABLE"] == by_name["KeyFunction"].environment["LEDGER_TABLE"] == "pipeseal-ledger"
    assert os.environ["ARTIFACT_KEY_ARN"] == embedded.artifact_key


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Resources: [", "no SAM template"),
        ("Resources: {}", "no SAM template"),
    ],
)
def test_a_template_that_is_none_is_said_to_be(tmp_path: Path, text: str, said: str) -> None:
    """An unreadable template is one clear error."""
    template = tmp_path / "template.yaml"
    template.write_text(text)
    with pytest.raises(StackError, match=said):
        Stack(template, "123456789012", "us-east-1", {})


def test_an_unknown_parameter_is_said_to_be() -> None:
    """A parameter that the template does not declare would do nothing, and so is refused."""
    with pytest.raises(StackError, match="no parameter Moed"):
        Stack(find_template(), "123456789012", "us-east-1", {"Moed": "detect"})
