"""Read a policy document into statements, or say where it is none."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

_VERSIONS = ("2012-10-17", "2008-10-17")
# Only this version knows policy variables; in the older one "${" is text.
_WITH_VARIABLES = "2012-10-17"


class PolicyError(ValueError):
    """The text or object is no bucket policy (S3 would answer MalformedPolicy); the message says where."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, with single values as tuples and the kind of each element as a flag."""

    number: int
    sid: str
    deny: bool
    everyone: bool
    actions: tuple[str, ...]
    not_action: bool
    resources: tuple[str, ...]
    not_resource: bool
    condition: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Operator, key and values, each as written; JSON booleans and numbers as S3 stores them, as text."""
    variables: bool
    """Whether ``${...}`` in this document is a policy variable."""

    @property
    def name(self) -> str:
        """Return what a person finds the statement by: its number, from 1, and its Sid."""
        return f"statement {self.number} ({self.sid})" if self.sid else f"statement {self.number}"


def load(raw: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return the document in *raw* as an object of its own; raise PolicyError where there is none."""
    try:
        text = raw if isinstance(raw, str) else json.dumps(_mapping(raw), allow_nan=False)
        document = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        dump(document).encode()
    except PolicyError:
        raise
    except UnicodeEncodeError as error:
        raise PolicyError("the policy holds a lone surrogate, which is no character") from error
    except RecursionError as error:
        raise PolicyError("the policy is nested too deeply") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise PolicyError(f"the policy is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise PolicyError(f"the policy is {_kind(document)}, not an object")
    return document


def written(document: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the statements as they stand in *document*; none where there is none."""
    found: Any = (document or {"Statement": []})["Statement"]
    return [found] if isinstance(found, dict) else list(found)


def dump(document: object) -> str:
    """Return *document* as compact JSON, as it is written to S3."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def statements(document: dict[str, Any]) -> tuple[Statement, ...]:
    """Return the statements of *document*; raise PolicyError at the first fault of structure."""
    version = document.get("Version", _VERSIONS[1])
    if version not in _VERSIONS:
        raise PolicyError(f"Version is {_shown(version)}, not 2012-10-17 or 2008-10-17")
    if not isinstance(document.get("Id", ""), str):
        raise PolicyError(f"Id is {_kind(document['Id'])}, not a string")
    if "Statement" not in document:
        raise PolicyError("the policy has no Statement")
    found = document["Statement"]
    listed = [found] if isinstance(found, dict) else found
    if not isinstance(listed, list):
        raise PolicyError(f"Statement is {_kind(found)}, not a list of objects")
    if not listed:
        raise PolicyError("Statement is empty")
    return tuple(_statement(number, raw, version) for number, raw in enumerate(listed, 1))


def strings(value: object) -> tuple[str, ...] | None:
    """Return a string, or a list of one or more, as a tuple; None for anything else."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return tuple(value)
    return None


def scalar(value: object) -> str | None:
    """Return a condition's value as the text that S3 compares; None for what is no scalar."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return None


def _statement(number: int, raw: object, version: str) -> Statement:
    where = f"statement {number}"
    if not isinstance(raw, dict):
        raise PolicyError(f"{where} is {_kind(raw)}, not an object")
    sid = raw.get("Sid", "")
    if not isinstance(sid, str):
        raise PolicyError(f"{where}: Sid is {_kind(sid)}, not a string")
    if raw.get("Effect") not in ("Allow", "Deny"):
        effect = f"is {_shown(raw['Effect'])}, not Allow or Deny" if "Effect" in raw else "is missing"
        raise PolicyError(f"{where}: Effect {effect}")
    actions, not_action = _either(raw, where, "Action")
    resources, not_resource = _either(raw, where, "Resource")
    return Statement(
        number=number,
        sid=sid,
        deny=raw["Effect"] == "Deny",
        everyone=_everyone(raw, where),
        actions=actions,
        not_action=not_action,
        resources=resources,
        not_resource=not_resource,
        condition=_condition(raw.get("Condition", {}), where),
        variables=version == _WITH_VARIABLES,
    )


def _one_of(raw: dict[str, Any], where: str, element: str) -> str:
    named = [name for name in (element, f"Not{element}") if name in raw]
    if len(named) != 1:
        amount = "both" if named else "neither"
        raise PolicyError(f"{where} has {amount} of {element} and Not{element}")
    return named[0]


def _either(raw: dict[str, Any], where: str, element: str) -> tuple[tuple[str, ...], bool]:
    name = _one_of(raw, where, element)
    values = strings(raw[name])
    if values is None:
        raise PolicyError(f"{where}: {name} is neither a string nor a list of one or more strings")
    return values, name != element


def _everyone(raw: dict[str, Any], where: str) -> bool:
    name = _one_of(raw, where, "Principal")
    value = raw[name]
    named = {"AWS": value} if value == "*" else value
    if not isinstance(named, dict) or not named:
        raise PolicyError(f"{where}: {name} is neither '*' nor an object that names somebody")
    for kind, each in named.items():
        if strings(each) is None:
            raise PolicyError(f"{where}: {name} {kind} is neither a string nor a list of one or more strings")
    return name == "Principal" and "*" in (strings(named.get("AWS")) or ())


def _condition(raw: object, where: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    if not isinstance(raw, dict):
        raise PolicyError(f"{where}: Condition is {_kind(raw)}, not an object")
    tests = []
    for operator, block in raw.items():
        if not isinstance(block, dict):
            raise PolicyError(f"{where}: Condition {operator} is {_kind(block)}, not an object")
        spot = f"{where}: Condition {operator}"
        tests += [(operator, key, _values(value, f"{spot} {key}")) for key, value in block.items()]
    return tuple(tests)


def _values(raw: object, where: str) -> tuple[str, ...]:
    values = []
    for each in raw if isinstance(raw, list) else [raw]:
        text = scalar(each)
        if text is None:
            raise PolicyError(f"{where} has {_kind(each)} for a value")
        values.append(text)
    return tuple(values)


def _mapping(raw: object) -> dict[str, Any]:
    if not isinstance(raw, Mapping):
        raise PolicyError(f"the policy is {_kind(raw)}, not an object")
    return dict(raw)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Python would keep the last of two silently, and writing the policy back would lose the first.
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise PolicyError(f"the policy names {max(names, key=names.count)!r} twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise PolicyError(f"the policy is not JSON: {name} is no JSON number")


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "a Boolean", type(None): "null"}
    return kinds.get(type(value), "a number" if isinstance(value, int | float) else type(value).__name__)


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) else _kind(value)
