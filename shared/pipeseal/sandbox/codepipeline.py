"""Additions to moto's CodePipeline: stage transitions, the pipeline state, and masked OAuth tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from copy import deepcopy
from weakref import WeakKeyDictionary

from moto.codepipeline.exceptions import PipelineNotFoundException
from moto.codepipeline.models import CodePipeline, CodePipelineBackend, codepipeline_backends
from moto.codepipeline.responses import CodePipelineResponse
from moto.core.exceptions import JsonRESTError
from moto.core.utils import utcnow

from pipeseal.aws.documents import MutableDocument
from pipeseal.secrets.redaction import CODEPIPELINE_REDACTION

# Constraints of the API: DisabledReason, PipelineName and StageName, StageTransitionType.
_REASON = r"[a-zA-Z0-9!@ \(\)\.\*\?\-]+"
_MAX_REASON = 300
_NAME = r"[A-Za-z0-9.@\-_]+"
_MAX_NAME = 100
_TYPES = ("Inbound", "Outbound")

_NOT_FOUND = "Account '{}' does not have a pipeline with name '{}'"

# Pipeline -> (stage, transition type) -> TransitionState; deleted with the pipeline.
_transitions: WeakKeyDictionary[CodePipeline, dict[tuple[str, str], MutableDocument]] = WeakKeyDictionary()


def extend_moto() -> None:
    """Add the calls and the masking of tokens; calling it again has no effect."""
    if "get_pipeline_state" in vars(CodePipelineResponse):
        return
    for call in (disable_stage_transition, enable_stage_transition, get_pipeline_state):
        setattr(CodePipelineResponse, call.__name__, call)
    for name in ("create_pipeline", "get_pipeline", "update_pipeline"):
        setattr(CodePipelineResponse, name, _masking(getattr(CodePipelineResponse, name)))


def stored(name: str, region: str = "us-east-1", account: str = "123456789012") -> MutableDocument:
    """Return a pipeline's structure as it is stored, with unmasked tokens, which no API call returns; for tests."""
    return deepcopy(codepipeline_backends[account][region].pipelines[name].pipeline)


def disable_stage_transition(self: CodePipelineResponse) -> str:
    """Handle DisableStageTransition."""
    pipeline, transition = _transition(self, reason=self._get_param("reason"))
    _transitions.setdefault(pipeline, {})[transition] = {
        "enabled": False,
        "disabledReason": self._get_param("reason"),
        **_change(self),
    }
    return ""


def enable_stage_transition(self: CodePipelineResponse) -> str:
    """Handle EnableStageTransition."""
    pipeline, transition = _transition(self)
    _transitions.setdefault(pipeline, {})[transition] = {"enabled": True, **_change(self)}
    return ""


def get_pipeline_state(self: CodePipelineResponse) -> str:
    """Handle GetPipelineState; the first stage has an inbound transition only where it was disabled."""
    backend, name = self.codepipeline_backend, self._get_param("name")
    _raise_for([_violation("name", name, _NAME, _MAX_NAME)])
    pipeline = _pipeline(backend, name)
    changed = _transitions.get(pipeline, {})
    states = []
    for number, stage in enumerate(pipeline.pipeline["stages"]):
        state: MutableDocument = {
            "stageName": stage["name"],
            "actionStates": [{"actionName": action["name"]} for action in stage["actions"]],
        }
        inbound = changed.get((stage["name"], "Inbound")) or ({"enabled": True} if number else None)
        states.append(state | ({"inboundTransitionState": inbound} if inbound else {}))
    return json.dumps(
        {
            "pipelineName": name,
            "pipelineVersion": pipeline.pipeline["version"],
            "stageStates": states,
            "created": pipeline._created.timestamp(),  # noqa: SLF001 - moto has no public attribute
            "updated": pipeline._updated.timestamp(),  # noqa: SLF001
        }
    )


def masked(pipeline: MutableDocument) -> MutableDocument:
    """Return a copy of a pipeline's structure with every OAuthToken masked, as CodePipeline returns it."""
    copy = deepcopy(pipeline)
    for stage in copy.get("stages", ()):
        for action in stage.get("actions", ()):
            if "OAuthToken" in action.get("configuration", {}):
                action["configuration"]["OAuthToken"] = CODEPIPELINE_REDACTION
    return copy


def _masking(call: Callable[[CodePipelineResponse], str]) -> Callable[[CodePipelineResponse], str]:
    """Return the API call *call* with masked tokens in its response."""

    def masking_call(self: CodePipelineResponse) -> str:
        body = json.loads(call(self))
        return json.dumps(body | {"pipeline": masked(body["pipeline"])})

    return masking_call


def _pipeline(backend: CodePipelineBackend, name: str) -> CodePipeline:
    found = backend.pipelines.get(name)
    if found is None:
        raise PipelineNotFoundException(_NOT_FOUND.format(backend.account_id, name))
    return found


def _transition(response: CodePipelineResponse, **reason: str) -> tuple[CodePipeline, tuple[str, str]]:
    """Return the pipeline and the (stage, transition type) of a request; raise where CodePipeline rejects it."""
    name, stage, kind = (response._get_param(each) for each in ("pipelineName", "stageName", "transitionType"))  # noqa: SLF001
    _raise_for(
        [
            _violation("pipelineName", name, _NAME, _MAX_NAME),
            _violation("stageName", stage, _NAME, _MAX_NAME),
            *(_violation("reason", text, _REASON, _MAX_REASON) for text in reason.values()),
            "" if kind in _TYPES else _message("transitionType", kind, f"enum value set: [{', '.join(_TYPES)}]"),
        ]
    )
    pipeline = _pipeline(response.codepipeline_backend, name)
    if stage not in {each["name"] for each in pipeline.pipeline["stages"]}:
        raise JsonRESTError("StageNotFoundException", f"Pipeline '{name}' does not have a stage with name '{stage}'")
    return pipeline, (stage, kind)


def _violation(member: str, value: object, pattern: str, max_length: int) -> str:
    """Return AWS's message about the constraint of *member* that *value* violates; "" where it violates none."""
    if not isinstance(value, str):
        return f"Value at '{member}' failed to satisfy constraint: Member must not be null"
    if not value:
        return _message(member, value, "length greater than or equal to 1", verb="have ")
    if len(value) > max_length:
        return _message(member, value, f"length less than or equal to {max_length}", verb="have ")
    if not re.fullmatch(pattern, value):
        return _message(member, value, f"regular expression pattern: {pattern}")
    return ""


def _message(member: str, value: object, constraint: str, verb: str = "satisfy ") -> str:
    return f"Value '{value}' at '{member}' failed to satisfy constraint: Member must {verb}{constraint}"


def _raise_for(messages: list[str]) -> None:
    """Raise ValidationException with those *messages* that are not empty, if any."""
    if found := [message for message in messages if message]:
        count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected"
        raise JsonRESTError("ValidationException", f"{count}: {'; '.join(found)}")


def _change(response: CodePipelineResponse) -> MutableDocument:
    """Return who changes a transition, and when."""
    caller = f"arn:aws:iam::{response.current_account}:user/{response.access_key}"
    return {"lastChangedBy": caller, "lastChangedAt": utcnow().timestamp()}
