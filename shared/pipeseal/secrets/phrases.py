"""Between a text and a finding: the literals that a command, a header or an assignment says are secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipeseal.secrets.names import Promise, promise
from pipeseal.secrets.values import is_literal


class Phrase(NamedTuple):
    """A secret in a text: the *name* that gives it away or, without one, *what* does; and the *literal* itself."""

    what: str
    name: str
    literal: str


class Command(NamedTuple):
    """A form of command that takes a secret; group 1 of *pattern* is its place. *marker* is in every such text."""

    what: str
    marker: str
    pattern: str


# Quotes, escaped or not, then what stands inside them up to a space or the next quote: enough to tell a literal.
_QUOTES = r"(?:\\{0,3}[\"'])?"
_VALUE = _QUOTES + r"([^\s\"'\\|;<>&,)\]}][^\s\"'\\|;<>,]{0,255})"
_SEGMENT = r"(?:(?!&&)[^|;\n]){0,500}?"  # of one command; bounded, so that many half-finished commands stay cheap
_ATTACHED = r"\s-p(?![0-9.]{1,15}:[0-9])" + _VALUE  # docker run --name mysql -p3306:3306 publishes a port

_COMMANDS = (
    Command(
        "password of a login command",
        "login",
        r"\b(?:docker|podman|buildah|skopeo|nerdctl|registry|oras|crane|oc|cf|az|ibmcloud)\s+(?:acr\s+|auth\s+)?login\b"
        + _SEGMENT
        + r"\s-p[ =]?"
        + _VALUE,
    ),
    Command(
        "password piped to a command",
        "stdin",
        r"\becho\s+(?:-n\s+)?" + _VALUE + r"[\"']?\s*\|[^|;\n]{0,200}--password-stdin",
    ),
    Command(
        "token piped to a command",
        "with-token",
        r"\becho\s+(?:-n\s+)?" + _VALUE + r"[\"']?\s*\|[^|;\n]{0,200}--with-token",
    ),
    Command(
        "password piped to a command",
        "chpasswd",
        r"\becho\s+[\"']?[\w.-]{1,64}:" + _VALUE + r"[\"']?\s*\|[^|;\n]{0,99}chpasswd",
    ),
    Command(
        "password of a database command", "mysql", r"\bmysql(?:dump|admin|import|sh|check)?\b" + _SEGMENT + _ATTACHED
    ),
    Command(
        "password of a database command", "mariadb", r"\bmariadb(?:-dump|-admin|-import)?\b" + _SEGMENT + _ATTACHED
    ),
    Command(
        "password of a database command",
        "mongo",
        r"\bmongo(?:sh|dump|restore|export|import)?\b" + _SEGMENT + r"\s-p[ =]" + _VALUE,
    ),
    Command("password of a database command", "redis-cli", r"\bredis-cli\b" + _SEGMENT + r"\s-a\s+" + _VALUE),
    Command("password of a database command", "sqlcmd", r"\bsqlcmd\b" + _SEGMENT + r"\s-P\s?" + _VALUE),
    Command("password of an SSH command", "sshpass", r"\bsshpass\s+-p\s?" + _VALUE),
    Command("password of an upload command", "twine", r"\btwine\b" + _SEGMENT + r"\s-p\s+" + _VALUE),
    Command(
        "password of a directory command",
        "ldap",
        r"\bldap(?:search|modify|add|delete|passwd|whoami)\b" + _SEGMENT + r"\s-w\s+" + _VALUE,
    ),
    Command("password of an archive command", "zip", r"\b(?:un)?zip\b" + _SEGMENT + r"\s-P\s+" + _VALUE),
    Command("password of an openssl command", "pass:", r"\s-pass(?:in|out)?\s+[\"']?pass:" + _VALUE),
    Command(
        "password of an htpasswd command",
        "htpasswd",
        r"\bhtpasswd\s+-\w{0,5}b\w{0,5}\s+\S{1,200}\s+\S{1,100}\s+" + _VALUE,
    ),
    Command(
        "user and password of a request",
        "curl",
        r"\bcurl\b" + _SEGMENT + r"\s(?:-[fgikLsSv]{0,6}u|--user|-U|--proxy-user)[ =]?[\"']?[^\s:\"']{0,100}:" + _VALUE,
    ),
    Command(
        "literal of a Kubernetes secret",
        "from-literal",
        r"\bcreate\s+secret\b" + _SEGMENT + r"--from-literal[= ][\"']?[\w.-]{1,100}=" + _VALUE,
    ),
    Command(
        "value of a SecureString parameter",
        "put-parameter",
        r"\bput-parameter\b" + _SEGMENT + r"\bSecureString\b" + _SEGMENT + r"--value[= ]" + _VALUE,
    ),
    Command(
        "value of a SecureString parameter",
        "put-parameter",
        r"\bput-parameter\b" + _SEGMENT + r"--value[= ]" + _VALUE + r"[^|;\n]{0,300}\bSecureString\b",
    ),
    Command(
        "literal of a SecureString",
        "ConvertTo-SecureString",
        r"\bConvertTo-SecureString\s+(?:-String\s+)?[\"']([^\"'\n$]{1,256})",
    ),
    Command(
        "password of a netrc entry", "machine", r"\bmachine\s+\S{1,200}\s+login\s+\S{1,100}\s+password\s+" + _VALUE
    ),
)
_SQL = r"(?i)\b(?:identified\s+by|(?:with|encrypted|set)\s+password\s?=?)\s{0,4}\\?[\"']([^\"'\\\s]{1,256})"
_HEADER = (
    r"(?i)\bauthorization\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?((?:bearer|basic|token|apikey|bot|digest)(?:\s{1,3}|\+|%20))?"
    + _VALUE
)
_BEARER = r"(?i)\b(?:bearer|basic)(?:\s{1,3}|\+|%20)([\w.~+/=-]{12,512})"

# A name starts where neither a word nor a dash inside a word goes on, so each is tried once.
_NAME = r"(?<![\w.$])(?<!\$\{)(?<![\w.]-)([A-Za-z_][\w.-]{0,80})"
_EQUALS = (
    _NAME
    + r"(?:=(?![=~])|[ \t]{1,4}=[ \t]{1,4}(?=[\"'\w$]))(?=(\\{0,3}[\"'])?"
    + r"([^\s\"'\\|;<>&,)\]}][^\s\"'\\|;<>&,]{0,255}))"
)
_OPTION = r"(?<![\w-])--?([A-Za-z][\w-]{0,60})[ \t]{1,4}(?!-)(?=" + _VALUE + ")"
_QUOTED_COLON = r"\\{0,3}[\"']([A-Za-z_][\w.:/ -]{0,80}?)\\{0,3}[\"']\s{0,8}(?::|=>)\s{0,8}(?=" + _VALUE + ")"
_COLON = (
    r"(?:^|[\"'{\[,]|(?<=-[ ]))[ \t]{0,99}([A-Za-z_][\w.-]{0,80}):[ \t]{1,8}(?="
    + _VALUE
    + r"(?:\\{0,3}[\"']|[ \t]{0,99}(?:$|\r|#|[}\],])))"
)
_TIGHT_COLON = r"(?<![\w.:/$-])(?<!\$\{)([A-Za-z_][\w.-]{0,80}):(?=" + _VALUE + ")"
_ELEMENT = r"<([A-Za-z_][\w.:-]{0,80})>([^<>\s]{1,256})</"
_PAIR = (
    r"(?i)\b(?:name|key)\\?[\"']?[ \t]{0,4}[:=][ \t]{0,4}\\?[\"']?([A-Za-z_][\w.-]{0,80})\\?[\"']?[ \t]{0,4},?\s{0,80}"
    r"(?:-\s)?\\?[\"']?value\\?[\"']?[ \t]{0,4}[:=][ \t]{0,4}(?=" + _VALUE + ")"
)
_REFERENCE_TYPE = (
    r"[^{}\n]{0,300}?,?\s{0,80}\\?[\"']?type\\?[\"']?[ \t]{0,4}[:=][ \t]{0,4}\\?[\"']?"
    r"(?:PARAMETER_STORE|SECRETS_MANAGER)"
)
_POWERSHELL = r"(?:^|;)[ \t]{0,40}\$(?:\w{1,20}:)?([A-Za-z_]\w{0,80})[ \t]{0,9}=[ \t]{0,9}(?=[\"'])(?=" + _VALUE + ")"
_CONFIGURE = r"\b(?:configure|config|user-secrets|env)\s+set\s+[\"']?([^\s\"']{1,160})[\"']?\s+(?!-)" + _VALUE
_PROSE = frozenset({"and", "or", "is", "to", "in", "from", "as", "with"})  # "set --token and --password"
_EXPRESSION = r"[A-Za-z_][\w.]{0,80}[(\[]"  # a call or a lookup in a line of code


def phrases(text: str) -> Iterator[Phrase]:
    """Yield what assignments, options, headers and commands in *text* give away; the same literal may come twice."""
    if "secrets-manager:" in text or "parameter-store:" in text:
        text = _without_references(text)
    yield from _named(text)
    for command in _COMMANDS:
        if command.marker in text:
            for found in re.finditer(command.pattern, text):
                if is_literal(found[1], Promise.PASSWORD):
                    yield Phrase(command.what, "", found[1])
    yield from _headers(text)


def _named(text: str) -> Iterator[Phrase]:
    """Yield the values that stand in *text* under a name that promises a secret."""
    for name, value in _pairs(text):
        promised = promise(name)
        # TOKEN='Authorization: ...' is a header, and judged as one.
        if promised is not Promise.NOTHING and not value.endswith(":") and is_literal(value, promised):
            yield Phrase("", name, value)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield each name and value that *text* puts together, in whatever notation."""
    if "=" in text:
        for found in re.finditer(_EQUALS, text):
            if found[2] or not re.match(_EXPRESSION, found[3]):
                yield found[1], found[3]
    if "-" in text:
        for found in re.finditer(_OPTION, text):
            # docker build --secret id=npm,src=.npmrc names a file.
            if not (found[1] == "secret" and "=" in found[2]) and found[2] not in _PROSE:
                yield found[1], found[2]
    if ":" in text or "=>" in text:
        yield from _coloned(text)
    if "</" in text:
        yield from ((found[1], found[2]) for found in re.finditer(_ELEMENT, text))
    yield from _spelled_pairs(text)


def _coloned(text: str) -> Iterator[tuple[str, str]]:
    """Yield the pairs that a colon joins, as JSON, YAML and headers have them."""
    yield from ((found[1], found[2]) for found in re.finditer(_QUOTED_COLON, text))
    yield from ((found[1], found[2]) for found in re.finditer(_COLON, text, re.MULTILINE))
    for found in re.finditer(_TIGHT_COLON, text):
        # token:v1 is an image more often than a token; password:v1 is not.
        if promise(found[1]) is Promise.PASSWORD:
            yield found[1], found[2]


def _spelled_pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield a field "name" with a field "value" beside it, and what PowerShell or `aws configure` sets."""
    if re.search("value", text, re.IGNORECASE):
        for found in re.finditer(_PAIR, text):
            if not re.compile(_REFERENCE_TYPE, re.IGNORECASE).match(text, found.end(2)):
                yield found[1], found[2]
    if "$" in text:
        for found in re.finditer(_POWERSHELL, text, re.MULTILINE):
            yield found[1], found[2]
    if " set " in text:
        for found in re.finditer(_CONFIGURE, text):
            yield found[1], found[2]


def _headers(text: str) -> Iterator[Phrase]:
    """Yield the literals of Authorization headers and of SQL that sets a password."""
    lower = text.lower()
    if "authorization" in lower:
        for found in re.finditer(_HEADER, text):
            # After Bearer any word is a token, but for the word itself, as documentation has it.
            named = Promise.SECRET if found[1] and found[2].lower() not in {"token", "auth"} else Promise.MAYBE
            if is_literal(found[2], named):
                yield Phrase("literal Authorization header", "", found[2])
    if "bearer" in lower or "basic" in lower:
        for found in re.finditer(_BEARER, text):
            if re.search(r"\d", found[1]) and is_literal(found[1], Promise.MAYBE):
                yield Phrase("literal Authorization header", "", found[1])
    if "identified" in lower or "password" in lower:
        for found in re.finditer(_SQL, text):
            if is_literal(found[1], Promise.PASSWORD):
                yield Phrase("password in an SQL statement", "", found[1])


def _without_references(text: str) -> str:
    """Return *text* without the blocks of a buildspec that only name secrets and parameters."""
    kept = []
    within: int | None = None
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip())
        if within is not None and line.strip() and indent <= within:
            within = None
        if within is None:
            kept.append(line)
            if line.strip() in {"secrets-manager:", "parameter-store:"}:
                within = indent
    return "\n".join(kept)
