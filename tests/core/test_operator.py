"""What a person may ask of a run."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.core import messages as m
from orchestrator.core.decide import idle_and_paused
from orchestrator.core.model import BeadId, BeadState, Commit, Ending, Policy, Room, RunState, WorkerState
from tests.core.scene import Scene, bead, none, only


def test_pause_starts_nothing_new_and_lets_what_runs_end() -> None:
    """It may even land."""
    scene = Scene(bead("a"), bead("b"), workers=1)
    scene.sign("a")
    assert scene.ask(m.Verb.PAUSE).accepted
    scene.deliver("a")
    assert scene.running() == []
    assert not idle_and_paused(scene.state)
    scene.land("a")
    scene.clear("a")
    assert idle_and_paused(scene.state)
    assert scene.ask(m.Verb.RESUME).accepted
    assert scene.running() == ["b"]


def test_stop_ends_every_session_and_keeps_its_work() -> None:
    """What was under way goes on from there at the next start, and counts against nobody."""
    scene = Scene(bead("a", tries=1), bead("b"), workers=2)
    scene.sign("a")
    scene.ask(m.Verb.STOP)
    assert scene.all_owed() == ["Leave", "EndSession", "EndSession"]
    scene.breaks("a", Ending.CRASHED)
    only(scene.breaks("b", Ending.CRASHED), m.RunStopped)
    assert scene.is_at("a") is BeadState.READY
    assert scene.record("a").tries == 0
    scene.open()
    scene.sweep()
    assert scene.attempt("a").resume == "session of a"


def test_stop_leaves_what_takes_long_for_the_next_start() -> None:
    """Checks and landings are not waited for, and not begun."""
    scene = Scene(bead("a", verify=("check",)), bead("b"), workers=2)
    scene.sign("a", "b")
    scene.deliver("a")
    scene.deliver("b")
    assert scene.all_owed() == ["Check", "Compose"]
    scene.ask(m.Verb.STOP)
    assert scene.state.run is RunState.STOPPED
    assert scene.all_owed() == ["Leave"]
    scene.die()
    scene.open()
    scene.sweep()
    assert scene.all_owed() == ["Check", "Compose"]


def test_drain_lets_what_runs_finish_and_starts_nothing() -> None:
    """Then the run has stopped, or is over."""
    scene = Scene(bead("a"), bead("b"), workers=1)
    scene.ask(m.Verb.DRAIN)
    scene.finish("a")
    assert scene.running() == []
    assert scene.state.run is RunState.STOPPED


def test_drain_does_not_take_back_a_stop() -> None:
    """The checks that the stop left would else begin a second time."""
    scene = Scene(bead("a"), workers=1)
    scene.sign("a")
    scene.ask(m.Verb.STOP)
    scene.ask(m.Verb.DRAIN)
    assert scene.state.stopping is not None
    assert scene.state.stopping.now


def test_abort_gives_up_a_bead_and_blocks_what_needs_it() -> None:
    """Directly or through others."""
    scene = Scene(bead("a", priority=4), bead("b", "a"), bead("c", "b"), bead("d"), workers=1)
    scene.give_up("a")
    assert [scene.is_at(name).value for name in "abc"] == ["cancelled", "blocked", "blocked"]
    assert scene.running() == ["d"]


def test_abort_ends_the_session_first() -> None:
    """The bead is cancelled when its agent is gone and its work is saved, whatever the agent says by then."""
    scene = Scene(bead("a"), workers=1)
    scene.sign("a")
    scene.give_up("a")
    assert scene.is_at("a") is BeadState.RUNNING
    scene.end("a", Ending.DELIVERED)
    assert scene.all_owed() == ["Save"]
    scene.hear(m.Saved, token=scene.token("a"), commit=Commit("half"))
    assert scene.is_at("a") is BeadState.CANCELLED


@pytest.mark.parametrize("what", ["saved", "collected", "checked"])
def test_abort_waits_until_nothing_is_under_way_in_the_worktree(what: str) -> None:
    """Its worker takes no other bead, and the worktree is not cleared, while something still works in it."""
    scene = Scene(bead("a", verify=("check",)), bead("b"), workers=1)
    scene.sign("a")
    token = scene.token("a")
    if what == "saved":
        scene.end("a", Ending.CRASHED)
    elif what == "collected":
        scene.end("a", Ending.DELIVERED)
    else:
        scene.deliver("a")
    before = scene.all_owed()
    scene.give_up("a")
    assert scene.all_owed() == before
    assert scene.running() == ["a"]
    ends: dict[str, tuple[type[m.Signal], dict[str, Any]]] = {
        "saved": (m.Saved, {"commit": None}),
        "collected": (m.Collected, {"commit": Commit("c")}),
        "checked": (m.Checked, {"passed": True}),
    }
    kind, fields = ends[what]
    ended = only(scene.hear(kind, token=token, **fields), m.AttemptEnded)
    assert ended.ending is Ending.CANCELLED
    assert scene.is_at("a") is BeadState.CANCELLED
    assert scene.running() == ["b"]


def test_abort_before_the_sweep_is_kept_until_after_it() -> None:
    """An orphan may still be writing."""
    scene = Scene(bead("a"), workers=1)
    scene.sign("a")
    scene.die()
    scene.open()
    scene.give_up("a")
    assert scene.all_owed() == ["Sweep"]
    scene.sweep()
    scene.hear(m.Saved, token=scene.token("a"), commit=None)
    assert scene.is_at("a") is BeadState.CANCELLED


def test_abort_of_a_verified_bead_takes_it_out_of_the_queue() -> None:
    """Unless it is just being landed: the target may have moved by now."""
    scene = Scene(bead("a"), bead("b"), workers=2)
    scene.sign("a", "b")
    scene.deliver("a")
    scene.deliver("b")
    scene.compose("a")
    refused = scene.ask(m.Verb.ABORT, "a")
    assert not refused.accepted
    assert refused.text == "it is just being landed: nothing to give up"
    assert only(scene.give_up("b"), m.RequestAnswered).accepted
    assert scene.is_at("b") is BeadState.CANCELLED
    assert scene.state.landing_order() == ["a"]


@pytest.mark.parametrize("settled", ["done", "failed", "cancelled"])
def test_abort_of_what_is_over_says_so(settled: str) -> None:
    """It is not said to be given up when nothing has changed."""
    scene = Scene(bead("a", tries=1), bead("b"), workers=2)
    if settled == "done":
        scene.finish("a")
    elif settled == "failed":
        scene.sign("a")
        scene.breaks("a", Ending.CRASHED)
    else:
        scene.give_up("a")
        scene.breaks("a", Ending.CRASHED)
    answer = scene.ask(m.Verb.ABORT, "a")
    assert not answer.accepted
    assert answer.text == f"it is {settled}: nothing to give up"


def test_abort_without_a_bead_gives_up_all_that_is_not_done() -> None:
    """What is being landed lands, the rest is cancelled, and the run is over."""
    scene = Scene(bead("a"), bead("b"), bead("c", "b"), bead("d"), bead("e", hold="wait"), workers=3)
    scene.sign("a", "b")
    scene.deliver("a")
    scene.compose("a")
    scene.give_up()
    scene.breaks("b", Ending.CRASHED)
    scene.breaks("d", Ending.CRASHED)
    scene.land("a")
    assert [scene.is_at(name).value for name in "abcde"] == ["done"] + ["cancelled"] * 4
    for name in "abd":
        scene.clear(name)
    assert scene.state.run is RunState.FINISHED


def test_retry_opens_a_failed_bead_and_what_it_had_blocked() -> None:
    """With all its tries, from the beginning."""
    scene = Scene(bead("a", tries=1), bead("b", "a"), bead("c", "b"), bead("d"), workers=2)
    scene.sign("a", "d")
    scene.breaks("a", Ending.CRASHED)
    assert scene.is_at("c") is BeadState.BLOCKED
    assert scene.ask(m.Verb.RETRY, "a").accepted
    assert [scene.is_at(name).value for name in "abc"] == ["running", "waiting", "waiting"]
    assert scene.record("a").tries == 0
    attempt = scene.attempt("a")
    assert (attempt.number, attempt.keep, attempt.resume, attempt.briefing) == (2, False, None, "")


def test_retry_of_a_blocked_bead_opens_what_keeps_it() -> None:
    """It could not be done otherwise."""
    scene = Scene(bead("a", tries=1), bead("b", "a"), bead("x"), workers=2)
    scene.sign("a", "x")
    scene.breaks("a", Ending.CRASHED)
    scene.ask(m.Verb.RETRY, "b")
    assert [scene.is_at(name).value for name in "ab"] == ["running", "waiting"]


def test_retry_does_not_open_what_something_else_still_blocks() -> None:
    """Both that it needs had failed, and one of them still has."""
    scene = Scene(bead("a", tries=1), bead("b", tries=1), bead("c", "a", "b"), bead("x"), workers=3)
    scene.sign("a", "b", "x")
    scene.breaks("a", Ending.CRASHED)
    scene.breaks("b", Ending.CRASHED)
    scene.ask(m.Verb.RETRY, "a")
    assert scene.is_at("c") is BeadState.BLOCKED
    scene.ask(m.Verb.RETRY, "b")
    assert scene.is_at("c") is BeadState.WAITING


def test_retry_keeps_a_worktree_from_being_cleared() -> None:
    """The order to clear it is taken back."""
    scene = Scene(bead("a", tries=1), bead("x"), workers=2)
    scene.sign("a", "x")
    scene.breaks("a", Ending.CRASHED)
    assert [order.bead for order in scene.owed(m.Clear)] == ["a"]
    scene.ask(m.Verb.RETRY, "a")
    assert scene.owed(m.Clear) == []


@pytest.mark.parametrize("verb", [m.Verb.RETRY, m.Verb.ANSWER])
def test_what_is_under_way_cannot_be_tried_again(verb: m.Verb) -> None:
    """Nor what is done."""
    scene = Scene(bead("a"), bead("b"), workers=1)
    answer = scene.ask(verb, "a")
    assert not answer.accepted
    assert answer.text == "it is running: nothing to try again"
    scene.finish("a")
    assert scene.ask(verb, "a").text == "it is done: nothing to try again"


def test_an_author_who_says_hold_is_asked_first() -> None:
    """A person lets it go; nobody else does, also not by trying again what it needs."""
    scene = Scene(bead("a", tries=1), bead("b", "a", hold="look at the plan first"), bead("x"), workers=2)
    scene.sign("a", "x")
    scene.breaks("a", Ending.CRASHED)
    scene.ask(m.Verb.RETRY, "a")
    scene.finish("a")
    assert scene.is_at("b") is BeadState.HELD
    assert scene.record("b").reason == "look at the plan first"
    scene.ask(m.Verb.RETRY, "b")
    assert scene.is_at("b") is BeadState.RUNNING


def test_resume_lets_a_probe_through_what_was_shut_for_good() -> None:
    """Who resumes has seen to it."""
    scene = Scene(bead("a", routes="red blue"), bead("b", routes="red"), workers=1)
    scene.sign("a")
    scene.ask(m.Verb.PAUSE)
    scene.breaks("a", Ending.UNAVAILABLE)
    assert scene.is_at("b") is BeadState.READY
    scene.ask(m.Verb.RESUME)
    assert scene.attempt("a").route == "red"
    assert scene.attempt("a").probe


def test_a_bead_that_is_not_there_is_said_not_to_be() -> None:
    """A slip of the pen changes nothing."""
    scene = Scene(bead("a"))
    answer = scene.ask(m.Verb.ABORT, "typo")
    assert not answer.accepted
    assert answer.text == "there is no bead 'typo' in this run"


@pytest.mark.parametrize("verb", list(m.Verb))
def test_a_run_that_has_ended_answers_and_does_nothing(verb: m.Verb) -> None:
    """The request came in the last moment."""
    scene = Scene(bead("a"), workers=1)
    scene.finish("a")
    assert scene.state.run is RunState.FINISHED
    events = scene.hear(m.Asked, verb=verb, request=7, bead=BeadId("a"))
    assert [type(event) for event in events] == [m.RequestAnswered]
    assert not only(events, m.RequestAnswered).accepted


def test_control_c_asks_without_a_number() -> None:
    """Nobody waits for an answer."""
    scene = Scene(bead("a"), workers=1)
    events = scene.hear(m.Asked, verb=m.Verb.STOP)
    assert none(events, m.RequestAnswered)
    assert scene.works("w1") is WorkerState.TIMEOUT


# ---------------------------------------------------------------- steering


def test_a_request_that_takes_its_time_is_answered_when_it_has_happened() -> None:
    """An abort: the session must end and its work be saved first."""
    scene = Scene(bead("a"), bead("b"), workers=2)
    scene.sign("a", "b")
    taken = scene.hear(m.Asked, verb=m.Verb.ABORT, bead=BeadId("a"), request=7)
    assert none(taken, m.RequestAnswered)
    answered = only(scene.breaks("a", Ending.CRASHED), m.RequestAnswered)
    assert (answered.request, answered.accepted, answered.text) == (7, True, "given up")
    assert scene.is_at("a") is BeadState.CANCELLED


def test_a_request_that_is_under_way_outlives_us_and_is_not_taken_twice() -> None:
    scene = Scene(bead("a"), bead("b"), workers=2)
    scene.sign("a", "b")
    asked = {"verb": m.Verb.DRAIN_WORKER, "text": "w1", "request": 7}
    scene.hear(m.Asked, **asked)
    scene.die()
    scene.open()
    assert scene.hear(m.Asked, **asked) == []
    scene.sweep()
    assert "w1" not in scene.state.workers or 7 in scene.state.pending


def test_a_drained_worker_finishes_what_it_has_and_goes() -> None:
    """Its bead lands; what is ready waits for the worker that is left."""
    scene = Scene(bead("a"), bead("b"), bead("c"), workers=2)
    scene.sign("a", "b")
    assert none(scene.hear(m.Asked, verb=m.Verb.DRAIN_WORKER, text="w1", request=1), m.RequestAnswered)
    assert scene.is_at("a") is BeadState.RUNNING
    assert only(scene.deliver("a"), m.RequestAnswered).text == "w1 is gone"
    assert list(scene.state.workers) == ["w2"]
    assert scene.running() == ["b"]
    scene.deliver("b")
    assert scene.running() == ["c"]


def test_an_idle_worker_goes_at_once() -> None:
    scene = Scene(bead("a"), workers=2)
    answered = only(scene.hear(m.Asked, verb=m.Verb.DRAIN_WORKER, text="w2", request=1), m.RequestAnswered)
    assert answered.accepted
    assert list(scene.state.workers) == ["w1"]


def test_an_aborted_worker_gives_its_bead_back_with_its_work() -> None:
    """It counts against nobody, and another worker goes on with it."""
    scene = Scene(bead("a", tries=1), bead("b"), workers=2)
    scene.sign("a", "b")
    scene.hear(m.Asked, verb=m.Verb.ABORT_WORKER, text="w1", request=1)
    only(scene.breaks("a", Ending.CRASHED), m.RequestAnswered)
    assert scene.is_at("a") is BeadState.READY
    assert scene.record("a").tries == 0
    scene.deliver("b")
    assert scene.running() == ["a"]
    assert scene.attempt("a").worker == "w2"


@pytest.mark.parametrize("verb", [m.Verb.DRAIN_WORKER, m.Verb.ABORT_WORKER])
def test_the_last_worker_stays(verb: m.Verb) -> None:
    scene = Scene(bead("a"), workers=1)
    refused = only(scene.hear(m.Asked, verb=verb, text="w1", request=1), m.RequestAnswered)
    assert not refused.accepted
    assert "the last one" in refused.text


def test_the_last_but_one_is_the_last_while_another_is_leaving() -> None:
    scene = Scene(bead("a"), bead("b"), workers=2)
    scene.sign("a", "b")
    scene.hear(m.Asked, verb=m.Verb.DRAIN_WORKER, text="w1", request=1)
    refused = only(scene.hear(m.Asked, verb=m.Verb.DRAIN_WORKER, text="w2", request=2), m.RequestAnswered)
    assert not refused.accepted


def test_workers_that_are_added_start_at_once_and_are_there_after_a_death() -> None:
    scene = Scene(bead("a"), bead("b"), bead("c"), workers=1)
    answered = only(scene.hear(m.Asked, verb=m.Verb.ADD_WORKERS, text="2", request=1), m.RequestAnswered)
    assert answered.text == "w2, w3 at work: 3 workers"
    assert scene.running() == ["a", "b", "c"]
    scene.die()
    scene.open(scene.state.policy)
    assert list(scene.state.workers) == ["w1", "w2", "w3"]


def test_workers_that_are_added_by_force_start_however_short_the_machine_is() -> None:
    """Until the run is started again without it."""
    scene = Scene(bead("a"), bead("b"), workers=1)
    scene.hear(m.Sampled, samples=(), room=Room(memory=0))
    assert scene.state.fits == 0
    said = scene.hear(m.Asked, verb=m.Verb.ADD_WORKERS, text="1", forced=True, request=1)
    assert only(said, m.WorkersAdded).forced
    assert scene.running() == ["a", "b"]
    scene.hear(m.Sampled, samples=(), room=Room(memory=0))
    assert scene.state.fits is None
    scene.die()
    scene.open(Policy(workers=1))
    assert scene.state.policy.heed_host


def test_who_says_anew_how_many_workers_there_are_to_be_means_all_of_them() -> None:
    scene = Scene(bead("a"), workers=1)
    scene.hear(m.Asked, verb=m.Verb.ADD_WORKERS, text="2", request=1)
    scene.die()
    scene.open(Policy(workers=2))
    scene.sweep()
    assert list(scene.state.workers) == ["w1", "w2"]


@pytest.mark.parametrize("text", ["0", "-1", "many", "", "10000", "²", "2 force"])
def test_what_is_no_number_of_workers_is_refused(text: str) -> None:
    scene = Scene(bead("a"))
    refused = only(scene.hear(m.Asked, verb=m.Verb.ADD_WORKERS, text=text, request=1), m.RequestAnswered)
    assert not refused.accepted


def test_a_new_priority_changes_whose_turn_is_next_both_ways() -> None:
    scene = Scene(bead("a"), bead("b"), bead("c"), bead("d"), workers=1)
    ask = {"verb": m.Verb.PRIORITY, "request": 1}
    assert only(scene.hear(m.Asked, bead=BeadId("d"), text="0", **ask), m.RequestAnswered).text == "is P0 now"
    scene.hear(m.Asked, bead=BeadId("b"), text="4", **ask)
    order = []
    for _ in range(4):
        (at_work,) = scene.running()
        order.append(at_work)
        scene.sign(at_work)
        scene.deliver(at_work)
    assert order == ["a", "d", "c", "b"]


def test_a_level_of_the_log_is_a_matter_of_record() -> None:
    scene = Scene(bead("a"))
    only(scene.hear(m.Asked, verb=m.Verb.LOG_LEVEL, text="warning", request=1), m.LogLevelSet)
    assert not only(scene.hear(m.Asked, verb=m.Verb.LOG_LEVEL, text="loud", request=2), m.RequestAnswered).accepted
