"""From delivered work to the target."""

from __future__ import annotations

import pytest

from orchestrator.core import messages as m
from orchestrator.core.model import BeadState, Commit, Ending, Tree
from tests.core.scene import Scene, bead, none, only


def merging(*names: str, **settings: object) -> Scene:
    scene = Scene(*(bead(name) for name in names), workers=len(names), max_starts=9, **settings)  # type: ignore[arg-type]
    scene.sign(*names)
    for name in names:
        scene.deliver(name)
    return scene


def test_a_bead_with_checks_of_its_own_is_verified_before_it_is_merged() -> None:
    """In its worktree, by its worker."""
    scene = Scene(bead("a", verify=("check",)), workers=1, verify=("make test",))
    scene.sign("a")
    scene.deliver("a")
    [order] = scene.owed(m.Check)
    assert order.commands == ("check",)
    assert order.worker == "w1"
    scene.check("a", True)
    [merge] = scene.owed(m.Compose)
    assert merge.commit == "work of a"
    scene.compose("a")
    [landing] = scene.owed(m.Verify)
    assert landing.commands == ("make test",)
    assert landing.tree == "base+a"


def test_its_worker_is_free_while_it_waits_to_be_merged() -> None:
    """Merging needs no agent."""
    scene = Scene(bead("a"), bead("b"), bead("c"), workers=1)
    scene.sign("a")
    scene.deliver("a")
    assert scene.running() == ["b"]


def test_a_landing_that_was_found_on_the_target_is_a_landing() -> None:
    """Its signal had been lost with us."""
    scene = merging("a", verify=("make test",))
    scene.hear(m.Landed, token=scene.token("a"), commit=Commit("c"), tree=Tree("t"))
    assert scene.record("a").commit == "c"
    assert scene.record("a").checks == ()


def test_a_landing_that_was_found_has_the_checks_that_its_tree_passed() -> None:
    """What a batch landed below its last one need not have passed by itself: nobody says that it did."""
    scene = merging("a", verify=("make test",))
    scene.compose("a")
    scene.try_out("a", True)
    late = scene.hear(
        m.LandingRefused, token=scene.token("a"), evidence="the disk is full", commit=scene.owed(m.Advance)[0].new
    )
    scene.wait(only(late, m.LandingDelayed).until - scene.now)
    scene.hear(m.Landed, token=scene.token("a"), commit=Commit("c"), tree=Tree("base+a"))
    assert scene.record("a").checks == ("make test",)


def test_nothing_to_land_is_done() -> None:
    """Others landed the same meanwhile."""
    scene = merging("a")
    scene.clash("a", Ending.NO_CHANGE_NEEDED)
    assert scene.is_at("a") is BeadState.DONE
    assert scene.record("a").commit is None


def test_a_repository_that_cannot_be_written_is_waited_for() -> None:
    """The work stays as it is, others land meanwhile, and its turn comes again."""
    scene = merging("a", "b")
    delayed = only(scene.refuse("a", Ending.NOT_STARTED), m.LandingDelayed)
    assert scene.is_at("a") is BeadState.MERGING
    scene.land("b")
    assert scene.owed(m.Compose) == []
    scene.wait(delayed.until - scene.now)
    assert [order.bead for order in scene.owed(m.Compose)] == ["a"]
    assert scene.attempt("a").commit == "work of a"


def test_a_repository_that_can_never_be_written_fails_the_bead_in_the_end() -> None:
    """Not for ever; its work is kept."""
    scene = merging("a", starts_in_vain=3)
    for _ in range(2):
        until = only(scene.refuse("a", Ending.NOT_STARTED), m.LandingDelayed).until
        scene.wait(until - scene.now)
    scene.refuse("a", Ending.NOT_STARTED)
    assert scene.is_at("a") is BeadState.FAILED
    [order] = scene.owed(m.Clear)
    assert not order.landed


@pytest.mark.parametrize("ending", [Ending.CONFLICT, Ending.MERGED_RED])
def test_a_refusal_is_a_try_and_frees_the_queue(ending: Ending) -> None:
    """The next bead lands while the first is worked on again."""
    scene = merging("a", "b", verify=("make test",), train=1)
    back = only(scene.refuse("a", ending), m.BeadReturned)
    assert back.tried
    assert back.strike is None
    assert [order.bead for order in scene.owed(m.Compose)] == ["b"]
    assert scene.is_at("a") is BeadState.RUNNING


def test_the_last_try_that_conflicts_is_held() -> None:
    """Its work is right by itself: a person can still bring it home, from where it stands."""
    scene = Scene(bead("a", tries=1), bead("b"), workers=2)
    scene.sign("a", "b")
    scene.deliver("a")
    scene.refuse("a", Ending.CONFLICT)
    assert scene.is_at("a") is BeadState.HELD
    assert scene.record("a").reason == "conflicts with what has landed: they differ (tried once)"
    [clear] = scene.owed(m.Clear)
    assert not clear.landed
    scene.clear("a")
    scene.ask(m.Verb.ANSWER, "a", "take theirs")
    [order] = scene.owed(m.OpenSession)
    assert (order.keep, order.merge, order.resume) == (True, True, "session of a")
    assert "they differ" in order.prompt
    assert order.prompt.endswith("take theirs")


def test_what_a_landing_says_of_another_bead_is_void() -> None:
    """Only the one whose turn it is can land or be refused."""
    scene = merging("a", "b")
    assert scene.hear(m.Landed, token=scene.token("b"), commit=Commit("x"), tree=Tree("x")) == []
    assert scene.refuse("b", Ending.NOT_STARTED) == []
    assert scene.is_at("b") is BeadState.MERGING


def test_a_second_word_of_the_same_landing_is_void() -> None:
    """Signals may come twice."""
    scene = merging("a")
    token = scene.token("a")
    scene.land("a")
    assert scene.hear(m.Landed, token=token, commit=Commit("x"), tree=Tree("x")) == []
    assert scene.hear(m.LandingRefused, token=token, evidence="") == []


def test_a_second_collection_of_the_same_work_is_void() -> None:
    """The checks are under way already."""
    scene = Scene(bead("a", verify=("check",)), workers=1)
    scene.sign("a")
    token = scene.token("a")
    scene.deliver("a")
    assert scene.hear(m.Collected, token=token, commit=Commit("other")) == []
    assert scene.attempt("a").commit == "work of a"


def test_checks_of_work_that_is_not_collected_say_nothing() -> None:
    """They cannot have seen it."""
    scene = Scene(bead("a", verify=("check",)), workers=1)
    scene.sign("a")
    scene.end("a", Ending.DELIVERED)
    assert scene.check("a", True) == []


def test_a_worktree_is_cleared_once_its_bead_has_settled() -> None:
    """And not while it may be worked in again."""
    scene = Scene(bead("a", tries=3), workers=1)
    scene.sign("a")
    scene.breaks("a", Ending.CRASHED)
    assert scene.owed(m.Clear) == []
    scene.wait(100.0)
    scene.sign("a")
    scene.deliver("a")
    assert scene.owed(m.Clear) == []
    scene.land("a")
    assert [(order.bead, order.landed) for order in scene.owed(m.Clear)] == [("a", True)]
    scene.clear("a")
    assert scene.owed(m.Clear) == []
    assert none(scene.clear("a"), m.BeadCleared)


def test_a_move_of_the_target_to_another_commit_is_not_the_landing() -> None:
    """Its word may be late: of a train that was put together anew meanwhile."""
    scene = merging("a", verify=("make test",))
    scene.compose("a")
    scene.try_out("a", True)
    assert scene.state.landing
    assert scene.hear(m.Advanced, commit=Commit("of another train")) == []
    assert scene.is_at("a") is BeadState.MERGING
    scene.arrive()
    assert scene.is_at("a") is BeadState.DONE
