"""Literal secrets: whether a value is the secret itself, a reference to it, a ciphertext or a placeholder."""

from __future__ import annotations

import re
from typing import NamedTuple

from pipeseal.secrets.names import Sensitivity, sensitivity_of, word_set
from pipeseal.secrets.placeholders import consists_of_words, is_placeholder, is_random
from pipeseal.secrets.redaction import is_redaction

_SHELL_VARIABLE = r"\$(?:(?:script|global|local|private|using|env):)?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\[[^\[\]]*\])*(?!\w)"
# Shell substitutions, CodePipeline variables, CloudFormation dynamic references, template expressions and
# <placeholders> that a value can contain.
_EMBEDDED_REFERENCE = re.compile(
    r"\$\{\{[^{}]*\}\}|\$\{[^{}]*\}\}?|\$\([^()]*\)?|\$\[[^\[\]]*\]|\(\([^()]*\)\)|(?<![\w$])\$[A-Z_][A-Z0-9_]*(?!\w)"
    rf"|(?:^|(?<=[\s:=\"'/,])){_SHELL_VARIABLE}|`[^`]*`?|%[A-Za-z]\w*(?::[^%\s]{1, 20})?%|%\{{[^{{}}]*\}}"
    r"|%\([A-Za-z]\w*\)[sd]?|![A-Za-z_]\w*!"
    r"|#\{[^{}]*\}#?|\{\{[^{}]*\}\}|<[^<>]*>"
)
_SHELL_DEFAULT = re.compile(r"\$\{\w+:?[-=]([^{}$]+)\}")
_REFERENCE = re.compile(
    r"arn:[a-z-]*:|%\w{1,40}:~"
    r"|\.[*+]|%[sdvq]\b|\{\w*\}$"  # patterns of sed, printf and str.format
    r"|\$[0-9@*#?!]+$|\$env:|\$\{|\$\(|\\\(|\(\$|\((?:Get|Read|Import|Invoke|New|ConvertTo|Resolve)-"
    r"|env:\w+$|file:|fd:\d|@(?:keychain|env|file):"
    r"|!(?:Ref|Sub|GetAtt|ImportValue|Join|Select|FindInMap|vault|reference)\b|@Microsoft\.KeyVault\("
    r"|(?:aws-?)?secrets-?manager[:/]|ssm(?:-secure)?:|parameter-?store:|vault:|alias/|mrk-|rds!\w"
    r"|(?:process\.env|os\.environ|env|secrets|var|vars|local|params|parameters|self|config|context|steps|data)[.\[]"
    r"|(?:os\.)?(?:getenv|env|lookup|fromEnv|vault|secret|ENV|process\.env)[(\[]"
    r"|[A-Za-z][A-Za-z0-9+.-]*://"  # a URL; formats.py finds the credentials in it
    r"|[a-z][a-z0-9-]{1,24}:(?=[\w./-]*/)[\w./#:-]+$"  # sm:prod/db#password, aws-ssm:/prod/db
    r"|@[./\w]+$|\.{0,2}/[\w.-]+\.\w+$|(?:\.{1,2}|~)/"
)
# What Jasypt, Spring Cloud Config, SOPS, ejson, dotenvx, Ansible, AWS KMS and Sealed Secrets write.
_CIPHERTEXT = re.compile(
    r"ENC\(.*\)|ENC\[.*\]|\{(?:cipher|aes|cipherText)\}.+|EJ\[.*\]|encrypted:.+|secure:.+|\$ANSIBLE_VAULT;.*"
    r"|AQIC[\w+/=]{20,}"
    r"|vault:v\d+:.+|-----BEGIN (?:PGP MESSAGE|AGE ENCRYPTED FILE)-----.*|age1[a-z0-9]{50,}|gAAAAA[\w=-]{60,}",
    re.DOTALL,
)
_FILE_NAME = re.compile(
    r"[\w./~\\:-]+\.(?:json|ya?ml|txt|pem|key|env|cfg|ini|conf|properties|toml|p12|jks|pfx|crt|cer|xml)"
)
_AUTHENTICATION_SCHEME = re.compile(r"(?i)(?:bearer|basic|token|apikey)\s+")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_FINGERPRINT = re.compile(r"[0-9A-F]{40}|[0-9A-F]{16}")
_PLAIN_WORD = re.compile(
    r"[A-Za-z][a-z]*(?:[A-Z][a-z]+){0,5}|[A-Z]+|[A-Za-z]?[0-9]{1,4}|[a-z]+[0-9]|[0-9]{6,12}|AWSCURRENT|"
)
# The physical name that CloudFormation and the CDK give a secret: stack-DbSecret-1A2B3C4D5E6F.
_GENERATED_NAME = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9]*-)*[A-Za-z0-9]*(?:Secret|Password|Credentials|Creds|Token|Key)[A-Za-z0-9]*"
    r"(?:-[A-Za-z0-9]{6,13}){1,2}"
)
_NAME_OF_A_SECRET = re.compile(r"[A-Za-z][a-z]*[0-9]?(?:[-_.][A-Za-z]*[a-z]*[0-9]?)+")
_SECRET_NOUNS = word_set(
    "secret secrets password passwords passwd pwd creds cred credentials credential token tokens key keys apikey auth"
)
_PLACES = word_set(
    "prod production dev development test staging stage qa uat live sandbox app rds aurora db database mysql postgres "
    "redis mongo ci cd build deploy infra core shared platform service svc master admin root dockerhub docker github "
    "gitlab npm slack sonar jenkins aws"
)
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
    text = value[:_MAX_VALUE_LENGTH].strip()
    bare = _AUTHENTICATION_SCHEME.sub("", text, count=1) if _AUTHENTICATION_SCHEME.match(text) else text
    if sensitivity is Sensitivity.AMBIGUOUS and bare != text:
        sensitivity = Sensitivity.SECRET  # only a credential follows an authentication scheme such as Bearer
    if sensitivity is Sensitivity.NONE or not bare or is_redaction(bare) or is_placeholder(bare):
        return False
    if _CIPHERTEXT.fullmatch(bare):
        return False
    default = _SHELL_DEFAULT.fullmatch(bare)
    if default:
        return is_literal(default[1], sensitivity)
    remainder, references = _EMBEDDED_REFERENCE.subn(" ", bare)
    if references:
        return _is_mixed(remainder)
    return not is_reference(bare, sensitivity) and _is_sufficient(bare, sensitivity)


def is_reference(value: str, sensitivity: Sensitivity) -> bool:
    """Return whether *value* tells where a secret is."""
    if sensitivity is not Sensitivity.PASSWORD and value.lower() in _SECRET_NOUNS:
        return True  # under which key it is stored
    if _REFERENCE.match(value) or _FILE_NAME.fullmatch(value) or _is_secret_path(value):
        return True
    if value.isupper() and re.fullmatch(r"[A-Z]+(?:_[A-Z]+)+", value):
        return sensitivity_of(value) is not Sensitivity.NONE or value.startswith("MY_")  # the name of a variable
    return _GENERATED_NAME.fullmatch(value) is not None or _is_name_of_a_secret(value, sensitivity)


def _is_name_of_a_secret(value: str, sensitivity: Sensitivity) -> bool:
    """Return whether *value* is several words, as the names of secrets are: dockerhub-creds, prod.api.token.

    A password can consist of words too, so among them must be what a secret is called and what it belongs to.
    """
    if len(value) > _MAX_PATH_LENGTH or not _NAME_OF_A_SECRET.fullmatch(value) or not consists_of_words(value):
        return False
    words = frozenset(re.split(r"[-_.]", re.sub(r"\d", "", value.lower())))
    if sensitivity is Sensitivity.PASSWORD:
        return not _SECRET_NOUNS.isdisjoint(words) and not _PLACES.isdisjoint(words)
    if re.search(r"\d", value):
        return not _SECRET_NOUNS.isdisjoint(words) or not _PLACES.isdisjoint(words)
    return True


def _is_sufficient(value: str, sensitivity: Sensitivity) -> bool:
    """Return whether the form of *value* is enough for a secret under a name of *sensitivity*."""
    is_number = re.fullmatch(r"[\d.,]+", value) is not None
    if sensitivity is Sensitivity.PASSWORD:
        return not is_number or len(value) >= _MIN_PASSWORD_DIGITS
    if sensitivity is Sensitivity.RANDOM:
        return is_random(value) and not _FINGERPRINT.fullmatch(value)
    if is_number:
        return value.isdecimal() and len(value) >= _MIN_SECRET_DIGITS and sensitivity is not Sensitivity.AMBIGUOUS
    if sensitivity is Sensitivity.SECRET:
        return True
    if _UUID.fullmatch(value) or _FINGERPRINT.fullmatch(value):
        return False  # the ID of a KMS key or of an OpenPGP key
    return sensitivity is Sensitivity.KEY or not _is_label(value)


def _is_mixed(remainder: str) -> bool:
    """Return whether the *remainder* beside embedded references mixes letters and digits as a secret does."""
    letters = sum(character.isalpha() for character in remainder)
    digits = sum(character.isdigit() for character in remainder)
    return "/" not in remainder and letters > 0 and digits > 0 and letters + digits >= _MIN_MIXED_LENGTH


def _is_secret_path(value: str) -> bool:
    """Return whether *value* has the form of a parameter's or secret's name: /prod/db, prod/db:password."""
    value = re.sub(r"(?<=[a-z])-[A-Za-z0-9]{6}$", "", value)  # Secrets Manager ends an ARN with such a suffix
    return (
        "/" in value
        and len(value) <= _MAX_PATH_LENGTH
        and all(_PLAIN_WORD.fullmatch(word) for word in re.split(r"[/:._#@-]", value))
        and re.search(r"[A-Za-z]", value) is not None
    )


def _is_label(value: str) -> bool:
    """Return whether *value* is short or consists of words and numbers: jenkins-ssh, AWS_IAM."""
    return len(value) < _MIN_AMBIGUOUS_LENGTH or all(
        word.isalpha() or word.isdecimal() for word in re.split(r"[\s/._-]+", value) if word
    )
