"""CODEBUILD.SECRETS: no secret stands in clear in a build project: its variables, its buildspec, its sources' URLs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeseal import secrets
from pipeseal.model import Control, Kind, Reason, Severity
from pipeseal.model.project import Project

if TYPE_CHECKING:
    from pipeseal.secrets import Secret
    from pipeseal.settings import Settings

# A buildspec says here by what name to look a secret up; in_text knows that of YAML, and JSON is a buildspec too.
_REFERENCES = re.compile(r"\.env\.(secrets-manager|parameter-store)\.")


def reasons(project: Project, _settings: Settings) -> tuple[str, ...]:
    """Say where each secret stands and what to use instead; never the value."""
    return tuple(dict.fromkeys(Reason(found.sentence, found.path) for found in _found(project)))


def _found(project: Project) -> Iterator[Secret]:
    variables = (project.document.get("environment") or {}).get("environmentVariables") or ()
    yield from secrets.in_variables(variables, "environment.environmentVariables")
    for path, where, text in project.passages:
        yield from (found for found in secrets.in_text(text, path, where) if not _REFERENCES.search(found.path))


def fix(project: Project, _settings: Settings) -> Project:
    """Return *project* as it is: only its owner can replace a secret without breaking what it opens."""
    return project


CONTROL = Control(
    id="CODEBUILD.SECRETS",
    title="Build project keeps no secret in clear",
    severity=Severity.CRITICAL,
    kinds=(Kind.PROJECT,),
    reasons=reasons,
    fix=fix,
    advice="Rotate the secret, keep the new one in Secrets Manager and name it in a variable of type SECRETS_MANAGER; "
    "reach the source by a connection.",
    source="https://docs.aws.amazon.com/codebuild/latest/userguide/change-project.html",
    permissions=("codebuild:BatchGetProjects",),
)
