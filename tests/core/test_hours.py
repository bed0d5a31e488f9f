"""Hours in which nothing new starts."""

from __future__ import annotations

from orchestrator.core import messages as m
from orchestrator.core.model import BeadState
from orchestrator.core.values import replace
from tests.core.scene import BEGIN, Scene, bead, only


def test_nothing_starts_in_them_and_what_runs_lands() -> None:
    """At their end beads start by themselves."""
    scene = Scene(bead("a"), bead("b"), workers=1, closed=((BEGIN + 100.0, BEGIN + 500.0),))
    assert scene.running() == ["a"]
    scene.now = BEGIN + 200.0
    assert only(scene.hear(m.TimePassed), m.HoursClosed).until == BEGIN + 500.0
    scene.finish("a")
    assert scene.is_at("a") is BeadState.DONE
    assert scene.running() == []
    assert scene.state.deadlines.next() == BEGIN + 500.0
    scene.wait(300.0)
    assert scene.running() == ["b"]


def test_a_run_that_is_started_in_them_waits() -> None:
    """And one that is started again with other hours does not."""
    scene = Scene(bead("a"), workers=1, closed=((BEGIN - 100.0, BEGIN + 500.0),))
    assert scene.running() == []
    scene.die()
    scene.open(policy=replace(scene.state.policy, closed=()))
    scene.sweep()
    assert scene.running() == ["a"]


def test_hours_follow_each_other() -> None:
    """Night after night."""
    scene = Scene(bead("a", tries=9), workers=1, closed=((BEGIN + 10.0, BEGIN + 20.0), (BEGIN + 30.0, BEGIN + 40.0)))
    seen = []
    for _ in range(40):
        seen.append(scene.state.closed_until is not None)
        scene.wait(1.0)
    assert seen == [10 < n <= 20 - 0 or 30 < n <= 40 for n in [each + 1 for each in range(40)]]
