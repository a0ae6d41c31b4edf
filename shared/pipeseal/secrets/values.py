"""Literal secrets: whether a value is the secret itself, a reference to it or a placeholder."""

from __future__ import annotations

import re
from typing import NamedTuple

from pipeseal.secrets.names import Sensitivity, word_set
from pipeseal.secrets.redaction import is_redacted

# Shell substitutions, CodePipeline variables, CloudFormation dynamic references, template expressions and
# <placeholders> that a value can contain.
_EMBEDDED_REFERENCE = (
    r"\$\{[^{}]*\}\}?|\$\([^()]*\)?|(?<![\w$])\$[A-Z_][A-Z0-9_]*(?!\w)|`[^`]*`?|%[A-Za-z]\w*%"
    r"|#\{[^{}]*\}|\{\{[^{}]*\}\}|<[^<>]*>"
)
_SHELL_DEFAULT = r"\$\{\w+:?[-=]([^{}$]+)\}"
_REFERENCE = (
    r"arn:[a-z-]*:"
    r"|\.[*+]|%[sdvq]\b|\{\w*\}$"  # patterns of sed, printf and str.format
    r"|\$(?:[a-z_]+|[0-9@*#?!])$|\$env:|\$\{|\$\("
    r"|!(?:Ref|Sub|GetAtt|ImportValue|Join|Select|FindInMap)\b"
    r"|(?:aws-?)?secrets-?manager[:/]|ssm(?:-secure)?:|parameter-?store:|vault:|alias/|mrk-"
    r"|(?:process\.env|os\.environ|env|secrets|var|local|params|parameters|self|config)\."
    r"|[A-Za-z][A-Za-z0-9+.-]*://"  # a URL; formats.py finds the credentials in it
    r"|@[./\w]+$|\.{0,2}/[\w.-]+\.\w+$|(?:\.{1,2}|~)/"
)
_FILE_NAME = r"[\w./~\\:-]+\.(?:json|ya?ml|txt|pem|key|env|cfg|ini|conf|properties|toml|p12|jks|pfx|crt|cer|xml)"
_PLACEHOLDER = (
    r"\.{3,}|…|(?:__|@@|%%)\w+(?:__|@@|%%)|x{3,}|X{3,}|\[?redacted\]?|dummy|.{0,40}placeholder.{0,40}"
    r"|(?:your|my-your|replace|insert|enter|fill)(?:[-_ ]?(?:me|this|with|in))?(?:[-_ ][\w -]{0,60})?"
)
_PLACEHOLDER_WORDS = word_set(
    "true false yes no on off enabled disabled required optional none null nil undefined n/a na unset missing set "
    "hidden masked auto tbd todo fixme secretsmanager secrets-manager secrets_manager parameter-store parameter_store "
    "ssm vault"
)
_AUTHENTICATION_SCHEME = r"(?i)^(?:bearer|basic|token)\s+"
_UUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_PLAIN_WORD = r"[A-Za-z][a-z]*(?:[A-Z][a-z]+){0,3}|[A-Z]+|[A-Za-z]?[0-9]{1,4}|AWSCURRENT|"
_MIN_SECRET_DIGITS = 8
_MIN_PASSWORD_DIGITS = 4
_MIN_MIXED_LENGTH = 6  # letters and digits beside an embedded reference
_MIN_AMBIGUOUS_LENGTH = 6  # characters
_MAX_PATH_LENGTH = 256  # characters
_MAX_VALUE_LENGTH = 4096  # characters; bounds the cost of the patterns


class LiteralSecret(NamedTuple):
    """A literal secret in a text; *value* is the secret itself and must not leave this package.

    *description* says what kind of secret it is. It is empty where only the *name* of the value identifies the secret.
    """

    description: str
    value: str
    name: str = ""


def is_literal(value: str, sensitivity: Sensitivity) -> bool:
    """Return whether *value*, under a name of *sensitivity*, is a literal secret."""
    bare = re.sub(_AUTHENTICATION_SCHEME, "", value[:_MAX_VALUE_LENGTH].strip())
    if sensitivity is Sensitivity.AMBIGUOUS and bare != value.strip():
        sensitivity = Sensitivity.SECRET  # only a credential follows an authentication scheme such as Bearer
    if sensitivity is Sensitivity.NONE or not bare or is_redacted(bare) or _is_placeholder(bare):
        return False
    default = re.fullmatch(_SHELL_DEFAULT, bare)
    if default:
        return is_literal(default[1], sensitivity)
    remainder, references = re.subn(_EMBEDDED_REFERENCE, " ", bare)
    if references:
        return _is_mixed(remainder)
    if re.match(_REFERENCE, bare) or re.fullmatch(_FILE_NAME, bare) or _is_secret_path(bare):
        return False
    return _is_sufficient(bare, sensitivity)


def _is_sufficient(value: str, sensitivity: Sensitivity) -> bool:
    """Return whether the form of *value* is enough for a secret under a name of *sensitivity*."""
    is_number = re.fullmatch(r"[\d.,]+", value) is not None
    if sensitivity is Sensitivity.PASSWORD:
        return not is_number or len(value) >= _MIN_PASSWORD_DIGITS
    if is_number:
        return value.isdecimal() and len(value) >= _MIN_SECRET_DIGITS and sensitivity is not Sensitivity.AMBIGUOUS
    if sensitivity is Sensitivity.SECRET:
        return True
    if re.fullmatch(_UUID, value):
        return False  # the ID of a KMS key
    return sensitivity is Sensitivity.KEY or not _is_label(value)


def _is_placeholder(value: str) -> bool:
    """Return whether *value* is a placeholder, a Boolean or a word for an absent value."""
    return value.lower() in _PLACEHOLDER_WORDS or re.fullmatch(_PLACEHOLDER, value, re.IGNORECASE) is not None


def _is_mixed(remainder: str) -> bool:
    """Return whether the *remainder* beside embedded references mixes letters and digits as a secret does."""
    letters = sum(character.isalpha() for character in remainder)
    digits = sum(character.isdigit() for character in remainder)
    return "/" not in remainder and letters > 0 and digits > 0 and letters + digits >= _MIN_MIXED_LENGTH


def _is_secret_path(value: str) -> bool:
    """Return whether *value* has the form of a parameter's or secret's name: /prod/db, prod/db:password."""
    return (
        "/" in value
        and len(value) <= _MAX_PATH_LENGTH
        and all(re.fullmatch(_PLAIN_WORD, word) for word in re.split(r"[/:._-]", value))
        and re.search(r"[A-Za-z]", value) is not None
    )


def _is_label(value: str) -> bool:
    """Return whether *value* is short or consists of words and numbers: jenkins-ssh, AWS_IAM."""
    return len(value) < _MIN_AMBIGUOUS_LENGTH or all(
        word.isalpha() or word.isdecimal() for word in re.split(r"[\s/._-]+", value) if word
    )
