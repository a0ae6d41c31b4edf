"""Names and ARNs of every kind: an ARN gives back the kind and the name that it was made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.resources import ACCOUNT

from pipeseal.kinds.registry import Kind
from pipeseal.model import Ref, kind_and_name

NAMES = st.text(st.characters(codec="utf-8"), min_size=1) | st.from_regex(r"[a-z]+([/:][a-z/:]*)+", fullmatch=True)
REGIONS = st.sampled_from(["us-east-1", "cn-north-1", "us-gov-west-1", "eu-isoe-west-1"])

every_kind = pytest.mark.parametrize("kind", Kind)


@every_kind
@given(name=NAMES, region=REGIONS)
def test_an_arn_gives_back_kind_and_name(kind: Kind, name: str, region: str) -> None:
    """In every partition an ARN is parsed into kind and name, with slashes and colons in the name."""
    assert kind_and_name(Ref(kind, ACCOUNT, region, name).arn) == (kind, name)


@every_kind
@given(name=st.data())
def test_names_that_the_service_accepts_are_given_back(kind: Kind, name: st.DataObject) -> None:
    """The ARN of every name that matches the kind's pattern gives back the name."""
    accepted = name.draw(st.from_regex(kind.spec.name_pattern, fullmatch=True))
    assert kind_and_name(Ref(kind, ACCOUNT, "us-east-1", accepted).arn) == (kind, accepted)


@every_kind
@pytest.mark.parametrize("prefix", ["key/", "application:", "project/", "trail/"])
def test_a_name_may_begin_with_the_prefix_of_a_kind(kind: Kind, prefix: str) -> None:
    """Only the first prefix belongs to the ARN; the same text in the name is kept."""
    assert kind_and_name(Ref(kind, ACCOUNT, "us-east-1", f"{prefix}harbor").arn) == (kind, f"{prefix}harbor")


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "harbor",
        "arn:aws:s3",
        "urn:aws:s3:::harbor",
        f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/harbor",
        f"arn:aws:codebuild:us-east-1:{ACCOUNT}:build/harbor:1",
        f"arn:aws:codedeploy:us-east-1:{ACCOUNT}:deploymentgroup:harbor/production",
        f"arn:aws:iam::{ACCOUNT}:role/harbor",
    ],
)
def test_other_arns_are_of_no_kind(arn: str) -> None:
    """Texts that are no ARN, other services and other resources of a service have no kind."""
    assert kind_and_name(arn) is None
