"""When the run may be over: what is left of the critical path, or of all the work, whichever takes longer.

A guess, and shown as one. Estimates only set the proportions; their scale comes from beads that are done. Before
the first one is done there is no guess.
"""

from __future__ import annotations

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, BeadState, RunState
from orchestrator.core.state import ACTIVE, State

_TO_COME = ACTIVE | {BeadState.WAITING}


class Forecast:
    def __init__(self, state: State) -> None:
        self._state = state
        self._began: dict[BeadId, float] = {}
        self._took_s = 0.0
        self._estimated_s = 0.0

    def hear(self, event: m.Event) -> None:
        if isinstance(event, m.AttemptStarted):
            self._began.setdefault(event.bead, event.at)
        elif isinstance(event, m.BeadLanded | m.BeadDone):
            began = self._began.pop(event.bead, None)
            if began is not None:
                self._took_s += event.at - began
                self._estimated_s += self._state.graph.estimate_s(event.bead)

    def end(self, now: float) -> float | None:
        """When everything that can still be done is done; None: nobody can tell yet."""
        if not self._estimated_s or self._state.run is not RunState.RUNNING:
            return None
        scale = self._took_s / self._estimated_s
        state, longest, work = self._state, 0.0, 0.0
        for bead, record in state.beads.items():
            if record.state not in _TO_COME:
                continue
            spent = now - self._began[bead] if bead in self._began else 0.0
            own = state.graph.estimate_s(bead) * scale
            done = min(spent, 0.9 * own)  # a bead that takes longer than it should is still not over
            tail = -state.graph.ranks[bead][1] * scale
            longest = max(longest, tail - done)
            work += own - done
        return now + max(longest, work / max(1, len(state.workers)))
