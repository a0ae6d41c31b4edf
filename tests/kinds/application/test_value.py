"""An application as a value: the texts of its revisions, and its free-form fields."""

from __future__ import annotations

from tests.resources import application, revision

from pipeseal.kinds.application.value import inline_texts
from pipeseal.model import Action, Text


def test_the_texts_of_a_revision_are_named_without_their_content() -> None:
    """AppSpec texts are described by a part of their SHA-256, GitHub revisions by a part of the commit ID."""
    ((path, description, text),) = inline_texts(revision("version: 0.0"))
    assert (path, text) == ("string.content", "version: 0.0")
    assert description.startswith("AppSpec text with the SHA-256 ")
    assert "version" not in description
    github = {"revisionType": "GitHub", "gitHubLocation": {"repository": "acme/harbor", "commitId": "0f" * 20}}
    assert list(inline_texts(github)) == [
        ("gitHubLocation.repository", "GitHub revision 0f0f0f0, repository", "acme/harbor"),
        ("gitHubLocation.commitId", "GitHub revision 0f0f0f0, commitId", "0f" * 20),
    ]
    assert list(inline_texts(revision(bucket="harbor", key="app.zip"))) == []


def test_a_commit_id_that_is_none_is_not_shown() -> None:
    """A commitId that is no commit ID may be a secret, so that the description does not contain it."""
    github = {"revisionType": "GitHub", "gitHubLocation": {"repository": "acme/harbor", "commitId": "made-up-secret"}}
    assert [description for _, description, _ in inline_texts(github)] == [
        "GitHub revision, repository",
        "GitHub revision, commitId",
    ]


def test_free_form_fields_are_names_descriptions_and_tags() -> None:
    """The content of each free-form field is yielded with its path; tags that AWS sets are not among them."""
    found = application(
        groups=("production",),
        descriptions=("release 7",),
        github_account_name="crew",
        tags={"owner": "ada", "aws:cloudformation:stack-name": "harbor"},
    )
    assert list(found.texts()) == [
        Text("name", "harbor"),
        Text("deploymentGroups[0]", "production"),
        Text("descriptions[0]", "release 7"),
        Text("gitHubAccountName", "crew"),
        Text("tags[0].key", "owner"),
        Text("tags[0].value", "ada", "owner"),
    ]


def test_an_application_has_nothing_to_write() -> None:
    """The state of an application is empty, and no change of it is a remediation."""
    one, other = application(), application(revision("version: 0.0"))
    assert one.state() == {}
    assert one.same_as(other)
    assert one.describe_change(other) == (Action.DETECTED, ())
