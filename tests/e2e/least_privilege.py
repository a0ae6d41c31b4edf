"""A program: takes every permission of every role away in turn, and shows that the main job is not done without it.

`make least-privilege` runs it; exit status 0 where each permission is needed. PATTERN narrows the roles by name.
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
from tests.e2e.job import Job
from tests.e2e.whole import whole


@dataclass(frozen=True, slots=True)
class Permission:
    """One action, or one value of a condition's list, in one statement of a role's policy."""

    role: str
    """The role's logical id."""
    name: str
    """Its physical id."""
    policy: str
    statement: str
    what: str
    document: dict[str, Any]
    """The policy as it is."""
    lesser: dict[str, Any]
    """The policy without it."""


def permissions(job: Job) -> Iterator[Permission]:
    """Yield every permission of every role of the stack."""
    iam = job.cloud.client("iam")
    for role, name in sorted(job.stack.resources("AWS::IAM::Role").items()):
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for number, statement in enumerate(document["Statement"]):
                for what, lesser in _less(statement):
                    rest = deepcopy(document)
                    rest["Statement"][number : number + 1] = [lesser] if lesser else []
                    yield Permission(role, name, policy, statement["Sid"], what, document, rest)


def _less(statement: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Yield *statement* without each of its actions and without each of the values that a condition lists."""
    actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
    for action in actions:
        others = [each for each in actions if each != action]
        yield action, {**statement, "Action": others} if others else None
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            if isinstance(values, list):
                for value in values:
                    lesser = deepcopy(statement)
                    lesser["Condition"][operator][key].remove(value)
                    yield f"{key} {value}", lesser


def without(job: Job, permission: Permission, number: int) -> str:
    """Do the main job without *permission*; return why it failed, or "" where it did not."""
    iam = job.cloud.client("iam")
    place = {"RoleName": permission.name, "PolicyName": permission.policy}
    try:
        if permission.lesser["Statement"]:
            iam.put_role_policy(**place, PolicyDocument=json.dumps(permission.lesser))
        else:
            iam.delete_role_policy(**place)
        whole(job, f"without-{number}", swept=permission.role == "SweepRole")
    except (AssertionError, ClientError, TimeoutError, ValueError) as failure:
        return _short(failure)
    finally:
        iam.put_role_policy(**place, PolicyDocument=json.dumps(permission.document))
        # What the sweep failed on would come again in an hour, and keep the next one waiting.
        job.cloud.client("sqs").purge_queue(QueueUrl=job.stack.resources("AWS::SQS::Queue")["SweepQueue"])
        job.cloud.deliver()
        job.stack.alerts()
        job.stack.dead_letters()
    return ""


def _short(failure: BaseException) -> str:
    return next((line for line in str(failure).splitlines() if line.strip()), type(failure).__name__)[:80]


def main() -> int:
    """Print one line a permission."""
    pattern = sys.argv[1] if len(sys.argv) > 1 else "*"
    needless = []
    with tempfile.TemporaryDirectory() as folder, Cloud(Path(folder)) as cloud:
        stack = sam.deploy(cloud, sam.build(cloud), ArtifactKeyArn=cloud.artifact_key(), GraceMinutes="0")
        job = Job(cloud, stack, cloud.person("ada"), cloud.pipeline_role())
        whole(job, "with-all")
        whole(job, "swept", swept=True)
        print("with all permissions: the main job is done", flush=True)
        tried = [each for each in permissions(job) if fnmatch(each.role, pattern)]
        for number, permission in enumerate(tried):
            started = time.monotonic()
            cloud.refusals()
            why = without(job, permission, number)
            refused = sorted({refusal.split(" ")[1] for refusal in cloud.refusals()})
            verdict = f"refused {', '.join(refused)}" if why else "NOT NEEDED"
            if not why:
                needless.append(permission)
            print(
                f"{permission.role:14} {permission.statement:20} {permission.what:45} {verdict}"
                f"  ({time.monotonic() - started:.0f} s)",
                flush=True,
            )
    print(f"{len(tried) - len(needless)} of {len(tried)} permissions are needed")
    return 1 if needless else 0


if __name__ == "__main__":
    sys.exit(main())
