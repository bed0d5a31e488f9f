"""What another manifest changes in a run that has begun.

What has landed stays as it landed, and what is in an attempt goes on as it was begun: for that the change holds from
the next attempt on. A bead that the manifest has no more keeps its record, and nothing needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from orchestrator.core import messages as m
from orchestrator.core.changes.moving import move_bead
from orchestrator.core.changes.planning import know_routes, plan, respecify
from orchestrator.core.changes.queueing import leave_queue, queue
from orchestrator.core.graph import TaskGraph
from orchestrator.core.model import Bead, BeadState
from orchestrator.core.standing import SETTLED, Standing
from orchestrator.core.values import replace


def manifest_changed(state: Standing, event: m.ManifestChanged) -> None:
    revision, wanted = event.revision, {bead.id: bead for bead in event.revision.manifest.beads}
    if revision.manifest.verify != state.manifest.verify:
        state.trials = {}  # other checks say other things
    state.manifest = revision.manifest
    state.source = revision.source or state.source
    state.revised_tasks = dict(revision.tasks)
    state.tasks = {**revision.tasks, **{bead: task for bead, task in state.tasks.items() if bead in state.beads}}
    for traits in revision.manifest.agents:
        state.traits.setdefault(traits.name, traits)
    know_routes(state, revision.manifest, event.at)
    plan(state, [bead for bead in wanted.values() if bead.id not in state.beads], revision, event.at)
    for bead, record in list(state.beads.items()):
        removed = bead not in wanted
        if removed and record.state not in SETTLED - {BeadState.BLOCKED}:
            state.withdrawn[bead] = None
        elif not removed:
            state.withdrawn.pop(bead, None)
        state.beads[bead] = replace(record, removed=removed, revised=None)
    for bead, spec in wanted.items():
        record = state.beads[bead]
        if record.token is not None and record.spec != spec:
            state.beads[bead] = replace(record, revised=spec)
        elif record.state is not BeadState.DONE:
            respecify(state, bead, spec, revision.tasks.get(bead, ""))
    state.graph = TaskGraph(_graphed(state))
    for bead, record in state.beads.items():
        if record.state is BeadState.READY:
            leave_queue(state, bead)
            queue(state, bead, event.at)


def _graphed(state: Standing) -> Iterator[Bead]:
    """In the order of the manifest, as they are to be; then those that it has no more, on their own."""
    for bead in state.manifest.beads:
        record = state.beads[bead.id]
        yield record.revised or record.spec
    for record in state.beads.values():
        if record.removed:
            yield replace(record.spec, needs=())


def bead_replanned(state: Standing, event: m.BeadReplanned) -> None:
    record = move_bead(state, event.bead, event, reason="", not_before=0.0)
    state.misplaced.pop(event.bead, None)
    record = state.beads[event.bead] = replace(record, unmet=state.unmet(record.spec))
    if not record.unmet:
        state.readable[event.bead] = None
    elif record.occupies:  # who knows when its turn comes; and its worktree is on a base that lacks the new need
        state.to_clear[event.bead] = None


CHANGES: dict[type[m.Event], Callable[[Standing, Any], None]] = {
    m.ManifestChanged: manifest_changed,
    m.BeadReplanned: bead_replanned,
}
