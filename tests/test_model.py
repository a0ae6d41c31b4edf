"""The laws of state: what the ledger keeps of a resource is enough to put it back."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.resources import ACCOUNT, ARTIFACT_KEY, REGION, RESOURCES, SETTINGS, bucket, document, key, pipeline

from pipeseal.decide import decide
from pipeseal.model import Kind
from pipeseal.model.bucket import Bucket
from pipeseal.model.pipeline import Pipeline
from pipeseal.policy import Policy
from pipeseal.settings import Settings

every_kind = pytest.mark.parametrize("kind", list(RESOURCES))


@every_kind
@given(data=st.data())
def test_a_state_put_back_is_the_resource(kind: Kind, data: st.DataObject) -> None:
    """with_state is the inverse of state, and touches nothing else."""
    resource = data.draw(RESOURCES[kind])
    again = resource.with_state(resource.state())
    assert again.state() == resource.state()
    assert all(getattr(again, field.name) == getattr(resource, field.name) for field in fields(resource))
    assert again.same_as(resource)


@every_kind
@given(data=st.data(), settings=SETTINGS)
def test_what_was_put_right_can_be_put_back(kind: Kind, data: st.DataObject, settings: Settings) -> None:
    """The state before, given to the resource as it was put right, is the resource before to the letter."""
    plan = decide(data.draw(RESOURCES[kind]), settings)
    assert plan.after.with_state(plan.before.state()) == plan.before
    assert plan.before.with_state(plan.after.state()).state() == plan.after.state()


@every_kind
@given(data=st.data(), settings=SETTINGS)
def test_the_way_back_is_said_in_sentences(kind: Kind, data: st.DataObject, settings: Settings) -> None:
    """Either way, a change has sentences, and none has none."""
    plan = decide(data.draw(RESOURCES[kind]), settings)
    # Before it decides, reconcile asks for the transition and waits for the key.
    assume(getattr(plan.before, "transition", True) and getattr(plan.before, "status", "") != "Creating")
    for one, other in ((plan.before, plan.after), (plan.after, plan.before)):
        _, steps = one.changed(other)
        assert bool(steps) == (one.state() != other.state())
        assert all(step.isprintable() for step in steps)


@every_kind
@given(data=st.data(), settings=SETTINGS)
def test_what_is_excused_is_not_put_right(kind: Kind, data: st.DataObject, settings: Settings) -> None:
    """An excused control finds what it found, changes nothing, and leaves the others as they are without it."""
    resource = data.draw(RESOURCES[kind])
    full = decide(resource, settings)
    for finding in full.findings:
        plan = decide(resource, settings, {finding.control.id})
        assert [each.control.id for each in plan.spared] == [finding.control.id]
        others = [each.control.id for each in full.findings if each is not finding]
        assert [each.control.id for each in plan.findings] == others
    assert decide(resource, settings, {each.control.id for each in full.findings}).after is resource


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
_STORE = _ANY | st.fixed_dictionaries({}, optional={"location": _ANY, "type": st.just("S3"), "encryptionKey": _ANY})
_ODD = st.fixed_dictionaries(
    {"roleArn": _ANY},
    optional={
        "name": _ANY,
        "artifactStore": _STORE,
        "artifactStores": _ANY | st.dictionaries(st.sampled_from([REGION, "eu-west-1", "?"]), _STORE, max_size=2),
        "stages": _ANY | st.lists(_ANY | st.fixed_dictionaries({"name": _ANY, "actions": _ANY}), max_size=3),
        "variables": _ANY,
        "triggers": _ANY,
    },
)


@given(odd=_ODD, settings=SETTINGS)
def test_an_odd_structure_is_judged_as_far_as_it_can_be_read(odd: dict[str, object], settings: Settings) -> None:
    """Nulls and wrong types anywhere: nothing raises, and the state is enough to put back what it holds."""
    before = pipeline(odd, keys={(REGION, ARTIFACT_KEY): key()})
    plan = decide(before, settings)
    assert plan.after.with_state(before.state()).same_as(before)
    assert len(list(before.uses())) >= len(before.stores)
    assert all(text.path for text in before.texts())
    before.changed(plan.after)


def test_policies_are_the_same_as_s3_gives_them_back() -> None:
    """S3 makes a list of one value a value, and changes the order of others."""
    statement = {"Sid": "A", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Resource": "*"}
    ours, theirs = bucket({**statement, "Action": ["s3:GetObject"]}), bucket({**statement, "Action": "s3:GetObject"})
    assert ours != theirs
    assert ours.same_as(theirs)


def test_a_scheduled_deletion_is_the_same_without_its_days() -> None:
    """KMS does not say how many days were asked for; a primary waits for its replicas."""
    asked = key(status="PendingDeletion", window=30)
    assert asked.same_as(key(status="PendingDeletion"))
    assert asked.same_as(key(status="PendingReplicaDeletion"))
    assert not asked.same_as(key(status="Disabled"))


def test_a_store_without_a_key_gets_none_back() -> None:
    """A store that named no key has no encryptionKey afterwards, rather than an empty one."""
    before = pipeline(document((REGION, "harbor", "")))
    after = before.with_keys({REGION: ARTIFACT_KEY})
    assert isinstance(after, Pipeline)
    assert after.with_state(before.state()).document == before.document


def test_a_bucket_without_a_policy_has_none_again() -> None:
    """None is put back as None, and so deleted rather than written empty."""
    sealed = decide(bucket(), Settings()).after
    assert isinstance(sealed, Bucket)
    assert sealed.with_state(bucket().state()).policy == Policy.parse(None)
