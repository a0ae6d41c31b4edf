"""The code snippets of a resource of any kind: what its owner's CloudFormation or Terraform code must contain; pure.

They are derived from the resource before and after its controls, so that only controls define what must change.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from pipeseal import kinds
from pipeseal.discovery import load
from pipeseal.model import R
from pipeseal.snippets.part import SnippetPart
from pipeseal.snippets.quoting import ascii_line
from pipeseal.snippets.rendering import Snippets, render
from pipeseal.text import conjoin


def snippets_for(before: R, after: R, controls: Collection[str]) -> Snippets:
    """Return the code that turns *before* into *after*, with only what is missing.

    *controls* are the IDs of the controls that require it; there is at least one.

    Each text is printable ASCII of at most 8,000 characters; both are empty where nothing is missing.
    """
    kind, name = before.ref.kind, ascii_line(before.ref.name)
    parts: Callable[[R, R], Iterator[SnippetPart]] = load(kinds.__name__, f"{kind}.snippets").parts
    title = (
        f"{kind.capitalize()} {name}: changes required by {conjoin(sorted(controls))}. Merge them into the resources "
        "that your code defines; keep everything else in these resources."
    )
    _, steps = before.describe_change(after)
    return render(title, tuple(parts(before, after)), f"{'; '.join(steps)}.")
