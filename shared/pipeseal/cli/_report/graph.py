"""What uses what, laid out from left to right: pipelines, then their buckets, then the keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeseal.cli._report.facts import Posture, kind_of
from pipeseal.model import Kind

if TYPE_CHECKING:
    from pipeseal.aws.memory import Memory

WIDTH, HEIGHT = 230, 46
_BETWEEN, _GAP, _MARGIN = 150, 18, 12
_COLUMN = {Kind.BUCKET: 1, Kind.KEY: 2}
_SWEEPS = 6
_MOST = 120
"""Resources that one drawing holds; more of them nobody can read."""


@dataclass(frozen=True, slots=True)
class Node:
    """A resource at its place."""

    arn: str
    kind: Kind
    posture: Posture
    x: float = 0
    y: float = 0


@dataclass(frozen=True, slots=True)
class Edge:
    """A resource that uses another."""

    user: Node
    used: Node

    @property
    def path(self) -> str:
        """Return the curve from one to the other as SVG draws it."""
        x1, y1, x2, y2 = self.user.x + WIDTH, self.user.y + HEIGHT / 2, self.used.x, self.used.y + HEIGHT / 2
        bend = (x2 - x1) / 2
        return f"M{x1:.0f} {y1:.0f}C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"


@dataclass(frozen=True, slots=True)
class Graph:
    """The whole drawing."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    width: float
    height: float
    left_out: int
    """Resources that are not drawn: sealed and used by nothing, or too many."""


def graph(known: Mapping[str, Memory], postures: Mapping[str, Posture]) -> Graph:
    """Return the drawing of all resources that use or are used, and of those that are not as they should be."""
    links = sorted(_links(known))
    linked = {arn for link in links for arn in link}
    every = [arn for arn in dict.fromkeys((*postures, *sorted(linked))) if kind_of(arn)]
    wanted = [arn for arn in every if arn in linked or postures.get(arn) is not Posture.SEALED]
    drawn = set(_first(wanted, links, postures))
    columns = _ordered(sorted(drawn), [link for link in links if set(link) <= drawn])
    tallest = max(map(len, columns), default=0)
    nodes: dict[str, Node] = {}
    used_columns = [column for column in columns if column]
    for number, column in enumerate(used_columns):
        top = _MARGIN + (tallest - len(column)) * (HEIGHT + _GAP) / 2
        for place, arn in enumerate(column):
            kind = kind_of(arn) or Kind.BUCKET
            node = Node(arn, kind, postures.get(arn, Posture.SEALED))
            x, y = _MARGIN + number * (WIDTH + _BETWEEN), top + place * (HEIGHT + _GAP)
            nodes[arn] = replace(node, x=x, y=y)
    edges = tuple(Edge(nodes[user], nodes[used]) for user, used in links if user in nodes and used in nodes)
    width = 2 * _MARGIN + len(used_columns) * WIDTH + max(0, len(used_columns) - 1) * _BETWEEN
    height = 2 * _MARGIN + tallest * (HEIGHT + _GAP) - _GAP
    return Graph(tuple(nodes.values()), edges, width, max(height, 0), len(every) - len(nodes))


def _links(known: Mapping[str, Memory]) -> set[tuple[str, str]]:
    """Return who uses whom; a key that lies behind a bucket is reached through that."""
    links = set()
    for user, memory in known.items():
        behind = {key for used, key in memory.uses.items() if kind_of(used) is Kind.BUCKET}
        for used, key in memory.uses.items():
            if kind_of(used) is Kind.BUCKET and kind_of(key) is Kind.KEY:
                links.add((used, key))
            if used not in behind:
                links.add((user, used))
    return {link for link in links if all(map(kind_of, link)) and _column(link[0]) < _column(link[1])}


def _column(arn: str) -> int:
    return _COLUMN.get(kind_of(arn) or Kind.PIPELINE, 0)


def _first(wanted: Sequence[str], links: Iterable[tuple[str, str]], postures: Mapping[str, Posture]) -> list[str]:
    """Return as many as one drawing holds: what is wrong first, with what it uses or is used by."""
    if len(wanted) <= _MOST:
        return list(wanted)
    wrong = [arn for arn in wanted if postures.get(arn, Posture.SEALED) is not Posture.SEALED]
    near = [arn for link in links if set(link) & set(wrong) for arn in link]
    return list(dict.fromkeys((*wrong, *near, *wanted)))[:_MOST]


def _ordered(arns: Iterable[str], links: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Return the columns, each ordered so that few lines cross: by the middle of what each is linked with."""
    columns: list[list[str]] = [[], [], []]
    for arn in arns:
        columns[_column(arn)].append(arn)
    near: dict[str, list[str]] = {}
    for user, used in links:
        near.setdefault(user, []).append(used)
        near.setdefault(used, []).append(user)
    for _ in range(_SWEEPS):
        for column in columns:
            at = {arn: place / max(len(each), 1) for each in columns for place, arn in enumerate(each)}
            column.sort(key=lambda arn: _middle([at[other] for other in near.get(arn, ())], arn not in near))
    return columns


def _middle(places: Sequence[float], alone: bool) -> float:  # noqa: FBT001 - a key function's own
    """Return where one that is linked with those *places* is best; what stands alone comes last."""
    return 2.0 if alone else sum(places) / len(places)
