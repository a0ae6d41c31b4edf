"""Laws of state for every kind: what the ledger keeps of a resource is enough to restore it."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.resources import RESOURCES, SETTINGS

from pipeseal.model import Kind
from pipeseal.remediation.planning import make_plan
from pipeseal.settings import Settings

every_kind = pytest.mark.parametrize("kind", list(RESOURCES))


@every_kind
@given(data=st.data())
def test_with_state_is_the_inverse_of_state(kind: Kind, data: st.DataObject) -> None:
    """A resource with its own state is the resource, field by field."""
    resource = data.draw(RESOURCES[kind])
    again = resource.with_state(resource.state())
    assert again.state() == resource.state()
    assert all(getattr(again, field.name) == getattr(resource, field.name) for field in fields(resource))
    assert again.same_as(resource)


@every_kind
@given(data=st.data(), settings=SETTINGS)
def test_a_remediation_can_be_undone(kind: Kind, data: st.DataObject, settings: Settings) -> None:
    """The remediated resource with the state from before equals the resource from before, and the other way round."""
    plan = make_plan(data.draw(RESOURCES[kind]), settings)
    assert plan.after.with_state(plan.before.state()) == plan.before
    assert plan.before.with_state(plan.after.state()).state() == plan.after.state()


@every_kind
@given(data=st.data(), settings=SETTINGS)
def test_every_change_is_described(kind: Kind, data: st.DataObject, settings: Settings) -> None:
    """A remediation and its undo have printable steps, and no change has none."""
    plan = make_plan(data.draw(RESOURCES[kind]), settings)
    # A resource is planned with its details: the transition was read, and a key is not Creating any more.
    assume(getattr(plan.before, "transition", True) and getattr(plan.before, "status", "") != "Creating")
    for one, other in ((plan.before, plan.after), (plan.after, plan.before)):
        _, steps = one.describe_change(other)
        assert bool(steps) == (one.state() != other.state())
        assert all(step.isprintable() for step in steps)


@every_kind
@given(data=st.data(), settings=SETTINGS)
def test_an_exempted_control_changes_nothing(kind: Kind, data: st.DataObject, settings: Settings) -> None:
    """An exempted control has its finding, changes nothing, and leaves the findings of the others as they are."""
    resource = data.draw(RESOURCES[kind])
    full = make_plan(resource, settings)
    for finding in full.findings:
        plan = make_plan(resource, settings, {finding.control.id})
        assert [each.control.id for each in plan.exempted] == [finding.control.id]
        others = [each.control.id for each in full.findings if each is not finding]
        assert [each.control.id for each in plan.findings] == others
    assert make_plan(resource, settings, {each.control.id for each in full.findings}).after is resource
