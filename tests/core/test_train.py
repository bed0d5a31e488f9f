"""The train: merged ahead, checked ahead, landed in the order of one function."""

from __future__ import annotations

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, BeadState, Commit, Ending, Policy, Style, Tree
from tests.core.scene import Scene, bead, none, only


def boarded(*names: str, **settings: object) -> Scene:
    """Verified beads, in the order of their names, each merged onto the one before it."""
    given: dict[str, object] = {"verify": ("make test",), "train": len(names), **settings}
    scene = Scene(*(bead(name) for name in names), workers=len(names), max_starts=9, **given)  # type: ignore[arg-type]
    scene.sign(*names)
    for name in names:
        scene.deliver(name)
    for name in names:
        scene.compose(name)
    return scene


def checked(scene: Scene) -> list[tuple[str, str]]:
    return [(order.bead, order.tree) for order in scene.owed(m.Verify)]


def landed(events: list[m.Event]) -> list[str]:
    return [event.bead for event in events if isinstance(event, m.BeadLanded)]


def test_what_would_follow_is_checked_ahead() -> None:
    """Each on top of the one before it, as many at once as the policy says."""
    scene = boarded("a", "b", "c")
    assert checked(scene) == [("a", "base+a"), ("b", "base+a+b"), ("c", "base+a+b+c")]


def test_a_train_of_one_checks_one_at_a_time() -> None:
    """The next is merged when the first has landed."""
    scene = merging("a", "b", train=1)
    scene.compose("a")
    assert scene.owed(m.Compose) == []
    scene.try_out("a", True)
    scene.arrive()
    assert [(order.bead, order.onto) for order in scene.owed(m.Compose)] == [("b", None)]


def test_the_target_moves_to_the_very_commit_that_was_checked() -> None:
    """With every car before it that is green."""
    scene = boarded("a", "b", "c")
    scene.try_out("b", True)
    assert scene.owed(m.Advance) == []
    scene.try_out("a", True)
    [order] = scene.owed(m.Advance)
    assert (order.old, order.new) == ("base", "base+a+b")
    assert [(stop.bead, stop.commit) for stop in order.stops] == [("a", "base+a"), ("b", "base+a+b")]
    assert landed(scene.arrive()) == ["a", "b"]
    assert scene.record("a").commit == "base+a"
    assert checked(scene) == [("c", "base+a+b+c")]


def test_what_turns_green_during_a_landing_waits_for_the_next() -> None:
    """An order that was given is not changed: after a death it is asked for again as it was."""
    scene = boarded("a", "b")
    scene.try_out("a", True)
    first = scene.owed(m.Advance)
    scene.try_out("b", True)
    assert scene.owed(m.Advance) == first
    scene.die()
    scene.open()
    scene.sweep()
    assert scene.owed(m.Advance) == first
    scene.arrive()
    [second] = scene.owed(m.Advance)
    assert (second.old, second.new) == ("base+a", "base+a+b")


def test_they_board_in_one_order() -> None:
    """Priority; then what unblocks more; then who waited longer; then the id."""
    beads = [bead("z"), bead("y"), bead("old"), bead("root"), bead("leaf", "root"), bead("p0", priority=0)]
    scene = Scene(*beads, workers=6, max_starts=9, verify=("make test",))
    scene.sign("z", "y", "old", "root", "p0")
    scene.deliver("old")
    scene.now += 1.0
    for name in ("z", "y", "root", "p0"):
        scene.deliver(name)
    assert scene.state.landing_order() == ["p0", "root", "old", "y", "z"]


def test_a_car_on_the_train_keeps_its_place() -> None:
    """Something more urgent waits for the next place: what was checked for nothing costs more."""
    scene = Scene(bead("a"), bead("p0", priority=0), workers=2, train=2, verify=("make test",))
    scene.sign("a", "p0")
    scene.deliver("a")
    scene.compose("a")
    scene.deliver("p0")
    assert scene.state.landing_order() == ["a", "p0"]


def test_a_car_that_breaks_the_one_before_it_is_found_and_the_rest_is_put_together_anew() -> None:
    """The shortest red prefix: a alone is green, a and b are red, so b leaves; c was red for b's sake."""
    scene = boarded("a", "b", "c", check_tries=1)
    scene.try_out("c", False)
    scene.try_out("b", False)
    scene.try_out("a", True)
    back = only(scene.arrive(), m.BeadReturned)
    assert back.bead == "b"
    assert "make test" in back.reason
    scene.compose("c")
    assert checked(scene) == [("c", "base+a+c")]
    assert scene.is_at("c") is BeadState.MERGING


def test_who_comes_after_a_red_car_does_not_wait_for_its_end() -> None:
    """It is merged past it at once."""
    scene = boarded("a", "b", "c", check_tries=1)
    scene.try_out("b", False)
    scene.compose("c")
    assert checked(scene) == [("a", "base+a"), ("c", "base+a+c")]


def test_a_car_that_was_red_for_the_sake_of_another_is_tried_anew_without_it() -> None:
    """Nothing is concluded from a tree that never reaches the target."""
    scene = boarded("a", "b", check_tries=1)
    scene.try_out("b", False)
    back = only(scene.try_out("a", False), m.BeadReturned)
    assert back.bead == "a"
    scene.compose("b")
    assert checked(scene) == [("b", "base+b")]


def test_a_conflict_with_a_car_ahead_is_one_only_once_that_has_landed() -> None:
    """Until then it stands aside, and the next is merged past it."""
    scene = merging("a", "b", "c", train=3)
    scene.compose("a")
    assert none(scene.clash("b"), m.BeadReturned)
    scene.compose("c")
    assert checked(scene) == [("a", "base+a"), ("c", "base+a+c")]
    scene.try_out("a", True)
    back = only(scene.arrive(), m.BeadReturned)
    assert back.bead == "b"
    assert checked(scene) == [("c", "base+a+c")]


def test_a_conflict_with_a_car_that_leaves_is_none() -> None:
    """It is merged anew onto what is left."""
    scene = merging("a", "b", train=2, check_tries=1)
    scene.compose("a")
    scene.clash("b")
    scene.try_out("a", False)
    assert scene.is_at("b") is BeadState.MERGING
    scene.compose("b")
    assert checked(scene) == [("b", "base+b")]


def test_a_check_that_fails_once_and_passes_on_the_same_tree_is_flaky() -> None:
    """That is said and counted, and the bead lands."""
    scene = boarded("a", check_tries=2)
    assert none(scene.try_out("a", False), m.BeadReturned)
    flicker = only(scene.try_out("a", True), m.CheckFlickered)
    assert (flicker.command, flicker.failures) == ("make test", 1)
    assert scene.state.flickers == {"make test": 1}
    assert landed(scene.arrive()) == ["a"]


def test_a_flaky_car_lands_before_those_that_were_merged_past_it() -> None:
    """The order of the function is kept: they are put together anew behind it."""
    scene = boarded("a", "b", check_tries=2)
    scene.try_out("a", False)
    scene.compose("b")
    scene.try_out("b", True)
    assert scene.owed(m.Advance) == []
    scene.try_out("a", True)
    assert landed(scene.arrive()) == ["a"]
    scene.compose("b")
    scene.try_out("b", True)
    assert landed(scene.arrive()) == ["b"]


def test_a_check_is_run_again_as_often_as_the_policy_says() -> None:
    """Then it is believed."""
    scene = boarded("a", check_tries=3)
    assert none(scene.try_out("a", False) + scene.try_out("a", False), m.BeadReturned)
    only(scene.try_out("a", False), m.BeadReturned)


def test_a_verdict_outlives_us() -> None:
    """No tree is checked twice, also by the next process."""
    scene = boarded("a", "b")
    scene.try_out("b", True)
    scene.die()
    scene.open()
    scene.sweep()
    assert checked(scene) == [("a", "base+a")]


def test_a_target_that_somebody_else_moves_is_gone_on_from() -> None:
    """All is put together anew on what it is now."""
    scene = boarded("a", "b")
    scene.try_out("a", True)
    [order] = scene.owed(m.Advance)
    only(scene.hear(m.TargetFound, old=order.old, commit=order.new), m.TargetMoved)
    [merge] = scene.owed(m.Compose)
    assert (merge.bead, merge.onto) == ("a", None)
    scene.hear(
        m.Composed, token=merge.token, onto=Commit("x"), onto_tree=Tree("x"), commit=Commit("xa"), tree=Tree("xa")
    )
    [merge] = scene.owed(m.Compose)
    assert (merge.bead, merge.onto) == ("b", "xa")
    assert checked(scene) == [("a", "xa")]


def test_a_target_that_never_stands_still_is_said() -> None:
    """After ten times in a row."""
    scene = boarded("a")
    for turn in range(10):
        scene.try_out("a", True) if turn == 0 else None
        [order] = scene.owed(m.Advance)
        only(scene.hear(m.TargetFound, old=order.old, commit=order.new), m.TargetMoved)
        scene.compose("a")
    [order] = scene.owed(m.Advance)
    delayed = only(scene.hear(m.TargetFound, old=order.old, commit=order.new), m.LandingDelayed)
    assert "moved 10 times" in delayed.reason


def test_a_bead_that_is_given_up_leaves_the_train() -> None:
    """Those behind it are put together anew; one that is landing stays."""
    scene = boarded("a", "b", "c")
    assert scene.ask(m.Verb.ABORT, "b").accepted
    scene.compose("c")
    assert checked(scene) == [("a", "base+a"), ("c", "base+a+c")]
    scene.try_out("a", True)
    assert not scene.ask(m.Verb.ABORT, "a").accepted


def test_a_stage_that_cannot_be_had_is_waited_for() -> None:
    """It says nothing of the tree; the others go on."""
    scene = boarded("a", "b")
    delayed = only(
        scene.hear(m.NotVerified, bead=BeadId("a"), tree=Tree("base+a"), evidence="no space"), m.LandingDelayed
    )
    scene.compose("b")
    assert checked(scene) == [("b", "base+b")]
    scene.wait(delayed.until - scene.now)
    assert [order.bead for order in scene.owed(m.Compose)] == ["a"]


def test_what_a_person_has_seen_to_is_checked_again() -> None:
    """A red tree may have been the machine's fault."""
    scene = Scene(bead("a", tries=1), workers=1, verify=("make test",), check_tries=1)
    scene.sign("a")
    scene.deliver("a")
    scene.compose("a")
    scene.try_out("a", False)
    assert scene.state.trials
    scene.ask(m.Verb.RETRY, "a")
    assert scene.state.trials == {}


def test_a_longer_train_takes_more_at_the_next_start() -> None:
    """It is a setting of the process."""
    scene = merging("a", "b", train=1)
    scene.compose("a")
    assert scene.owed(m.Compose) == []
    scene.open(Policy(workers=2, train=2))
    scene.sweep()
    assert [order.bead for order in scene.owed(m.Compose)] == ["b"]


def test_a_history_from_before_the_train_is_read() -> None:
    """Its landing is begun anew: the refs say whether it had happened."""
    scene = merging("a")
    scene.state.apply(m.LandingStarted(at=scene.now, bead=BeadId("a")))
    assert [order.bead for order in scene.owed(m.Compose)] == ["a"]
    assert scene.owed(m.Advance) == []


def merging(*names: str, **settings: object) -> Scene:
    """Verified, and nothing merged yet."""
    given: dict[str, object] = {"verify": ("make test",), **settings}
    scene = Scene(*(bead(name) for name in names), workers=len(names), max_starts=9, **given)  # type: ignore[arg-type]
    scene.sign(*names)
    for name in names:
        scene.deliver(name)
    return scene


def test_beads_that_collided_do_not_run_side_by_side_again() -> None:
    """The one that was set aside is still on its way; the other waits until it is home."""
    scene = merging("a", "b", check_tries=1)
    scene.compose("a")
    [order] = scene.owed(m.Compose)
    scene.hear(
        m.NotComposed,
        token=order.token,
        onto=Commit("base+a"),
        onto_tree=Tree("base+a"),
        ending=Ending.CONFLICT,
        evidence="they differ",
        beads=(BeadId("a"), BeadId("unknown")),
    )
    only(scene.try_out("a", False), m.BeadReturned)
    assert scene.is_at("a") is BeadState.READY
    scene.compose("b")
    scene.try_out("b", True)
    scene.arrive()
    assert scene.is_at("a") is BeadState.RUNNING


def test_a_red_merge_names_who_landed_meanwhile() -> None:
    """The agent knows whose work its own does not go with."""
    scene = boarded("a", "b", check_tries=1)
    scene.try_out("b", False)
    scene.try_out("a", True)
    back = only(scene.arrive(), m.BeadReturned)
    assert "Landed since you began: a." in back.briefing


def batched(*names: str, **settings: object) -> Scene:
    return boarded(*names, train=1, batch=len(names), check_tries=1, **settings)


def test_a_batch_is_checked_once_and_lands_at_one_stroke() -> None:
    """The target moves to the tree that was checked; those before it were not, by themselves, and that is said."""
    scene = batched("a", "b", "c")
    assert checked(scene) == [("c", "base+a+b+c")]
    scene.try_out("c", True)
    events = scene.arrive()
    assert landed(events) == ["a", "b", "c"]
    said = {event.bead: event.checks for event in events if isinstance(event, m.BeadLanded)}
    assert said == {"a": (), "b": (), "c": ("make test",)}


def test_a_batch_that_does_not_fill_up_is_checked_as_it_is() -> None:
    """Nobody waits for beads that are not there."""
    scene = merging("a", "b", train=1, batch=4)
    scene.compose("a")
    assert checked(scene) == []
    scene.compose("b")
    assert checked(scene) == [("b", "base+a+b")]


def test_the_one_that_breaks_a_batch_is_found_by_halves() -> None:
    """Of eight, the third: three checks more."""
    names = ["a", "b", "c", "d", "e", "f", "g", "h"]
    scene = batched(*names)
    asked, back = [], None
    while back is None:
        while merges := scene.owed(m.Compose):
            scene.compose(merges[0].bead)
        if scene.owed(m.Advance):
            events = scene.arrive()
        else:
            order = scene.owed(m.Verify)[0]
            asked.append(order.tree)
            events = scene.try_out(order.bead, "c" not in order.tree.split("+"))
        back = next((event.bead for event in events if isinstance(event, m.BeadReturned)), None)
    assert back == "c"
    assert scene.state.tip is not None
    assert scene.state.tip.commit == "base+a+b"
    assert len(asked) <= 5
    assert len(set(asked)) == len(asked)


def test_a_bead_lands_in_the_style_and_with_the_words_of_the_manifest() -> None:
    scene = merging(
        "a", train=1, landing=Style.REBASE, message="{bead}: {title} ({attempt})\n\n{prompt}\n\n{run} {route}"
    )
    [order] = scene.owed(m.Compose)
    assert order.style is Style.REBASE
    assert order.message == "a: Bead a (1)\n\nDo a.\n\nnight red"


def test_a_message_of_nothing_but_blanks_says_the_title() -> None:
    [order] = merging("a", train=1, message="{{").owed(m.Compose)
    assert order.message == "{"
    [order] = merging("a", train=1, message=" \n").owed(m.Compose)
    assert order.message == "Bead a"
