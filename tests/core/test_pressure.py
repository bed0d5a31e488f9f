"""A machine that runs out of memory while agents are at work."""

from __future__ import annotations

from typing import Any

from orchestrator.core import messages as m
from orchestrator.core.decide.pressure import PATIENCE_S
from orchestrator.core.model import BeadState, Ending, Room, Sample, Token
from orchestrator.core.state import State
from tests.core.scene import Scene, bead, none, only

FLOOR = 1000.0 * 2**20
LITTLE, SOME, MUCH = Room(memory=100 * 2**20), Room(memory=700 * 2**20), Room(memory=5000 * 2**20)


def look(scene: Scene, room: Room, *quiet: tuple[str, float], seconds: float = 10.0) -> list[m.Event]:
    """`quiet`: how long which bead's agent has shown no life."""
    scene.now += seconds
    samples = tuple(_sample(scene.token(name), quiet_s) for name, quiet_s in quiet)
    return scene.hear(m.Sampled, samples=samples, room=room)


def _sample(token: Token, quiet_s: float) -> Sample:
    return Sample(
        token=token, processes=1, stopped=0, cpu_share=0.0, cpu_s=0.0, memory=2**20, descriptors=1, read=0, written=0,
        said_s=quiet_s, wrote_s=quiet_s, quiet_s=quiet_s,
    )  # fmt: skip


def at_work(*names: str, **policy: Any) -> Scene:
    scene = Scene(*(bead(name) for name in (*names, "next")), workers=len(names), memory_floor=FLOOR, **policy)
    scene.sign(*names)
    return scene


def still(scene: Scene) -> list[str]:
    return [scene.state.attempts[token].bead for token in scene.state.suspended]


def test_the_least_healthy_is_suspended_one_at_each_look_and_one_works_on() -> None:
    scene = at_work("a", "b", "c")
    said = only(look(scene, LITTLE, ("a", 1.0), ("b", 400.0), ("c", 100.0)), m.SessionSuspended)
    assert said.bead == "b"
    assert "only 100 MiB of memory are free" in said.reason
    assert [effect.token for effect in scene.owed(m.Suspend)] == [scene.token("b")]
    look(scene, LITTLE, ("a", 1.0), ("c", 100.0))
    assert still(scene) == ["b", "c"]
    look(scene, LITTLE, ("a", 1.0))
    assert still(scene) == ["b", "c"], "one works on"


def test_of_equally_healthy_ones_the_less_urgent_and_then_the_youngest_stands_still() -> None:
    scene = Scene(bead("a", priority=0), bead("b", priority=3), bead("c"), workers=3, memory_floor=FLOOR)
    scene.sign("a", "b", "c")
    look(scene, LITTLE)
    look(scene, LITTLE)
    assert still(scene) == ["b", "c"]


def test_between_pressed_and_relieved_nothing_changes() -> None:
    scene = at_work("a", "b")
    look(scene, LITTLE)
    assert len(still(scene)) == 1
    assert none(look(scene, SOME), m.SessionWentOn)
    only(look(scene, MUCH), m.SessionWentOn)
    assert not scene.owed(m.Suspend)


def test_nothing_starts_while_somebody_stands_still() -> None:
    scene = at_work("a", "b", max_starts=1)
    look(scene, LITTLE)
    (other,) = {"a", "b"} - set(still(scene))
    scene.deliver(other)
    assert scene.is_at("next") is BeadState.READY
    look(scene, MUCH)
    look(scene, MUCH)
    assert scene.is_at("next") is BeadState.RUNNING


def test_its_time_stands_still_with_it_and_its_silence_is_nobodys_fault() -> None:
    scene = Scene(bead("a", timeout_s=100.0), bead("b", timeout_s=100.0), workers=2, memory_floor=FLOOR)
    scene.sign("a", "b")
    look(scene, LITTLE, ("a", 1.0), ("b", 300.0))
    assert still(scene) == ["b"]
    token = scene.token("b")
    assert not scene.hear(m.WentSilent, token=token, evidence="it stands still")
    stopped = _sample(token, 500.0)
    scene.now += 80.0
    scene.hear(m.Sampled, samples=(stopped,), room=SOME)
    assert scene.worker("b").unwell_at is None
    assert scene.is_at("b") is BeadState.RUNNING
    assert only(look(scene, MUCH), m.SessionGivenUp).token == scene.token("a"), "whose time ran on"
    assert none(scene.wait(80.0), m.SessionGivenUp)
    assert only(scene.wait(11.0), m.SessionGivenUp).ending is Ending.TIMED_OUT


def test_where_it_does_not_help_the_one_that_stands_still_for_longest_is_put_back_at_nobodys_cost() -> None:
    scene = at_work("a", "b")
    look(scene, LITTLE)
    (name,) = still(scene)
    given_up = only(look(scene, LITTLE, seconds=PATIENCE_S), m.SessionGivenUp)
    assert given_up.ending is Ending.STOPPED
    assert scene.owed(m.Suspend), "it stands still until it is ended"
    assert scene.owed(m.EndSession)
    scene.breaks(name, Ending.CRASHED)
    assert scene.record(name).tries == 0
    assert scene.is_at(name) is BeadState.READY
    assert not scene.state.suspended


def test_where_only_those_are_left_that_stand_still_one_goes_on() -> None:
    scene = at_work("a", "b")
    look(scene, LITTLE)
    (name,) = still(scene)
    (other,) = {"a", "b"} - {name}
    scene.deliver(other)
    only(look(scene, LITTLE), m.SessionWentOn)
    assert not scene.state.suspended


def test_who_asks_a_person_is_left_alone_and_what_ended_stands_still_no_more() -> None:
    scene = at_work("a", "b", "c")
    scene.hear(m.Questioned, token=scene.token("c"), question="which?")
    look(scene, LITTLE, ("a", 1.0), ("b", 300.0), ("c", 800.0))
    assert still(scene) == ["b"]
    scene.deliver("b")
    assert not scene.state.suspended
    assert State.replay(scene.log).suspended == {}


def test_a_run_that_was_forced_suspends_nobody() -> None:
    scene = at_work("a", "b", heed_host=False)
    assert none(look(scene, LITTLE), m.SessionSuspended)


def test_who_stood_still_when_we_died_is_like_any_other_that_was_lost() -> None:
    scene = at_work("a", "b")
    look(scene, LITTLE)
    scene.die()
    scene.open()
    scene.sweep()
    assert not scene.state.suspended
    assert not scene.owed(m.Suspend)


def test_the_time_of_one_whose_process_is_known_late_stands_still_as_well() -> None:
    """Its first sign came before that."""
    scene = Scene(bead("a"), bead("b", timeout_s=600.0), workers=2, memory_floor=FLOOR)
    for name in ("a", "b"):
        scene.hear(m.GaveSign, token=scene.token(name), session=None)
    look(scene, LITTLE, ("b", 400.0))
    assert still(scene) == ["b"]
    scene.spawn("b")
    due = ("bead", scene.token("b"))
    assert scene.state.deadlines.at(due) is None
    look(scene, MUCH)
    assert scene.state.deadlines.at(due) == scene.now + 600.0
