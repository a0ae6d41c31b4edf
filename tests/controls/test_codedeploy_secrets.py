"""CODEDEPLOY.SECRETS by cases."""

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
    """Return what is wrong with an application of those revisions."""
    return CONTROL.reasons(application(*revisions), Settings())


@pytest.mark.parametrize("name", ["string", "appSpecContent"])
def test_a_secret_in_appspec_text_is_told_of(name: str) -> None:
    """YAML and JSON, under either name; the text is told apart by its fingerprint, and the secret is not shown."""
    texts = (HOOKED, f'{{"Resources": [{{"fn": {{"Properties": {{"ApiToken": "{SECRET}"}}}}}}]}}')
    reasons = found(*(revision(text, name) for text in texts))
    assert len(reasons) == len(texts)
    for number, reason in enumerate(reasons):
        assert isinstance(reason, Reason)
        assert reason.path.startswith(f"revisions[{number}].{name}.content")
        assert reason.startswith("AppSpec text with the SHA-256 ")
        assert SECRET not in reason + reason.path


def test_credentials_in_what_names_a_github_revision_are_told_of() -> None:
    """A repository given as a URL may carry them."""
    place = {"repository": f"https://ada:{SECRET}@github.com/acme/harbor", "commitId": "0" * 40}
    (reason,) = found({"revisionType": "GitHub", "gitHubLocation": place})
    assert reason.startswith("GitHub revision 0000000, repository: credentials in a URL")
    assert SECRET not in reason


@pytest.mark.parametrize(
    "harmless",
    [
        revision(bucket="harbor", key="token/app.zip", eTag="9f2c1e4b7a60d835c1f04e92b6a8d371"),
        {"gitHubLocation": {"repository": "acme/harbor", "commitId": "5d1c0ff" * 5 + "eeeee"}},
        revision("version: 0.0\nResources:\n  - fn:\n      Type: AWS::Lambda::Function\n"),
        {"revisionType": "String", "string": {"sha256": "ab" * 32}},
        {"revisionType": "S3", "s3Location": None},
        {},
    ],
    ids=["S3", "GitHub", "AppSpec", "a text that is not shown", "null", "empty"],
)  # fmt: skip
def test_what_is_no_secret_is_let_be(harmless: dict[str, Any]) -> None:
    """Fingerprints, commits, references and what AWS leaves out."""
    assert found(harmless) == ()


def test_one_secret_in_two_places_is_one_reason() -> None:
    """A revision that is registered and deployed stands in an application twice, and new revisions change no word."""
    assert found(revision(HOOKED), revision(HOOKED)) == found(revision("version: 0.0"), revision(HOOKED))
    assert len(found(revision(HOOKED), revision(HOOKED))) == 1


def test_nothing_is_written() -> None:
    """CodeDeploy changes no revision."""
    sick = application(revision(HOOKED))
    assert CONTROL.fix(sick, Settings()) is sick
    assert sick.state() == {}
    assert sick.with_state({}) is sick
    assert sick.changed(sick)[1] == ()
