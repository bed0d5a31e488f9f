"""The order in which verified beads land."""

from __future__ import annotations

from orchestrator.core.graph import TaskGraph
from orchestrator.core.model import BeadId

Place = tuple[int, float, float, BeadId]


def place(graph: TaskGraph, bead: BeadId, queued: float) -> Place:
    """Sorts verified beads into the order in which they board the train.

    1. What is more urgent goes first (`priority`).
    2. Then what unblocks more: the longest chain of work, in seconds, that waits for it.
    3. Then what has waited longer, since it was verified (`queued`).
    4. Then by id, so that there is always one answer.
    """
    return (graph.beads[bead].priority, -graph.unblocks_s(bead), queued, bead)
