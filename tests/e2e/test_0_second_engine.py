"""The event patterns of template.yaml in a second engine, which shares no code with moto's."""

from __future__ import annotations

import json
import subprocess

from tests.e2e.cloud import ROOT
from tests.event_cases import PATTERNS, cases

_PYTHON = ROOT / ".venv-events/bin/python"


def test_a_second_engine_agrees_on_every_case() -> None:
    """LocalStack's engine, which treats arrays of objects differently from moto's, gives the same functions."""
    all_cases = list(cases())
    done = subprocess.run(  # noqa: S603 - our own program
        [_PYTHON, ROOT / "tests/e2e/second_engine.py"],
        input=json.dumps({"patterns": PATTERNS, "events": [case.event for case in all_cases]}),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    answers = zip(all_cases, json.loads(done.stdout), strict=True)
    assert [f"{case.name}: {functions}" for case, functions in answers if set(functions) != case.functions] == []
