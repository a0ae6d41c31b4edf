"""Literal secrets as the reasons of a control."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pipeseal.model import Reason

if TYPE_CHECKING:
    from pipeseal.secrets import SecretFinding


def secret_reasons(findings: Iterable[SecretFinding]) -> Iterator[Reason]:
    """Yield a reason for each finding, with the path to the secret; no reason contains the secret."""
    return (Reason(found.message, found.path) for found in findings)
