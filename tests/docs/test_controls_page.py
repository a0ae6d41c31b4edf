"""docs/controls.md is generated from the controls."""

from __future__ import annotations

import re

from tests.docs.controls_page import PAGE, page

from pipeseal.controls import every_control

ROOT = PAGE.parents[1]


def test_the_page_is_up_to_date() -> None:
    """The file is what `make docs` writes."""
    assert PAGE.read_text("utf-8") == page(), "docs/controls.md is out of date; run: make docs"


def test_each_control_has_a_section_and_a_link_to_it() -> None:
    """The summary table links each control to its section."""
    text = page()
    sections = [heading for heading in re.findall(r"^## (.+)$", text, re.MULTILINE) if heading != "Requirements"]
    assert sections == [control.id for control in every_control()]
    links = re.findall(r"^\| \[(.+?)\]\(#(.+?)\) ", text, re.MULTILINE)
    assert links == [(name, name.lower().replace(".", "")) for name in sections]


def test_the_guide_quotes_the_example_as_it_is() -> None:
    """Each line of code in docs/adding-a-control.md is in the file that it shows, or shortened by "..."."""
    example = [
        *(ROOT / "shared/pipeseal/controls/kms_rotation.py").read_text("utf-8").splitlines(),
        *(ROOT / "tests/controls/test_kms_rotation.py").read_text("utf-8").splitlines(),
    ]
    guide = (ROOT / "docs/adding-a-control.md").read_text("utf-8")
    quoted = [line for block in re.findall(r"```python\n(.*?)```", guide, re.DOTALL) for line in block.splitlines()]
    assert quoted
    assert [line for line in quoted if "..." not in line and line not in example] == []
