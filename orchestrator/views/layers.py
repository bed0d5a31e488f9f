"""Where the boxes of a layered picture go: a column per wave, the order within each with few crossings.

A link that passes over a column gets a lane of its own there, so that it runs between the boxes and not through
them. Links that others imply are left out: a picture of a hundred beads is readable only without them.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from itertools import pairwise

from orchestrator.core.graph import TaskGraph
from orchestrator.core.model import BeadId
from orchestrator.core.values import Struct

SWEEPS = 12

Lane = tuple[BeadId, BeadId, int]
"""The passage of a link through a column."""
Slot = BeadId | Lane


class Layers(Struct, frozen=True, kw_only=True):
    columns: tuple[tuple[Slot, ...], ...]
    """Top to bottom."""
    links: tuple[tuple[Slot, ...], ...]
    """Each from bead to bead, by way of its lanes."""


def layers(graph: TaskGraph) -> Layers:
    columns: list[list[Slot]] = [list(wave) for wave in graph.waves()]
    column_of = {bead: number for number, wave in enumerate(columns) for bead in wave if isinstance(bead, str)}
    links: list[tuple[Slot, ...]] = []
    for need, bead in _telling_links(graph):
        lanes: list[Slot] = [(need, bead, number) for number in range(column_of[need] + 1, column_of[bead])]
        for number, lane in enumerate(lanes, column_of[need] + 1):
            columns[number].append(lane)
        links.append((need, *lanes, bead))
    return Layers(columns=tuple(map(tuple, _untangled(columns, links))), links=tuple(links))


def _telling_links(graph: TaskGraph) -> list[tuple[BeadId, BeadId]]:
    """Needs that no other need implies."""
    before: dict[BeadId, set[BeadId]] = {}
    found = []
    for wave in graph.waves():
        for bead in wave:
            needs = graph.beads[bead].needs
            implied = set().union(*(before[need] for need in needs))
            before[bead] = implied | set(needs)
            found += [(need, bead) for need in needs if need not in implied]
    return found


def _untangled(columns: list[list[Slot]], links: Sequence[tuple[Slot, ...]]) -> list[list[Slot]]:
    """Each slot is moved to the middle of its neighbours, from left to right and back, and the best order is kept."""
    left: dict[Slot, list[Slot]] = {}
    right: dict[Slot, list[Slot]] = {}
    for link in links:
        for one, other in pairwise(link):
            right.setdefault(one, []).append(other)
            left.setdefault(other, []).append(one)
    best, fewest = columns, _crossings(columns, right)
    for sweep in range(SWEEPS):
        neighbours = right if sweep % 2 else left
        columns = [list(column) for column in columns]
        numbers = range(len(columns) - 2, -1, -1) if sweep % 2 else range(1, len(columns))
        for number in numbers:
            beside = {slot: place for place, slot in enumerate(columns[number + 1 if sweep % 2 else number - 1])}
            places = {slot: place for place, slot in enumerate(columns[number])}
            columns[number].sort(key=lambda slot: _middle(neighbours.get(slot, []), beside, places[slot]))
        crossings = _crossings(columns, right)
        if crossings < fewest:
            best, fewest = columns, crossings
    return best


def _middle(neighbours: list[Slot], places: dict[Slot, int], own: int) -> float:
    found = [places[each] for each in neighbours if each in places]
    return sum(found) / len(found) if found else float(own)


def _crossings(columns: list[list[Slot]], right: dict[Slot, list[Slot]]) -> int:
    total = 0
    for column, following in pairwise(columns):
        places = {slot: place for place, slot in enumerate(following)}
        passed: list[int] = []
        for slot in column:
            ends = [places[end] for end in right.get(slot, [])]
            total += sum(len(passed) - bisect_right(passed, end) for end in ends)
            for end in ends:
                insort(passed, end)
    return total
