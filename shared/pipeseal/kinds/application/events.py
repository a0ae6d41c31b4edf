"""The CloudTrail events of CodeDeploy applications; pure."""

from __future__ import annotations

from collections.abc import Iterator

from pipeseal.kinds.application.value import Application
from pipeseal.kinds.events import KindEvents, Reconstruction, Record, mapping, refs_named
from pipeseal.model import Kind, Ref

_REVISIONS_KEPT = 100
"""One page of ListApplicationRevisions: as many as pipeseal reads."""


def _refs(record: Record, account: str, region: str) -> Iterator[Ref]:
    """Yield the application; the revision in the record is not relied on, because CodeDeploy returns it."""
    request = mapping(record.get("requestParameters"))
    yield from refs_named(Kind.APPLICATION, account, region, request.get("applicationName"))


def _unseen(ref: Ref) -> Reconstruction[Application]:
    return Reconstruction(Application(ref), frozenset({"revisions"}))


def _update(
    known: Reconstruction[Application], name: str, request: Record, _response: Record
) -> Reconstruction[Application] | None:
    """Return the application with the revision, group and description of the call; the latest revision comes first."""
    match name:
        case "DeleteApplication":
            return None
        case "CreateApplication":
            return known._replace(unknown=frozenset())
    application = known.resource
    revision = mapping(request.get("revision"))
    group, description = request.get("deploymentGroupName"), request.get("description")
    revisions = application.revisions
    if revision:
        revisions = (revision, *(each for each in revisions if each != revision))
    return known.with_context(
        revisions=revisions[:_REVISIONS_KEPT],
        groups=tuple(dict.fromkeys((*application.groups, group))) if isinstance(group, str) else application.groups,
        descriptions=(description,) if isinstance(description, str) else application.descriptions,
    )


EVENTS = KindEvents(
    kind=Kind.APPLICATION,
    triggers=dict.fromkeys(("RegisterApplicationRevision", "CreateDeployment", "CreateDeploymentGroup"), _refs),
    other_changes=dict.fromkeys(("CreateApplication", "DeleteApplication"), _refs),
    creations=frozenset({"CreateApplication"}),
    unseen=_unseen,
    update=_update,
)
