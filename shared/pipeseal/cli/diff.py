"""A policy before and after, line by line, as a person reads a diff."""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import unified_diff
from typing import Any

from rich.text import Text

_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def policy_diff(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Text:
    """Return the unified diff of two policy documents, coloured; None is a bucket without a policy."""
    lines = list(unified_diff(_lines(before), _lines(after), n=3, lineterm=""))[2:]
    return Text("\n").join(Text(line, _STYLES.get(line[:1], "")) for line in lines)


def _lines(document: Mapping[str, Any] | None) -> list[str]:
    if document is None:
        return []
    # A lone statement becomes a list when ours joins it; shown as one from the start, it does not seem rewritten.
    statements = document.get("Statement")
    shown = {**document, "Statement": [statements] if isinstance(statements, dict) else statements}
    return json.dumps(shown, indent=2, ensure_ascii=False).splitlines()
