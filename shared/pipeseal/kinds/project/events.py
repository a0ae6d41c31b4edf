"""The CloudTrail events of CodeBuild projects; pure."""

from __future__ import annotations

from collections.abc import Iterator

from pipeseal.kinds.events import KindEvents, Reconstruction, Record, mapping, refs_named_or_arn
from pipeseal.kinds.project.value import Project
from pipeseal.model import Kind, Ref


def _refs(record: Record, account: str, region: str) -> Iterator[Ref]:
    """Yield the project, which the request gives by its name or its ARN."""
    response = mapping(mapping(record.get("responseElements")).get("project"))
    for name in (mapping(record.get("requestParameters")).get("name"), response.get("name")):
        yield from refs_named_or_arn(Kind.PROJECT, account, region, name)


def _unseen(ref: Ref) -> Reconstruction[Project]:
    return Reconstruction(Project(ref, {}), frozenset({"document"}))


def _update(
    known: Reconstruction[Project], name: str, request: Record, response: Record
) -> Reconstruction[Project] | None:
    """Return the project in the response, which is complete, or else with the fields of the request."""
    if name == "DeleteProject":
        return None
    if document := mapping(response.get("project")):
        return known.with_known(document=document)
    document = {**known.resource.document, **request}
    return known.with_known(document=document) if name == "CreateProject" else known.with_context(document=document)


EVENTS = KindEvents(
    kind=Kind.PROJECT,
    triggers=dict.fromkeys(("CreateProject", "UpdateProject"), _refs),
    other_changes={"DeleteProject": _refs},
    creations=frozenset({"CreateProject"}),
    unseen=_unseen,
    update=_update,
)
