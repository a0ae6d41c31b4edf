"""Export the token formats of a maintained rule base into a compact table for Python's `re`.

    python export_token_formats.py TABLE [REPORT]

The rule base is the package kingfisher-secret-scanner of requirements-rules.txt. It is a native extension of 36 MB that
takes seconds to load, so it runs here and not in a Lambda function. TABLE is what pipeseal.secrets.token_formats reads.
REPORT lists each rule that is left out with the reason, and one example for each rule that is exported.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from token_patterns import (
    MAX_STEPS,
    LeftOut,
    generate,
    is_narrow,
    keywords_of,
    min_length,
    parse,
    render,
    secret_of,
    steps_of,
)

MIN_KEYWORD = 3  # characters that every token of a format contains
MIN_TOKEN = 15  # characters
MIN_VARIABLE = 8  # characters of a token that are not fixed
# Such a value is published on purpose, or identifies an account without granting access to it.
_PUBLIC = re.compile(
    r"(?i)public|publishable|client-?id\b|project-?id\b|access-?id\b|api-?id\b|account-?id\b|\bdsn\b"
    r"|^mapbox-api-token|^new-relic-browser-api|^posthog-project-api"  # keys of web pages
)


@dataclass(frozen=True)
class TokenFormat:
    """An exported rule: the pattern of the token itself and a keyword of every match, in lower case."""

    description: str
    pattern: str
    keywords: tuple[str, ...]
    min_entropy: float
    """In bits a character. A match of less entropy is a placeholder."""


def main(table: str, report: str = "") -> None:
    """Write the files *table* and *report*."""
    from kingfisher_sdk import Rules, Scanner  # noqa: PLC0415 - the tests of this module run without it

    rules = Rules(confidence="low")
    details = [rules.detail(rule["id"]) for rule in rules.metadata()]
    exported: dict[str, TokenFormat] = {}
    left_out: dict[str, str] = {}
    for rule in details:
        try:
            exported[rule["id"]] = export(rule)
        except LeftOut as reason:
            left_out[rule["id"]] = str(reason)
    examples = _confirmed(details, exported, Scanner(rules=rules))
    digest = digest_of_inputs()
    Path(table).write_text(json.dumps({"digest": digest, **as_table(exported.values())}, separators=(",", ":")))
    if report:
        content = {"rules": len(details), "exported": len(exported), "left_out": left_out, "examples": examples}
        Path(report).write_text(json.dumps(content, indent=1))
    print(f"token formats: {len(exported)} of {len(details)} rules")  # noqa: T201 - a program


def digest_of_inputs() -> str:
    """Return a digest of this program and its lock file: a table with another one is out of date."""
    here = Path(__file__).resolve()
    inputs = (here, here.with_name("token_patterns.py"), here.with_name("requirements-rules.txt"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in inputs)).hexdigest()[:16]


def export(rule: dict[str, Any]) -> TokenFormat:
    """Return the token format of *rule*; raise LeftOut with the reason where there is none."""
    if not rule["visible"]:
        raise LeftOut("part of another rule and no secret by itself")
    if _PUBLIC.search(rule["id"].partition(".")[2]):
        raise LeftOut("public by design, or an identifier")
    tree = parse(rule["detection_regex"])
    secret = secret_of(tree, rule["betterleaks_secret_group"])
    bounded = render(secret)
    keywords = keywords_of(secret)
    shortest = min_length(secret)
    if len(min(keywords, key=len, default="")) < MIN_KEYWORD:
        raise LeftOut("the secret has no fixed part: only the name beside it identifies it, which names.py decides")
    if shortest < MIN_TOKEN or shortest - max(map(len, keywords)) < MIN_VARIABLE:
        raise LeftOut("the secret is too short or too fixed to be recognized by its format")
    if not is_narrow(secret):
        raise LeftOut("the secret can contain any character, so only the text around it identifies it")
    if steps_of(secret) > MAX_STEPS:
        raise LeftOut("the pattern could backtrack without a useful bound")
    pattern = rf"(?<![A-Za-z0-9_]){bounded}(?![A-Za-z0-9])"
    re.compile(pattern)
    return TokenFormat(_describe(rule), pattern, keywords, _min_entropy(rule["betterleaks_filter"]))


def _describe(rule: dict[str, Any]) -> str:
    """Return the name of the token from the rule's description: "Found a Square access token, risking ..."."""
    name = re.sub(
        r"^(?:Uncovered|Discovered|Identified|Detected|Found)\s+(?:an?\s+)?(?:(?:possible|potential)\s+)?"
        r"(?:pattern that may indicate\s+(?:an?\s+)?)?",
        "",
        rule["name"],
    )
    name = re.split(r",|\.(?=\s|$)| which | posing | risking | indicating ", name)[0].strip()
    is_short = 0 < len(name) <= 60  # noqa: PLR2004 - characters that fit a line of an alert
    return name[0].upper() + name[1:] if is_short else rule["id"].partition(".")[2].replace("-", " ")


def _min_entropy(condition: Any) -> float:
    """Return the entropy that the filter of a rule asks for; the other filters concern files and repositories."""
    if not condition or condition["kind"] != "binary":
        return 0.0
    if condition["operator"] == "||":
        return max(_min_entropy(condition["left"]), _min_entropy(condition["right"]))
    left, right = condition["left"], condition["right"]
    is_entropy = left.get("kind") == "call" and left["callee"].get("value") == "entropy"
    return float(right["value"]) if is_entropy and condition["operator"] in {"<", "<="} else 0.0


def as_table(formats: Iterable[TokenFormat]) -> dict[str, Any]:
    """Return the table: the formats, one pattern that finds all keywords, and the formats of each keyword."""
    unique = list({token_format.pattern: token_format for token_format in formats}.values())
    by_keyword: dict[str, list[int]] = {}
    for number, token_format in enumerate(unique):
        for keyword in token_format.keywords:
            by_keyword.setdefault(keyword, []).append(number)
    # The pattern finds the longest keyword at a position: it stands for the shorter ones that begin it.
    complete = {
        keyword: sorted({n for other, numbers in by_keyword.items() if keyword.startswith(other) for n in numbers})
        for keyword in by_keyword
    }
    rows = [[each.description, each.pattern, each.min_entropy] for each in unique]
    return {"formats": rows, "look": trie(sorted(complete)), "keywords": complete}


def trie(words: list[str]) -> str:
    """Return a pattern that matches the longest of the sorted *words* at a position, each character tried once."""
    by_first: dict[str, list[str]] = {}
    for word in words:
        if word:
            by_first.setdefault(word[0], []).append(word[1:])
    branches = []
    for first, rests in by_first.items():
        rest = trie([each for each in rests if each])
        branches.append(re.escape(first) + (rest if "" not in rests or not rest else f"(?:{rest})?"))
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})" if branches else ""


def _confirmed(details: list[dict[str, Any]], exported: dict[str, TokenFormat], scanner: Any) -> dict[str, str]:
    """Return one example for each exported rule; raise SystemExit where a translation misses what the engine finds."""
    candidates = {
        rule["id"]: [
            *rule["examples"],
            *(f'token = "{text}"' for text in generate(rule["detection_regex"], rule["id"])),
        ]
        for rule in details
        if rule["id"] in exported
    }
    examples: dict[str, str] = {}
    missed = []
    for identifier, texts in candidates.items():
        for text in texts:
            is_found_by_engine = any(finding.rule_id == identifier for finding in scanner.scan(text))
            is_found = re.search(exported[identifier].pattern, text) is not None
            if is_found_by_engine and not is_found:
                missed.append(f"{identifier}: {text}")
            elif is_found_by_engine:
                examples.setdefault(identifier, text)
    if missed:
        raise SystemExit("the translation misses tokens that the rule base finds:\n" + "\n".join(missed))
    return examples


if __name__ == "__main__":
    main(*sys.argv[1:])
