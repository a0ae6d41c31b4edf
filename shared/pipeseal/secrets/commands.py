"""Commands, HTTP headers and SQL statements in a text: literal secrets that the syntax around the value identifies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipeseal.secrets.assignments import VALUE
from pipeseal.secrets.names import Sensitivity
from pipeseal.secrets.values import LiteralSecret, is_literal


class CommandFormat(NamedTuple):
    """A command that takes a secret as group 1 of *pattern*; *marker* is in every text that *pattern* matches."""

    description: str
    marker: str
    pattern: str


_SEGMENT = r"(?:(?!&&)[^|;\n]){0,500}?"  # the rest of one command; the bound limits the cost of many partial matches
_ATTACHED_PASSWORD = r"\s-p(?![0-9.]{1,15}:[0-9])" + VALUE  # not docker run --name mysql -p3306:3306

_COMMAND_FORMATS = (
    CommandFormat(
        "password in a login command",
        "login",
        r"\b(?:docker|podman|buildah|skopeo|nerdctl|registry|oras|crane|oc|cf|az|ibmcloud)\s+(?:acr\s+|auth\s+)?login\b"
        + _SEGMENT
        + r"\s-p[ =]?"
        + VALUE,
    ),
    CommandFormat(
        "password piped to a command",
        "stdin",
        r"\becho\s+(?:-n\s+)?" + VALUE + r"[\"']?\s*\|[^|;\n]{0,200}--password-stdin",
    ),
    CommandFormat(
        "token piped to a command",
        "with-token",
        r"\becho\s+(?:-n\s+)?" + VALUE + r"[\"']?\s*\|[^|;\n]{0,200}--with-token",
    ),
    CommandFormat(
        "password piped to a command",
        "chpasswd",
        r"\becho\s+[\"']?[\w.-]{1,64}:" + VALUE + r"[\"']?\s*\|[^|;\n]{0,99}chpasswd",
    ),
    CommandFormat(
        "password in a database command",
        "mysql",
        r"\bmysql(?:dump|admin|import|sh|check)?\b" + _SEGMENT + _ATTACHED_PASSWORD,
    ),
    CommandFormat(
        "password in a database command",
        "mariadb",
        r"\bmariadb(?:-dump|-admin|-import)?\b" + _SEGMENT + _ATTACHED_PASSWORD,
    ),
    CommandFormat(
        "password in a database command",
        "mongo",
        r"\bmongo(?:sh|dump|restore|export|import)?\b" + _SEGMENT + r"\s-p[ =]" + VALUE,
    ),
    CommandFormat("password in a database command", "redis-cli", r"\bredis-cli\b" + _SEGMENT + r"\s-a\s+" + VALUE),
    CommandFormat("password in a database command", "sqlcmd", r"\bsqlcmd\b" + _SEGMENT + r"\s-P\s?" + VALUE),
    CommandFormat("password in an SSH command", "sshpass", r"\bsshpass\s+-p\s?" + VALUE),
    CommandFormat("password in an upload command", "twine", r"\btwine\b" + _SEGMENT + r"\s-p\s+" + VALUE),
    CommandFormat(
        "password in a directory command",
        "ldap",
        r"\bldap(?:search|modify|add|delete|passwd|whoami)\b" + _SEGMENT + r"\s-w\s+" + VALUE,
    ),
    CommandFormat("password in an archive command", "zip", r"\b(?:un)?zip\b" + _SEGMENT + r"\s-P\s+" + VALUE),
    CommandFormat("password in an openssl command", "pass:", r"\s-pass(?:in|out)?\s+[\"']?pass:" + VALUE),
    CommandFormat(
        "password in an htpasswd command",
        "htpasswd",
        r"\bhtpasswd\s+-\w{0,5}b\w{0,5}\s+\S{1,200}\s+\S{1,100}\s+" + VALUE,
    ),
    CommandFormat(
        "user and password in a curl command",
        "curl",
        r"\bcurl\b" + _SEGMENT + r"\s(?:-[fgikLsSv]{0,6}u|--user|-U|--proxy-user)[ =]?[\"']?[^\s:\"']{0,100}:" + VALUE,
    ),
    CommandFormat(
        "value of a Kubernetes secret",
        "from-literal",
        r"\bcreate\s+secret\b" + _SEGMENT + r"--from-literal[= ][\"']?[\w.-]{1,100}=" + VALUE,
    ),
    CommandFormat(
        "value of a SecureString parameter",
        "put-parameter",
        r"\bput-parameter\b" + _SEGMENT + r"\bSecureString\b" + _SEGMENT + r"--value[= ]" + VALUE,
    ),
    CommandFormat(
        "value of a SecureString parameter",
        "put-parameter",
        r"\bput-parameter\b" + _SEGMENT + r"--value[= ]" + VALUE + r"[^|;\n]{0,300}\bSecureString\b",
    ),
    CommandFormat(
        "value of a PowerShell SecureString",
        "ConvertTo-SecureString",
        r"\bConvertTo-SecureString\s+(?:-String\s+)?[\"']([^\"'\n$]{1,256})",
    ),
    CommandFormat(
        "password in a netrc entry", "machine", r"\bmachine\s+\S{1,200}\s+login\s+\S{1,100}\s+password\s+" + VALUE
    ),
)
_HEADER = (
    r"(?i)\bauthorization\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?((?:bearer|basic|token|apikey|bot|digest)(?:\s{1,3}|\+|%20))?"
    + VALUE
)
_BEARER = r"(?i)\b(?:bearer|basic)(?:\s{1,3}|\+|%20)([\w.~+/=-]{12,512})"
_SQL = r"(?i)\b(?:identified\s+by|(?:with|encrypted|set)\s+password\s?=?)\s{0,4}\\?[\"']([^\"'\\\s]{1,256})"
_IN_HEADER = "credential in an Authorization header"


def find_in_commands(text: str) -> Iterator[LiteralSecret]:
    """Yield the literal secrets in the commands, HTTP headers and SQL statements of *text*; repeats included."""
    for command in _COMMAND_FORMATS:
        if command.marker in text:
            for found in re.finditer(command.pattern, text):
                if is_literal(found[1], Sensitivity.PASSWORD):
                    yield LiteralSecret(command.description, found[1])
    yield from _find_in_headers(text)
    yield from _find_in_sql(text)


def _find_in_headers(text: str) -> Iterator[LiteralSecret]:
    """Yield the literal credentials of Authorization headers in *text*, and of bearer and basic schemes elsewhere."""
    lower = text.lower()
    if "authorization" in lower:
        for found in re.finditer(_HEADER, text):
            # After a scheme, every word except "token" and "auth", which documentation uses, is a credential.
            has_scheme = found[1] and found[2].lower() not in {"token", "auth"}
            if is_literal(found[2], Sensitivity.SECRET if has_scheme else Sensitivity.AMBIGUOUS):
                yield LiteralSecret(_IN_HEADER, found[2])
    if "bearer" in lower or "basic" in lower:
        for found in re.finditer(_BEARER, text):
            if re.search(r"\d", found[1]) and is_literal(found[1], Sensitivity.AMBIGUOUS):
                yield LiteralSecret(_IN_HEADER, found[1])


def _find_in_sql(text: str) -> Iterator[LiteralSecret]:
    """Yield the literal passwords that SQL statements in *text* set."""
    lower = text.lower()
    if "identified" in lower or "password" in lower:
        for found in re.finditer(_SQL, text):
            if is_literal(found[1], Sensitivity.PASSWORD):
                yield LiteralSecret("password in an SQL statement", found[1])
