"""Unfinished work that does not merge, seen while it is still at work: who is told, who gives way, and what follows."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.core import messages as m
from orchestrator.core.model import BeadState, Claim, Collisions, Commit, Ending, Unasked, WorkerState
from tests.core.scene import Scene, bead, none, only


def at_work(*names: str, routes: str = "red", **settings: Any) -> Scene:
    """One after the other, each at work on a file of its own name."""
    scene = Scene(*(bead(name, files=f"src/{name}", routes=routes) for name in names), workers=len(names), **settings)
    for name in names:
        scene.now += 1.0
        scene.sign(name)
    return scene


def collide(scene: Scene, name: str, other: str | None, *paths: str) -> list[m.Event]:
    against = scene.token(other) if other else None
    commits = {"commit": Commit(f"p of {name}"), "against": Commit(f"p of {other}")}
    return scene.hear(m.Collided, token=scene.token(name), other=against, paths=paths or ("lib/x.py",), **commits)


def put_back(scene: Scene, name: str) -> list[m.Event]:
    """Its session ends, and what it left is saved."""
    token = scene.token(name)
    events = scene.end(name, Ending.CRASHED, session="s")
    return events + scene.hear(m.Saved, token=token, commit=None)


# ---------------------------------------------------------------- what is seen


@pytest.mark.parametrize("turned", [False, True])
def test_the_later_one_is_told_whoever_is_named_first(turned: bool) -> None:
    scene = at_work("a", "b")
    told = only(collide(scene, *(("b", "a") if turned else ("a", "b"))), m.CollisionSeen)
    assert (told.bead, told.other, told.commit, told.against) == ("b", "a", "p of b", "p of a")
    assert told.answer is Collisions.TELL
    assert scene.is_at("b") is BeadState.RUNNING


def test_later_is_by_the_start_of_the_attempt() -> None:
    """Not by the order in the manifest: the first one fell and began anew."""
    scene = at_work("a", "b")
    scene.now += 1.0
    scene.breaks("a", Ending.LOST)
    scene.sign("a")
    assert only(collide(scene, "a", "b"), m.CollisionSeen).bead == "a"


def test_who_waits_for_the_other_ones_files_lands_after_it_in_any_case() -> None:
    scene = at_work("a", "b")
    scene.hear(m.Touched, token=scene.token("a"), files=("src/a", "src/b"))
    assert only(collide(scene, "a", "b", "src/b"), m.CollisionSeen).bead == "a"


def test_it_is_said_once_for_each_two_and_their_paths() -> None:
    """However often it is seen, and whoever is named first; a further path is news."""
    scene = at_work("a", "b", "c")
    collide(scene, "a", "b", "x", "y")
    assert not collide(scene, "b", "a", "x")
    assert not collide(scene, "a", "b", "y", "x")
    assert only(collide(scene, "a", "b", "x", "z"), m.CollisionSeen).paths == ("x", "z")
    assert only(collide(scene, "a", "c", "x"), m.CollisionSeen).bead == "c"
    assert only(collide(scene, "b", None, "x"), m.CollisionSeen).other == ""
    assert not collide(scene, "b", None, "x")


def test_of_an_attempt_that_is_over_or_has_delivered_it_is_void() -> None:
    scene = at_work("a", "b")
    late = {"commit": Commit("p1"), "against": Commit("p2"), "paths": ("x",)}
    tokens = scene.token("a"), scene.token("b")
    scene.deliver("a")
    for one, other in (tokens, tokens[::-1]):
        assert not scene.hear(m.Collided, token=one, other=other, **late)
    assert not scene.hear(m.Collided, token=tokens[0], other=None, **late)
    scene.breaks("b", Ending.LOST)
    assert not scene.hear(m.Collided, token=tokens[1], other=None, **late)


def test_where_nobody_wants_to_know_nothing_is_said() -> None:
    scene = at_work("a", "b", collisions=Collisions.IGNORE)
    assert not collide(scene, "a", "b")


# ---------------------------------------------------------------- told


def test_into_a_session_that_can_be_spoken_to_it_is_typed() -> None:
    scene = at_work("a", "b", routes="talks")
    told = only(collide(scene, "a", "b"), m.CollisionSeen)
    assert "lib/x.py does not merge" in told.text
    assert "`a`" in told.text
    [typed] = scene.owed(m.Type)
    assert (typed.token, typed.text) == (scene.token("b"), told.text)
    scene.die()
    assert scene.owed(m.Type) == [typed]


def test_what_is_being_typed_is_not_typed_over() -> None:
    """It is heard of at the next question."""
    scene = at_work("a", "b", routes="talks")
    scene.hear(m.WentSilent, token=scene.token("b"), evidence="nothing")
    before = scene.owed(m.Type)
    assert not only(collide(scene, "a", "b"), m.CollisionSeen).text
    assert scene.owed(m.Type) == before


def test_what_the_session_did_not_take_it_hears_at_its_next_question() -> None:
    scene = at_work("a", "b", routes="talks")
    collide(scene, "a", "b")
    [typed] = scene.owed(m.Type)
    scene.hear(m.Typed, token=typed.token, turn=typed.turn, fault="nothing answered Enter")
    assert "does not merge" in only(question(scene, "b", "docs/x"), m.RequestAnswered).text


def question(scene: Scene, name: str, path: str, **more: Any) -> list[m.Event]:
    return scene.hear(m.LocksAsked, token=scene.token(name), claims=(Claim(pattern=path),), request=7, **more)


def test_else_it_hears_of_it_when_it_asks_for_files() -> None:
    """Once, whatever the answer is."""
    scene = at_work("a", "b")
    collide(scene, "a", "b")
    events = question(scene, "b", "docs/x")
    assert only(events, m.CollisionTold).bead == "b"
    answer = only(events, m.RequestAnswered)
    assert answer.accepted
    assert "docs/x: yours\n\nWhat you have changed in lib/x.py does not merge" in answer.text
    again = question(scene, "b", "docs/y")
    assert none(again, m.CollisionTold)
    assert "does not merge" not in only(again, m.RequestAnswered).text


def test_who_waits_for_its_answer_hears_of_it_with_a_later_one() -> None:
    scene = at_work("a", "b")
    collide(scene, "a", "b")
    assert none(question(scene, "b", "src/a", wait_s=60.0), m.CollisionTold)
    assert not scene.attempt("b").collisions[0].told


@pytest.mark.parametrize("unasked", [Unasked.WAIT, Unasked.IGNORE])
def test_a_hook_refuses_an_edit_of_these_files_once(unasked: Unasked) -> None:
    """It can say nothing else: edits of other files are not kept from it."""
    scene = at_work("a", "b", unasked=unasked)
    collide(scene, "a", "b")
    assert only(question(scene, "b", "docs/x", edits=True), m.RequestAnswered).accepted
    events = question(scene, "b", "lib/x.py", edits=True)
    assert only(events, m.CollisionTold).bead == "b"
    refusal = only(events, m.RequestAnswered)
    assert not refusal.accepted
    assert "does not merge" in refusal.text
    assert only(question(scene, "b", "lib/x.py", edits=True), m.RequestAnswered).accepted


def test_a_later_attempt_is_told_whatever_ended_this_one() -> None:
    scene = at_work("a", "b")
    collide(scene, "a", "b")
    collide(scene, "b", None, "lib/y.py")
    returned = only(scene.breaks("b", Ending.CRASHED), m.BeadReturned)
    assert "lib/x.py does not merge with what another agent, at work on `a`" in returned.briefing
    assert "lib/y.py does not merge with what others have landed" in returned.briefing
    assert not returned.merge


def test_who_begins_anew_is_told_whom_it_may_meet_and_not_what_to_do_about_work_that_it_does_not_have() -> None:
    """Its worktree is a new one at the newest tip: there is nothing of its own to merge with that."""
    scene = at_work("a", "b", routes="green")
    collide(scene, "a", "b")
    collide(scene, "b", None, "lib/y.py")
    returned = only(scene.breaks("b", Ending.CRASHED), m.BeadReturned)
    assert not returned.keep
    assert "An earlier attempt at this task changed lib/x.py, and so did another agent, at work on `a`" in (
        returned.briefing
    )
    assert "you have changed" not in returned.briefing
    assert "lib/y.py" not in returned.briefing


# ---------------------------------------------------------------- put back


def test_put_back_it_starts_again_when_the_other_one_has_landed() -> None:
    """With the target merged into its worktree, so that it finds the conflict there, and not at its landing."""
    scene = at_work("a", "b", collisions=Collisions.PUT_BACK)
    events = collide(scene, "a", "b")
    assert only(events, m.CollisionSeen).answer is Collisions.PUT_BACK
    assert only(events, m.SessionGivenUp).ending is Ending.PUT_BACK
    assert scene.worker("b").state is WorkerState.TIMEOUT
    returned = only(put_back(scene, "b"), m.BeadReturned)
    assert returned.handed_back
    assert not returned.tried
    assert returned.keep
    assert returned.merge
    assert "does not merge with what another agent, at work on `a`" in returned.briefing
    scene.die()
    scene.wait(10_000.0)
    assert scene.running() == ["a"]
    scene.deliver("a")
    assert scene.is_at("b") is BeadState.READY
    scene.land("a")
    assert scene.running() == ["b"]
    assert scene.attempt("b").merge
    assert scene.attempt("b").resume == "s"


def test_or_when_the_other_one_was_given_up() -> None:
    scene = at_work("a", "b", collisions=Collisions.PUT_BACK)
    collide(scene, "a", "b")
    put_back(scene, "b")
    scene.give_up("a")
    scene.breaks("a", Ending.CRASHED)
    assert scene.is_at("a") is BeadState.CANCELLED
    assert scene.running() == ["b"]


def test_two_that_collided_are_not_run_side_by_side_again() -> None:
    """The earlier one falls meanwhile: whichever of them starts, the other waits for it."""
    scene = at_work("a", "b", collisions=Collisions.PUT_BACK)
    collide(scene, "a", "b")
    put_back(scene, "b")
    scene.breaks("a", Ending.LOST)
    scene.wait(1000.0)
    assert len(scene.running()) == 1


def test_with_the_target_it_starts_again_at_once_on_the_new_tip() -> None:
    scene = at_work("a", collisions=Collisions.PUT_BACK)
    collide(scene, "a", None)
    returned = only(put_back(scene, "a"), m.BeadReturned)
    assert returned.merge
    assert "what others have landed" in returned.briefing
    assert scene.running() == ["a"]


def test_nobody_gives_way_for_ever() -> None:
    """The target moves again and again beneath it: then it is only told."""
    scene = at_work("a", collisions=Collisions.PUT_BACK, put_back_first=2)
    for _ in range(2):
        assert only(collide(scene, "a", None), m.SessionGivenUp)
        put_back(scene, "a")
        scene.sign("a")
    events = collide(scene, "a", None)
    assert none(events, m.SessionGivenUp)
    assert only(events, m.CollisionSeen).answer is Collisions.TELL
    scene.deliver("a")
    scene.land("a")


def test_who_may_finish_what_it_has_before_the_run_stops_is_only_told() -> None:
    scene = at_work("a", "b", collisions=Collisions.PUT_BACK)
    scene.hear(m.Asked, verb=m.Verb.DRAIN, request=1, by="ada")
    events = collide(scene, "a", "b")
    assert none(events, m.SessionGivenUp)
    assert only(events, m.CollisionSeen).answer is Collisions.TELL


def test_a_command_that_is_put_back_does_its_work_anew() -> None:
    from tests.core.scene import command

    scene = Scene(command("a"), collisions=Collisions.PUT_BACK)
    scene.sign("a")
    collide(scene, "a", None)
    returned = only(put_back(scene, "a"), m.BeadReturned)
    assert not returned.merge
    assert not returned.keep
