"""An embedded account for the tests of one module: opening it takes half a second."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeseal.sandbox.account import EmbeddedAccount


@pytest.fixture(scope="module")
def embedded() -> Iterator[EmbeddedAccount]:
    """Return an open account with the stack deployed."""
    with EmbeddedAccount() as account:
        yield account
