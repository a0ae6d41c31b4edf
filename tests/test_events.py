"""The event patterns of template.yaml in moto's engine, and the sample events; tests/e2e has a second engine."""

from __future__ import annotations

import json
import re

import pytest
from tests.event_cases import PATTERNS, SAMPLES, cases

from pipeseal.kinds.cloudtrail import subjects, trigger_calls
from pipeseal.sandbox.event_rules import pattern_matcher

CASES = list(cases())


def test_patterns_match_exactly_the_right_events() -> None:
    """Rules match each sample with any caller and other fields; they match no failed call and no similar event."""
    matchers = {name: [pattern_matcher(pattern) for pattern in patterns] for name, patterns in PATTERNS.items()}
    wrong = [
        f"{case.name}: {sorted(matched)}"
        for case in CASES
        if (matched := {name for name, rules in matchers.items() if any(matches(case.event) for matches in rules)})
        != case.functions
    ]
    assert wrong == []


def test_no_pattern_depends_on_the_caller() -> None:
    """Calls by root, an IAM user or an unknown identity match as well; pipeseal's own calls return as events."""
    assert "userIdentity" not in json.dumps(PATTERNS)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_has_one_function_and_the_name_of_its_call(name: str) -> None:
    """Each file in events/ is for `sam local invoke` of one function, has its call's name, and names a resource."""
    sample = SAMPLES[name]
    assert re.sub(r"(?<!^)(?=[A-Z])", "_", sample["detail"]["eventName"]).lower() == name
    (unchanged,) = (case for case in CASES if case.name == f"{name}: unchanged")
    assert len(unchanged.functions) == 1
    assert subjects(sample)


def test_every_call_that_a_rule_names_has_a_sample() -> None:
    """Each call in a rule has a sample event."""
    named = {name for patterns in PATTERNS.values() for pattern in patterns for name in pattern["detail"]["eventName"]}
    assert named == {sample["detail"]["eventName"] for sample in SAMPLES.values()}


def test_the_rules_name_exactly_the_calls_that_the_kinds_declare() -> None:
    """The calls in the template's rules are the triggers of the kinds: none is missing, none is without code."""
    named = {
        (source, name)
        for patterns in PATTERNS.values()
        for pattern in patterns
        for source in pattern["detail"]["eventSource"]
        for name in pattern["detail"]["eventName"]
    }
    assert named == trigger_calls()
