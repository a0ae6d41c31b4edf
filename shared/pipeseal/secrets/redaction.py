"""Redactions: the text that AWS returns in place of a secret value that it stores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeseal.secrets.names import Sensitivity, sensitivity_of

CODEPIPELINE_REDACTION = "****"
CLOUDTRAIL_REDACTION = "HIDDEN_DUE_TO_SECURITY_REASONS"
REDACTIONS = (CODEPIPELINE_REDACTION, CLOUDTRAIL_REDACTION)


def is_redaction(value: object) -> bool:
    """Return whether *value* is exactly what AWS returns; other asterisks are a placeholder that a person wrote."""
    return value in REDACTIONS


def holds_redaction(document: Mapping[str, object]) -> bool:
    """Return whether a pipeline's structure contains a redaction where AWS puts it.

    CodePipeline redacts the properties that an action type declares as secret. The types of AWS declare none that could
    have another name than a secret's. The same text anywhere else is only text and does not prevent a remediation.
    """
    return any(
        is_redaction(value) and (not _is_owned_by_aws(action) or sensitivity_of(str(key)) is not Sensitivity.NONE)
        for action in _actions(document)
        for key, value in _mapping(action.get("configuration")).items()
    )


def _actions(document: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    for stage in _list(document.get("stages")):
        yield from map(_mapping, _list(_mapping(stage).get("actions")))


def _is_owned_by_aws(action: Mapping[str, object]) -> bool:
    return _mapping(action.get("actionTypeId")).get("owner") == "AWS"


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []
