"""What was seen of collisions while agents were at work, and what came of them: folded from the events."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, Collisions, Ending
from orchestrator.core.values import Struct
from orchestrator.views.times import moment

NAMED = 5
"""Paths that a sentence names before it counts."""


class Seen(Struct, frozen=True, kw_only=True):
    """A collision, while those whose work it is were at work."""

    at: float
    bead: BeadId
    """The later one."""
    other: BeadId
    """Empty: the target."""
    paths: tuple[str, ...]
    put_back: bool
    conflicted: bool | None
    """Whether the two did not merge when they were to land; None: that is not known yet."""

    def concerns(self, bead: BeadId) -> bool:
        return bead in (self.bead, self.other)


def collisions(events: Iterable[m.Event]) -> tuple[Seen, ...]:
    """In the order in which they were seen."""
    seen: list[m.CollisionSeen] = []
    conflicts: set[tuple[BeadId, BeadId]] = set()
    """Whose landing was refused, and whose work was in its way; empty: anybody's."""
    landed: set[BeadId] = set()
    for event in events:
        match event:
            case m.CollisionSeen():
                seen.append(event)
            case m.CarSetAside(ending=Ending.CONFLICT):
                conflicts |= {(event.bead, other) for other in (*event.beads, BeadId(""))}
            case m.BeadLanded():
                landed.add(event.bead)
    return tuple(
        Seen(
            at=event.at,
            bead=event.bead,
            other=event.other,
            paths=event.paths,
            put_back=event.answer is Collisions.PUT_BACK,
            conflicted=_conflicted(event, conflicts, landed),
        )
        for event in seen
    )


def _conflicted(event: m.CollisionSeen, conflicts: set[tuple[BeadId, BeadId]], landed: set[BeadId]) -> bool | None:
    if (event.bead, event.other) in conflicts or (event.other and (event.other, event.bead) in conflicts):
        return True
    return False if landed.issuperset(filter(None, (event.bead, event.other))) else None


def told(found: Iterable[Seen], bead: BeadId, now: float) -> list[str]:
    """Of one bead, in sentences."""
    return [f"{_in_words(each, now)}." for each in found if each.concerns(bead)]


def _in_words(each: Seen, now: float) -> str:
    paths = ", ".join(each.paths[:NAMED])
    more = f" and {len(each.paths) - NAMED} more" if len(each.paths) > NAMED else ""
    who = f"{each.bead} and {each.other}" if each.other else f"{each.bead} and what had landed"
    while_ = "while both were at work" if each.other else "while it was at work"
    then = {True: "; they conflicted at the landing", False: "; they landed without a conflict", None: ""}
    answer = f"{each.bead} was {'put back' if each.put_back else 'told'}"
    said = f"A collision of {who} in {paths}{more} was seen at {moment(each.at, now)}, {while_}"
    return f"{said}: {answer}{then[each.conflicted] if each.other else ''}"


def in_words(found: tuple[Seen, ...]) -> str:
    """Over all; empty where none was seen."""
    if not found:
        return ""
    told = [each for each in found if not each.put_back]
    parts = [f"{len(found) - len(told)} put back"] if len(found) > len(told) else []
    if told:
        settled = [each for each in told if each.conflicted is not None]
        conflicted = sum(bool(each.conflicted) for each in settled)
        known = f", of which {conflicted} of {len(settled)} conflicted at the landing" if settled else ""
        parts.append(f"{len(told)} told{known}")
    return f"Collisions seen while agents were at work: {len(found)} ({'; '.join(parts)})."
