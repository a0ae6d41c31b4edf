"""Look at everything there is: list, read, decide; some at a time, service by service."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from pipeseal.aws.clients import code, refusal
from pipeseal.aws.keys import NotReady
from pipeseal.aws.memory import Memory
from pipeseal.aws.pages import slices
from pipeseal.controls import controls_of
from pipeseal.decide import decide
from pipeseal.exemptions import Circumstances, excused
from pipeseal.model import Actor, Finding, Kind, Ref, Refused
from pipeseal.policy import PolicyError
from pipeseal.scan import posture
from pipeseal.scan.permissions import needed
from pipeseal.scan.report import Report, Unseen, Violation

if TYPE_CHECKING:
    from pipeseal.aws.world import World
    from pipeseal.exemptions import Exemption

# How many of a kind are looked at together: AWS's quotas are generous for S3 and KMS, narrow for the developer tools
# and CloudTrail. Whoever throttles all the same is asked more slowly by the client.
_TOGETHER = {
    Kind.PIPELINE: 4,
    Kind.PROJECT: 4,
    Kind.APPLICATION: 4,
    Kind.TRAIL: 2,
    Kind.BUCKET: 16,
    Kind.KEY: 8,
}
# What these use makes a bucket or a key one of artifacts, so they are looked at first.
_LEADING = (Kind.PIPELINE, Kind.PROJECT, Kind.APPLICATION)
_LED_TO = (Kind.BUCKET, Kind.KEY)
_SLICE = 500
"""How many wait for their turn at once."""
_LONGEST_ERROR = 500
_MOST_NAMED = 10
_NOBODY = Actor("", "")

Watch = Callable[[Kind, int, int], None]
"""Hears of each kind how many more were listed, and how many more are done."""


class _Looked(NamedTuple):
    """A resource that was judged; the snapshot itself is let go."""

    ref: Ref
    uses: tuple[tuple[Ref, str], ...]
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class _Kind:
    """All of one kind."""

    looked: list[_Looked] = field(default_factory=list)
    unreadable: list[Unseen] = field(default_factory=list)
    refusals: list[Exception] = field(default_factory=list)
    """Why they could not be listed."""
    missing: list[Ref] = field(default_factory=list)
    """What is used, and is gone or another account's."""


_Users = Mapping[str, tuple[Ref, Mapping[str, str]]]
"""ARN of each bucket or key that something uses -> which it is, and its users with the key that each names."""


def survey(world: World, kinds: Collection[Kind], watch: Watch = lambda *_: None) -> Report:
    """Judge every resource of *kinds* in the account and Region by the settings of *world*; nothing is written.

    Raises what AWS answered where it refuses everything.
    """
    account = world.account  # whoever may ask nothing else may ask this: it fails without credentials alone
    exemptions, notes = _exemptions(world)
    look = partial(_every, world, exemptions=exemptions, watch=watch)
    led_to = any(kind in kinds for kind in _LED_TO)
    first = [kind for kind in _TOGETHER if kind not in _LED_TO and (kind in kinds or (led_to and kind in _LEADING))]
    with ThreadPoolExecutor(len(_TOGETHER)) as pool:
        asking = pool.submit(lambda: tuple(posture.asked(world.clients, world.region)))
        found = dict(zip(first, pool.map(lambda kind: look(kind, {}), first), strict=True))
        users = _users(found.values())
        second = [kind for kind in _LED_TO if kind in kinds]
        found |= zip(second, pool.map(lambda kind: look(kind, users), second), strict=True)
        advice = asking.result()
    refusals = [refusal for each in found.values() for refusal in each.refusals]
    if len(refusals) == len(found) and not any(each.looked for each in found.values()):
        raise refusals[0]
    if any(found[kind].unreadable for kind in _LEADING if kind in found) and led_to:
        notes.append(
            "Some pipelines, projects or applications could not be read: a bucket or key that only these use was not "
            "judged as one of artifacts."
        )
    if missing := sorted(each.name for kind in second for each in found[kind].missing):
        more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
        notes.append(
            f"What artifacts are kept in, but is gone or another account's, was not judged: "
            f"{', '.join(missing[:_MOST_NAMED])}{more}."
        )
    return Report(
        account=account,
        region=world.region,
        time=world.clock(),
        scanned={kind: len(found[kind].looked) for kind in Kind if kind in kinds and kind in found},
        violations=tuple(sorted(_violations(found, kinds), key=_worst_first)),
        unreadable=tuple(each for kind in found.values() for each in kind.unreadable),
        advice=advice,
        notes=tuple(notes),
    )


def _violations(found: Mapping[Kind, _Kind], kinds: Collection[Kind]) -> Iterator[Violation]:
    for kind, all_of_it in found.items():
        for looked in all_of_it.looked if kind in kinds else ():
            yield from looked.violations


def _worst_first(violation: Violation) -> tuple[int, str, str]:
    return -violation.control.severity, violation.control.id, violation.ref.arn


def _exemptions(world: World) -> tuple[tuple[Exemption, ...], list[str]]:
    """Return the stack's exemptions, and a note where there is no ledger that could be read."""
    try:
        found = world.ledger.exemptions()
    except (BotoCoreError, ClientError) as error:
        why = "there is none" if isinstance(error, ClientError) and code(error) == "ResourceNotFoundException" else ""
        said = why or _said(error)
        return (), [f"No ledger of a stack was read ({said}): exemptions are not honoured."]
    whoever = [each.id for each in found if each.actor and each.holds(world.clock())]
    note = f"A scan does not know who did it: the exemptions of actors are not honoured ({', '.join(whoever)})."
    return tuple(each for each in found if not each.actor), [note] if whoever else []


def _users(found: Iterable[_Kind]) -> _Users:
    users: dict[str, tuple[Ref, dict[str, str]]] = {}
    for kind in found:
        for looked in kind.looked:
            for used, key in looked.uses:
                users.setdefault(used.arn, (used, {}))[1][looked.ref.arn] = key
    return users


def _every(world: World, kind: Kind, users: _Users, *, exemptions: Sequence[Exemption], watch: Watch) -> _Kind:
    """Look at everything of one kind that is listed, and at what is used of it elsewhere."""
    every = _Kind()

    def look(ref: Ref) -> _Looked | Unseen | None:
        _, own = users.get(ref.arn, (ref, {}))
        try:
            return _judged(world, ref, own, exemptions)
        except Exception as error:  # noqa: BLE001 - one that cannot be read must not keep the others from being so
            return _unreadable(kind, ref, error)

    with ThreadPoolExecutor(_TOGETHER[kind]) as pool:
        for some in _listed(world, kind, users, every):
            watch(kind, len(some), 0)
            for ref, found in zip(some, pool.map(look, some), strict=True):
                watch(kind, 0, 1)
                if isinstance(found, Unseen):
                    every.unreadable.append(found)
                elif found:
                    every.looked.append(found)
                elif ref.arn in users:
                    every.missing.append(ref)
    return every


def _listed(world: World, kind: Kind, users: _Users, every: _Kind) -> Iterator[Sequence[Ref]]:
    """Yield what there is; what is used elsewhere, or by those who may list nothing here, comes last."""
    used = {arn: ref for arn, (ref, _) in users.items() if ref.kind is kind}
    token = ""
    while True:
        try:
            page = world.page(kind, token)
        except Exception as error:  # noqa: BLE001 - as above, of a whole service
            every.unreadable.append(_unreadable(kind, None, error))
            every.refusals.append(error)
            break
        for listed in page.found:
            used.pop(listed.ref.arn, None)
        yield from slices([listed.ref for listed in page.found], _SLICE)
        token = page.token
        if not token:
            break
    if used:
        yield from slices(list(used.values()), _SLICE)


def _judged(world: World, ref: Ref, users: Mapping[str, str], exemptions: Sequence[Exemption]) -> _Looked | None:
    """Read and judge one resource; None where it is gone by now, or another account's."""
    resource = world.look(ref, Memory(users=users))
    if resource is None or not getattr(resource, "exists", True):
        return None
    plan = decide(resource, world.settings)
    if not plan.findings:
        return _Looked(ref, tuple(resource.uses()), ())
    excuses = _excuses(resource, exemptions, world)
    resource = world.complete(resource)
    plan = decide(resource, world.settings, excuses)
    found = (_violation(resource, finding, excuses, world) for finding in (*plan.findings, *plan.spared))
    return _Looked(ref, tuple(resource.uses()), tuple(found))


def _excuses(resource: Any, exemptions: Sequence[Exemption], world: World) -> dict[str, Exemption]:
    now, arn = world.clock(), resource.ref.arn
    circumstances = Circumstances(_NOBODY, cache(lambda: world.tags(resource)))
    ids = [control.id for control in controls_of(resource.ref.kind)]
    found = ((control, excused(exemptions, control, arn, now, circumstances)) for control in ids)
    return {control: exemption for control, exemption in found if exemption}


def _violation(resource: Any, finding: Finding, excuses: Mapping[str, Exemption], world: World) -> Violation:
    try:
        _, remedy = resource.changed(finding.control.fix(resource, world.settings))
        refusal = finding.refusal
    except Refused as refused:
        remedy, refusal = (), str(refused)
    return Violation(
        ref=resource.ref,
        control=finding.control,
        reasons=finding.reasons,
        remedy=remedy,
        refusal=refusal,
        users=tuple(sorted(resource.users)),
        exemption=excuses.get(finding.control.id),
    )


def _unreadable(kind: Kind, ref: Ref | None, error: Exception) -> Unseen:
    # What was refused first counts, not what was asked to find out why.
    while isinstance(error.__context__, ClientError):
        error = error.__context__
    permission = ""
    if isinstance(error, ClientError) and (refused := refusal(error)) and refused.denied:
        permission = needed(error.operation_name, kind) or refused.permission
    return Unseen(kind, ref, _said(error), permission)


def _said(error: Exception) -> str:
    """Say what AWS answered; of an error of our own only its kind, for its text may quote what was read."""
    match error:
        case ClientError():
            message = error.response.get("Error", {}).get("Message", "")
            text = f"AWS refused {error.operation_name}: {code(error)}: {message}".rstrip(": ")
        case BotoCoreError():
            text = f"AWS was not reached: {error}"
        case NotReady() | PolicyError():
            text = str(error)
        case _:
            text = f"pipeseal could not make sense of it ({type(error).__name__}); please tell its makers"
    return text if len(text) <= _LONGEST_ERROR else f"{text[: _LONGEST_ERROR - 3]}..."
