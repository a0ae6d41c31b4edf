"""Parse a bucket policy into statements.

The structure follows the IAM User Guide, "IAM JSON policy reference": the elements of a resource-based policy. S3
rejects other documents with the error MalformedPolicy.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from pipeseal.aws.documents import Document, MutableDocument

_VERSIONS = ("2012-10-17", "2008-10-17")
_DEFAULT_VERSION = "2008-10-17"
# In the older version "${" is ordinary text.
_VERSION_WITH_VARIABLES = "2012-10-17"


class PolicyError(ValueError):
    """The input is not a bucket policy; S3 rejects it with MalformedPolicy. The message names the element."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. An element that may be a string or a list is a tuple of strings here."""

    number: int
    """Position in the policy, from 1."""
    sid: str
    """The Sid; empty if the statement has none."""
    is_deny: bool
    principals: tuple[tuple[str, str], ...]
    """Principal type (AWS, Service, CanonicalUser, Federated) and value, for each value of the element."""
    not_principal: bool
    """Whether the element is NotPrincipal."""
    actions: tuple[str, ...]
    not_action: bool
    """Whether the element is NotAction."""
    resources: tuple[str, ...]
    not_resource: bool
    """Whether the element is NotResource."""
    condition: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Condition operator, condition key and values as written; Booleans and numbers as the text that S3 stores."""
    has_variables: bool
    """Whether ``${...}`` is a policy variable, which depends on the Version of the document."""

    @property
    def label(self) -> str:
        """Return the number and the Sid, if any, for a message: "statement 2 (AllowDeploy)"."""
        return f"statement {self.number} ({self.sid})" if self.sid else f"statement {self.number}"

    @property
    def matches_every_principal(self) -> bool:
        """Return whether the Principal is ``*`` or ``{"AWS": "*"}``, perhaps beside others."""
        return not self.not_principal and ("AWS", "*") in self.principals


def load(raw: object) -> MutableDocument:
    """Return a deep copy of the JSON object in *raw*, as text or as a mapping.

    Raises PolicyError if *raw* is not a JSON object, repeats a key, or cannot be encoded as UTF-8.
    """
    try:
        text = raw if isinstance(raw, str) else json.dumps(_mapping(raw), allow_nan=False)
        document = json.loads(text, object_pairs_hook=_reject_duplicates, parse_constant=_reject_constant)
        dump(document).encode()
    except PolicyError:
        raise
    except UnicodeEncodeError as error:
        raise PolicyError("the policy contains a lone surrogate, which is not a Unicode character") from error
    except RecursionError as error:
        raise PolicyError("the policy is nested too deeply") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise PolicyError(f"the policy is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise PolicyError(f"the policy is {_type_name(document)}, not an object")
    return document


def raw_statements(document: Document | None) -> list[Document]:
    """Return a new list of the statements as written in *document*; empty if *document* is None."""
    found = (document or {"Statement": []})["Statement"]
    return [found] if isinstance(found, dict) else list(found)


def dump(document: object) -> str:
    """Return *document* as compact JSON, the form in which it is written to S3."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def parse_statements(document: Document) -> tuple[Statement, ...]:
    """Return the statements of *document*; raise PolicyError at the first malformed element."""
    version = document.get("Version", _DEFAULT_VERSION)
    if version not in _VERSIONS:
        raise PolicyError(f"Version is {_quoted(version)}, not 2012-10-17 or 2008-10-17")
    if not isinstance(document.get("Id", ""), str):
        raise PolicyError(f"Id is {_type_name(document['Id'])}, not a string")
    if "Statement" not in document:
        raise PolicyError("the policy has no Statement")
    found = document["Statement"]
    listed = [found] if isinstance(found, dict) else found
    if not isinstance(listed, list):
        raise PolicyError(f"Statement is {_type_name(found)}, not a list of objects")
    if not listed:
        raise PolicyError("Statement is empty")
    return tuple(_parse_statement(number, raw, version) for number, raw in enumerate(listed, 1))


def condition_values(raw: object) -> tuple[str | None, ...]:
    """Return the values of a condition key, one or a list, as the text that S3 compares; None for any other type."""
    return tuple(_scalar_text(each) for each in (raw if isinstance(raw, list | tuple) else [raw]))


def _scalar_text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, bool | int | float) else None


def _parse_statement(number: int, raw: object, version: str) -> Statement:
    where = f"statement {number}"
    if not isinstance(raw, dict):
        raise PolicyError(f"{where} is {_type_name(raw)}, not an object")
    sid = raw.get("Sid", "")
    if not isinstance(sid, str):
        raise PolicyError(f"{where}: Sid is {_type_name(sid)}, not a string")
    if raw.get("Effect") not in ("Allow", "Deny"):
        problem = f"is {_quoted(raw['Effect'])}, not Allow or Deny" if "Effect" in raw else "is missing"
        raise PolicyError(f"{where}: Effect {problem}")
    actions, not_action = _parse_strings(raw, where, "Action")
    resources, not_resource = _parse_strings(raw, where, "Resource")
    principals, not_principal = _parse_principals(raw, where)
    return Statement(
        number=number,
        sid=sid,
        is_deny=raw["Effect"] == "Deny",
        principals=principals,
        not_principal=not_principal,
        actions=actions,
        not_action=not_action,
        resources=resources,
        not_resource=not_resource,
        condition=_parse_condition(raw.get("Condition", {}), where),
        has_variables=version == _VERSION_WITH_VARIABLES,
    )


def _element_name(raw: Document, where: str, element: str) -> str:
    present = [name for name in (element, f"Not{element}") if name in raw]
    if len(present) > 1:
        raise PolicyError(f"{where} has both {element} and Not{element}")
    if not present:
        raise PolicyError(f"{where} has neither {element} nor Not{element}")
    return present[0]


def _parse_strings(raw: Document, where: str, element: str) -> tuple[tuple[str, ...], bool]:
    name = _element_name(raw, where, element)
    return _strings(raw[name], f"{where}: {name}"), name != element


def _strings(value: object, where: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise PolicyError(f"{where} is neither a string nor a list of one or more strings")


def _parse_principals(raw: Document, where: str) -> tuple[tuple[tuple[str, str], ...], bool]:
    name = _element_name(raw, where, "Principal")
    value = raw[name]
    by_type = {"AWS": value} if value == "*" else value
    if not isinstance(by_type, dict) or not by_type:
        raise PolicyError(f"{where}: {name} is neither '*' nor an object of principal types")
    pairs = [(kind, text) for kind, values in by_type.items() for text in _strings(values, f"{where}: {name} {kind}")]
    return tuple(pairs), name != "Principal"


def _parse_condition(raw: object, where: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    if not isinstance(raw, dict):
        raise PolicyError(f"{where}: Condition is {_type_name(raw)}, not an object")
    tests = []
    for operator, block in raw.items():
        if not isinstance(block, dict):
            raise PolicyError(f"{where}: Condition {operator} is {_type_name(block)}, not an object")
        tests += [
            (operator, key, _parse_values(values, f"{where}: Condition {operator} {key}"))
            for key, values in block.items()
        ]
    return tuple(tests)


def _parse_values(raw: object, where: str) -> tuple[str, ...]:
    values = []
    for each, text in zip(raw if isinstance(raw, list) else [raw], condition_values(raw), strict=True):
        if text is None:
            raise PolicyError(f"{where} has a value that is {_type_name(each)}, not a string, number or Boolean")
        values.append(text)
    return tuple(values)


def _mapping(raw: object) -> MutableDocument:
    if not isinstance(raw, Mapping):
        raise PolicyError(f"the policy is {_type_name(raw)}, not an object")
    return dict(raw)


def _reject_duplicates(pairs: list[tuple[str, object]]) -> MutableDocument:
    # Python silently keeps the last duplicate, so writing the policy back would drop the first.
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise PolicyError(f"the policy repeats the key {max(names, key=names.count)!r} in one object")
    return found


def _reject_constant(name: str) -> NoReturn:
    raise PolicyError(f"the policy is not JSON: {name} is not a JSON number")


def _type_name(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a Boolean", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else type(value).__name__)


def _quoted(value: object) -> str:
    return repr(value) if isinstance(value, str) else _type_name(value)
