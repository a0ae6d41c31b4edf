"""CODEPIPELINE.FREE_TEXT: no mail address and no credential stands in a name, tag, URL or description; alert only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pipeseal import secrets
from pipeseal.model import Control, Kind, Reason, Severity, Text

if TYPE_CHECKING:
    from pipeseal.settings import Settings

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,31}://\S+|arn:aws[a-z-]{0,20}:\S+")
# Not git@host:path, which names no person, and not image@2x.png.
_MAIL = re.compile(
    r"(?<![\w.+%@-])(?!git@)\w[\w.+%-]{0,63}@(?:[^\W_][^\W_-]{0,62}(?:-[^\W_-]{1,62}){0,8}\.){1,8}"
    r"(?!(?:png|jpe?g|gif|svg|webp|js|ts|css|json|ya?ml|txt|gz|jar)\b)[^\W\d_]{2,24}(?![\w@-]|\.\w|:[\w~/.])"
)
# A user by itself; one with a password is a secret wherever it stands. What is fetched elsewhere begins with $, { or <.
_USER = re.compile(
    r"(?<![\w+.-])(?!codecommit:)[A-Za-z][A-Za-z0-9+.-]{0,31}://(?!(?:git|hg|svn)@)[^\s/?#@:${<]{1,128}@"
)


def reasons(resource: Any, _settings: Settings) -> tuple[str, ...]:
    """Say which field holds what; never the value, which is personal data or a secret. What is unread is said too."""
    told = _told(resource)
    found = (
        Reason(f"The free-form field {text.path} holds {what}.", text.path)
        for text in resource.texts()
        for what in _wrong(text, known=text.path in told)
    )
    return (*dict.fromkeys(found), *_unread(resource))


def _unread(resource: Any) -> Iterator[str]:
    """Say whose tags AWS refuses to show."""
    for place, tags in resource.tags.items():
        if tags is None:
            yield f"The tags of {place} could not be read, so nobody knows what they hold."


def _told(resource: Any) -> frozenset[str]:
    """Return the fields of a pipeline's structure that CODEPIPELINE.SECRETS tells of."""
    document = getattr(resource, "document", {})
    paths = (found.path for found in secrets.in_pipeline(document))
    # The way may lead on into JSON that the field holds.
    return frozenset(path[:end] for path in paths for end in (*_ends(path), len(path)))


def _ends(path: str) -> Iterator[int]:
    return (found.start() for found in re.finditer(r"[.\[]", path))


def _wrong(text: Text, *, known: bool) -> Iterator[str]:
    """Yield what should not be in *text*; its credentials are left out where they are *known* already."""
    if not known:
        credentials = [found.what for found in _credentials(text)]
        yield from (f"a credential ({what})" for what in credentials)
        if not credentials and _USER.search(text.text):
            yield "user information in a URL"
    if _has_mail(text.text):
        yield "a mail address"


def _credentials(text: Text) -> tuple[secrets.Secret, ...]:
    if text.name and not _has_mail(text.name):  # a name that is no address may be shown
        return secrets.in_variables([{"name": text.name, "value": text.text}], "")
    return secrets.in_text(text.text, "", "")


def _has_mail(text: str) -> bool:
    return "@" in text and _MAIL.search(_URI.sub(" ", text)) is not None


def fix(resource: Any, _settings: Settings) -> Any:
    """Return *resource* as it is: how it is to be named instead, its owner knows."""
    return resource


CONTROL = Control(
    id="CODEPIPELINE.FREE_TEXT",
    title="Names, tags and descriptions hold no mail address and no credential",
    severity=Severity.LOW,
    kinds=(Kind.PIPELINE, Kind.APPLICATION),
    reasons=reasons,
    fix=fix,
    advice="Name teams rather than people, keep credentials in Secrets Manager: AWS uses these fields in billing and "
    "diagnostic logs.",
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
)
