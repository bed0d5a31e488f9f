"""Landed work is proposed: opened once, brought up to date, stacked on what it needs, and in nobody's way."""

from __future__ import annotations

from typing import Any

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, Commit, Per, PullRequests, PushWhen, RunState
from orchestrator.core.pull_requests import below
from orchestrator.core.values import replace
from tests.core.scene import Scene, bead, none, only

HOW = PullRequests(find="look", open="open", update="edit")
OF_BEADS = PullRequests(per=Per.BEAD, find="look", open="open", base="main")


def landed(*beads: Any, how: PullRequests = HOW, **settings: Any) -> Scene:
    scene = Scene(*beads, workers=len(beads), push_to="origin", requests=how, **settings)
    for each in beads:
        if each.id in scene.running():
            land(scene, each.id)
    return scene


def land(scene: Scene, *names: str) -> None:
    for name in names:
        scene.sign(name)
        scene.deliver(name)
        scene.land(name)


def order(scene: Scene) -> m.Propose:
    [found] = scene.owed(m.Propose)
    return found


def answer(scene: Scene, **more: Any) -> list[m.Event]:
    asked = order(scene)
    said = {"url": "https://far/pull/1", "branch": f"pr/{asked.bead}", "commit": Commit(f"pr of {asked.bead}")}
    return scene.hear(m.Proposed, bead=asked.bead, turn=asked.turn, **{**said, **more})


def test_the_nights_own_is_opened_once_and_then_brought_up_to_date() -> None:
    scene = Scene(bead("a"), bead("b"), workers=2, push_to="origin", requests=HOW)
    land(scene, "a")
    first = order(scene)
    assert (first.bead, first.turn, first.url) == ("", 1, "")
    land(scene, "b")
    assert scene.owed(m.Propose) == [first], "what is under way is not changed"
    assert only(answer(scene), m.PullRequestOpened).url == "https://far/pull/1"
    second = order(scene)
    assert (second.turn, second.url) == (2, "https://far/pull/1")
    only(answer(scene), m.PullRequestUpdated)
    assert scene.owed(m.Propose) == []
    assert scene.owed(m.Push) == [], "the branch is pushed with its pull request"


def test_a_beads_own_is_stacked_on_the_one_that_it_needs() -> None:
    scene = landed(bead("a"), bead("b", "a"), bead("c", "a", "b"), bead("d"), how=OF_BEADS)
    assert (order(scene).bead, order(scene).base, order(scene).grounds) == ("a", "main", ())
    answer(scene)
    assert (order(scene).bead, order(scene).base, order(scene).grounds) == ("b", "pr/a", ("pr of a",))
    answer(scene)
    assert (order(scene).bead, order(scene).base, order(scene).grounds) == ("c", "pr/b", ("pr of b",))
    answer(scene)
    assert order(scene).bead == "d", "in the order in which they landed"


def test_what_needs_two_stands_on_both_and_goes_into_the_base() -> None:
    scene = landed(bead("a"), bead("b"), bead("c", "a", "b"), how=OF_BEADS)
    answer(scene)
    answer(scene)
    assert (order(scene).base, order(scene).grounds) == ("main", ("pr of a", "pr of b"))


def test_a_failure_is_tried_later_and_keeps_nothing_from_landing() -> None:
    scene = Scene(bead("a"), bead("b"), workers=2, push_to="origin", requests=HOW, push_tries=2)
    land(scene, "a")
    asked = order(scene)
    events = scene.hear(m.NotProposed, bead=asked.bead, turn=1, round=0, evidence="no login")
    delayed = only(events, m.PullRequestDelayed)
    assert scene.owed(m.Propose) == []
    land(scene, "b")
    scene.wait(delayed.until - scene.now)
    again = order(scene)
    assert (again.turn, again.round) == (2, 1)
    scene.clear("a")
    scene.clear("b")
    assert scene.state.run is RunState.RUNNING
    only(scene.hear(m.NotProposed, bead=again.bead, turn=2, round=1, evidence="no login"), m.RunFinished)


def test_the_end_does_not_wait_for_what_stands_on_one_that_failed() -> None:
    scene = landed(bead("a"), bead("b", "a"), how=OF_BEADS, push_tries=1)
    scene.hear(m.NotProposed, bead=BeadId("a"), turn=1, round=0, evidence="no login")
    scene.clear("a")
    only(scene.clear("b"), m.RunFinished)


def test_a_death_asks_whether_it_is_open() -> None:
    scene = landed(bead("a"))
    asked = order(scene)
    scene.die()
    scene.open()
    assert scene.owed(m.Propose) == []
    none(scene.sweep(), m.PullRequestDoubted)
    assert order(scene) == asked
    assert only(answer(scene, found=True), m.PullRequestOpened).found


def test_where_nobody_can_ask_it_is_not_opened_twice() -> None:
    scene = landed(bead("a"), bead("b", "a"), how=PullRequests(open="open"))
    scene.die()
    scene.open()
    only(scene.sweep(), m.PullRequestDoubted)
    assert order(scene).only_push, "the branch has what landed all the same"
    only(answer(scene, url=""), m.PullRequestUpdated)
    assert scene.owed(m.Propose) == []


def test_a_command_that_was_not_heard_out_is_doubted_where_nobody_can_ask() -> None:
    scene = landed(bead("a"), how=PullRequests(per=Per.BEAD, open="open"))
    only(
        scene.hear(m.NotProposed, bead=BeadId("a"), turn=1, round=0, evidence="late", doubt=True), m.PullRequestDoubted
    )
    assert scene.owed(m.Propose) == []
    only(scene.clear("a"), m.RunFinished)


def test_at_the_end_it_is_opened_when_all_else_is_done() -> None:
    scene = landed(bead("a"), push_when=PushWhen.END)
    assert scene.owed(m.Propose) == []
    scene.clear("a")
    assert order(scene).turn == 1
    only(answer(scene), m.RunFinished)


def test_it_stands_on_what_it_was_begun_on_whatever_another_manifest_says_it_needs() -> None:
    scene = Scene(bead("a"), bead("b"), workers=2, push_to="origin", requests=OF_BEADS)
    scene.sign("b")
    manifest = replace(scene.state.manifest, beads=(bead("a"), bead("b", "a")))
    scene.hear(m.Asked, verb=m.Verb.APPLY, request=1, revision=m.Revision(manifest=manifest, tasks={}))
    scene.deliver("b")
    scene.land("b")
    land(scene, "a")
    assert below(scene.state, BeadId("b")) == ()
    assert (order(scene).bead, order(scene).grounds) == ("b", ())
    answer(scene)
    assert order(scene).bead == "a"
