"""A strict parser of the subset of HCL that snippets use; it was compared with Terraform's own parser."""

from __future__ import annotations

import re
from typing import Any

_TOKEN = re.compile(
    r"""[ ]*(?:
    (?P<comment>\#[ -~]*)
  | (?P<line>\n)
  | (?P<text>"(?:[^"\\\n]|\\.)*")
  | (?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<mark>[][{}()=,])
)""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r'\\(?:(["\\nrt])|u([0-9a-f]{4})|U([0-9a-f]{8}))|(\\)|(\$\$\{|%%\{)|(\$\{|%\{)')
_ESCAPED = {'"': '"', "\\": "\\", "n": "\n", "r": "\r", "t": "\t"}
_KEYWORDS = {"true": True, "false": False, "null": None}


def read(text: str) -> dict[str, Any]:
    """Return the arguments of *text* by name, and its blocks by type as a list of (*labels, body)."""
    parser = _Parser(text)
    found = parser.body("end")
    assert not parser.tokens
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        place = 0
        while place < len(text):
            match = _TOKEN.match(text, place)
            assert match, f"not HCL: {text[place : place + 40]!r}"
            place = match.end()
            if match.lastgroup != "comment":
                self.tokens.append((match.lastgroup or "", match[match.lastgroup or 0]))
        self.tokens.append(("mark", "end"))

    def take(self, *expected: str) -> str:
        kind, text = self.tokens.pop(0)
        assert kind in expected or text in expected, f"{text!r} instead of {expected}"
        return text

    def skip(self) -> None:
        while self.tokens[0][0] == "line":
            self.tokens.pop(0)

    def body(self, end: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self.skip()
        while self.tokens[0][1] != end:
            name = self.take("name")
            if self.tokens[0][1] == "=":
                self.take("=")
                assert name not in found
                found[name] = self.value()
            else:
                labels = []
                while self.tokens[0][0] == "text":
                    labels.append(_decoded(self.take("text")))
                self.take("{")
                self.take("line")
                found.setdefault(name, []).append((*labels, self.body("}")))
            self.take("line")
            self.skip()
        self.take(end)
        return found

    def value(self) -> Any:
        kind, text = self.tokens.pop(0)
        if kind == "text":
            return _decoded(text)
        if kind == "number":
            return float(text) if re.search(r"[.eE]", text) else int(text)
        if text == "jsonencode":
            self.take("(")
            found = self.value()
            self.take(")")
            return found
        if text in _KEYWORDS:
            return _KEYWORDS[text]
        assert text in ("[", "{"), f"{text!r} is not a value"
        return self.array() if text == "[" else self.object()

    def array(self) -> list[Any]:
        found = []
        self.skip()
        while self.tokens[0][1] != "]":
            found.append(self.value())
            if self.tokens[0][1] != "]":
                self.take(",")
            self.skip()
        self.take("]")
        return found

    def object(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self.skip()
        while self.tokens[0][1] != "}":
            kind, text = self.tokens.pop(0)
            assert kind in ("text", "name")
            assert text not in ("for", *_KEYWORDS)
            name = _decoded(text) if kind == "text" else text
            self.take("=")
            assert name not in found
            found[name] = self.value()
            if self.tokens[0][1] != "}":
                self.take("line")
            self.skip()
        self.take("}")
        return found


def _decoded(text: str) -> str:
    assert text.isascii()
    assert text.isprintable()
    return _ESCAPE.sub(_unescaped, text[1:-1])


def _unescaped(match: re.Match[str]) -> str:
    named, four, eight, odd, doubled, template = match.groups()
    assert not odd
    assert not template, "an unescaped template"
    if doubled:
        return str(doubled[1:])
    return _ESCAPED[named] if named else chr(int(four or eight, 16))
