"""The search: each string of a document is checked by its name, its format and its context."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeseal.secrets.context import find_by_context
from pipeseal.secrets.documents import parse_json, parse_yaml
from pipeseal.secrets.findings import USE_A_CONNECTION, Match, SecretFinding, render
from pipeseal.secrets.formats import find_by_format, is_prefixed_token
from pipeseal.secrets.names import is_metadata, sensitivity_of
from pipeseal.secrets.paths import DocumentPath
from pipeseal.secrets.redaction import is_redaction
from pipeseal.secrets.values import is_literal

_MAX_MATCHES = 1000  # in one document; bounds the cost of a hostile one
_MAX_MATCHES_IN_STRING = 100
_MAX_INTEGER = 10**64  # larger integers are not converted to text

_REFERENCE_TYPES = frozenset({"PARAMETER_STORE", "SECRETS_MANAGER"})
# Sections of a build specification whose values are only names of secrets and parameters.
_REFERENCE_SECTIONS = frozenset({"secrets-manager", "parameter-store"})
_TOKEN_SECTIONS = frozenset({"github-oauth", "gitlab-oauth", "gitlab-token"})  # of Composer's auth.json
_NAME_KEYS = ("name", "key", "parameterkey", "parametername", "variable", "optionname")
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


def in_tags(tags: Sequence[Mapping[str, object]], path: str) -> tuple[SecretFinding, ...]:
    """Return each literal secret of a resource's tags, which are at *path* of its document."""
    return render(_search(tags), path, "tag")


def in_structure(document: Mapping[str, object], path: str, location: str) -> tuple[SecretFinding, ...]:
    """Return each literal secret of a *document* that is at *path* and *location* of another one."""
    return _located(render(_search(document), path), location)


def in_text(text: str, path: str, location: str) -> tuple[SecretFinding, ...]:
    """Return each literal secret of free text (commands, AppSpec content, URLs, JSON), one for each description.

    *path* and *location* tell where the text is and must be printable. Both continue in the JSON that *text* contains.
    """
    return _located(render(_search(text), path), location)


def _located(findings: Sequence[SecretFinding], location: str) -> tuple[SecretFinding, ...]:
    """Return *findings* with *location* before their own locations."""
    return tuple(
        replace(finding, location=f"{location}, {finding.location}" if finding.location else location)
        for finding in findings
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
        elif not (is_reference and lower in _VALUE_KEYS) and not _is_reference_section(lower, node, value):
            name = "token" if node.path.key in _TOKEN_SECTIONS else text
            if lower in _NEUTRAL_KEYS:
                name = own_name if own_name is not None and lower in _VALUE_KEYS else node.name
            yield _Node(value, path, "" if is_function else name, oauth_token if lower == "configuration" else "")


def _is_reference_section(key: str, node: _Node, value: object) -> bool:
    """Return whether *value* is the section of a build specification that tells where secrets are stored."""
    is_place = node.path.key == "env" or node.path.key is None
    return key in _REFERENCE_SECTIONS and is_place and isinstance(value, Mapping)


def _check_key(key: str, path: DocumentPath) -> Iterator[Match]:
    """Yield the tokens that *key* contains."""
    for token in find_by_format(key):
        yield Match(path, f"{token.description} in a name", secrets=(key, token.value))


def _check_string(value: str, node: _Node) -> Iterator[Match | _Node]:
    """Yield the matches in a string, each secret once, or the node of the JSON that it contains."""
    content = parse_json(value)
    if content is not None:
        yield _Node(content, node.path, node.name)
        return
    document = parse_yaml(value)
    if document is not None:
        yield _Node(document.content, node.path, node.name)
        yield from _check_text(document.comments, _Node("", node.path))
    else:
        yield from _check_text(value, node)


def _check_text(text: str, node: _Node) -> Iterator[Match]:
    """Yield the matches in a text, each secret once."""
    seen: list[str] = []
    for secret in find_by_format(text):
        if _is_new(secret.value, seen):
            seen.append(secret.value)
            yield Match(node.path, secret.description, secrets=(secret.value,))
    if not seen:
        by_name = list(_check_by_name(text, node))
        if by_name:
            yield from by_name
            return
    for secret in find_by_context(text):
        if _is_new(secret.value, seen):
            seen.append(secret.value)
            yield Match(node.path, secret.description, secret.name, secrets=(secret.value,))


def _is_new(secret: str, seen: list[str]) -> bool:
    """Return whether *secret* is none of those *seen* and no part of one, and the number of matches is not reached."""
    return len(seen) < _MAX_MATCHES_IN_STRING and not any(secret in other or other in secret for other in seen)


def _check_by_name(value: str, node: _Node) -> Iterator[Match]:
    """Yield *value* where its name identifies it as a secret, or where it is a redaction."""
    # CodePipeline redacts the properties that an action type declares as secret, under any name.
    if is_redaction(value) and node.path.parent is not None and node.path.parent.key == "configuration":
        yield Match(node.path, "secret value that AWS redacts")
    elif value != node.name and is_literal(value, sensitivity_of(node.name)):
        yield Match(node.path, "", node.name, secrets=(value,))
    elif node.name and is_prefixed_token(value) and not is_metadata(node.name):
        yield Match(node.path, "token with a vendor's prefix", secrets=(value,))


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
    return (value,) if isinstance(value, str) and not is_redaction(value) else ()
