"""Time that nobody saw, because the machine slept or its clock was set forth, is taken from no agent."""

from __future__ import annotations

from orchestrator.core import messages as m
from orchestrator.core.model import BeadState
from orchestrator.core.state import State
from tests.core.scene import Scene, bead, none, only


def test_an_agent_has_as_much_time_left_as_before() -> None:
    scene = Scene(bead("a", timeout_s=60.0), workers=1)
    scene.sign("a")
    before = scene.state.deadlines.next()
    assert before is not None
    scene.now = before + 3500
    told = scene.hear(m.TimeJumped, seconds=3600.0)
    assert only(told, m.TimeSkipped).seconds == 3600.0
    assert none(told, m.SessionGivenUp)
    assert scene.state.deadlines.next() == before + 3600
    assert scene.is_at("a") is BeadState.RUNNING
    assert not none(scene.wait(101), m.SessionGivenUp)


def test_what_was_skipped_is_skipped_after_a_death_as_well() -> None:
    """The log says it."""
    scene = Scene(bead("a", timeout_s=60.0), workers=1)
    scene.sign("a")
    scene.now += 3600
    scene.hear(m.TimeJumped, seconds=3600.0)
    due = scene.state.deadlines.next()
    assert State.replay(scene.log).deadlines.next() == due
