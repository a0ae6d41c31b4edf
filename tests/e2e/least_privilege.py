"""A program: removes each permission of each role in turn, and shows that remediation fails without it.

`make least-privilege` runs it; exit status 0 where every permission is needed. PATTERN selects roles by name.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from tests.e2e import stack as sam
from tests.e2e.cloud import Cloud
from tests.e2e.developer import Developer
from tests.e2e.every_remediation import prove_every_remediation


@dataclass(frozen=True, slots=True)
class Permission:
    """One action, or one value of a condition's list, in one statement of a role's policy."""

    role: str
    """The role's logical ID."""
    name: str
    """The role's physical ID."""
    policy: str
    statement: str
    permission: str
    """The action, or the condition key with the value."""
    document: dict[str, Any]
    """The policy with the permission."""
    reduced: dict[str, Any]
    """The policy without the permission."""


def permissions(developer: Developer) -> Iterator[Permission]:
    """Yield every permission of every role of the stack."""
    iam = developer.cloud.client("iam")
    for role, name in sorted(developer.stack.resources("AWS::IAM::Role").items()):
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for number, statement in enumerate(document["Statement"]):
                for permission, reduced in _reductions(statement):
                    rest = deepcopy(document)
                    rest["Statement"][number : number + 1] = [reduced] if reduced else []
                    yield Permission(role, name, policy, statement["Sid"], permission, document, rest)


def _reductions(statement: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Yield *statement* without each of its actions and without each of the values that a condition lists."""
    actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
    for action in actions:
        others = [each for each in actions if each != action]
        yield action, {**statement, "Action": others} if others else None
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            if isinstance(values, list):
                for value in values:
                    reduced = deepcopy(statement)
                    reduced["Condition"][operator][key].remove(value)
                    yield f"{key} {value}", reduced


def without(developer: Developer, permission: Permission, number: int) -> str:
    """Prove every remediation without *permission*; return the failure, or "" where nothing failed."""
    iam = developer.cloud.client("iam")
    policy = {"RoleName": permission.name, "PolicyName": permission.policy}
    try:
        if permission.reduced["Statement"]:
            iam.put_role_policy(**policy, PolicyDocument=json.dumps(permission.reduced))
        else:
            iam.delete_role_policy(**policy)
        prove_every_remediation(developer, f"without-{number}", swept=permission.role == "SweepRole")
    except (AssertionError, ClientError, TimeoutError, ValueError) as failure:
        return _short(failure)
    finally:
        iam.put_role_policy(**policy, PolicyDocument=json.dumps(permission.document))
        # A message that failed would be delivered again in an hour, and the next sweep would wait for it.
        developer.cloud.client("sqs").purge_queue(QueueUrl=developer.stack.resources("AWS::SQS::Queue")["SweepQueue"])
        developer.cloud.deliver()
        developer.stack.alerts()
        developer.stack.dead_letters()
    return ""


def _short(failure: BaseException) -> str:
    return next((line for line in str(failure).splitlines() if line.strip()), type(failure).__name__)[:80]


def main() -> int:
    """Print one line a permission."""
    pattern = sys.argv[1] if len(sys.argv) > 1 else "*"
    unneeded = []
    with tempfile.TemporaryDirectory() as folder, Cloud(Path(folder)) as cloud:
        stack = sam.deploy(cloud, sam.build(cloud), ArtifactKeyArn=cloud.artifact_key(), GraceMinutes="0")
        developer = Developer(cloud, stack, cloud.create_user("ada"), cloud.pipeline_role())
        prove_every_remediation(developer, "with-all")
        prove_every_remediation(developer, "swept", swept=True)
        print("with all permissions: every remediation is proved", flush=True)
        tried = [each for each in permissions(developer) if fnmatch(each.role, pattern)]
        for number, permission in enumerate(tried):
            started = time.monotonic()
            cloud.refusals()
            failure = without(developer, permission, number)
            denied = sorted({refusal.split(" ")[1] for refusal in cloud.refusals()})
            verdict = f"denied {', '.join(denied)}" if failure else "NOT NEEDED"
            if not failure:
                unneeded.append(permission)
            print(
                f"{permission.role:14} {permission.statement:20} {permission.permission:45} {verdict}"
                f"  ({time.monotonic() - started:.0f} s)",
                flush=True,
            )
    print(f"{len(tried) - len(unneeded)} of {len(tried)} permissions are needed")
    return 1 if unneeded else 0


if __name__ == "__main__":
    sys.exit(main())
