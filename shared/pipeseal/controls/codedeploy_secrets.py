"""CODEDEPLOY.SECRETS: no secret stands in clear in a revision's AppSpec text, or where it says what GitHub holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeseal import secrets
from pipeseal.model import Control, Kind, Reason, Severity
from pipeseal.model.application import Application, contents

if TYPE_CHECKING:
    from pipeseal.settings import Settings


def reasons(application: Application, _settings: Settings) -> tuple[str, ...]:
    """Say where each secret stands and what to use instead; never the value. One revision may be there twice."""
    return tuple(dict.fromkeys(_found(application)))


def _found(application: Application) -> Iterator[Reason]:
    for number, revision in enumerate(application.revisions):
        for path, where, text in contents(revision):
            for found in secrets.in_text(text, f"revisions[{number}].{path}", where):
                yield Reason(found.sentence, found.path)


def fix(application: Application, _settings: Settings) -> Application:
    """Return *application* as it is: CodeDeploy keeps its revisions as they are, and only the owner can replace one."""
    return application


CONTROL = Control(
    id="CODEDEPLOY.SECRETS",
    title="Application's revisions keep no secret in clear",
    severity=Severity.CRITICAL,
    kinds=(Kind.APPLICATION,),
    reasons=reasons,
    fix=fix,
    advice="Rotate the secret, keep the new one in Secrets Manager, let the function or a hook fetch it there; then "
    "deploy a revision without it.",
    source="https://docs.aws.amazon.com/codedeploy/latest/userguide/data-protection.html",
    permissions=(
        "codedeploy:GetApplication",
        "codedeploy:ListDeploymentGroups",
        "codedeploy:BatchGetDeploymentGroups",
        "codedeploy:BatchGetDeployments",
        "codedeploy:ListApplicationRevisions",
        "codedeploy:BatchGetApplicationRevisions",
    ),
)
