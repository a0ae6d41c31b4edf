"""The functions' modules: what importing one does, which a snapshot of it would freeze."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
IMPORTED = """
import os, socket, sys
class Closed(socket.socket):
    def __init__(self, *_, **__):
        raise AssertionError("a connection was made")
socket.socket = Closed
sys.path.insert(0, "functions")
import {module}
from pipeseal.aws import clients
assert not clients._made.cache_info().currsize, "a client was made"
assert not clients._session.cache_info().currsize, "credentials were looked for"
assert not {module}.world.cache_info().currsize, "the settings were read"
"""


@pytest.mark.parametrize("module", sorted(path.stem for path in (ROOT / "functions").glob("*.py")))
def test_importing_a_function_reaches_nothing(module: str) -> None:
    """No client, no credentials, no settings: they are made on the first event, in the environment of that moment."""
    code = IMPORTED.format(module=module)
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], cwd=ROOT, env={}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
