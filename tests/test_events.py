"""The event patterns of template.yaml in moto's engine, and the sample events; tests/e2e asks a second engine."""

from __future__ import annotations

import json
import re

import pytest
from tests.event_cases import PATTERNS, SAMPLES, cases

from pipeseal.cloudtrail import subjects
from pipeseal.sandbox.rules import matcher

CASES = list(cases())


def test_patterns_match_exactly_the_right_events() -> None:
    """Every sample in every guise: whoever did it, whatever else the record holds; no look-alike, no refused call."""
    matchers = {name: [matcher(pattern) for pattern in patterns] for name, patterns in PATTERNS.items()}
    wrong = [
        f"{case.name}: {sorted(heard)}"
        for case in CASES
        if (heard := {name for name, rules in matchers.items() if any(matches(case.event) for matches in rules)})
        != case.functions
    ]
    assert wrong == []


def test_no_pattern_asks_who_did_it() -> None:
    """So neither root, nor an IAM user, nor an unknown identity walks by; our own calls come back and find all well."""
    assert "userIdentity" not in json.dumps(PATTERNS)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_for_one_function_and_named_after_its_call(name: str) -> None:
    """`sam local invoke FUNCTION --event events/NAME.json` makes sense for it, and it names a resource."""
    sample = SAMPLES[name]
    assert re.sub(r"(?<!^)(?=[A-Z])", "_", sample["detail"]["eventName"]).lower() == name
    (plain,) = (case for case in CASES if case.name == f"{name}: as it is")
    assert len(plain.functions) == 1
    assert subjects(sample)


def test_every_call_that_a_rule_names_has_a_sample() -> None:
    """No rule is without an event to try it with."""
    named = {name for patterns in PATTERNS.values() for pattern in patterns for name in pattern["detail"]["eventName"]}
    assert named == {sample["detail"]["eventName"] for sample in SAMPLES.values()}
