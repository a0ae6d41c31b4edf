"""The clients: which endpoint a call goes to, and what each thread collects of raw responses."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from pipeseal.aws.clients import clear_clients, client, raw_responses

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from tests.fake_account import FakeAccount

CALLS: dict[str, Callable[[Any], object]] = {
    "s3": lambda s3: s3.get_bucket_policy(Bucket="acme"),
    "kms": lambda kms: kms.describe_key(KeyId="0" * 36),
    "dynamodb": lambda dynamodb: dynamodb.get_item(TableName="ledger", Key={"id": {"S": "1"}}),
    "sns": lambda sns: sns.publish(TopicArn="arn:aws:sns:us-east-1:123456789012:alerts", Message="x"),
    "codepipeline": lambda codepipeline: codepipeline.get_pipeline(name="webshop"),
}


class RequestStopped(Exception):
    """A request was about to be sent; the text is its URL."""


def _stop(request: AWSPreparedRequest, **_: object) -> AWSResponse:
    raise RequestStopped(request.url)


@pytest.mark.parametrize("service", CALLS)
@pytest.mark.parametrize(
    ("region", "fips", "host"),
    [
        ("us-east-1", "false", "{}.us-east-1.amazonaws.com"),
        ("us-east-1", "true", "{}-fips.us-east-1.amazonaws.com"),
        ("eu-west-1", "false", "{}.eu-west-1.amazonaws.com"),
        ("cn-north-1", "false", "{}.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "false", "{}.us-gov-west-1.amazonaws.com"),
    ],
)
def test_calls_go_to_the_endpoint_of_their_region(
    monkeypatch: pytest.MonkeyPatch, service: str, region: str, fips: str, host: str
) -> None:
    """With UseFips they go to the FIPS endpoint; an empty AwsEndpointUrl changes nothing."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "")
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", fips)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    clear_clients()
    made = client(service, region)
    made.meta.events.register("before-send", _stop)
    with pytest.raises(RequestStopped) as stopped:
        CALLS[service](made)
    clear_clients()
    expected = host.format(service)
    legacy = expected.replace("s3.us-east-1.", "s3.")  # S3's global endpoint is in us-east-1
    assert any(part in str(stopped.value) for part in (expected, legacy))


def test_each_thread_collects_its_own_responses(account: FakeAccount) -> None:
    """Threads share a client, and raw_responses collects only the responses to its own thread, while it is open."""
    made = client("codebuild", "us-east-1")
    with raw_responses(made) as documents:
        other = Thread(target=made.list_projects)
        other.start()
        other.join()
        assert documents == []
        made.list_projects()
    made.list_projects()
    assert documents == [{"projects": []}]
