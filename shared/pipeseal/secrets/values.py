"""Between a promising name and a finding: whether a value is a literal secret or only speaks of one."""

from __future__ import annotations

import re

from pipeseal.secrets.names import Promise, word_list

# CodePipeline's answer for a property that the action type declares secret, and CloudTrail's for the same.
_MASK = r"\*{3,}|HIDDEN_DUE_TO_SECURITY_REASONS"

# Chunks that stand for a value which is fetched elsewhere: shell, CodePipeline variables, CloudFormation's dynamic
# references, templates, and <what a person is to fill in>.
_CHUNK = (
    r"\$\{[^{}]*\}\}?|\$\([^()]*\)?|(?<![\w$])\$[A-Z_][A-Z0-9_]*(?!\w)|`[^`]*`?|%[A-Za-z]\w*%"
    r"|#\{[^{}]*\}|\{\{[^{}]*\}\}|<[^<>]*>"
)
_SHELL_DEFAULT = r"\$\{\w+:?[-=]([^{}$]+)\}"
_REFERENCE = (
    r"arn:[a-z-]*:"
    r"|\.[*+]|%[sdvq]\b|\{\w*\}$"  # what sed, printf and format are given
    r"|\$(?:[a-z_]+|[0-9@*#?!])$|\$env:|\$\{|\$\("
    r"|!(?:Ref|Sub|GetAtt|ImportValue|Join|Select|FindInMap)\b"
    r"|(?:aws-?)?secrets-?manager[:/]|ssm(?:-secure)?:|parameter-?store:|vault:|alias/|mrk-"
    r"|(?:process\.env|os\.environ|env|secrets|var|local|params|parameters|self|config)\."
    r"|[A-Za-z][A-Za-z0-9+.-]*://"  # a location; credentials inside it are found by their form
    r"|@[./\w]+$|\.{0,2}/[\w.-]+\.\w+$|(?:\.{1,2}|~)/"
)
_FILE = r"[\w./~\\:-]+\.(?:json|ya?ml|txt|pem|key|env|cfg|ini|conf|properties|toml|p12|jks|pfx|crt|cer|xml)"
_PLACEHOLDER = (
    r"\.{3,}|…|(?:__|@@|%%)\w+(?:__|@@|%%)|x{3,}|X{3,}|\[?redacted\]?|dummy|.{0,40}placeholder.{0,40}"
    r"|(?:your|my-your|replace|insert|enter|fill)(?:[-_ ]?(?:me|this|with|in))?(?:[-_ ][\w -]{0,60})?"
)
_NOTHING = word_list(
    "true false yes no on off enabled disabled required optional none null nil undefined n/a na unset missing set "
    "hidden masked auto tbd todo fixme secretsmanager secrets-manager secrets_manager parameter-store parameter_store "
    "ssm vault"
)
_SCHEME = r"(?i)^(?:bearer|basic|token)\s+"
_UUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_PLAIN_WORD = r"[A-Za-z][a-z]*(?:[A-Z][a-z]+){0,3}|[A-Z]+|[A-Za-z]?[0-9]{1,4}|AWSCURRENT|"
_SHORTEST_NUMBER = 8  # digits of a secret that nobody chose; a person's password may have half of them
_SHORTEST_MIXED = 6  # letters and digits beside a reference
_SHORTEST_LABELLED = 6  # characters of what may be the label of a secret
_LONGEST_PATH = 256
_LONGEST = 4096  # by then a name has been kept; what is longer is a document and judged by its forms


def is_masked(value: str) -> bool:
    """Return whether AWS shows *value* in place of a secret that it holds."""
    return re.fullmatch(_MASK, value.strip()) is not None


def is_literal(value: str, promised: Promise) -> bool:
    """Return whether *value*, under a name that promises *promised*, is the secret itself."""
    bare = re.sub(_SCHEME, "", value[:_LONGEST].strip())
    if promised is Promise.MAYBE and bare != value.strip():
        promised = Promise.SECRET  # nobody writes Bearer before a label
    value = bare
    if promised is Promise.NOTHING or not value or is_masked(value) or _says_nothing(value):
        return False
    default = re.fullmatch(_SHELL_DEFAULT, value)
    if default:
        return is_literal(default[1], promised)
    rest, chunks = re.subn(_CHUNK, " ", value)
    if chunks:
        return _is_mixed(rest)
    if re.match(_REFERENCE, value) or re.fullmatch(_FILE, value) or _is_plain_path(value):
        return False
    return _suffices(value, promised)


def _suffices(value: str, promised: Promise) -> bool:
    """Return whether *value* is enough of a value for what its name promises."""
    digits = re.fullmatch(r"[\d.,]+", value) is not None
    if promised is Promise.PASSWORD:
        return not digits or len(value) >= _SHORTEST_NUMBER // 2
    if digits:
        return value.isdecimal() and len(value) >= _SHORTEST_NUMBER and promised is not Promise.MAYBE
    if promised is Promise.SECRET:
        return True
    if re.fullmatch(_UUID, value):
        return False  # the id of a KMS key
    return promised is Promise.KEY or not _is_label(value)


def _says_nothing(value: str) -> bool:
    """Return whether *value* is a switch, an absence or what a person is to replace."""
    return value.lower() in _NOTHING or re.fullmatch(_PLACEHOLDER, value, re.IGNORECASE) is not None


def _is_mixed(rest: str) -> bool:
    """Return whether what stands beside references is a literal of its own and no part of a secret's name."""
    letters = sum(character.isalpha() for character in rest)
    digits = sum(character.isdigit() for character in rest)
    return "/" not in rest and letters > 0 and digits > 0 and letters + digits >= _SHORTEST_MIXED


def _is_plain_path(value: str) -> bool:
    """Return whether *value* reads as the name of a parameter or secret: /prod/db, prod/db:password."""
    return (
        "/" in value
        and len(value) <= _LONGEST_PATH
        and all(re.fullmatch(_PLAIN_WORD, word) for word in re.split(r"[/:._-]", value))
        and re.search(r"[A-Za-z]", value) is not None
    )


def _is_label(value: str) -> bool:
    """Return whether *value* reads as a label, such as jenkins-ssh or AWS_IAM."""
    return len(value) < _SHORTEST_LABELLED or all(
        word.isalpha() or word.isdecimal() for word in re.split(r"[\s/._-]+", value) if word
    )
