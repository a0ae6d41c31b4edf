"""The documentation shows what the program prints and what the code says, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.docs.blocks import ROOT, CommandFailed, documents, refresh, with_constants

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
README_LINES = 200


@pytest.mark.parametrize("page", documents(), ids=lambda page: page.name)
def test_the_blocks_of_a_page_are_up_to_date(page: Path) -> None:
    """Each block that needs no account equals what `make docs` would write."""
    text = page.read_text("utf-8")
    assert refresh(text, account=None) == text, "run: make docs"


def test_the_readme_shows_output_and_a_table() -> None:
    """The pages with blocks include the README, so that the test above covers it."""
    assert ROOT / "README.md" in documents()


def test_the_readme_is_one_page() -> None:
    """A newcomer reads at most 200 lines; the rest is in docs/."""
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= README_LINES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_links_of_a_page_lead_to_files(page: Path) -> None:
    """Each relative link names a file of the project."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_files_that_a_page_names_exist(page: Path) -> None:
    """Each path in code font that begins with a folder of the project names a file or folder."""
    folders = "shared|functions|events|tests|docs|bench"
    named = re.findall(rf"`((?:{folders})/[\w./-]*)`", page.read_text("utf-8"))
    imaginary = ("repository", "ecr", "example", "EXAMPLE")
    missing = [name for name in named if not (ROOT / name).exists() and not any(word in name for word in imaginary)]
    assert missing == []


def test_a_block_that_needs_an_account_stays_without_one() -> None:
    """Its output stays as `make docs` wrote it."""
    text = "<!-- output on the embedded account: exit 7 -->\nold\n<!-- /output -->"
    assert refresh(text, account=None) == text


def test_a_command_that_fails_is_named() -> None:
    """A command with an unexpected exit status is an error, not an output."""
    text = "<!-- output: echo no >&2; exit 7 -->\n<!-- /output -->"
    with pytest.raises(CommandFailed, match=r"exit 7: exit status 7: no$"):
        refresh(text, account=None)


def test_variable_parts_become_constant() -> None:
    """Two IDs stay two, an ID that appears twice stays one, and a second pass changes nothing."""
    first, second = "20260302T112009Z-0123456789", "20260302T112010Z-0123456789"
    line = f"{first} {second} {first} http://127.0.0.1:41234 2026-03-02 11:20 UTC 0.07 s"
    constant = with_constants(line)
    one, two, same, *others = constant.split()
    assert one == same != two
    assert others == ["http://127.0.0.1:50005", "2026-11-21", "09:30", "UTC", "0.1", "s"]
    assert with_constants(constant) == constant
