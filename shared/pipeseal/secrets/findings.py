"""Findings: where a document contains a literal secret and what to do about it, without the secret itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeseal.secrets.formats import AWS_ACCESS_KEY_ID
from pipeseal.secrets.paths import DocumentPath, PathRenderer

USE_A_CONNECTION = "use a CodeConnections connection (provider CodeStarSourceConnection) instead, then revoke the token"
_USE_A_ROLE = "use an IAM role instead of an access key, then delete the key"
_ROTATE = "rotate the secret, because this value is exposed"
_USE_A_REFERENCE = "store it in Secrets Manager or Parameter Store and reference it"
# By the first of these keys in the path to the secret.
_ADVICE = {
    "EnvironmentVariables": "store it in Secrets Manager and reference it with type SECRETS_MANAGER",
    "environmentVariables": "store it in Secrets Manager and reference it with type SECRETS_MANAGER",
    "commands": "store it in Secrets Manager and reference it in environmentVariables with type SECRETS_MANAGER",
    "ParameterOverrides": "store it in Secrets Manager and use {{resolve:secretsmanager:...}} in the template",
    "UserParameters": "store it in Secrets Manager, pass its ARN and retrieve it in the function",
    "variables": "store it in Secrets Manager: CodePipeline shows the variables of a pipeline with every execution",
}


@dataclass(frozen=True, slots=True)
class SecretFinding:
    """A literal secret in a document; no field contains the secret or a part of it.

    *path* is the path to the value, as in stages[1].actions[0].configuration.Token, and continues in the JSON that a
    string contains. *location* is the same in words, *description* the kind of secret, *advice* what to do.
    """

    path: str
    location: str
    description: str
    advice: str

    @property
    def message(self) -> str:
        """Return the location, the description and the advice as one sentence."""
        return f"{self.location}: {self.description}; {self.advice}."


@dataclass(frozen=True, slots=True)
class Match:
    """A literal secret in a document, not yet rendered; *secrets* must not appear in any finding.

    Without a *description*, the *name* of the value identifies the secret. Without *advice*, the path determines it.
    """

    path: DocumentPath
    description: str
    name: str = ""
    advice: str = ""
    secrets: tuple[str, ...] = ()


def render(matches: Iterable[Match], prefix: str = "", noun: str = "") -> tuple[SecretFinding, ...]:
    """Return one finding for each distinct match, in order; none shows a secret of any of the matches.

    *prefix* is the path of the document itself. *noun* is what to call an element where the document is a list.
    """
    every = tuple(matches)
    renderer = PathRenderer.hiding(secret for match in every for secret in match.secrets)
    return tuple(dict.fromkeys(_finding(match, renderer, prefix, noun) for match in every))


def _finding(match: Match, renderer: PathRenderer, prefix: str, noun: str) -> SecretFinding:
    return SecretFinding(
        path=renderer.path(match.path, prefix),
        location=renderer.location(match.path, noun),
        description=match.description or _describe(renderer.display_name(match.name)),
        advice=match.advice or _advise(match),
    )


def _describe(name: str | None) -> str:
    """Return the description of a secret that the name of its value identifies; None is a hidden name."""
    return "plaintext value in a field that is named as a secret" if name is None else f"plaintext value in {name}"


def _advise(match: Match) -> str:
    """Return what to do about *match*; the advice depends on what CodePipeline supports at its path."""
    if match.description == AWS_ACCESS_KEY_ID:
        return _USE_A_ROLE
    keys = (step.key for step in match.path.steps())
    advice = next((_ADVICE[key] for key in keys if key in _ADVICE), _USE_A_REFERENCE)
    return f"{advice}; {_ROTATE}"
