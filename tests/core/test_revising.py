"""A person changes what is to be done while it is being done."""

from __future__ import annotations

import pytest

from orchestrator.core import messages as m
from orchestrator.core.decide import amend
from orchestrator.core.decide.revising import difference, refusals
from orchestrator.core.model import Bead, BeadId, BeadState, Commit, Ending, RunState
from orchestrator.core.state import State
from orchestrator.core.values import replace
from tests.core.scene import Scene, bead, only


def revision(scene: Scene, *beads: Bead, **manifest: object) -> m.Revision:
    tasks = {each.id: f"task of {each.title}" for each in beads}
    changed = replace(scene.state.manifest, beads=beads, **manifest)  # type: ignore[arg-type]
    return m.Revision(manifest=changed, tasks=tasks)


def apply(scene: Scene, *beads: Bead, **manifest: object) -> m.RequestAnswered:
    events = scene.hear(m.Asked, verb=m.Verb.APPLY, request=1, revision=revision(scene, *beads, **manifest), by="ada")
    assert State.replay(scene.log).beads == scene.state.beads
    return only(events, m.RequestAnswered)


def test_an_added_bead_starts_at_once_where_what_it_needs_landed_long_ago() -> None:
    scene = Scene(bead("a"), bead("slow"), workers=2)
    scene.finish("a")
    said = apply(scene, bead("a"), bead("slow"), bead("new", "a"), bead("later", "slow"))
    assert (said.accepted, said.text) == (True, "the manifest is applied: 2 added")
    assert scene.is_at("new") is BeadState.RUNNING
    assert scene.is_at("later") is BeadState.WAITING


def test_an_added_bead_that_landed_in_another_night_is_done() -> None:
    scene = Scene(bead("a"), workers=1)
    wanted = replace(revision(scene, bead("a"), bead("old"), bead("new", "old")), landed={BeadId("old"): Commit("c")})
    scene.hear(m.Asked, verb=m.Verb.APPLY, request=1, revision=wanted)
    assert scene.is_at("old") is BeadState.DONE
    assert scene.is_at("new") is BeadState.READY


def test_a_changed_prompt_holds_for_what_has_not_started() -> None:
    """And for what is at work from its next attempt on: the session that was asked for stays the same order."""
    scene = Scene(bead("a"), bead("b", "a"), workers=1)
    owed = scene.owed(m.OpenSession)
    apply(scene, replace(bead("a"), prompt="Otherwise."), replace(bead("b", "a"), prompt="Otherwise."))
    assert scene.owed(m.OpenSession) == owed
    assert scene.record("b").spec.prompt == "Otherwise."
    scene.spawn("a")
    scene.breaks("a", Ending.CRASHED)
    scene.wait(10)
    (again,) = scene.owed(m.OpenSession)
    assert again.prompt.startswith("Otherwise.")


def test_what_has_landed_stays_as_it_landed() -> None:
    scene = Scene(bead("a"), bead("b"), workers=1)
    scene.state.tasks = {BeadId("a"): "first"}
    scene.finish("a")
    found = difference(scene.state, revision(scene, replace(bead("a"), prompt="x")))
    assert (found.landed, found.removed) == (("a",), ("b",))
    apply(scene, replace(bead("a"), prompt="x"), bead("b"))
    assert scene.record("a").spec.prompt == "Do a."
    assert scene.state.tasks[BeadId("a")] == "first"


def test_priorities_hold_for_what_is_ready() -> None:
    scene = Scene(bead("a"), bead("b"), bead("c"), workers=1)
    apply(scene, bead("a"), bead("b"), bead("c", priority=0))
    scene.finish("a")
    assert scene.running() == ["c"]


def test_a_removed_bead_is_given_up_wherever_it_is() -> None:
    """One that waits at once; one that runs when its session has ended, and its work is saved."""
    scene = Scene(bead("a", priority=0), bead("b"), bead("c", "b"), bead("kept"), workers=1)
    scene.spawn("a")
    apply(scene, bead("kept"))
    assert [scene.is_at(name) for name in "bc"] == [BeadState.CANCELLED] * 2
    (end,) = scene.owed(m.EndSession)
    assert end.token == scene.token("a")
    scene.breaks("a", Ending.STOPPED)
    assert scene.is_at("a") is BeadState.CANCELLED
    assert scene.record("a").reason == "the manifest has it no more"
    assert scene.running() == ["kept"]
    refused = scene.ask(m.Verb.RETRY, "a")
    assert not refused.accepted


def test_a_bead_that_needs_the_removed_one_no_more_goes_on() -> None:
    scene = Scene(bead("a", tries=1), bead("b", "a"), bead("c", "b"), workers=1)
    scene.spawn("a")
    scene.breaks("a", Ending.CRASHED)
    assert [scene.is_at(name) for name in "abc"] == [BeadState.FAILED, BeadState.BLOCKED, BeadState.BLOCKED]
    apply(scene, bead("b"), bead("c", "b"))
    assert [scene.is_at(name) for name in "bc"] == [BeadState.RUNNING, BeadState.WAITING]


def test_a_ready_bead_that_needs_something_new_waits_for_it() -> None:
    scene = Scene(bead("a"), bead("b"), workers=1)
    apply(scene, bead("a"), bead("b", "new"), bead("new"))
    assert scene.is_at("b") is BeadState.WAITING
    scene.finish("a")
    assert scene.running() == ["new"]
    scene.finish("new")
    assert scene.running() == ["b"]


def test_a_hold_that_comes_when_a_bead_is_ready_holds_it() -> None:
    """It has not started; a person lets it go."""
    scene = Scene(bead("a"), bead("b"), workers=1)
    scene.sign("a")
    apply(scene, bead("a"), bead("b", hold="ask me first"))
    assert scene.is_at("b") is BeadState.HELD
    scene.deliver("a")
    scene.land("a")
    assert scene.is_at("b") is BeadState.HELD
    scene.ask(m.Verb.RETRY, "b")
    assert scene.is_at("b") is BeadState.RUNNING


def test_one_that_a_person_let_go_is_not_held_by_other_words() -> None:
    scene = Scene(bead("a"), bead("b", hold="ask me"), workers=1)
    scene.sign("a")
    scene.ask(m.Verb.RETRY, "b")
    apply(scene, bead("a"), bead("b", hold="ask me first"))
    assert scene.is_at("b") is BeadState.READY


def test_a_hold_that_is_taken_back_lets_the_bead_go() -> None:
    scene = Scene(bead("a", hold="ask me"), bead("b"), workers=2)
    assert scene.is_at("a") is BeadState.HELD
    apply(scene, bead("a"), bead("b"))
    assert scene.is_at("a") is BeadState.RUNNING


def test_a_bead_that_comes_back_is_done_after_all() -> None:
    scene = Scene(bead("a"), bead("b"), workers=1)
    apply(scene, bead("a"))
    apply(scene, bead("a"), bead("b"))
    assert scene.is_at("b") is BeadState.READY


def test_all_that_stands_against_it_is_said_and_nothing_changes() -> None:
    scene = Scene(bead("a"), workers=1)
    before = scene.state.manifest
    said = apply(scene, bead("b"), name="day", target="other", base="dev", setup=("make",))
    assert not said.accepted
    assert all(f"{key}: it is" in said.text for key in ("name", "target", "base", "setup"))
    assert scene.state.manifest == before
    assert "b" not in scene.state.beads


def test_a_run_that_is_over_is_begun_anew() -> None:
    scene = Scene(bead("a"), workers=1)
    scene.finish("a")
    assert scene.state.run is RunState.FINISHED
    assert "begins a new one" in refusals(scene.state, revision(scene, bead("a"), bead("b")))[0]


def test_a_stopped_run_takes_it_in_and_begins_nothing() -> None:
    """What was at work when we died is given up once somebody has seen to what it left."""
    scene = Scene(bead("a"), bead("b"), workers=1)
    scene.spawn("a")
    scene.die()
    asked = m.Asked(at=scene.now, verb=m.Verb.APPLY, revision=revision(scene, bead("b"), bead("c")))
    events = amend(scene.state, asked)
    assert [type(event) for event in events] == [m.ManifestChanged]
    scene.log += events
    scene.open()
    scene.sweep()
    scene.hear(m.Saved, token=scene.token("a"), commit=None)
    assert scene.is_at("a") is BeadState.CANCELLED
    assert scene.running() == ["b"]


@pytest.mark.parametrize("verify", [(), ("make test",)])
def test_other_checks_hold_for_the_next_landing(verify: tuple[str, ...]) -> None:
    scene = Scene(bead("a"), workers=1)
    apply(scene, bead("a"), verify=verify)
    scene.spawn("a")
    scene.deliver("a")
    scene.check("a", passed=True)
    scene.compose("a")
    assert [order.commands for order in scene.owed(m.Verify)] == ([verify] if verify else [])


def test_a_bead_that_needs_more_begins_on_a_base_that_holds_it() -> None:
    """Its worktree is older than what it needs now: the next attempt gets a fresh one."""
    scene = Scene(bead("a"), bead("b"), workers=1)
    scene.spawn("a")
    apply(scene, bead("a", "b"), bead("b"))
    scene.sign("a", session="s1")
    scene.breaks("a", Ending.SILENT)
    scene.finish("b")
    scene.wait(60)
    (again,) = scene.owed(m.OpenSession)
    assert (again.bead, again.keep, again.resume) == ("a", False, None)


def test_it_does_so_also_after_a_start_that_came_to_nothing() -> None:
    """It died before the fresh worktree was there: what stands in its place is still the old one."""
    scene = Scene(bead("a"), bead("b"), workers=1)
    scene.spawn("a")
    apply(scene, bead("a", "b"), bead("b"))
    scene.sign("a", session="s1")
    scene.breaks("a", Ending.SILENT)
    scene.finish("b")
    scene.wait(60)
    scene.die()
    scene.open()
    scene.sweep()
    scene.hear(m.Saved, token=scene.token("a"), commit=None)
    scene.wait(60)
    (again,) = scene.owed(m.OpenSession)
    assert (again.bead, again.number, again.keep) == ("a", 3, False)


def test_a_bead_whose_new_need_lands_at_once_is_not_cleared_away_under_its_agent() -> None:
    """Its worktree was to be cleared while it waited."""
    scene = Scene(bead("a"), bead("b"), workers=2)
    scene.sign("a", "b")
    apply(scene, bead("a", "b"), bead("b"))
    scene.breaks("a", Ending.CRASHED)
    assert scene.is_at("a") is BeadState.WAITING
    assert [order.bead for order in scene.owed(m.Clear)] == ["a"]
    scene.deliver("b")
    scene.land("b")
    scene.wait(3600.0)
    assert scene.is_at("a") is BeadState.RUNNING
    assert "a" not in [order.bead for order in scene.owed(m.Clear)]


def test_a_full_train_is_checked_anew_by_other_checks() -> None:
    """What was green is so by checks that hold no more: nothing lands by them, and all of it by the new ones."""
    names = ("a", "b", "c")
    beads = [bead(name) for name in names]
    scene = Scene(*beads, workers=3, max_starts=9, train=3, verify=("make test",))
    scene.sign(*names)
    for name in names:
        scene.deliver(name)
    for name in names:
        scene.compose(name)
    scene.try_out("b", True)
    scene.try_out("c", True)
    apply(scene, *beads, verify=("make lint",))
    assert [(order.bead, order.commands) for order in scene.owed(m.Verify)] == [
        (name, ("make lint",)) for name in names
    ]
    assert scene.owed(m.Advance) == []
    made = scene.state.train[BeadId("a")].made
    assert made is not None
    late = scene.hear(m.Verified, bead=BeadId("a"), tree=made.tree, round=0, commands=("make test",), passed=True)
    assert late == []
    for name in ("b", "c", "a"):
        scene.try_out(name, True)
    [order] = scene.owed(m.Advance)
    assert [stop.bead for stop in order.stops] == list(names)


def test_what_the_train_sends_back_does_not_start_before_what_it_needs_by_now() -> None:
    """All in one step: it is out of the train, another manifest's, and a worker is free."""
    scene = Scene(bead("slow"), bead("a"), workers=2)
    scene.sign("a", "slow")
    scene.deliver("a")
    apply(scene, bead("slow"), replace(bead("a", "slow"), title="again"))
    scene.refuse("a", Ending.CONFLICT)
    scene.wait(60)
    assert scene.is_at("a") is BeadState.WAITING
