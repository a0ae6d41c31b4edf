"""CODEPIPELINE.FREE_TEXT: names, tags, URLs and descriptions contain no email address or credential; notify only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

from pipeseal import secrets
from pipeseal.controls._notify_only import unchanged
from pipeseal.model import Control, Kind, Reason, Severity, Standard, Text
from pipeseal.text import printable

if TYPE_CHECKING:
    from pipeseal.kinds.application.value import Application
    from pipeseal.kinds.pipeline.value import Pipeline
    from pipeseal.settings import Settings

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,31}://\S+|arn:aws[a-z-]{0,20}:\S+")
# Excludes git@host:path, which names no person, file names such as image@2x.png, and package@1.2.x.
_EMAIL = re.compile(
    r"(?<![\w.+%@-])(?!git@)\w[\w.+%-]{0,63}@(?!\d{1,3}\.[\dx]+\b)(?:[^\W_][^\W_-]{0,62}(?:-[^\W_-]{1,62}){0,8}\.){1,8}"
    r"(?!(?:png|jpe?g|gif|svg|webp|js|ts|css|json|ya?ml|txt|gz|jar)\b)[^\W\d_]{2,24}(?![\w@-]|\.\w|:[\w~/.])"
)
# A user without a password, which would be a credential. Values that begin with $, { or < are references.
_USER = re.compile(
    r"(?<![\w+.:-])(?!codecommit:)[A-Za-z][A-Za-z0-9+.-]{0,31}://(?!(?:git|hg|svn)@)[^\s/?#@:${<]{1,128}@"
)


class HasTexts(Protocol):
    """A resource with free-form fields and tags."""

    def texts(self) -> Iterator[Text]:
        """Yield the free-form fields, tags included."""

    @property
    def tags(self) -> Mapping[str, object]:
        """Return the tags; in a pipeline, ARN -> tags, with None for tags that could not be read."""


def reasons(resource: HasTexts, _settings: Settings) -> tuple[str, ...]:
    """Return which field contains what, never the value; also whose tags could not be read."""
    known = _fields_with_reported_secrets(resource)
    found = (
        Reason(printable(f"The field {text.path} contains {content}."), text.path)
        for text in resource.texts()
        for content in _problems(text, known=text.path in known)
    )
    return (*dict.fromkeys(found), *_unread_tags(resource))


def _unread_tags(resource: HasTexts) -> Iterator[str]:
    for arn, tags in resource.tags.items():
        if tags is None:
            yield f"The tags of {arn} could not be read, so their content is unknown."


def _fields_with_reported_secrets(resource: HasTexts) -> frozenset[str]:
    """Return the fields of a pipeline in which CODEPIPELINE.SECRETS reports a secret."""
    document = getattr(resource, "document", {})
    paths = (found.path for found in secrets.in_pipeline(document))
    # The path can continue inside JSON that the field contains, so each of its prefixes counts.
    return frozenset(path[:end] for path in paths for end in (*_ends(path), len(path)))


def _ends(path: str) -> Iterator[int]:
    return (found.start() for found in re.finditer(r"[.\[]", path))


def _problems(text: Text, *, known: bool) -> Iterator[str]:
    """Yield what *text* must not contain; its credentials are omitted if they are *known*."""
    if not known:
        credentials = [found.description for found in _credentials(text)]
        yield from (f"a credential ({description})" for description in credentials)
        if not credentials and _USER.search(text.text):
            yield "user information in a URL"
    if _has_email(text.text):
        yield "an email address"


def _credentials(text: Text) -> tuple[secrets.SecretFinding, ...]:
    if text.name and not _has_email(text.name):  # the description quotes the name
        return secrets.in_variables([{"name": text.name, "value": text.text}], "")
    return secrets.in_text(text.text, "", "")


def _has_email(text: str) -> bool:
    return "@" in text and _EMAIL.search(_URI.sub(" ", text)) is not None


CONTROL: Control[Pipeline | Application] = Control(
    id="CODEPIPELINE.FREE_TEXT",
    title="Names, tags and descriptions should not contain email addresses or credentials",
    severity=Severity.LOW,
    kinds=(Kind.PIPELINE, Kind.APPLICATION),
    reasons=reasons,
    fix=unchanged,
    description="Checks the free-form fields of each pipeline and application for email addresses, credentials and "
    "user names in URLs: names, descriptions, tags, triggers, approval actions, and the tags of artifact buckets. "
    "Secrets in other fields are covered by CODEPIPELINE.SECRETS and CODEDEPLOY.SECRETS.",
    reports="A finding states the field and what it contains, but never the value; or whose tags could not be read.",
    risk="AWS can use free-form fields in billing and diagnostic logs, so that personal data or credentials are "
    "disclosed there.",
    remediation="None: pipeseal only notifies, because it cannot choose another name or text.",
    advice="Use the names of teams instead of people, and store credentials in Secrets Manager.",
    false_positives="A team address in an owner tag is reported. Use the name of the team, or exempt the resource.",
    source="https://docs.aws.amazon.com/codepipeline/latest/userguide/data-protection.html",
    permissions=(
        "codepipeline:GetPipeline",
        "codepipeline:ListTagsForResource",
        "s3:GetBucketTagging",
        "codedeploy:GetApplication",
        "codedeploy:ListDeploymentGroups",
        "codedeploy:BatchGetDeployments",
        "codedeploy:ListTagsForResource",
    ),
    parameters=(),
    requirements={},
    inferred_requirements={Standard.ISO_27001: ("A.5.34",)},
)
