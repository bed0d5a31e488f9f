"""When a settled bead's worktree is to be cleared away: a pure reading of the state."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core.model import BeadId
from orchestrator.core.state import ACTIVE, State

TRIES = 5
"""How often it is tried at least before the worktree is kept for good."""


def due(state: State) -> Iterator[BeadId]:
    """Those that are owed it now. One that failed waits for its time."""
    return (bead for bead in state.to_clear if not _waits(state, bead))


def holds_the_end(state: State) -> bool:
    """One is under way; or one waits and nothing else does. A run that only stops leaves it to its next start."""
    return any(due(state)) or (bool(state.to_clear) and _is_all_else_settled(state))


def is_kept_after(state: State, failures: int) -> bool:
    """No more is tried after so many failures in a row: only at the end, when nobody waits for anything else."""
    return failures >= TRIES and _is_all_else_settled(state)


def _waits(state: State, bead: BeadId) -> bool:
    return state.deadlines.at(("clear", bead)) is not None


def _is_all_else_settled(state: State) -> bool:
    return not state.attempts and not any(state.counts[each] for each in ACTIVE)
