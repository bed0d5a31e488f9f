"""What must hold after every step of the state itself: what it keeps counted, what is owed, and its log."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from orchestrator.core.model import BeadState, WorkerState
from orchestrator.core.owed import owed
from tests.simulation.invariants.endings import LOST_CAUSES
from tests.simulation.likeness import differences, share

if TYPE_CHECKING:
    from tests.simulation.world import World


def counts_are_right(world: World) -> None:
    """What is kept counted equals what is there."""
    state = world.state
    assert state.counts == dict.fromkeys(BeadState, 0) | Counter(r.state for r in state.beads.values())
    assert state.worker_counts == dict.fromkeys(WorkerState, 0) | Counter(w.state for w in state.workers.values())
    for record in state.beads.values():
        if record.state is BeadState.WAITING:
            unmet = sum(state.beads[need].state is not BeadState.DONE for need in record.spec.needs)
            assert record.unmet == unmet, f"{record.spec.id} waits for {unmet}, and thinks {record.unmet}"


def side_views_are_right(world: World) -> None:
    """What is kept beside the records, so that nobody has to look through them, is what a look would find."""
    state = world.state
    vague = {bead for bead, record in state.beads.items() if record.state is BeadState.READY and record.vague}
    assert state.vague.ranks == {bead: state.graph.ranks[bead] for bead in vague}
    assert state.unlooked.ranks.items() <= state.vague.ranks.items()
    under_way = [bead for bead, request in state.requests.items() if request.under_way is not None]
    assert under_way == [bead for bead in (state.proposing,) if bead is not None]
    seen_to = {bead for bead, request in state.requests.items() if request.turn or request.doubt}
    assert list(state.unproposed) == [bead for bead in state.landed if bead not in seen_to]


def blocked_means_blocked(world: World) -> None:
    """A bead is blocked exactly when something that it needs is lost, unless nobody wants it any more."""
    beads = world.state.beads
    for bead, record in beads.items():
        if not record.removed and record.state in (BeadState.BLOCKED, BeadState.WAITING):
            lost = any(beads[need].state in LOST_CAUSES for need in record.spec.needs)
            assert lost or record.state is BeadState.WAITING, f"{bead} is blocked by nothing"
            assert not lost or record.state is BeadState.BLOCKED, f"{bead} waits for what will not come"


def asking_twice_is_the_same(world: World) -> None:
    """What is owed depends on the state alone, and is owed once."""
    first = list(owed(world.state))
    assert first == list(owed(world.state))
    assert len(set(first)) == len(first), "an effect is owed twice"


def the_log_is_the_state(world: World) -> None:
    """A second state that hears every event once it is committed is the same as the one that decided."""
    assert not (apart := differences(world.shadow, world.state)), f"they differ in {apart}"
    share(world.state, world.shadow)
