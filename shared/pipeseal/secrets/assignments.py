"""Assignments and options in a text: literal secrets that the name beside the value identifies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeseal.secrets.command_formats import VALUE
from pipeseal.secrets.names import Sensitivity, sensitivity_of
from pipeseal.secrets.values import LiteralSecret, is_literal

# A name does not start inside a word or after a dash in a word, so the pattern tries each name once.
_NAME = r"(?<![\w.$])(?<!\$\{)(?<![\w.]-)([A-Za-z_][\w.-]{0,80})"
_EQUALS = (
    _NAME
    + r"(?:=(?![=~])|[ \t]{1,4}=[ \t]{1,4}(?=[\"'\w$]))(?=(\\{0,3}[\"'])?"
    + r"([^\s\"'\\|;<>&,)\]}][^\s\"'\\|;<>&,]{0,255}))"
)
_OPTION = r"(?<![\w-])--?([A-Za-z][\w-]{0,60})[ \t]{1,4}(?!-)(?=" + VALUE + ")"
_QUOTED_COLON = r"\\{0,3}[\"']([A-Za-z_][\w.:/ -]{0,80}?)\\{0,3}[\"']\s{0,8}(?::|=>|=)\s{0,8}(?=" + VALUE + ")"
_YAML_COLON = (
    r"(?:^|[\"'{\[,]|(?<=-[ ]))[ \t]{0,99}([A-Za-z_][\w.-]{0,80}):[ \t]{1,8}(?="
    + VALUE
    + r"(?:\\{0,3}[\"']|[ \t]{0,99}(?:$|\r|#|[}\],])))"
)
_TIGHT_COLON = r"(?<![\w.:/$-])(?<!\$\{)([A-Za-z_][\w.-]{0,80}):(?=" + VALUE + ")"
_XML_ELEMENT = r"<([A-Za-z_][\w.:-]{0,80})>([^<>\s]{1,256})</"
_NAME_AND_VALUE_FIELDS = (
    r"(?i)\b(?:parameter|option|environment)?-?(?:name|key)"
    r"\\?[\"']?[ \t]{0,4}[:=][ \t]{0,4}\\?[\"']?([A-Za-z_][\w.-]{0,80})"
    r"\\?[\"']?[ \t]{0,4},?\s{0,80}"
    r"(?:-\s)?\\?[\"']?(?:parameter|option|default)?value\\?[\"']?[ \t]{0,4}[:=][ \t]{0,4}(?=" + VALUE + ")"
)
_REFERENCE_TYPE = (
    r"[^{}\n]{0,300}?,?\s{0,80}\\?[\"']?type\\?[\"']?[ \t]{0,4}[:=][ \t]{0,4}\\?[\"']?"
    r"(?:PARAMETER_STORE|SECRETS_MANAGER)"
)
_POWERSHELL = r"(?:^|;)[ \t]{0,40}\$(?:\w{1,20}:)?([A-Za-z_]\w{0,80})[ \t]{0,9}=[ \t]{0,9}(?=[\"'])(?=" + VALUE + ")"
_CONFIGURE = r"\b(?:configure|config|user-secrets|env)\s+set\s+[\"']?([^\s\"']{1,160})[\"']?\s+(?!-)" + VALUE
_SET_VARIABLE = (
    r"(?i)(?:\bsetx\s+[\"']?|SetEnvironmentVariable\(\s{0,4}[\"'])([A-Za-z_]\w{0,80})[\"']?[\s,]{1,8}" + VALUE
)
_CONJUNCTIONS = frozenset({"and", "or", "is", "to", "in", "from", "as", "with"})  # "set --token and --password"
_EXPRESSION = r"[A-Za-z_][\w.]{0,80}[(\[]"  # a call or a subscript in source code


def find_in_assignments(text: str) -> Iterator[LiteralSecret]:
    """Yield the literal secrets that *text* assigns to a name or option; one value can be yielded twice."""
    checked = set()
    for name, value in _assignments(text):
        if (name, value) in checked:
            continue
        checked.add((name, value))
        sensitivity = sensitivity_of(name)
        # A value that ends in a colon is the name of a header, as in TOKEN='Authorization: ...'; commands.py finds it.
        if sensitivity is not Sensitivity.NONE and not value.endswith(":") and is_literal(value, sensitivity):
            yield LiteralSecret("", value, name)


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of each assignment in *text*, in any notation."""
    if "=" in text:
        for found in re.finditer(_EQUALS, text):
            if found[2] or not re.match(_EXPRESSION, found[3]):
                yield found[1], found[3]
    if "-" in text:
        for found in re.finditer(_OPTION, text):
            # docker build --secret id=npm,src=.npmrc names a file.
            if not (found[1] == "secret" and "=" in found[2]) and found[2] not in _CONJUNCTIONS:
                yield found[1], found[2]
    if ":" in text or "=" in text:
        yield from _colon_assignments(text)
    if "</" in text:
        yield from ((found[1], found[2]) for found in re.finditer(_XML_ELEMENT, text))
    yield from _other_assignments(text)


def _colon_assignments(text: str) -> Iterator[tuple[str, str]]:
    """Yield the assignments with a colon or an arrow: JSON, YAML, HTTP headers and Ruby hashes."""
    yield from ((found[1], found[2]) for found in re.finditer(_QUOTED_COLON, text))
    yield from ((found[1], found[2]) for found in re.finditer(_YAML_COLON, text, re.MULTILINE))
    for found in re.finditer(_TIGHT_COLON, text):
        # token:v1 is usually a container image; password:v1 is not.
        if sensitivity_of(found[1]) is Sensitivity.PASSWORD:
            yield found[1], found[2]


def _other_assignments(text: str) -> Iterator[tuple[str, str]]:
    """Yield the fields "name" and "value" of one object, PowerShell variables and `aws configure set` settings."""
    if re.search("value", text, re.IGNORECASE):
        for found in re.finditer(_NAME_AND_VALUE_FIELDS, text):
            if not re.compile(_REFERENCE_TYPE, re.IGNORECASE).match(text, found.end(2)):
                yield found[1], found[2]
    if "$" in text:
        for found in re.finditer(_POWERSHELL, text, re.MULTILINE):
            yield found[1], found[2]
    if "set" in text or "Set" in text:
        for found in re.finditer(_SET_VARIABLE, text):
            yield found[1], found[2]
    if " set " in text:
        for found in re.finditer(_CONFIGURE, text):
            yield found[1], found[2]
