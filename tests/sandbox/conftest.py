"""An embedded account, opened once for a module: opening it costs half a second."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeseal.sandbox.account import Account


@pytest.fixture(scope="module")
def embedded() -> Iterator[Account]:
    """Return an open account with the stack in it."""
    with Account() as account:
        yield account
