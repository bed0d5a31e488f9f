"""The base branch moves while the night is at work: its new commits go before what would land, or are left out."""

from __future__ import annotations

from typing import Any

from orchestrator.core import messages as m
from orchestrator.core.model import BeadState, Commit, Ending, Policy, RunState, Tree
from tests.core.scene import Scene, bead, none, only

VERIFY = ("make test",)


def night(*names: str, follow: bool = True, **more: Any) -> Scene:
    """All of these are verified, and none has landed."""
    scene = Scene(*(bead(name) for name in names), workers=len(names), verify=VERIFY, follow_base=follow, **more)
    for name in names:
        scene.sign(name)
        scene.deliver(name)
    return scene


def moved(scene: Scene, commit: str = "newer") -> m.Follow:
    only(scene.hear(m.BaseSeen, commit=Commit(commit)), m.BaseMoved)
    [order] = scene.owed(m.Follow)
    return order


def merged(scene: Scene, order: m.Follow, onto: str = "base", made: str = "M") -> list[m.Event]:
    return scene.hear(
        m.Followed, base=order.base, turn=order.turn, onto=Commit(onto), onto_tree=Tree(onto), commit=Commit(made),
        tree=Tree(made),
    )  # fmt: skip


def checked(scene: Scene, passed: bool) -> list[m.Event]:
    [order] = [each for each in scene.owed(m.Verify) if not each.bead]
    return scene.hear(
        m.Verified, bead=order.bead, tree=order.tree, round=order.round, passed=passed, command="make test"
    )


def test_without_being_asked_it_is_only_said() -> None:
    scene = night("a", follow=False)
    only(scene.hear(m.BaseSeen, commit=Commit("newer")), m.BaseMoved)
    none(scene.hear(m.BaseSeen, commit=Commit("newer")), m.BaseMoved)
    assert scene.owed(m.Follow) == []
    scene.land("a")
    assert (scene.state.base_tip, scene.state.base_taken) == ("newer", "base")


def test_it_lands_before_what_is_green_and_the_train_goes_on_from_it() -> None:
    scene = night("a", "b")
    order = moved(scene)
    assert scene.owed(m.Compose), "the train is put together meanwhile"
    scene.compose("a")
    scene.try_out("a", True)
    assert scene.owed(m.Advance) == [], "the base goes first"
    merged(scene, order)
    [anew] = scene.owed(m.Compose)
    assert (anew.bead, anew.onto) == ("a", "M")
    scene.compose("a")
    scene.try_out("a", True)
    assert scene.owed(m.Advance) == []
    checked(scene, True)
    [advance] = scene.owed(m.Advance)
    assert (advance.old, advance.new, advance.stops, advance.base) == ("base", "M", (), "newer")
    events = scene.arrive()
    assert only(events, m.BaseTaken).checks == VERIFY
    [advance] = scene.owed(m.Advance)
    assert (advance.old, advance.new) == ("M", "M+a")
    scene.arrive()
    assert scene.is_at("a") is BeadState.DONE


def test_red_it_is_left_out_until_it_has_moved_on() -> None:
    scene = night("a", check_tries=1)
    merged(scene, moved(scene))
    scene.compose("a")
    assert "make test" in only(checked(scene, False), m.BaseRefused).reason
    assert scene.owed(m.Follow) == []
    [anew] = scene.owed(m.Compose)
    assert anew.onto in (None, "base"), "what was composed on it is composed without it"
    moved(scene, "mended")


def test_what_conflicts_is_said_and_the_night_goes_on() -> None:
    scene = night("a")
    order = moved(scene)
    only(scene.hear(m.NotFollowed, base=order.base, turn=order.turn, conflict="both"), m.BaseRefused)
    scene.land("a")
    assert scene.is_at("a") is BeadState.DONE
    assert scene.state.base_taken == "base"


def test_an_answer_on_an_older_target_is_void() -> None:
    scene = night("a", "b")
    scene.compose("a")
    scene.try_out("a", True)
    only(scene.hear(m.BaseSeen, commit=Commit("newer")), m.BaseMoved)
    assert scene.owed(m.Follow) == [], "the target is moving"
    scene.arrive()
    [order] = scene.owed(m.Follow)
    scene.hear(
        m.Followed, base=Commit("newer"), turn=order.turn - 1, onto=Commit("base"), onto_tree=Tree("base"),
        commit=Commit("M"), tree=Tree("M"),
    )  # fmt: skip
    assert scene.state.following is None
    merged(scene, order, onto="base+a")
    assert scene.state.following is not None


def test_a_target_that_moved_meanwhile_is_followed_from_there() -> None:
    scene = night("a")
    merged(scene, moved(scene))
    checked(scene, True)
    [advance] = scene.owed(m.Advance)
    only(scene.hear(m.TargetFound, old=advance.old, commit=advance.new), m.TargetMoved)
    [again] = scene.owed(m.Follow)
    assert again.base == "newer"


def test_what_cannot_be_tried_now_is_tried_later_and_holds_nothing_up() -> None:
    scene = night("a")
    order = moved(scene)
    delayed = only(scene.hear(m.NotFollowed, base=order.base, turn=order.turn, fault="full"), m.BaseDelayed)
    assert scene.owed(m.Follow) == []
    scene.compose("a")
    scene.try_out("a", True)
    assert scene.owed(m.Advance)
    scene.wait(delayed.until - scene.now)
    scene.arrive()
    assert scene.state.run is RunState.RUNNING


def test_a_death_in_the_middle_goes_on_where_it_was() -> None:
    scene = night("a")
    merged(scene, moved(scene))
    checked(scene, True)
    [advance] = scene.owed(m.Advance)
    scene.die()
    scene.open(Policy(workers=1, follow_base=True))
    scene.sweep()
    assert advance in scene.owed(m.Advance)
    only(scene.hear(m.Advanced, commit=advance.new), m.BaseTaken)


def test_an_attempt_that_is_gone_on_with_is_brought_up_to_date() -> None:
    scene = Scene(bead("a"), bead("b"), workers=2, follow_base=True)
    scene.sign("a", "b")
    scene.deliver("a")
    scene.now += 1
    merged(scene, moved(scene))
    scene.arrive()
    scene.breaks("b", Ending.CRASHED)
    scene.wait(10)
    [again] = [order for order in scene.owed(m.OpenSession) if order.bead == "b"]
    assert again.merge
    assert "has moved on since you began" in again.prompt


def test_the_end_waits_for_what_is_on_its_way() -> None:
    scene = night("a")
    merged(scene, moved(scene))
    checked(scene, True)
    scene.give_up("a")
    scene.clear("a")
    assert scene.state.ended_at is None
    only(scene.hear(m.Advanced, commit=Commit("M")), m.RunFinished)


def test_a_base_that_moves_all_the_time_keeps_nothing_from_landing() -> None:
    """It goes first once; then what waits has its turn."""
    scene = night("a", "b")
    merged(scene, moved(scene))
    checked(scene, True)
    scene.arrive()
    only(scene.hear(m.BaseSeen, commit=Commit("newest")), m.BaseMoved)
    assert scene.owed(m.Follow) == []
    scene.compose("a")
    scene.try_out("a", True)
    scene.arrive()
    assert scene.is_at("a") is BeadState.DONE
    [order] = scene.owed(m.Follow)
    assert order.base == "newest"
