"""A settled bead's worktree goes: owed until it is gone, tried again later, kept only when the end refuses it too."""

from __future__ import annotations

from orchestrator.core import messages as m
from orchestrator.core.clearing import TRIES
from orchestrator.core.decide import idle_and_paused
from orchestrator.core.model import Ending, RunState
from tests.core.scene import Scene, bead, none, only

FULL = "No space left on device"


def finished(*names: str, working: str = "") -> Scene:
    """All have landed and none is cleared; one more may be at work."""
    scene = Scene(*(bead(name) for name in (*names, *working)), workers=len(names) + len(working))
    for name in names:
        scene.sign(name)
        scene.deliver(name)
        scene.land(name)
    if working:
        scene.sign(working)
    return scene


def test_a_clearing_that_the_machine_refused_is_owed_again_after_a_while() -> None:
    scene = finished("a")
    [order] = scene.owed(m.Clear)
    delayed = only(scene.clear("a", FULL), m.ClearingDelayed)
    assert (delayed.reason, delayed.failures) == (FULL, 1)
    assert scene.owed(m.Clear) == []
    assert scene.state.run is RunState.RUNNING
    only(scene.wait(delayed.until - scene.now), m.ClearingWoke)
    assert scene.owed(m.Clear) == [order]
    events = scene.clear("a")
    assert not only(events, m.BeadCleared).fault
    only(events, m.RunFinished)


def test_each_failure_in_a_row_is_waited_for_longer() -> None:
    scene = finished("a", working="b")
    waits = []
    for _ in range(4):
        delayed = only(scene.clear("a", FULL), m.ClearingDelayed)
        waits.append(delayed.until - delayed.at)
        scene.wait(delayed.until - scene.now)
    assert waits == sorted(waits)
    assert waits[-1] >= 4 * waits[0]
    scene.clear("a")
    assert not scene.state.clearings


def test_nothing_is_given_up_while_others_are_at_work() -> None:
    scene = finished("a", working="b")
    for _ in range(3 * TRIES):
        delayed = only(scene.clear("a", FULL), m.ClearingDelayed)
        scene.wait(delayed.until - scene.now)
    assert len(scene.owed(m.Clear)) == 1


def test_what_the_end_refuses_too_is_kept_and_said() -> None:
    scene = finished("a")
    for _ in range(TRIES - 1):
        delayed = only(scene.clear("a", FULL), m.ClearingDelayed)
        scene.wait(delayed.until - scene.now)
    events = scene.clear("a", FULL)
    assert only(events, m.BeadCleared).fault == FULL
    only(events, m.RunFinished)
    assert scene.record("a").occupies


def test_who_was_refused_for_long_gets_one_more_try_at_the_end() -> None:
    scene = finished("a", working="b")
    for _ in range(2 * TRIES):
        delayed = only(scene.clear("a", FULL), m.ClearingDelayed)
        scene.wait(delayed.until - scene.now)
    last = only(scene.clear("a", FULL), m.ClearingDelayed)
    scene.deliver("b")
    scene.land("b")
    assert none(scene.clear("b"), m.RunFinished)
    scene.wait(last.until - scene.now)
    only(scene.clear("a"), m.RunFinished)


def again(scene: Scene) -> None:
    """The next start."""
    scene.die()
    scene.open()
    scene.sweep()


def test_a_run_that_stops_leaves_it_to_its_next_start() -> None:
    scene = finished("a", working="b")
    only(scene.clear("a", FULL), m.ClearingDelayed)
    scene.ask(m.Verb.STOP)
    scene.end("b", Ending.STOPPED)
    events = scene.hear(m.Saved, token=scene.token("b"), commit=None)
    only(events, m.RunStopped)
    again(scene)
    assert [order.bead for order in scene.owed(m.Clear)] == ["a"]


def test_a_paused_run_goes_without_it() -> None:
    scene = Scene(bead("a"), bead("b", "a"), workers=1)
    scene.sign("a")
    scene.deliver("a")
    scene.ask(m.Verb.PAUSE)
    scene.land("a")
    assert not idle_and_paused(scene.state)
    only(scene.clear("a", FULL), m.ClearingDelayed)
    assert idle_and_paused(scene.state)


def test_what_was_kept_is_owed_again_at_the_next_start() -> None:
    scene = finished("a")
    for _ in range(TRIES - 1):
        delayed = only(scene.clear("a", FULL), m.ClearingDelayed)
        scene.wait(delayed.until - scene.now)
    scene.clear("a", FULL)
    again(scene)
    assert [order.bead for order in scene.owed(m.Clear)] == ["a"]
    only(scene.clear("a"), m.RunFinished)


def test_a_bead_that_is_opened_again_keeps_its_worktree() -> None:
    scene = Scene(bead("a", tries=1), bead("b"), workers=2)
    scene.sign("a", "b")
    scene.breaks("a", Ending.CRASHED)
    delayed = only(scene.clear("a", FULL), m.ClearingDelayed)
    scene.ask(m.Verb.RETRY, "a")
    assert none(scene.wait(delayed.until - scene.now), m.ClearingWoke)
    assert scene.owed(m.Clear) == []
