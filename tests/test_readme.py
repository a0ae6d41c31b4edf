"""The README shows what the program really prints."""

from __future__ import annotations

import pytest
from tests.readme import README, Unprintable, fresh, settle


def test_the_readme_shows_what_is_printed() -> None:
    """Each output that needs no account, word for word; `make readme` brings it up to date."""
    text = README.read_text("utf-8")
    assert "<!-- output: pipeseal " in text
    assert fresh(text, account=None) == text, "run: make readme"


def test_what_needs_an_account_is_left_without_one() -> None:
    """Its output stays as `make readme` wrote it."""
    text = "<!-- output on the embedded account: exit 7 -->\nold\n<!-- /output -->"
    assert fresh(text, account=None) == text


def test_a_command_that_fails_is_named() -> None:
    """Nothing is written down that is no answer."""
    text = "<!-- output: echo no >&2; exit 7 -->\n<!-- /output -->"
    with pytest.raises(Unprintable, match=r"exit 7: exit status 7: no$"):
        fresh(text, account=None)


def test_what_differs_from_run_to_run_is_settled() -> None:
    """Two ids stay two, one that comes twice stays one, and a second time nothing changes."""
    first, second = "20260302T112009Z-0123456789", "20260302T112010Z-0123456789"
    line = f"{first} {second} {first} http://127.0.0.1:41234 2026-03-02 11:20 UTC 0.07 s"
    settled = settle(line)
    one, two, again, *others = settled.split()
    assert one == again != two
    assert others == ["http://127.0.0.1:50005", "2026-11-21", "09:30", "UTC", "0.1", "s"]
    assert settle(settled) == settled
