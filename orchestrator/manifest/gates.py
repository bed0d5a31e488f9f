"""What each issue of beads waits for, by the rules of the `bd` program.

An issue waits for what gates it and for what gates any of its open ancestors. An epic is no work: who waits for one
waits for all that is to do below it. What is open but not for now still gates, so that who waits for it is held.
Knows no files and no prompts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from orchestrator.manifest.issues import Edge, Issue
from orchestrator.manifest.needs import knots
from orchestrator.manifest.standing import Standing, Standpoint

GATES = {"blocks", "conditional-blocks", "waits-for"}
PARENT = "parent-child"
HARMLESS = {
    "related", "relates-to", "discovered-from", "replies-to", "duplicates", "supersedes", "authored-by",
    "assigned-to", "approved-by", "attests", "tracks", "until", "caused-by", "validates", "delegated-from",
}  # fmt: skip
"""The types that beads knows and that gate nothing."""

BY_A_PERSON = "blocked by a person"


@dataclass(slots=True)
class Waits:
    """What one issue waits for."""

    needs: dict[str, str] = field(default_factory=dict)
    """Issues to do; with each the epic that brought it in, or an empty string."""
    holds: dict[str, None] = field(default_factory=dict)
    """Why it cannot become ready now, in order."""


class Gates:
    """The dependencies of a file's issues, and what follows from them."""

    def __init__(self, issues: Mapping[str, Issue], stands: Mapping[str, Standpoint]) -> None:
        self._issues = issues
        self._stands = stands
        self._gates: dict[str, dict[str, None]] = {}
        self._open_parents: dict[str, dict[str, None]] = {}
        self._children: dict[str, dict[str, None]] = {}
        self._below: dict[str, dict[str, None]] = {}
        self._notes: dict[str, None] = {}
        unknown: Counter[str] = Counter()
        for edge in _edges(issues):
            if edge.kind in GATES:
                self._gates.setdefault(edge.issue, {})[edge.on] = None
            elif edge.kind == PARENT:
                self._children.setdefault(edge.on, {})[edge.issue] = None
                if stands[edge.on].standing is not Standing.DONE:
                    self._open_parents.setdefault(edge.issue, {})[edge.on] = None
            elif edge.kind not in HARMLESS:
                unknown[edge.kind] += 1
        for kind, number in unknown.items():
            self._notes[f"dependencies of the unknown type '{kind}' gate nothing (there: {number})"] = None

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self._notes)

    def waits(self) -> dict[str, Waits]:
        """What every issue that is to do waits for, in the file's order.

        There may be circles of gates in it, but none that exists only because epics stand for what is below them.
        """
        found = {name: self._waits_of(name) for name, stand in self._stands.items() if stand.standing is Standing.TO_DO}
        order = {name: index for index, name in enumerate(found)}
        for knot in knots({name: list(waits.needs) for name, waits in found.items()}):
            for name in sorted(knot, key=order.__getitem__):
                for need, epic in list(found[name].needs.items()):
                    if epic and need in knot:
                        del found[name].needs[need]
                        self._note(f"'{need}' below the epic '{epic}' waits for '{name}': not the other way round too")
        return found

    def _waits_of(self, name: str) -> Waits:
        waits = Waits()
        if self._issues[name].status == "blocked":
            waits.holds[BY_A_PERSON] = None
        self._gather(name, name, waits)
        for ancestor in _reachable(name, self._open_parents):
            if until := self._stands[ancestor].until:
                waits.holds[f"its parent {ancestor} is deferred until {until}"] = None
            self._gather(name, ancestor, waits)
        return waits

    def _gather(self, name: str, holder: str, waits: Waits) -> None:
        """Adds what gates `holder`, which is the issue itself or an ancestor of it."""
        for gate in self._gates.get(holder, ()):
            stand = self._stands[gate]
            if stand.standing is Standing.DONE:
                continue
            if holder != name and (gate == holder or gate in self._all_below(holder)):
                self._note(f"'{holder}' waits for '{gate}' below it: others below '{holder}' do not")
            elif stand.standing is Standing.EPIC and name in self._all_below(gate):
                self._note(f"'{name}' is below the epic '{gate}': it cannot wait for it")
            elif stand.standing is Standing.EPIC:
                self._gather_epic(name, gate, waits)
            elif stand.standing is Standing.TO_DO:
                waits.needs[gate] = ""
            else:
                waits.holds[f"waits for {gate}, which is {stand.phrase}"] = None

    def _gather_epic(self, name: str, epic: str, waits: Waits) -> None:
        gated = False
        for issue in self._all_below(epic):
            stand = self._stands[issue]
            if stand.standing is Standing.TO_DO:
                waits.needs.setdefault(issue, epic)
                gated = True
            elif stand.standing is Standing.POSTPONED and self._issues[issue].kind != "epic":
                waits.holds[f"waits for {issue}, which is {stand.phrase}"] = None
                gated = True
        if not gated:
            self._note(f"the epic '{epic}' is open with nothing to do below it: '{name}' does not wait for it")

    def _all_below(self, name: str) -> Mapping[str, None]:
        if name not in self._below:
            self._below[name] = dict.fromkeys(_reachable(name, self._children))
        return self._below[name]

    def _note(self, text: str) -> None:
        self._notes[text] = None


def _edges(issues: Mapping[str, Issue]) -> Iterator[Edge]:
    """Every dependency whose two ends are both there."""
    for issue in issues.values():
        for edge in issue.edges:
            if edge.issue in issues and edge.on in issues:
                yield edge


def _reachable(start: str, steps: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """What the steps lead to from `start`, each once, near before far, without `start` itself."""
    seen = {start}
    edge = [start]
    while edge:
        reached = []
        for name in edge:
            for other in steps.get(name, ()):
                if other not in seen:
                    seen.add(other)
                    reached.append(other)
                    yield other
        edge = reached
