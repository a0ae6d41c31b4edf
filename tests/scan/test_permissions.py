"""The policy of a scan: it grants what a scan asks for, nothing that writes, and nothing that is not needed."""

from __future__ import annotations

import json
from typing import Any

import botocore.client
import pytest
from tests.account import ENVIRONMENT, Account
from tests.scan import harbor

from pipeseal.aws.world import World
from pipeseal.exemptions import Exemption
from pipeseal.model import Kind
from pipeseal.scan.permissions import needed, policy, reads
from pipeseal.scan.survey import survey

# IAM's own names, where they differ; a second list than the code's on purpose.
_IAM = {"s3:ListBuckets": "s3:ListAllMyBuckets", "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration"}
# Of services that moto takes a second to begin with.
_CANNED: dict[str, dict[str, Any]] = {
    "DescribeVpcEndpoints": {"VpcEndpoints": []},
    "GetMacieSession": {"status": "PAUSED"},
}


def granted() -> set[str]:
    """Return the actions of the policy."""
    statements = policy("aws", "pipeseal")["Statement"]
    listed = (each["Action"] for each in statements)
    return {action for actions in listed for action in ([actions] if isinstance(actions, str) else actions)}


def test_what_a_scan_asks_for_is_what_is_granted(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """On an account with everything in it, exemptions by tag among it, so that every way is gone."""
    harbor.fill()
    world = World(ENVIRONMENT)
    until = world.clock().replace(year=world.clock().year + 1)
    world.ledger.excuse(Exemption("ex-tag", "*", "*", "ada", "why not", until, tag="open=yes"))
    used: set[str] = set()
    ask = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001

    def heard(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        action = f"{client.meta.service_model.signing_name}:{operation}"
        used.add(_IAM.get(action, action))
        return _CANNED[operation] if operation in _CANNED else ask(client, operation, arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", heard)
    answers = {each.id: str(each.answer) for each in survey(world, tuple(Kind)).advice}
    assert answers == {
        "VPC_ENDPOINT.CODEPIPELINE": "no",
        "VPC_ENDPOINT.CODEDEPLOY": "no",
        "MACIE.ENABLED": "no",
        "CLOUDTRAIL.MULTI_REGION": "no",
    }
    assert used <= granted()
    assert granted() - used == {"kms:Decrypt"}, "which DynamoDB asks for itself"


def test_nothing_is_granted_that_writes_or_reads_data() -> None:
    """Neither an object nor a secret can be had with it, and nothing changed; the ledger is the stack's own."""
    names = [action.partition(":")[2] for action in reads()]
    assert all(name.startswith(("Get", "List", "Describe", "BatchGet")) for name in names)
    assert not {"s3:GetObject", "secretsmanager:GetSecretValue", "s3:*"} & granted()
    made = policy("aws-cn", "mine")
    assert "arn:aws-cn:dynamodb:*:*:table/mine-ledger" in json.dumps(made)
    assert len(json.dumps(made)) < 6144, "a managed policy holds no more"


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
def test_the_permission_of_an_operation_is_known(operation: str, kind: Kind, action: str) -> None:
    """IAM's name, of the service that the resource is of where two have such an operation."""
    assert needed(operation, kind) == action
