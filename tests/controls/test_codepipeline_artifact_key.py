"""CODEPIPELINE.ARTIFACT_KEY by cases."""

from __future__ import annotations

import json
from itertools import permutations

import pytest
from hypothesis import given
from tests.resources import ACCOUNT, ARTIFACT_KEY, PIPELINES, REGION, SETTINGS, document, key, pipeline

from pipeseal.controls import controls_of
from pipeseal.controls.codepipeline_artifact_key import CONTROL
from pipeseal.model import Kind, Reason
from pipeseal.model.key import Key, Unread
from pipeseal.model.pipeline import Pipeline
from pipeseal.settings import Settings

NAMED = "1c3a5e7f-0b2d-4f68-9ace-13579bdf2468"
ASKED = Settings(require_customer_key=True)
WITH_KEY = Settings(require_customer_key=True, artifact_keys={REGION: ARTIFACT_KEY})
OPERATORS = {(REGION, ARTIFACT_KEY): key()}


@pytest.mark.parametrize(
    "name",
    [NAMED, f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{NAMED}", f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/harbor"],
    ids=["id", "key ARN", "alias ARN"],
)
@pytest.mark.parametrize("found", [None, key(), Unread("could not be read", missing=False)])
def test_a_customers_key_counts_by_every_name(name: str, found: Key | Unread | None) -> None:
    """What cannot be read is another control's matter; offline nothing is read at all."""
    keys = {(REGION, name): found} if found else {}
    assert CONTROL.reasons(pipeline(document((REGION, "harbor", name)), keys=keys), ASKED) == ()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("", None),
        ("alias/aws/s3", None),
        (f"arn:aws-cn:kms:cn-north-1:{ACCOUNT}:alias/aws/codepipeline", None),
        (NAMED, key(manager="AWS")),
    ],
    ids=["none", "alias of AWS", "alias ARN of AWS", "managed by AWS"],
)
def test_a_key_of_awss_does_not_count(name: str, found: Key | None) -> None:
    """The reason names the store and leads to the place."""
    stored = pipeline(document((REGION, "harbor", name)), keys={(REGION, name): found} if found else {})
    (reason,) = CONTROL.reasons(stored, ASKED)
    assert isinstance(reason, Reason)
    assert (REGION in reason, reason.path) == (True, "artifactStore.encryptionKey")
    assert CONTROL.fix(stored, ASKED) is stored
    assert CONTROL.reasons(stored, Settings()) == (), "only on request"


def test_each_store_gets_the_operators_key_of_its_region() -> None:
    """A store in a Region without one is only told of."""
    both = pipeline(document((REGION, "harbor", ""), ("eu-west-1", "harbor-west", "")), keys=OPERATORS)
    assert [reason.path for reason in CONTROL.reasons(both, WITH_KEY) if isinstance(reason, Reason)] == [
        f"artifactStores.{region}.encryptionKey" for region in (REGION, "eu-west-1")
    ]
    fixed = CONTROL.fix(both, WITH_KEY)
    assert [store.key for store in fixed.stores] == [ARTIFACT_KEY, ""]


@given(stored=PIPELINES, settings=SETTINGS)
def test_pipelines_end_alike_in_any_order_of_controls(stored: Pipeline, settings: Settings) -> None:
    """Two controls write keys and two the way into the second stage: all that is written commutes."""
    ends = set()
    for order in permutations(controls_of(Kind.PIPELINE)):
        end = stored
        for control in order:
            end = control.fix(end, settings)
        ends.add(json.dumps(end.state(), sort_keys=True))
    assert len(ends) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"keys": OPERATORS, "locked": "AWS masks a token in it"},
        {"keys": {(REGION, ARTIFACT_KEY): key(status="Disabled")}},
        {"keys": {(REGION, ARTIFACT_KEY): Unread("could not be read", missing=False)}},
        {},
    ],
    ids=["a masked token", "the operator's key is disabled", "the operator's key is unread", "nobody read it"],
)
def test_what_cannot_be_put_right_safely_is_only_told(fields: dict[str, object]) -> None:
    """No pipeline is broken for this."""
    stored = pipeline(document(), **fields)
    assert CONTROL.fix(stored, WITH_KEY) is stored
    assert CONTROL.reasons(stored, WITH_KEY)
