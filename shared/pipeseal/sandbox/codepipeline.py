"""What moto's CodePipeline lacks: stage transitions, the pipeline's state, and tokens that AWS never shows again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any
from weakref import WeakKeyDictionary

from moto.codepipeline.exceptions import PipelineNotFoundException
from moto.codepipeline.models import CodePipeline, CodePipelineBackend, codepipeline_backends
from moto.codepipeline.responses import CodePipelineResponse
from moto.core.exceptions import JsonRESTError
from moto.core.utils import utcnow

MASK = "****"
"""What CodePipeline answers in place of a token."""

# The constraints of the service's own model: DisabledReason, PipelineName and StageName, StageTransitionType.
_REASON = r"[a-zA-Z0-9!@ \(\)\.\*\?\-]+"
_LONGEST_REASON = 300
_NAME = r"[A-Za-z0-9.@\-_]+"
_LONGEST_NAME = 100
_TYPES = ("Inbound", "Outbound")

_NOT_FOUND = "Account '{}' does not have a pipeline with name '{}'"

# pipeline -> (stage, transition type) -> TransitionState; a pipeline's transitions go when it goes.
_transitions: WeakKeyDictionary[CodePipeline, dict[tuple[str, str], dict[str, Any]]] = WeakKeyDictionary()


def extend_moto() -> None:
    """Teach moto the calls that it lacks, and to mask tokens; harmless when done twice."""
    if "get_pipeline_state" in vars(CodePipelineResponse):
        return
    for call in (disable_stage_transition, enable_stage_transition, get_pipeline_state):
        setattr(CodePipelineResponse, call.__name__, call)
    for name in ("create_pipeline", "get_pipeline", "update_pipeline"):
        setattr(CodePipelineResponse, name, _masking(getattr(CodePipelineResponse, name)))


def stored(name: str, region: str = "us-east-1", account: str = "123456789012") -> dict[str, Any]:
    """Return a pipeline's structure as the service keeps it, tokens in clear: what no call answers, for tests."""
    return deepcopy(codepipeline_backends[account][region].pipelines[name].pipeline)


def disable_stage_transition(self: CodePipelineResponse) -> str:
    """Answer DisableStageTransition."""
    pipeline, way = _way(self, reason=self._get_param("reason"))
    _transitions.setdefault(pipeline, {})[way] = {
        "enabled": False,
        "disabledReason": self._get_param("reason"),
        **_change(self),
    }
    return ""


def enable_stage_transition(self: CodePipelineResponse) -> str:
    """Answer EnableStageTransition."""
    pipeline, way = _way(self)
    _transitions.setdefault(pipeline, {})[way] = {"enabled": True, **_change(self)}
    return ""


def get_pipeline_state(self: CodePipelineResponse) -> str:
    """Answer GetPipelineState: the first stage has no way in unless one was disabled."""
    backend, name = self.codepipeline_backend, self._get_param("name")
    _check([_fault("name", name, _NAME, _LONGEST_NAME)])
    pipeline = _pipeline(backend, name)
    changed = _transitions.get(pipeline, {})
    states = []
    for number, stage in enumerate(pipeline.pipeline["stages"]):
        state: dict[str, Any] = {
            "stageName": stage["name"],
            "actionStates": [{"actionName": action["name"]} for action in stage["actions"]],
        }
        way = changed.get((stage["name"], "Inbound")) or ({"enabled": True} if number else None)
        states.append(state | ({"inboundTransitionState": way} if way else {}))
    return json.dumps(
        {
            "pipelineName": name,
            "pipelineVersion": pipeline.pipeline["version"],
            "stageStates": states,
            "created": pipeline._created.timestamp(),  # noqa: SLF001 - moto has no other way to it
            "updated": pipeline._updated.timestamp(),  # noqa: SLF001
        }
    )


def masked(pipeline: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of a pipeline's structure with every OAuthToken masked, as CodePipeline answers it."""
    shown = deepcopy(pipeline)
    for stage in shown.get("stages", ()):
        for action in stage.get("actions", ()):
            if "OAuthToken" in action.get("configuration", {}):
                action["configuration"]["OAuthToken"] = MASK
    return shown


def _masking(call: Callable[[CodePipelineResponse], str]) -> Callable[[CodePipelineResponse], str]:
    def answer(self: CodePipelineResponse) -> str:
        body = json.loads(call(self))
        return json.dumps(body | {"pipeline": masked(body["pipeline"])})

    return answer


def _pipeline(backend: CodePipelineBackend, name: str) -> CodePipeline:
    found = backend.pipelines.get(name)
    if found is None:
        raise PipelineNotFoundException(_NOT_FOUND.format(backend.account_id, name))
    return found


def _way(response: CodePipelineResponse, **reason: str) -> tuple[CodePipeline, tuple[str, str]]:
    """Return the pipeline and the transition that a request names, checked as the service checks them."""
    name, stage, kind = (response._get_param(each) for each in ("pipelineName", "stageName", "transitionType"))  # noqa: SLF001
    _check(
        [
            _fault("pipelineName", name, _NAME, _LONGEST_NAME),
            _fault("stageName", stage, _NAME, _LONGEST_NAME),
            *(_fault("reason", text, _REASON, _LONGEST_REASON) for text in reason.values()),
            "" if kind in _TYPES else _violates("transitionType", kind, f"enum value set: [{', '.join(_TYPES)}]"),
        ]
    )
    pipeline = _pipeline(response.codepipeline_backend, name)
    if stage not in {each["name"] for each in pipeline.pipeline["stages"]}:
        raise JsonRESTError("StageNotFoundException", f"Pipeline '{name}' does not have a stage with name '{stage}'")
    return pipeline, (stage, kind)


def _fault(member: str, value: object, pattern: str, longest: int) -> str:
    """Say which constraint of its member *value* breaks, as AWS does, or ""."""
    if not isinstance(value, str):
        return f"Value at '{member}' failed to satisfy constraint: Member must not be null"
    if not value:
        return _violates(member, value, "length greater than or equal to 1", verb="have ")
    if len(value) > longest:
        return _violates(member, value, f"length less than or equal to {longest}", verb="have ")
    if not re.fullmatch(pattern, value):
        return _violates(member, value, f"regular expression pattern: {pattern}")
    return ""


def _violates(member: str, value: object, constraint: str, verb: str = "satisfy ") -> str:
    return f"Value '{value}' at '{member}' failed to satisfy constraint: Member must {verb}{constraint}"


def _check(faults: list[str]) -> None:
    if found := [fault for fault in faults if fault]:
        amount = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected"
        raise JsonRESTError("ValidationException", f"{amount}: {'; '.join(found)}")


def _change(response: CodePipelineResponse) -> dict[str, Any]:
    caller = f"arn:aws:iam::{response.current_account}:user/{response.access_key}"
    return {"lastChangedBy": caller, "lastChangedAt": utcnow().timestamp()}
