"""The state of a run: what its events amount to.

`State.apply` is the only thing that changes it; the same events always give the same state. `owed` says which
effects the state asks of the shell. Knows no policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestrator.core import messages as m
from orchestrator.core.changes import CHANGES
from orchestrator.core.changes.planning import know_routes, plan
from orchestrator.core.changes.staffing import staff
from orchestrator.core.standing import ACTIVE, LIVE, SETTLED, Due, Standing

__all__ = ["ACTIVE", "LIVE", "SETTLED", "Due", "State"]


class State(Standing):
    """One run. Made from its first event, `RunPlanned`; changed by `apply` alone."""

    def __init__(self, planned: m.RunPlanned) -> None:
        super().__init__(planned)
        know_routes(self, planned.manifest, planned.at)
        staff(self, planned.at)
        plan(self, planned.manifest.beads, planned, planned.at)

    @classmethod
    def replay(cls, events: Iterable[m.Event]) -> State:
        """Raises `ValueError` where there is no first event."""
        stream: Iterator[m.Event] = iter(events)
        first = next(stream, None)
        if not isinstance(first, m.RunPlanned):
            raise ValueError("a run's history begins with RunPlanned")
        state = cls(first)
        for event in stream:
            state.apply(event)
        return state

    def apply(self, event: m.Event) -> None:
        """Raises `machines.IllegalTransition`; the state is then of no use any more."""
        CHANGES[type(event)](self, event)
        self.latest = max(self.latest, event.at)
