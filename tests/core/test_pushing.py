"""The target goes to a remote: owed until it is there, tried again later, and in nobody's way."""

from __future__ import annotations

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, Commit, PushWhen, RunState
from tests.core.scene import Scene, bead, none, only


def landed(*names: str, waiting: int = 0, **settings: object) -> Scene:
    """Some have landed; `waiting` more are still to start."""
    later = [bead(f"z{n}", names[0], hold="later") for n in range(waiting)]
    scene = Scene(*(bead(name) for name in names), *later, workers=len(names), push_to="origin", **settings)  # type: ignore[arg-type]
    for name in names:
        scene.sign(name)
        scene.deliver(name)
        scene.land(name)
    return scene


def clear(scene: Scene, *names: str) -> list[m.Event]:
    return [event for name in names for event in scene.hear(m.Cleared, bead=BeadId(name))]


def test_the_run_ends_when_the_remote_has_what_landed() -> None:
    scene = landed("a")
    [order] = scene.owed(m.Push)
    assert (order.remote, order.turn, order.round) == ("origin", 1, 0)
    assert none(clear(scene, "a"), m.RunFinished)
    assert scene.owed(m.Push) == [order]
    events = scene.hear(m.Pushed, turn=order.turn, commit=Commit("tip"))
    assert only(events, m.TargetPushed).commit == "tip"
    only(events, m.RunFinished)
    assert scene.owed(m.Push) == []


def test_what_lands_during_a_push_is_owed_another_one() -> None:
    scene = Scene(bead("a"), bead("b"), workers=2, push_to="origin")
    for name in ("a", "b"):
        scene.sign(name)
        scene.deliver(name)
    scene.land("a")
    [first] = scene.owed(m.Push)
    scene.land("b")
    [second] = scene.owed(m.Push)
    assert (first.turn, second.turn) == (1, 2)
    scene.hear(m.Pushed, turn=first.turn, commit=Commit("one"))
    assert scene.owed(m.Push) == [second]
    scene.hear(m.Pushed, turn=second.turn, commit=Commit("two"))
    assert scene.owed(m.Push) == []
    assert none(scene.hear(m.Pushed, turn=first.turn, commit=Commit("one")), m.TargetPushed)


def test_at_the_end_it_is_pushed_once_when_all_else_is_done() -> None:
    scene = landed("a", push_when=PushWhen.END)
    assert scene.owed(m.Push) == []
    clear(scene, "a")
    assert [order.turn for order in scene.owed(m.Push)] == [1]
    assert scene.state.run is RunState.RUNNING


def test_a_push_that_fails_is_tried_later_and_again_later() -> None:
    scene = landed("a", push_tries=3)
    [order] = scene.owed(m.Push)
    first = only(scene.hear(m.NotPushed, turn=1, round=0, evidence="no route to host"), m.PushDelayed)
    assert (first.failures, first.reason) == (1, "no route to host")
    assert scene.owed(m.Push) == []
    assert none(scene.hear(m.NotPushed, turn=1, round=0, evidence="said twice"), m.PushDelayed)
    scene.wait(first.until - scene.now)
    [again] = scene.owed(m.Push)
    assert (again.turn, again.round) == (order.turn, 1)
    second = only(scene.hear(m.NotPushed, turn=1, round=1, evidence="no route to host"), m.PushDelayed)
    assert second.until - second.at > first.until - first.at


def test_the_end_waits_for_so_many_tries_and_no_longer() -> None:
    scene = landed("a", push_tries=2)
    clear(scene, "a")
    delayed = only(scene.hear(m.NotPushed, turn=1, round=0, evidence="down"), m.PushDelayed)
    assert scene.state.run is RunState.RUNNING
    scene.wait(delayed.until - scene.now)
    events = scene.hear(m.NotPushed, turn=1, round=1, evidence="down")
    only(events, m.RunFinished)
    assert scene.state.push_fault == "down"


def test_without_a_remote_nothing_is_owed() -> None:
    scene = Scene(bead("a"), workers=1)
    scene.sign("a")
    scene.deliver("a")
    scene.land("a")
    assert scene.owed(m.Push) == []
    only(clear(scene, "a"), m.RunFinished)
