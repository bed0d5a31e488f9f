"""What it means that an agent went beyond its own ground.

Whatever can be put back has been put back by then, and whatever belongs to its worktree has been brought there. What
is not shown to be an agent's counts against nobody.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core import messages as m
from orchestrator.core.model import Ending, Ground, Stray, Verdict
from orchestrator.core.records import Attempt
from orchestrator.core.state import State

GRAVE = frozenset({Ground.REF, Ground.CHECKOUT, Ground.TRAP})
"""An agent that did this is not to be trusted with the rest: its work does not land. Files in the wrong place are a
mistake, which is mended; fetching, and settings that run nothing, are harmless."""

NAMED = 4
"""What a reason names before it counts."""


def crossed(state: State, attempt: Attempt, strays: tuple[Stray, ...], at: float) -> Iterator[m.Event]:
    """Say so."""
    if strays:
        others = (other for other in state.attempts.values() if other.token != attempt.token)
        beside = tuple(
            other.bead
            for other in others
            if state.has_worker(other) and (other.agent_ended is None or other.agent_ended > attempt.started)
        )
        yield m.FenceCrossed(at=at, token=attempt.token, bead=attempt.bead, strays=strays, beside=beside)


def strayed(strays: tuple[Stray, ...]) -> Verdict | None:
    """What the attempt is booked as instead; None: nothing grave is shown to be its agent's."""
    grave = [stray for stray in strays if stray.shown and stray.ground in GRAVE]
    if not grave:
        return None
    return Verdict(ending=Ending.STRAYED, reason=f"it went beyond its worktree: {_named(grave)}")


def _named(grave: list[Stray]) -> str:
    told = [f"{stray.what} ({stray.how})" for stray in grave[:NAMED]]
    more = len(grave) - NAMED
    return ", ".join(told) + (f" and {more} more" if more > 0 else "")
