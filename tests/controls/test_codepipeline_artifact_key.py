"""CODEPIPELINE.ARTIFACT_KEY."""

from __future__ import annotations

import json
from itertools import permutations

import pytest
from hypothesis import given
from tests.resources import ACCOUNT, ARTIFACT_KEY, PIPELINES, REGION, SETTINGS, document, key, pipeline

from pipeseal.controls import controls_of
from pipeseal.controls.codepipeline_artifact_key import CONTROL
from pipeseal.kinds.key.value import Key, UnreadableKey
from pipeseal.kinds.pipeline.value import Pipeline
from pipeseal.model import Kind, Reason
from pipeseal.settings import Settings

NAMED = "1c3a5e7f-0b2d-4f68-9ace-13579bdf2468"
REQUIRED = Settings(require_customer_key=True)
WITH_KEY = Settings(require_customer_key=True, artifact_keys={REGION: ARTIFACT_KEY})
READABLE_KEY = {(REGION, ARTIFACT_KEY): key()}


@pytest.mark.parametrize(
    "name",
    [NAMED, f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{NAMED}", f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/harbor"],
    ids=["key ID", "key ARN", "alias ARN"],
)
@pytest.mark.parametrize("found", [None, key(), UnreadableKey("could not be read", missing=False)])
def test_a_customer_managed_key_is_compliant(name: str, found: Key | UnreadableKey | None) -> None:
    """Every form of the name is compliant; an unread key is reported by CODEPIPELINE.SYMMETRIC_KEY."""
    keys = {(REGION, name): found} if found else {}
    assert CONTROL.reasons(pipeline(document((REGION, "harbor", name)), keys=keys), REQUIRED) == ()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("", None),
        ("alias/aws/s3", None),
        (f"arn:aws-cn:kms:cn-north-1:{ACCOUNT}:alias/aws/codepipeline", None),
        (NAMED, key(manager="AWS")),
    ],
    ids=["no key", "AWS managed alias", "AWS managed alias ARN", "AWS managed key"],
)
def test_an_aws_managed_key_is_a_violation(name: str, found: Key | None) -> None:
    """The reason names the Region of the store and has the path of its key; by default nothing is checked."""
    stored = pipeline(document((REGION, "harbor", name)), keys={(REGION, name): found} if found else {})
    (reason,) = CONTROL.reasons(stored, REQUIRED)
    assert isinstance(reason, Reason)
    assert (REGION in reason, reason.path) == (True, "artifactStore.encryptionKey")
    assert CONTROL.fix(stored, REQUIRED) is stored
    assert CONTROL.reasons(stored, Settings()) == (), "off by default"


def test_each_store_gets_the_artifact_key_of_its_region() -> None:
    """A store in a Region without a key in ArtifactKeyArn is only reported."""
    both = pipeline(document((REGION, "harbor", ""), ("eu-west-1", "harbor-west", "")), keys=READABLE_KEY)
    assert [reason.path for reason in CONTROL.reasons(both, WITH_KEY) if isinstance(reason, Reason)] == [
        f"artifactStores.{region}.encryptionKey" for region in (REGION, "eu-west-1")
    ]
    fixed = CONTROL.fix(both, WITH_KEY)
    assert [store.key for store in fixed.stores] == [ARTIFACT_KEY, ""]


@given(stored=PIPELINES, settings=SETTINGS)
def test_pipeline_controls_commute_in_what_they_write(stored: Pipeline, settings: Settings) -> None:
    """Two controls write keys and two write the transition: the written state is the same in any order."""
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
        {"keys": READABLE_KEY, "locked": "AWS redacted a token in it"},
        {"keys": {(REGION, ARTIFACT_KEY): key(status="Disabled")}},
        {"keys": {(REGION, ARTIFACT_KEY): UnreadableKey("could not be read", missing=False)}},
        {},
    ],
    ids=["redacted token", "artifact key disabled", "artifact key not readable", "artifact key not read"],
)
def test_an_unsafe_update_is_only_reported(fields: dict[str, object]) -> None:
    """The pipeline is not changed if the update could break it."""
    stored = pipeline(document(), **fields)
    assert CONTROL.fix(stored, WITH_KEY) is stored
    assert CONTROL.reasons(stored, WITH_KEY)
