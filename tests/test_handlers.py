"""The modules of the functions: importing one must not create what a SnapStart snapshot would keep."""

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
        raise AssertionError("a connection was opened")
socket.socket = Closed
sys.path.insert(0, "functions")
import {module}
from pipeseal.aws import clients
assert not clients._created.cache_info().currsize, "a client was created"
assert not clients._session.cache_info().currsize, "credentials were searched for"
assert not {module}.runtime.cache_info().currsize, "the settings were read"
"""


@pytest.mark.parametrize("module", sorted(path.stem for path in (ROOT / "functions").glob("*.py")))
def test_importing_a_function_makes_no_connection(module: str) -> None:
    """Clients, credentials and settings are created with the first event, from the environment at that time."""
    code = IMPORTED.format(module=module)
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], cwd=ROOT, env={}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
