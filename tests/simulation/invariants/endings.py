"""What must hold at the end of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.core import messages as m
from orchestrator.core.decide import fences
from orchestrator.core.model import BeadState
from orchestrator.core.state import LIVE
from tests.simulation.invariants.work import HOLDING

if TYPE_CHECKING:
    from tests.simulation.world import World


LOST_CAUSES = frozenset({BeadState.FAILED, BeadState.BLOCKED, BeadState.CANCELLED})


def everything_has_settled(world: World) -> None:
    """Done, failed, blocked or cancelled; or with a person; or behind one that is; or there is no money."""
    beads = world.state.beads
    stuck = {bead for bead, record in beads.items() if record.state is BeadState.HELD}
    for bead in world.state.graph.beads:  # the generator puts needs first
        record = beads[bead]
        if record.state is BeadState.WAITING and any(need in stuck for need in record.spec.needs):
            stuck.add(bead)
        elif world.out_of_money():
            assert record.state not in HOLDING
        elif record.state is not BeadState.HELD:
            assert record.state in (BeadState.DONE, *LOST_CAUSES), f"{bead} is {record.state} for ever"


def nothing_is_left_over(world: World) -> None:
    """No locks, no workers at work, no live sessions, no worktrees; what was made can be found without them."""
    state, repository = world.state, world.repository
    assert not state.locks.held
    assert not state.locks.waits
    assert all(state.beads[bead].state is BeadState.READY for bead in state.entitled), "of what is not to start"
    assert not state.attempts
    assert not state.merging
    assert not state.to_clear or world.out_of_money(), "what a paused run could not clear away waits for its next start"
    assert not state.landing
    assert not state.train
    assert all(worker.state not in LIVE for worker in state.workers.values())
    assert not [session for session in world.sessions if session.alive], "an agent outlives the run"
    left = {
        bead
        for bead in repository.desks
        if bead not in world.refused and bead not in state.to_clear and state.beads[bead].state is not BeadState.READY
    }
    assert not left, f"worktrees of {left} are left"
    for bead, units in repository.written.items():
        if bead not in repository.desks:
            assert units <= repository.kept(bead)


def what_is_done_has_landed(world: World) -> None:
    """Done with a commit is on the target once; nothing else is there, but what a person gave up in its last moment."""
    landed = [bead for bead, _ in world.repository.target]
    for bead, record in world.state.beads.items():
        expected = record.state is BeadState.DONE and record.commit is not None
        assert landed.count(bead) == expected, f"{bead} is {record.state}, and {landed.count(bead)} times on the target"


def who_strayed_does_not_land(world: World) -> None:
    """Of the very attempt that was shown to have tampered with what is not its own."""
    strayed = {event.token for event in world.log if isinstance(event, m.FenceCrossed) and fences.strayed(event.strays)}
    landed = {event.token for event in world.log if isinstance(event, m.BeadLanded)}
    assert not strayed & landed, "work of an agent that went beyond its ground has landed"
