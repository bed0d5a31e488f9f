"""What is known of checkpoints, and when it is void."""

from __future__ import annotations

from orchestrator.core import messages as m
from orchestrator.core.model import BeadState, Commit, Ending, Policy
from tests.core.scene import Scene, bead, none, only


def test_the_newest_one_is_known_while_the_agent_works() -> None:
    scene = Scene(bead("a"))
    scene.sign("a")
    assert only(scene.hear(m.Checkpointed, token=scene.token("a"), commit=Commit("p1")), m.CheckpointMade).bead == "a"
    scene.now += 60.0
    scene.hear(m.Checkpointed, token=scene.token("a"), commit=Commit("p2"))
    attempt = scene.attempt("a")
    assert (attempt.checkpoint, attempt.checkpointed) == ("p2", scene.now)


def test_one_that_cannot_be_taken_is_said_and_changes_nothing() -> None:
    scene = Scene(bead("a"))
    scene.sign("a")
    before = scene.attempt("a")
    told = scene.hear(m.Checkpointed, token=scene.token("a"), commit=None, fault="no space left on device")
    assert only(told, m.CheckpointFailed).reason == "no space left on device"
    assert scene.attempt("a") == before
    assert scene.is_at("a") is BeadState.RUNNING


def test_one_of_an_attempt_that_is_over_is_void() -> None:
    scene = Scene(bead("a"))
    scene.sign("a")
    token = scene.token("a")
    scene.end("a", Ending.CRASHED)
    assert none(scene.hear(m.Checkpointed, token=token, commit=Commit("p1")), m.CheckpointMade)


def test_how_often_is_said_by_the_policy() -> None:
    assert Policy().checkpoint_s == 60.0
