"""The event patterns of template.yaml once more, in an engine that shares nothing with moto's."""

from __future__ import annotations

import json
import subprocess

from tests.e2e.cloud import ROOT
from tests.event_cases import PATTERNS, cases

_PYTHON = ROOT / ".venv-events/bin/python"


def test_a_second_engine_agrees_on_every_case() -> None:
    """LocalStack's, which knows arrays of objects otherwise than moto's."""
    asked = list(cases())
    done = subprocess.run(  # noqa: S603 - our own program
        [_PYTHON, ROOT / "tests/e2e/second_engine.py"],
        input=json.dumps({"patterns": PATTERNS, "events": [case.event for case in asked]}),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    answers = zip(asked, json.loads(done.stdout), strict=True)
    assert [f"{case.name}: {heard}" for case, heard in answers if set(heard) != case.functions] == []
