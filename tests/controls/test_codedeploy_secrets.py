"""CODEDEPLOY.SECRETS."""

from __future__ import annotations

from typing import Any

import pytest
from tests.resources import application, revision

from pipeseal.controls.codedeploy_secrets import CONTROL
from pipeseal.model import Reason
from pipeseal.settings import Settings

SECRET = "Hunter2-made-up-7"
HOOKED = f"""version: 0.0
hooks:
  AfterInstall:
    - location: scripts/migrate.sh
      DB_PASSWORD: {SECRET}
"""


def found(*revisions: dict[str, Any]) -> tuple[str, ...]:
    """Return the reasons for an application with these revisions."""
    return CONTROL.reasons(application(*revisions), Settings())


@pytest.mark.parametrize("name", ["string", "appSpecContent"])
def test_a_secret_in_appspec_content_is_reported(name: str) -> None:
    """YAML and JSON are checked in both fields; a hash identifies the content, and the secret is not shown."""
    texts = (HOOKED, f'{{"Resources": [{{"fn": {{"Properties": {{"ApiToken": "{SECRET}"}}}}}}]}}')
    reasons = found(*(revision(text, name) for text in texts))
    assert len(reasons) == len(texts)
    for number, reason in enumerate(reasons):
        assert isinstance(reason, Reason)
        assert reason.path.startswith(f"revisions[{number}].{name}.content")
        assert reason.startswith("AppSpec text with the SHA-256 ")
        assert SECRET not in reason + reason.path


def test_credentials_in_a_github_location_are_reported() -> None:
    """A repository URL can contain credentials."""
    place = {"repository": f"https://ada:{SECRET}@github.com/acme/harbor", "commitId": "0" * 40}
    (reason,) = found({"revisionType": "GitHub", "gitHubLocation": place})
    assert reason.startswith("GitHub revision 0000000, repository: credentials in a URL")
    assert SECRET not in reason


@pytest.mark.parametrize(
    "compliant",
    [
        revision(bucket="harbor", key="token/app.zip", eTag="9f2c1e4b7a60d835c1f04e92b6a8d371"),
        {"gitHubLocation": {"repository": "acme/harbor", "commitId": "5d1c0ff" * 5 + "eeeee"}},
        revision("version: 0.0\nResources:\n  - fn:\n      Type: AWS::Lambda::Function\n"),
        {"revisionType": "String", "string": {"sha256": "ab" * 32}},
        {"revisionType": "S3", "s3Location": None},
        {},
    ],
    ids=["S3", "GitHub", "AppSpec", "content not shown", "null", "empty"],
)  # fmt: skip
def test_other_revisions_are_compliant(compliant: dict[str, Any]) -> None:
    """Hashes, commit IDs, references and missing fields are not secrets."""
    assert found(compliant) == ()


def test_a_duplicate_revision_is_one_reason() -> None:
    """A revision can be both registered and deployed; the reason does not depend on its position."""
    assert found(revision(HOOKED), revision(HOOKED)) == found(revision("version: 0.0"), revision(HOOKED))
    assert len(found(revision(HOOKED), revision(HOOKED))) == 1


def test_nothing_is_written() -> None:
    """The control only notifies, and an application has no state that pipeseal writes."""
    violating = application(revision(HOOKED))
    assert CONTROL.fix(violating, Settings()) is violating
    assert violating.state() == {}
    assert violating.with_state({}) is violating
    assert violating.describe_change(violating)[1] == ()
