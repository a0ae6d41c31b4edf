"""The laws that every control holds, for every resource of its kind."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.resources import RESOURCES, SETTINGS

from pipeseal.controls import controls_of
from pipeseal.decide import decide
from pipeseal.model import Control, Kind
from pipeseal.model.pipeline import Pipeline
from pipeseal.settings import Mode, Settings

KINDS = [kind for kind in Kind if controls_of(kind)]
CONTROLS = list({control.id: control for kind in KINDS for control in controls_of(kind)}.values())
every_control = pytest.mark.parametrize("control", CONTROLS, ids=[control.id for control in CONTROLS])
every_kind = pytest.mark.parametrize("kind", KINDS)
# What each kind of resource may have written; all else must come through untouched.
WRITABLE = {
    Kind.BUCKET: {"policy", "encryption"},
    Kind.KEY: {"status", "window", "rotates"},
    Kind.PIPELINE: {"document", "transition"},
    Kind.APPLICATION: set(),
    Kind.PROJECT: {"document"},
    Kind.TRAIL: {"logging", "selectors"},
}


def resource_of(data: st.DataObject, kind: Kind) -> Any:
    """Draw any resource of *kind*."""
    return data.draw(RESOURCES[kind])


@every_control
@given(data=st.data(), settings=SETTINGS)
def test_fixing_twice_is_fixing_once(control: Control, data: st.DataObject, settings: Settings) -> None:
    """A fixed resource is a fixed point, so our own change, coming back as an event, does nothing."""
    fixed = control.fix(resource_of(data, data.draw(st.sampled_from(control.kinds))), settings)
    assert control.fix(fixed, settings) == fixed


@every_control
@given(data=st.data(), settings=SETTINGS)
def test_a_change_has_a_reason(control: Control, data: st.DataObject, settings: Settings) -> None:
    """What is not wrong is not touched, not even by an equal value; what is wrong is said in sentences."""
    resource = resource_of(data, data.draw(st.sampled_from(control.kinds)))
    reasons = control.reasons(resource, settings)
    assert reasons or control.fix(resource, settings) is resource
    assert all(reason.endswith(".") and reason.isprintable() for reason in reasons)


@every_kind
@given(data=st.data(), settings=SETTINGS)
def test_the_order_of_controls_does_not_matter(kind: Kind, data: st.DataObject, settings: Settings) -> None:
    """Controls of one kind commute: whichever comes first, the resource ends the same in all that they judge."""
    resource = resource_of(data, kind)
    ends = []
    for order in (controls_of(kind), data.draw(st.permutations(controls_of(kind)))):
        end = resource
        for control in order:
            end = control.fix(end, settings)
        ends.append([control.reasons(end, settings) for control in controls_of(kind)])
    assert ends[0] == ends[1]


@every_kind
@given(data=st.data(), settings=SETTINGS)
def test_only_the_violation_is_changed(kind: Kind, data: st.DataObject, settings: Settings) -> None:
    """Whatever a control is not about stays: every field it may not write, and a pipeline's structure but its keys."""
    before = resource_of(data, kind)
    after = decide(before, settings).after
    kept = [field.name for field in fields(before) if field.name not in WRITABLE[kind]]
    assert [getattr(before, name) for name in kept] == [getattr(after, name) for name in kept]
    if isinstance(before, Pipeline):
        others = {name for name in before.document if name not in ("artifactStore", "artifactStores")}
        assert {name: before.document[name] for name in others} == {name: after.document[name] for name in others}


@every_kind
@given(data=st.data(), settings=SETTINGS)
def test_detect_mode_changes_nothing(kind: Kind, data: st.DataObject, settings: Settings) -> None:
    """In detect mode everything is found and proposed, and nothing is to be written."""
    before = resource_of(data, kind)
    watching = Settings(
        mode=Mode.DETECT, **{f.name: getattr(settings, f.name) for f in fields(settings) if f.name != "mode"}
    )
    enforced, watched = decide(before, settings), decide(before, watching)
    assert watched.after is before
    assert watched.wanted == enforced.after
    assert [f.reasons for f in watched.findings] == [f.reasons for f in enforced.findings]


@every_control
@given(data=st.data())
def test_a_control_that_is_off_is_silent(control: Control, data: st.DataObject) -> None:
    """Off means off: neither a finding nor a change of it."""
    plan = decide(
        resource_of(data, data.draw(st.sampled_from(control.kinds))), Settings(control_modes={control.id: Mode.OFF})
    )
    assert control.id not in [finding.control.id for finding in plan.findings]


@every_control
def test_id_file_and_test_agree(control: Control) -> None:
    """S3.TLS lives in s3_tls.py and is tested in test_s3_tls.py, so that either is found from the other."""
    name = control.id.lower().replace(".", "_")
    assert control.reasons.__module__ == f"pipeseal.controls.{name}"
    assert (Path(__file__).parent / f"test_{name}.py").is_file()


@every_control
def test_a_control_tells_what_a_person_needs(control: Control) -> None:
    """Title, advice, AWS document and permissions are there and well formed."""
    assert re.fullmatch(r"[A-Z0-9]+\.[A-Z_]+", control.id)
    assert control.title
    assert control.advice.endswith(".")
    assert control.source.startswith("https://docs.aws.amazon.com/")
    assert all(re.fullmatch(r"[a-z0-9]+:[A-Za-z]+", permission) for permission in control.permissions)
