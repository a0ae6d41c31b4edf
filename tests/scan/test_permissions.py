"""The IAM policy of a scan: it grants exactly what a scan calls, and no write."""

from __future__ import annotations

import json
from typing import Any

import botocore.client
import pytest
from tests.fake_account import ENVIRONMENT, FakeAccount
from tests.scan import scan_account

from pipeseal.exemptions import Exemption
from pipeseal.model import Kind
from pipeseal.runtime import Runtime
from pipeseal.scan.permissions import read_actions, required_action, scan_policy
from pipeseal.scan.survey import survey

# The actions whose names differ from their operations; a list of its own, so that it checks that of the code.
_IAM = {"s3:ListBuckets": "s3:ListAllMyBuckets", "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration"}
# moto needs a second to load these services.
_CANNED: dict[str, dict[str, Any]] = {
    "DescribeVpcEndpoints": {"VpcEndpoints": []},
    "GetMacieSession": {"status": "PAUSED"},
}


def granted() -> set[str]:
    """Return the actions that the policy grants."""
    statements: Any = scan_policy("aws", "pipeseal")["Statement"]
    listed = (each["Action"] for each in statements)
    return {action for actions in listed for action in ([actions] if isinstance(actions, str) else actions)}


def test_the_policy_grants_exactly_what_a_scan_calls(account: FakeAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account has resources of every kind and an exemption by tag, so that every call is made."""
    scan_account.create_resources()
    runtime = Runtime(ENVIRONMENT)
    until = runtime.clock.now().replace(year=runtime.clock.now().year + 1)
    runtime.ledger.exemptions.add(Exemption("ex-tag", "*", "*", "ada", "a website", until, tag="open=yes"))
    used: set[str] = set()
    call = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001

    def record(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        action = f"{client.meta.service_model.signing_name}:{operation}"
        used.add(_IAM.get(action, action))
        return _CANNED[operation] if operation in _CANNED else call(client, operation, arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", record)
    answers = {each.id: str(each.answer) for each in survey(runtime, tuple(Kind)).advice}
    assert answers == {
        "VPC_ENDPOINT.CODEPIPELINE": "no",
        "VPC_ENDPOINT.CODEDEPLOY": "no",
        "MACIE.ENABLED": "no",
        "CLOUDTRAIL.MULTI_REGION": "no",
    }
    assert used <= granted()
    assert granted() - used == {"kms:Decrypt"}, "DynamoDB calls KMS itself"


def test_the_policy_grants_no_write_and_no_data() -> None:
    """It grants neither objects nor secrets, and the ledger of the named stack only."""
    names = [action.partition(":")[2] for action in read_actions()]
    assert all(name.startswith(("Get", "List", "Describe", "BatchGet")) for name in names)
    assert not {"s3:GetObject", "secretsmanager:GetSecretValue", "s3:*"} & granted()
    policy = json.dumps(scan_policy("aws-cn", "mine"))
    assert "arn:aws-cn:dynamodb:*:*:table/mine-ledger" in policy
    assert len(policy) < 6144, "the quota of a managed policy"


@pytest.mark.parametrize(
    ("operation", "kind", "action"),
    [
        ("GetBucketPolicy", Kind.BUCKET, "s3:GetBucketPolicy"),
        ("ListBuckets", Kind.BUCKET, "s3:ListAllMyBuckets"),
        ("GetBucketEncryption", Kind.BUCKET, "s3:GetEncryptionConfiguration"),
        ("GetBucketTagging", Kind.PIPELINE, "s3:GetBucketTagging"),
        ("ListTagsForResource", Kind.PIPELINE, "codepipeline:ListTagsForResource"),
        ("ListTagsForResource", Kind.APPLICATION, "codedeploy:ListTagsForResource"),
        ("Nothing", Kind.BUCKET, ""),
    ],
)
def test_the_action_that_an_operation_requires(operation: str, kind: Kind, action: str) -> None:
    """The action has IAM's name for it; of two services with the operation, that of the resource is taken."""
    assert required_action(operation, kind) == action
