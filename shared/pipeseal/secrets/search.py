"""The walk: every string of a document is judged by its name, its format and its phrases."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeseal.secrets.formats import AWS_KEY_ID, tokens
from pipeseal.secrets.names import Promise, promise
from pipeseal.secrets.phrases import phrases
from pipeseal.secrets.places import Names, Place
from pipeseal.secrets.values import is_literal, is_masked

_MOST = 1000  # findings of one document; no mail holds more, and a hostile document costs no more
_MOST_IN_TEXT = 100  # findings of one string

_REFERENCE_TYPES = frozenset({"PARAMETER_STORE", "SECRETS_MANAGER"})
_NAMES = ("name", "key", "parameterkey", "parametername", "variable")
_VALUES = ("value", "defaultvalue", "parametervalue")
# A key that says nothing of its own: {"DbPassword": {"value": ...}} is a DbPassword.
_TRANSPARENT = frozenset({*_VALUES, "default", "literal", "plaintext", "content", "text"})

_ROTATE = "whoever could read it there has it, so replace it"
_ADVICE = {
    "EnvironmentVariables": "keep it in Secrets Manager and name it with type SECRETS_MANAGER",
    "environmentVariables": "keep it in Secrets Manager and name it with type SECRETS_MANAGER",
    "commands": "keep it in Secrets Manager and name it in environmentVariables with type SECRETS_MANAGER",
    "ParameterOverrides": "keep it in Secrets Manager and let the template {{resolve:secretsmanager:...}} it",
    "UserParameters": "keep it in Secrets Manager, pass its ARN and let the function fetch it",
    "variables": "keep it in Secrets Manager: a pipeline's variables are shown with every execution",
}
_CONNECTION = "use a CodeConnections connection (provider CodeStarSourceConnection) in its place, then revoke the token"
_ROLE = "give the action a role in place of a key, then delete the key"
_OTHERWISE = "keep it in Secrets Manager or Parameter Store and refer to it"


@dataclass(frozen=True, slots=True)
class Secret:
    """A literal secret: where it stands and what to do. No field holds the secret or a part of it.

    *path* leads into the document as given, through JSON in strings too; *where* and *what* are for a person.
    """

    path: str
    where: str
    what: str
    advice: str

    @property
    def sentence(self) -> str:
        """Say it all to a person."""
        return f"{self.where}: {self.what}; {self.advice}."


@dataclass(frozen=True, slots=True)
class _Hit:
    """A finding before it is put in words; *literals* are what the words must not show."""

    place: Place
    what: str
    name: str = ""
    advice: str = ""
    literals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Node:
    """A value that is still to be judged, under *name*; *token* names an OAuthToken directly below it."""

    value: Any
    place: Place
    name: str = ""
    token: str = ""


def in_pipeline(document: Mapping[str, Any]) -> tuple[Secret, ...]:
    """Return each literal secret of a pipeline's structure (GetPipeline's or CloudTrail's), in document order.

    An OAuthToken counts by its presence: GetPipeline masks it, and a connection should stand in its place. Of a
    document with more than 1000 findings the first 1000 are returned.
    """
    return _told(_walk(_Node(document, Place())), "")


def in_variables(variables: Sequence[Mapping[str, Any]], path: str) -> tuple[Secret, ...]:
    """Return each literal secret of CodeBuild's environment variables, which stand at *path* of their document."""
    return _told(_walk(_Node(variables, Place())), path, "variable")


def in_text(text: str, path: str, where: str) -> tuple[Secret, ...]:
    """Return each kind of literal secret of free text: commands, AppSpec content, URLs, JSON.

    *path* and *where* say where the text stands, in words fit to be shown; a finding inside JSON says more.
    """
    found = _told(_walk(_Node(text, Place())), path)
    return tuple(replace(each, where=f"{where}, {each.where}" if each.where else where) for each in found)


def _told(hits: Iterator[_Hit], start: str, noun: str = "") -> tuple[Secret, ...]:
    """Put *hits* in words that show no literal of any of them; *noun* is what an element of a list is called."""
    found = tuple(hits)
    names = Names.hiding(literal for hit in found for literal in hit.literals)
    return tuple(dict.fromkeys(_secret(hit, names, start, noun) for hit in found))


def _secret(hit: _Hit, names: Names, start: str, noun: str) -> Secret:
    """Put one *hit* in words."""
    what = hit.what
    if not what:
        shown = names.shown(hit.name)
        what = "literal value under a secret's name" if shown is None else f"literal value under the name {shown}"
    return Secret(names.path(hit.place, start), names.where(hit.place, noun), what, hit.advice or _advice(hit))


def _advice(hit: _Hit) -> str:
    """Return what to do about *hit*, by what it is and where CodePipeline lets it be replaced."""
    if hit.what == AWS_KEY_ID:
        return _ROLE
    keys = [step.key for step in hit.place.way()]
    advice = next((_ADVICE[key] for key in keys if key in _ADVICE), _OTHERWISE)
    return f"{advice}; {_ROTATE}"


def _walk(root: _Node) -> Iterator[_Hit]:
    """Yield the first findings below *root* in document order; a stack, so that no depth is too deep."""
    stack = [root]
    count = 0
    while stack:
        node = stack.pop()
        children: list[_Node] = []
        for result in _visit(node):
            if isinstance(result, _Node):
                children.append(result)
                continue
            yield result
            count += 1
            if count >= _MOST:
                return
        stack.extend(reversed(children))


def _visit(node: _Node) -> Iterator[_Hit | _Node]:
    """Yield what is found in *node* itself, and the nodes below it."""
    value = node.value
    if isinstance(value, str):
        yield from _in_string(value, node)
    elif isinstance(value, Mapping):
        yield from _in_mapping(value, node)
    elif isinstance(value, list | tuple):
        for index, element in enumerate(value):
            # ["--password", "..."] is a command's arguments, each by itself.
            before = value[index - 1] if index else None
            option = isinstance(before, str) and before.startswith("-") and not str(element).startswith("-")
            name = str(before).lstrip("-") if option else node.name
            yield _Node(element, Place(node.place, None, index, _name_of(element)), name)
    elif isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**64:
        yield from _under_name(str(value), node)


def _in_mapping(mapping: Mapping[Any, Any], node: _Node) -> Iterator[_Hit | _Node]:
    """Yield what the keys of *mapping* give away, and its values with the names that they stand under."""
    own = _name_of(mapping)
    reference = own is not None and str(_field(mapping, ("type",))).upper() in _REFERENCE_TYPES
    function = len(mapping) == 1 and all(key == "Ref" or str(key).startswith("Fn::") for key in mapping)
    token = _token_of(mapping)
    for index, (key, value) in enumerate(mapping.items()):
        text = key if isinstance(key, str) else None
        place = Place(node.place, text if text is not None else "", index)
        lower = (text or "").lower()
        yield from _in_key(text or "", place)
        if node.token and lower.replace("_", "") == "oauthtoken":
            yield _Hit(place, node.token, advice=_CONNECTION, literals=_literals(value))
        elif not (reference and lower in _VALUES):
            name = text or ""
            if lower in _TRANSPARENT:
                name = own if own is not None and lower in _VALUES else node.name
            yield _Node(value, place, "" if function else name, token if lower == "configuration" else "")


def _in_key(key: str, place: Place) -> Iterator[_Hit]:
    """Yield the tokens that stand in a key."""
    for token in tokens(key):
        yield _Hit(place, f"{token.what} in a name", literals=(key, token.literal))


def _in_string(value: str, node: _Node) -> Iterator[_Hit | _Node]:
    """Yield what is found in a string, or the node of the JSON in it; each literal counts once."""
    inner = _json(value)
    if inner is not None:
        yield _Node(inner, node.place, node.name)
        return
    seen: list[str] = []
    for token in tokens(value):
        if len(seen) < _MOST_IN_TEXT and token.literal not in seen:
            seen.append(token.literal)
            yield _Hit(node.place, token.what, literals=(token.literal,))
    if not seen:
        named = list(_under_name(value, node))
        if named:
            yield from named
            return
    for phrase in phrases(value):
        if len(seen) < _MOST_IN_TEXT and not any(phrase.literal in old or old in phrase.literal for old in seen):
            seen.append(phrase.literal)
            yield _Hit(node.place, phrase.what, phrase.name, literals=(phrase.literal,))


def _under_name(value: str, node: _Node) -> Iterator[_Hit]:
    """Yield *value* where the name above it makes it a secret."""
    promised = promise(node.name)
    if value == node.name and "_" in value and value.isupper():
        return  # DB_PASSWORD: DB_PASSWORD only says in which variable to look
    direct = node.place.parent is not None and node.place.parent.key == "configuration"
    if is_masked(value) and (promised is not Promise.NOTHING or (direct and re.fullmatch(r"\*{4,}", value))):
        # CodePipeline masks what the action type declares secret, under whatever name.
        yield _Hit(node.place, "secret that AWS masks")
    elif is_literal(value, promised):
        yield _Hit(node.place, "", node.name, literals=(value,))


def _json(value: str) -> object:
    """Return the object or list that *value* holds as JSON, if it does."""
    if value.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        return json.loads(value, object_pairs_hook=_every)
    except (ValueError, RecursionError):
        return None


def _every(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object that keeps what JSON would drop: each value of a key that comes twice."""
    built: dict[str, Any] = {}
    for key, value in pairs:
        built[key] = [built[key], value] if key in built else value
    return built


def _name_of(element: object) -> str | None:
    """Return what *element* calls itself, as stages, actions and variables do."""
    if not isinstance(element, Mapping):
        return None
    name = _field(element, _NAMES)
    return name if isinstance(name, str) else None


def _field(mapping: Mapping[Any, Any], keys: Sequence[str]) -> object:
    """Return the first value of *mapping* under one of *keys*, in any case."""
    for wanted in keys:
        for key, value in mapping.items():
            if isinstance(key, str) and key.lower() == wanted:
                return value
    return None


def _token_of(action: Mapping[Any, Any]) -> str:
    """Return what to call an OAuthToken in the configuration of *action*."""
    kind = action.get("actionTypeId") or action.get("actionType")
    if isinstance(kind, Mapping) and [kind.get(part) for part in ("owner", "provider")] == ["ThirdParty", "GitHub"]:
        return "GitHub version 1 OAuth token"
    return "OAuth token"


def _literals(value: object) -> tuple[str, ...]:
    """Return what of an OAuthToken's *value* must not be shown; a mask is no secret."""
    return (value,) if isinstance(value, str) and not is_masked(value) else ()
