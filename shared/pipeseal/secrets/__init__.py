"""Detection of literal secrets in pipelines, variables and text; a finding tells where a secret is, never its value.

The search is loaded when a function of this package is first used: most events read no text, and its patterns take
longer to load than the rest of pipeseal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeseal.discovery import load

if TYPE_CHECKING:
    from pipeseal.secrets.findings import SecretFinding
    from pipeseal.secrets.search import in_pipeline, in_structure, in_tags, in_text, in_variables

__all__ = ["SecretFinding", "in_pipeline", "in_structure", "in_tags", "in_text", "in_variables"]


def __getattr__(name: str) -> object:
    """Return a public name of this package; raise AttributeError for any other."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(load(__name__, "search"), name)
    return found
