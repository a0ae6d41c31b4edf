"""The search: each string of a document is checked by its name, its format and its context."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeseal.secrets.context import find_by_context
from pipeseal.secrets.findings import USE_A_CONNECTION, Match, SecretFinding, render
from pipeseal.secrets.formats import find_by_format
from pipeseal.secrets.names import Sensitivity, sensitivity_of
from pipeseal.secrets.paths import DocumentPath
from pipeseal.secrets.redaction import is_codepipeline_redaction, is_redacted
from pipeseal.secrets.values import is_literal

_MAX_MATCHES = 1000  # in one document; bounds the cost of a hostile one
_MAX_MATCHES_IN_STRING = 100
_MAX_INTEGER = 10**64  # larger integers are not converted to text

_REFERENCE_TYPES = frozenset({"PARAMETER_STORE", "SECRETS_MANAGER"})
_NAME_KEYS = ("name", "key", "parameterkey", "parametername", "variable")
_VALUE_KEYS = ("value", "defaultvalue", "parametervalue")
# Keys whose values take the name above them: {"DbPassword": {"value": ...}} is checked as a DbPassword.
_NEUTRAL_KEYS = frozenset({*_VALUE_KEYS, "default", "literal", "plaintext", "content", "text"})


@dataclass(frozen=True, slots=True)
class _Node:
    """A value to be checked under *name*; *oauth_token* describes an OAuthToken directly below it."""

    value: object
    path: DocumentPath
    name: str = ""
    oauth_token: str = ""


def in_pipeline(document: Mapping[str, object]) -> tuple[SecretFinding, ...]:
    """Return each literal secret of a pipeline's structure (from GetPipeline or CloudTrail), in document order.

    Every OAuthToken is a finding, redacted or not, because a connection should replace it. At most 1000 findings are
    returned. A structure of unexpected types raises no error.
    """
    return render(_search(document))


def in_variables(variables: Sequence[Mapping[str, object]], path: str) -> tuple[SecretFinding, ...]:
    """Return each literal secret of CodeBuild's environment variables, which are at *path* of their document."""
    return render(_search(variables), path, "variable")


def in_text(text: str, path: str, location: str) -> tuple[SecretFinding, ...]:
    """Return each literal secret of free text (commands, AppSpec content, URLs, JSON), one for each description.

    *path* and *location* tell where the text is and must be printable. Both continue in the JSON that *text* contains.
    """
    return tuple(
        replace(finding, location=f"{location}, {finding.location}" if finding.location else location)
        for finding in render(_search(text), path)
    )


def _search(document: object) -> Iterator[Match]:
    """Yield the first matches in *document*, in document order; a stack instead of recursion allows any depth."""
    stack = [_Node(document, DocumentPath())]
    count = 0
    while stack:
        children: list[_Node] = []
        for result in _check(stack.pop()):
            if isinstance(result, _Node):
                children.append(result)
                continue
            yield result
            count += 1
            if count >= _MAX_MATCHES:
                return
        stack.extend(reversed(children))


def _check(node: _Node) -> Iterator[Match | _Node]:
    """Yield the matches in *node* itself and the nodes below it."""
    value = node.value
    if isinstance(value, str):
        yield from _check_string(value, node)
    elif isinstance(value, Mapping):
        yield from _check_mapping(value, node)
    elif isinstance(value, list | tuple):
        yield from _elements(value, node)
    elif isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_INTEGER:
        yield from _check_by_name(str(value), node)


def _elements(values: Sequence[object], node: _Node) -> Iterator[_Node]:
    """Yield the elements of a list; in the arguments of a command, ["--password", "..."], an option names the next."""
    for index, element in enumerate(values):
        previous = values[index - 1] if index else None
        is_option = isinstance(previous, str) and previous.startswith("-") and not str(element).startswith("-")
        name = str(previous).lstrip("-") if is_option else node.name
        yield _Node(element, DocumentPath(node.path, None, index, _name_of(element)), name)


def _check_mapping(mapping: Mapping[object, object], node: _Node) -> Iterator[Match | _Node]:
    """Yield the matches in the keys of *mapping*, and its values under the names that apply to them."""
    own_name = _name_of(mapping)
    is_reference = own_name is not None and str(_field(mapping, ("type",))).upper() in _REFERENCE_TYPES
    is_function = len(mapping) == 1 and all(key == "Ref" or str(key).startswith("Fn::") for key in mapping)
    oauth_token = _describe_oauth_token(mapping)
    for index, (key, value) in enumerate(mapping.items()):
        text = key if isinstance(key, str) else ""
        path = DocumentPath(node.path, text, index)
        lower = text.lower()
        yield from _check_key(text, path)
        if node.oauth_token and lower.replace("_", "") == "oauthtoken":
            yield Match(path, node.oauth_token, advice=USE_A_CONNECTION, secrets=_unredacted(value))
        elif not (is_reference and lower in _VALUE_KEYS):
            name = text
            if lower in _NEUTRAL_KEYS:
                name = own_name if own_name is not None and lower in _VALUE_KEYS else node.name
            yield _Node(value, path, "" if is_function else name, oauth_token if lower == "configuration" else "")


def _check_key(key: str, path: DocumentPath) -> Iterator[Match]:
    """Yield the tokens that *key* contains."""
    for token in find_by_format(key):
        yield Match(path, f"{token.description} in a name", secrets=(key, token.value))


def _check_string(value: str, node: _Node) -> Iterator[Match | _Node]:
    """Yield the matches in a string, each secret once, or the node of the JSON that it contains."""
    content = _parse_json(value)
    if content is not None:
        yield _Node(content, node.path, node.name)
        return
    seen: list[str] = []
    for secret in find_by_format(value):
        if len(seen) < _MAX_MATCHES_IN_STRING and secret.value not in seen:
            seen.append(secret.value)
            yield Match(node.path, secret.description, secrets=(secret.value,))
    if not seen:
        by_name = list(_check_by_name(value, node))
        if by_name:
            yield from by_name
            return
    for secret in find_by_context(value):
        is_new = not any(secret.value in other or other in secret.value for other in seen)
        if len(seen) < _MAX_MATCHES_IN_STRING and is_new:
            seen.append(secret.value)
            yield Match(node.path, secret.description, secret.name, secrets=(secret.value,))


def _check_by_name(value: str, node: _Node) -> Iterator[Match]:
    """Yield *value* where its name identifies it as a secret, or where it is a redaction."""
    sensitivity = sensitivity_of(node.name)
    if value == node.name and "_" in value and value.isupper():
        return  # DB_PASSWORD: DB_PASSWORD is the name of a variable
    # CodePipeline redacts the properties that an action type declares as secret, under any name.
    in_configuration = node.path.parent is not None and node.path.parent.key == "configuration"
    if (is_redacted(value) and sensitivity is not Sensitivity.NONE) or (
        in_configuration and is_codepipeline_redaction(value)
    ):
        yield Match(node.path, "secret value that AWS redacts")
    elif is_literal(value, sensitivity):
        yield Match(node.path, "", node.name, secrets=(value,))


def _parse_json(value: str) -> object:
    """Return the object or array that *value* contains as JSON, or None."""
    if value.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        return json.loads(value, object_pairs_hook=_with_repeated_keys)
    except (ValueError, RecursionError):
        return None


def _with_repeated_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return a dictionary of *pairs* that keeps each value of a repeated key, which JSON would drop."""
    built: dict[str, object] = {}
    for key, value in pairs:
        built[key] = [built[key], value] if key in built else value
    return built


def _name_of(element: object) -> str | None:
    """Return the name that *element* gives itself, as stages, actions and variables do, or None."""
    if not isinstance(element, Mapping):
        return None
    name = _field(element, _NAME_KEYS)
    return name if isinstance(name, str) else None


def _field(mapping: Mapping[object, object], keys: Sequence[str]) -> object:
    """Return the value of *mapping* for the first of *keys* that it has, in upper or lower case, or None."""
    for wanted in keys:
        for key, value in mapping.items():
            if isinstance(key, str) and key.lower() == wanted:
                return value
    return None


def _describe_oauth_token(action: Mapping[object, object]) -> str:
    """Return the description of an OAuthToken in the configuration of *action*."""
    action_type = action.get("actionTypeId") or action.get("actionType")
    is_github = isinstance(action_type, Mapping) and (
        action_type.get("owner") == "ThirdParty" and action_type.get("provider") == "GitHub"
    )
    return "GitHub version 1 OAuth token" if is_github else "OAuth token"


def _unredacted(value: object) -> tuple[str, ...]:
    """Return an OAuthToken's *value* if it is a secret that must not be shown; a redaction is none."""
    return (value,) if isinstance(value, str) and not is_redacted(value) else ()
