"""What becomes of an attempt whose agent went beyond its own ground."""

from __future__ import annotations

import pytest

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, BeadState, Commit, Ending, Ground, Stray, Tree
from tests.core.scene import Scene, bead, none, only

GRAVE = (Ground.REF, Ground.CHECKOUT, Ground.TRAP)


def stray(ground: Ground = Ground.REF, *, shown: bool = True) -> Stray:
    return Stray(ground=ground, what="refs/heads/main", how="moved; put back", shown=shown)


def collected(scene: Scene, name: str, *strays: Stray) -> list[m.Event]:
    token = scene.token(name)
    scene.end(name, Ending.DELIVERED)
    return scene.hear(m.Collected, token=token, commit=Commit("c"), tree=Tree("t"), strays=strays)


@pytest.mark.parametrize("ground", GRAVE)
def test_who_tampered_with_the_repository_does_not_land(ground: Ground) -> None:
    """Its work is kept, the next attempt begins fresh, and is told why."""
    scene = Scene(bead("a"), workers=1)
    scene.sign("a")
    events = collected(scene, "a", stray(ground))
    ended = only(events, m.AttemptEnded)
    assert (ended.ending, ended.saved) == (Ending.STRAYED, "c")
    assert ended.reason == "it went beyond its worktree: refs/heads/main (moved; put back)"
    [order] = scene.owed(m.OpenSession)
    assert not order.keep
    assert "refs/heads/main" in order.prompt


@pytest.mark.parametrize("ground", sorted(set(Ground) - set(GRAVE)))
def test_a_mistake_that_was_mended_is_told_and_lands(ground: Ground) -> None:
    scene = Scene(bead("a"), workers=1)
    scene.sign("a")
    events = collected(scene, "a", stray(ground))
    assert only(events, m.FenceCrossed).strays == (stray(ground),)
    assert scene.is_at("a") is BeadState.MERGING


def test_what_is_not_shown_counts_against_nobody() -> None:
    """It may be a person's doing."""
    scene = Scene(bead("a"), workers=1)
    scene.sign("a")
    events = collected(scene, "a", stray(shown=False))
    assert only(events, m.FenceCrossed).bead == "a"
    assert scene.is_at("a") is BeadState.MERGING


def test_nothing_changed_is_nothing_said() -> None:
    scene = Scene(bead("a"), workers=1)
    scene.sign("a")
    assert none(collected(scene, "a"), m.FenceCrossed)


def test_those_who_were_at_work_meanwhile_are_named() -> None:
    """With several at once, the guilty one may be another."""
    scene = Scene(bead("a"), bead("b"), bead("c"), workers=2)
    scene.sign("a", "b")
    assert only(collected(scene, "a", stray(shown=False)), m.FenceCrossed).beside == ("b",)


def test_whose_agent_was_gone_before_is_not_named() -> None:
    scene = Scene(bead("a"), bead("b", "c"), bead("c", verify=("check",)), workers=2)
    scene.sign("c")
    scene.deliver("c")
    scene.wait(1.0)
    scene.sign("a")
    scene.breaks("a", Ending.CRASHED)
    scene.wait(60.0)
    scene.sign("a")
    assert only(collected(scene, "a", stray(shown=False)), m.FenceCrossed).beside == ()


def test_it_fails_for_that_reason_when_its_tries_are_used_up() -> None:
    scene = Scene(bead("a", tries=1), workers=1)
    scene.sign("a")
    collected(scene, "a", stray())
    assert scene.is_at("a") is BeadState.FAILED
    assert scene.record("a").reason.startswith("it went beyond its worktree: refs/heads/main")


def test_a_crash_after_it_is_booked_as_what_it_did_before() -> None:
    scene = Scene(bead("a"), workers=1)
    scene.sign("a")
    token = scene.token("a")
    scene.end("a", Ending.CRASHED)
    events = scene.hear(m.Saved, token=token, commit=None, strays=(stray(),))
    assert only(events, m.AttemptEnded).ending is Ending.STRAYED


def test_a_limit_stays_a_limit() -> None:
    """It is no try, whatever the agent did before; that is told all the same."""
    scene = Scene(bead("a"), workers=1)
    scene.sign("a")
    token = scene.token("a")
    scene.end("a", Ending.OVERLOADED)
    events = scene.hear(m.Saved, token=token, commit=None, strays=(stray(),))
    assert only(events, m.AttemptEnded).ending is Ending.OVERLOADED
    assert not none(events, m.FenceCrossed)


def test_a_person_who_gave_it_up_has_the_last_word() -> None:
    scene = Scene(bead("a"), workers=1)
    scene.sign("a")
    token = scene.token("a")
    scene.end("a", Ending.DELIVERED)
    scene.hear(m.Asked, verb=m.Verb.ABORT, bead=BeadId("a"), by="ada")
    scene.hear(m.Collected, token=token, commit=Commit("c"), tree=Tree("t"), strays=(stray(),))
    assert scene.is_at("a") is BeadState.CANCELLED


def test_a_reason_names_a_few_and_counts_the_rest() -> None:
    scene = Scene(bead("a"), workers=1)
    scene.sign("a")
    events = collected(scene, "a", *[stray()] * 6)
    assert only(events, m.AttemptEnded).reason.endswith("and 2 more")
