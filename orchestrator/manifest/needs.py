"""How the beads of a graph relate: names that are taken twice, needs that lead nowhere, circles.

Knows ids and edges. Does not know files; what it finds it says with the index of a bead or an edge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

MAX_SEARCHES = 1000
"""Starts that are tried for the shortest circle; in a knot larger than this, a circle that is merely short will do."""


def twins(ids: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Pairs of indices (later, first) of ids that are the same, or differ only in case."""
    first: dict[str, int] = {}
    for index, name in enumerate(ids):
        if name.casefold() in first:
            yield index, first[name.casefold()]
        else:
            first[name.casefold()] = index


def knots(needs: Mapping[str, Sequence[str]]) -> list[set[str]]:
    """The sets of beads that wait for each other, in no order."""
    if not _is_knotted(needs):
        return []
    import networkx as nx  # a quarter of a second that a graph without circles need not pay

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(needs)
    graph.add_edges_from((bead, need) for bead, wanted in needs.items() for need in wanted if need in needs)
    return [
        set(component)
        for component in nx.strongly_connected_components(graph)
        if len(component) > 1 or any(graph.has_edge(bead, bead) for bead in component)
    ]


def circles(needs: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """One shortest circle of each knot, from its earliest bead back to itself, in the mapping's order."""
    order = {bead: index for index, bead in enumerate(needs)}
    found = []
    for knot in knots(needs):
        inside = {
            bead: [need for need in dict.fromkeys(needs[bead]) if need in knot]
            for bead in sorted(knot, key=order.__getitem__)
        }
        circle = _shortest_circle(inside)
        start = circle.index(min(circle, key=order.__getitem__))
        found.append([*circle[start:], *circle[: start + 1]])
    return sorted(found, key=lambda circle: order[circle[0]])


def _is_knotted(needs: Mapping[str, Sequence[str]]) -> bool:
    try:
        TopologicalSorter(
            {bead: [need for need in wanted if need in needs] for bead, wanted in needs.items()}
        ).prepare()
    except CycleError:
        return True
    return False


def _shortest_circle(inside: Mapping[str, Sequence[str]]) -> list[str]:
    # A shortest circle that is not the whole knot passes a bead with more than one way on.
    starts = [bead for bead in inside if len(inside[bead]) > 1] or list(inside)[:1]
    best: list[str] = []
    for start in starts[:MAX_SEARCHES]:
        circle = _circle_through(start, inside, shorter_than=len(best))
        best = circle or best
        if len(best) == 1:
            break
    return best


def _circle_through(start: str, inside: Mapping[str, Sequence[str]], *, shorter_than: int) -> list[str]:
    """The beads of a shortest circle through `start`, in order; empty if none has fewer beads than `shorter_than`.

    With `shorter_than` 0, any length will do.
    """
    came_from: dict[str, str] = {}
    edge = [start]
    length = 1
    while edge and (not shorter_than or length < shorter_than):
        reached = []
        for bead in edge:
            for need in inside[bead]:
                if need == start:
                    way = [bead]
                    while way[-1] != start:
                        way.append(came_from[way[-1]])
                    return way[::-1]
                if need not in came_from:
                    came_from[need] = bead
                    reached.append(need)
        edge = reached
        length += 1
    return []
