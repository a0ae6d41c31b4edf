"""The dependency graph, laid out from left to right: pipelines and the like, then their buckets, then the keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeseal.cli._report.data import kind_of
from pipeseal.cli._report.posture import Posture
from pipeseal.model import Kind

if TYPE_CHECKING:
    from pipeseal.ledger.records import ResourceRecord

NODE_WIDTH, NODE_HEIGHT = 230, 46
"""Pixels."""
_COLUMN_GAP, _ROW_GAP, _MARGIN = 150, 18, 12
_COLUMNS = 1 + max(kind.spec.dependency_level for kind in Kind)
_ORDERING_PASSES = 6
_MAX_NODES = 120

_Edge = tuple[str, str]
"""ARNs of a dependent and of its dependency."""


@dataclass(frozen=True, slots=True)
class Node:
    """A resource and its place in the drawing."""

    arn: str
    kind: Kind
    posture: Posture
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Edge:
    """A resource and one that it depends on."""

    dependent: Node
    dependency: Node

    @property
    def path(self) -> str:
        """The curve between the two as an SVG path."""
        x1, y1 = self.dependent.x + NODE_WIDTH, self.dependent.y + NODE_HEIGHT / 2
        x2, y2 = self.dependency.x, self.dependency.y + NODE_HEIGHT / 2
        bend = (x2 - x1) / 2
        return f"M{x1:.0f} {y1:.0f}C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"


@dataclass(frozen=True, slots=True)
class Graph:
    """The whole drawing."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    width: float
    height: float
    omitted: int
    """Resources that are not drawn: compliant ones without dependencies, and those beyond the limit."""


def graph(records: Mapping[str, ResourceRecord], postures: Mapping[str, Posture]) -> Graph:
    """Return the drawing of all resources with dependencies or dependents, and of those that are not compliant."""
    edges = sorted(_edges(records))
    connected = {arn for edge in edges for arn in edge}
    every = [arn for arn in dict.fromkeys((*postures, *sorted(connected))) if kind_of(arn)]
    candidates = [arn for arn in every if arn in connected or not _is_compliant(arn, postures)]
    drawn = set(_within_limit(candidates, edges, postures))
    columns = _ordered_columns(sorted(drawn), [edge for edge in edges if set(edge) <= drawn])
    nodes = {node.arn: node for node in _placed(columns, postures)}
    tallest = max(map(len, columns), default=0)
    return Graph(
        nodes=tuple(nodes.values()),
        edges=tuple(Edge(nodes[one], nodes[other]) for one, other in edges if one in nodes and other in nodes),
        width=2 * _MARGIN + len(columns) * NODE_WIDTH + max(0, len(columns) - 1) * _COLUMN_GAP,
        height=max(2 * _MARGIN + tallest * (NODE_HEIGHT + _ROW_GAP) - _ROW_GAP, 0),
        omitted=len(every) - len(nodes),
    )


def _placed(columns: Sequence[Sequence[str]], postures: Mapping[str, Posture]) -> Iterable[Node]:
    """Yield the nodes of *columns*, each column centered vertically."""
    tallest = max(map(len, columns), default=0)
    for number, column in enumerate(columns):
        top = _MARGIN + (tallest - len(column)) * (NODE_HEIGHT + _ROW_GAP) / 2
        for row, arn in enumerate(column):
            x, y = _MARGIN + number * (NODE_WIDTH + _COLUMN_GAP), top + row * (NODE_HEIGHT + _ROW_GAP)
            if kind := kind_of(arn):
                yield Node(arn, kind, postures.get(arn, Posture.COMPLIANT), x, y)


def _edges(records: Mapping[str, ResourceRecord]) -> set[_Edge]:
    """Return the dependencies in *records*.

    A key that encrypts the data in a dependency is drawn as a dependency of that: pipeline -> bucket -> key.
    """
    edges = set()
    for dependent, record in records.items():
        through = {(each, key) for each, key in record.dependencies.items() if 0 < _level(each) < _level(key)}
        direct = set(record.dependencies) - {key for _, key in through}
        edges |= through | {(dependent, each) for each in direct}
    return {edge for edge in edges if all(map(kind_of, edge)) and _level(edge[0]) < _level(edge[1])}


def _level(arn: str) -> int:
    """Return the dependency level of a resource; 0 for an ARN of an unknown kind."""
    kind = kind_of(arn)
    return kind.spec.dependency_level if kind else 0


def _is_compliant(arn: str, postures: Mapping[str, Posture]) -> bool:
    return postures.get(arn, Posture.COMPLIANT) is Posture.COMPLIANT


def _within_limit(candidates: Sequence[str], edges: Iterable[_Edge], postures: Mapping[str, Posture]) -> list[str]:
    """Return as many as one drawing holds: those that are not compliant first, then their neighbors."""
    if len(candidates) <= _MAX_NODES:
        return list(candidates)
    first = [arn for arn in candidates if not _is_compliant(arn, postures)]
    neighbors = [arn for edge in edges if set(edge) & set(first) for arn in edge]
    return list(dict.fromkeys((*first, *neighbors, *candidates)))[:_MAX_NODES]


def _ordered_columns(arns: Iterable[str], edges: Sequence[_Edge]) -> list[list[str]]:
    """Return the columns that are not empty, each ordered so that few edges cross: by the mean place of neighbors."""
    columns: list[list[str]] = [[] for _ in range(_COLUMNS)]
    for arn in arns:
        columns[_level(arn)].append(arn)
    neighbors: dict[str, list[str]] = {}
    for dependent, dependency in edges:
        neighbors.setdefault(dependent, []).append(dependency)
        neighbors.setdefault(dependency, []).append(dependent)
    for _ in range(_ORDERING_PASSES):
        for column in columns:
            places = {arn: place / len(each) for each in columns for place, arn in enumerate(each)}
            column.sort(key=lambda arn: _mean([places[other] for other in neighbors.get(arn, ())]))
    return [column for column in columns if column]


def _mean(places: Sequence[float]) -> float:
    """Return the mean of *places*, which are below 1; 2 where there are none, which orders such a node last."""
    return sum(places) / len(places) if places else 2.0
