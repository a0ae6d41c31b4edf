"""Commands, HTTP headers, SQL statements and prose: literal secrets that the syntax around the value identifies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeseal.secrets.command_formats import COMMAND_FORMATS, QUOTES, VALUE, Argument, CommandFormat
from pipeseal.secrets.formats import is_token
from pipeseal.secrets.names import Sensitivity, sensitivity_of
from pipeseal.secrets.placeholders import is_random
from pipeseal.secrets.values import LiteralSecret, is_literal

_ANY_COMMAND = re.compile("|".join(re.escape(marker) for marker in sorted({each.marker for each in COMMAND_FORMATS})))
_HEADER = (
    r"(?i)\bauthorization\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?"
    r"((?:bearer|basic|token|apikey|bot|digest)(?:\s{1,3}|\+|%20))?" + VALUE
)
_HEADER_OPTION = r"(?:^|\s)(?:-H|--header)[ =]{0,4}\\?[\"']([\w-]{1,64}):[ \t]{0,4}(?=" + VALUE + ")"
_CREDENTIAL_HEADER = r"(?i)(?:^|-)(?:api|key|token|auth|secret|session|cookie)(?:-|$)"
_BEARER = r"(?i)\b(?:bearer|basic)(?:\s{1,3}|\+|%20)([\w.~+/=-]{12,512})"
_SQL = (
    r"(?i)\b(?:create|alter|set|grant|user|role|login|with|encrypted)\b[^;\n]{0,200}?"
    r"\b(?:identified\s+(?:with\s+[\"'`]?\w{1,64}[\"'`]?\s+)?(?:by|as)(?:\s+password)?|password)"
    r"\s{0,4}=?\s{0,4}\(?\s{0,4}N?"
    r"\\{0,3}[\"']([^\"'\\\s]{1,256})"
)
_SQL_UNQUOTED = r"(?i)\bidentified\s+by\s+(?=\w{0,60}\d)(?=\d{0,60}[A-Za-z])(\w[^\s;\"']{5,100})"  # of Oracle
_QUERY = r"(?i)[?&](?:key|code|sig|signature|x-amz-signature|x-amz-security-token)=" + VALUE
_PROSE = (
    r"(?i)\b(?:password|passwd|passphrase|passcode|pwd|pw|token|secret|api[ -]?key|pin)"
    r"\s{0,2}(?:is|are|:|->)\s{1,3}(?![-$])" + VALUE
)
_CONNECTION_STRING = (
    r"(?i)(?:^|[;\"'])\s{0,8}(?:password|pwd)\s{0,4}=\s{0,4}" + QUOTES + r"([^;\"'\s<>{}][^;\"'\n]{0,255})"
)
_IN_HEADER = "credential in an Authorization header"
_MIN_PROSE_LENGTH = 6  # characters
_PLACEHOLDER_USER = r"(?i)(?:user(?:name)?|usr|login|my_?user|foo):(?:pass(?:word|wd)?|pwd|secret|token|bar)"


def find_in_commands(text: str) -> Iterator[LiteralSecret]:
    """Yield the literal secrets in the commands, headers, SQL statements and prose of *text*; repeats included."""
    for command in COMMAND_FORMATS if _ANY_COMMAND.search(text) else ():
        if command.marker in text:
            for found in re.finditer(command.pattern, text):
                secret = _secret_of(command, found[1])
                if secret:
                    yield LiteralSecret(command.description, secret)
    yield from _find_in_headers(text)
    lower = text.lower()
    if "identified" in lower or "password" in lower:
        yield from _find_with(_SQL, text, "password in an SQL statement")
    if ";" in text and ("password" in lower or "pwd" in lower):
        yield from _find_with(_CONNECTION_STRING, text, "password in a connection string")
    if "identified" in lower:
        yield from _find_with(_SQL_UNQUOTED, text, "password in an SQL statement")
    if "?" in text:
        yield from _find_with(_QUERY, text, "key in a URL", Sensitivity.RANDOM)
    yield from _find_in_prose(text)


def _secret_of(command: CommandFormat, value: str) -> str:
    """Return the literal secret in the *value* of a command's argument, or an empty string."""
    if command.argument is Argument.GENERATED:
        return value if is_literal(value, Sensitivity.RANDOM) else ""
    if command.argument is Argument.SECRET:
        return value if is_literal(value, Sensitivity.PASSWORD) else ""
    user, colon, password = value.partition(":")
    if re.fullmatch(_PLACEHOLDER_USER, value):
        return ""
    if not password:
        return user if is_token(user) and (colon or is_random(user)) else ""
    return password if is_literal(password, Sensitivity.PASSWORD) else ""


def _find_with(
    pattern: str, text: str, description: str, sensitivity: Sensitivity = Sensitivity.PASSWORD
) -> Iterator[LiteralSecret]:
    for found in re.finditer(pattern, text):
        if is_literal(found[1], sensitivity):
            yield LiteralSecret(description, found[1].strip())


def _find_in_headers(text: str) -> Iterator[LiteralSecret]:
    """Yield the literal credentials in the HTTP headers of *text*, and of bearer and basic schemes elsewhere."""
    lower = text.lower()
    if "authorization" in lower:
        for found in re.finditer(_HEADER, text):
            # After a scheme, every word except "token" and "auth", which documentation uses, is a credential.
            has_scheme = found[1] and found[2].lower() not in {"token", "auth"}
            sensitivity = Sensitivity.SECRET if has_scheme else Sensitivity.AMBIGUOUS
            if is_literal(found[2], sensitivity) or is_literal(found[2], Sensitivity.RANDOM):
                yield LiteralSecret(_IN_HEADER, found[2])
    if "-H" in text or "--header" in text:
        for found in re.finditer(_HEADER_OPTION, text):
            if re.search(_CREDENTIAL_HEADER, found[1]) and is_literal(found[2], _sensitivity_of_header(found[1])):
                yield LiteralSecret("", found[2], found[1])
    if "bearer" in lower or "basic" in lower:
        for found in re.finditer(_BEARER, text):
            if re.search(r"\d", found[1]) and is_literal(found[1], Sensitivity.AMBIGUOUS):
                yield LiteralSecret(_IN_HEADER, found[1])


def _sensitivity_of_header(name: str) -> Sensitivity:
    sensitivity = sensitivity_of(name)
    return Sensitivity.RANDOM if sensitivity is Sensitivity.NONE else sensitivity


def _find_in_prose(text: str) -> Iterator[LiteralSecret]:
    """Yield the passwords that a sentence tells: "log in as admin, password: ..."."""
    for found in re.finditer(_PROSE, text):
        value = found[1].rstrip(".!?")
        has_both = re.search(r"\d", value) and re.search(r"[A-Za-z]", value)
        if len(value) >= _MIN_PROSE_LENGTH and has_both and is_literal(value, Sensitivity.PASSWORD):
            yield LiteralSecret("password in a text", value)
