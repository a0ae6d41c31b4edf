"""Redactions: the text that AWS returns in place of a secret value that it stores."""

from __future__ import annotations

import re

CODEPIPELINE_REDACTION = "****"
CLOUDTRAIL_REDACTION = "HIDDEN_DUE_TO_SECURITY_REASONS"
REDACTIONS = (CODEPIPELINE_REDACTION, CLOUDTRAIL_REDACTION)


def is_redacted(value: str) -> bool:
    """Return whether *value* is a redaction and nothing else; three asterisks or more count as one."""
    return re.fullmatch(rf"\*{{3,}}|{CLOUDTRAIL_REDACTION}", value.strip()) is not None


def is_codepipeline_redaction(value: str) -> bool:
    """Return whether *value* consists of four asterisks or more, without surrounding space."""
    return value.startswith(CODEPIPELINE_REDACTION) and not value.strip("*")


def holds_redaction(text: str) -> bool:
    """Return whether *text*, such as a document as JSON, contains a redaction anywhere."""
    return any(redaction in text for redaction in REDACTIONS)
