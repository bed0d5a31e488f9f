"""What becomes of a clearing: done, tried again later, or given up at the end. It keeps nothing from running."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core import clearing
from orchestrator.core import messages as m
from orchestrator.core.graph import backoff
from orchestrator.core.state import State

FIRST_S = 1.0
"""The wait after the first failure: a disk that was full may have room again at once."""
MOST_S = 30.0
"""The longest: at the end, the run waits for it."""


def cleared(state: State, signal: m.Cleared) -> Iterator[m.Event]:
    """What refused it may be the machine's fault, and pass."""
    if signal.bead not in set(clearing.due(state)):
        return
    failures = state.clearings.get(signal.bead, 0) + 1
    if not signal.fault or clearing.is_kept_after(state, failures):
        yield m.BeadCleared(at=signal.at, bead=signal.bead, fault=signal.fault)
        return
    wait = backoff(FIRST_S, failures, MOST_S, state.beads[signal.bead].number)
    yield m.ClearingDelayed(
        at=signal.at, bead=signal.bead, reason=signal.fault, until=signal.at + wait, failures=failures
    )
