"""Taking a run into one's hands: at first, after a stop, after a death."""

from __future__ import annotations

import pytest

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, BeadState, BreakerState, Commit, Ending, RunState, Token, WorkerState
from orchestrator.core.state import State
from tests.core.scene import Scene, bead, none, only
from tests.simulation.likeness import differences


def test_nothing_is_decided_before_the_sweep() -> None:
    """Until then an orphan may still be writing."""
    scene = Scene(bead("a"), opened=False)
    scene.open()
    assert scene.running() == []
    assert scene.all_owed() == ["Sweep"]
    scene.wait(1e6)
    assert scene.running() == []
    scene.sweep()
    assert scene.running() == ["a"]


def test_a_death_costs_an_attempt_and_no_try() -> None:
    """The bead goes on in its worktree, in its session; neither it nor its route is to blame."""
    scene = Scene(bead("a", tries=1), workers=1)
    scene.sign("a")
    scene.die()
    scene.open()
    assert scene.works("w1") is WorkerState.ERROR
    scene.sweep()
    assert scene.all_owed() == ["Save"]
    ended = only(scene.hear(m.Saved, token=scene.token("a"), commit=Commit("half")), m.AttemptEnded)
    assert ended.ending is Ending.LOST
    assert ended.saved == "half"
    attempt = scene.attempt("a")
    assert (attempt.number, attempt.resume, attempt.keep) == (2, "session of a", True)
    assert scene.record("a").tries == 0
    assert scene.breaker("red").failures == ()


def test_a_session_that_was_being_ended_is_booked_as_what_it_was() -> None:
    """Its time was used up before we died."""
    scene = Scene(bead("a", timeout_s=60.0), workers=1)
    scene.sign("a")
    scene.wait(60.0)
    scene.die()
    scene.open()
    scene.sweep()
    ended = only(scene.hear(m.Saved, token=scene.token("a"), commit=None), m.AttemptEnded)
    assert ended.ending is Ending.TIMED_OUT


@pytest.mark.parametrize(
    ("until", "owed"),
    [("ended", ["Collect"]), ("collected", ["Check"]), ("checked", ["Compose"]), ("landed", ["Clear"])],
)
def test_what_was_under_way_when_we_died_is_owed_again(until: str, owed: list[str]) -> None:
    """No special code: the state says what it waits for."""
    scene = Scene(bead("a", verify=("check",)), workers=1)
    scene.sign("a")
    if until == "ended":
        scene.end("a", Ending.DELIVERED)
    else:
        scene.deliver("a")
    if until in ("checked", "landed"):
        scene.check("a", True)
    if until == "landed":
        scene.land("a")
    before = scene.all_owed()
    scene.die()
    scene.open()
    scene.sweep()
    assert scene.all_owed() == before == owed


def test_a_second_death_before_the_sweep_changes_nothing() -> None:
    """The orphan is still an orphan."""
    scene = Scene(bead("a"), workers=1)
    scene.sign("a")
    for _ in range(3):
        scene.die()
        scene.open()
    scene.sweep()
    scene.hear(m.Saved, token=scene.token("a"), commit=None)
    assert scene.attempt("a").number == 2


def test_a_second_word_of_the_sweep_is_void() -> None:
    """It is over once."""
    scene = Scene(bead("a"), workers=1)
    assert none(scene.sweep(), m.RunSwept)


def test_a_finished_run_that_is_started_again_tries_what_failed() -> None:
    """Who starts it has seen to what stood in the way; what a person gave up stays given up."""
    scene = Scene(bead("a", tries=1), bead("b", "a"), bead("c"), workers=3)
    scene.sign("a")
    scene.breaks("a", Ending.CRASHED)
    scene.clear("a")
    scene.give_up("c")
    scene.breaks("c", Ending.CRASHED)
    scene.clear("c")
    assert scene.state.run is RunState.FINISHED
    scene.die()
    scene.open()
    scene.sweep()
    assert [scene.is_at(name).value for name in "abc"] == ["running", "waiting", "cancelled"]


def test_an_interrupted_run_leaves_what_failed() -> None:
    """It goes on; it does not begin anew."""
    scene = Scene(bead("a", tries=1), bead("b"), workers=2)
    scene.sign("a", "b")
    scene.breaks("a", Ending.CRASHED)
    scene.die()
    scene.open()
    scene.sweep()
    assert scene.is_at("a") is BeadState.FAILED


def test_routes_and_workers_that_were_given_up_get_another_chance() -> None:
    """A key was put in place, a machine was mended."""
    scene = Scene(bead("a", routes="red blue"), bead("b"), workers=2, worker_failures=1)
    scene.sign("a")
    scene.breaks("b", Ending.NOT_STARTED)
    assert WorkerState.FAILED in {worker.state for worker in scene.state.workers.values()}
    scene.breaks("a", Ending.UNAVAILABLE)
    assert scene.breaker("red").state is BreakerState.OPEN
    scene.die()
    scene.open()
    assert scene.breaker("red").state is BreakerState.HALF_OPEN
    assert scene.state.worker_counts[WorkerState.FAILED] == 0


def test_a_paused_run_that_is_started_again_goes_on() -> None:
    """Starting it is asking for it."""
    scene = Scene(bead("a"), bead("b"), workers=1)
    scene.ask(m.Verb.PAUSE)
    scene.die()
    scene.open()
    scene.sweep()
    assert scene.state.run is RunState.RUNNING


def test_an_answer_that_was_given_while_nobody_was_there_is_heard() -> None:
    """A request may come before the sweep: else a run in which all is held would be over before it is read."""
    scene = Scene(bead("a"), workers=1)
    scene.sign("a")
    scene.breaks("a", Ending.ASKED)
    scene.clear("a")
    assert scene.state.run is RunState.FINISHED
    scene.die()
    scene.open()
    assert scene.ask(m.Verb.ANSWER, "a", "42").accepted
    scene.sweep()
    assert scene.running() == ["a"]
    assert "42" in scene.attempt("a").briefing


def test_the_log_alone_gives_the_state() -> None:
    """Every field, every queue, every deadline."""
    scene = Scene(
        bead("a", routes="red blue"), bead("b", "a"), bead("c", files="src"), bead("d", files="src"), workers=2
    )
    scene.sign("a", "c")
    scene.breaks("a", Ending.RATE_LIMITED, retry_at=scene.now + 900.0)
    scene.deliver("c")
    assert not differences(State.replay(scene.log), scene.state)


def test_a_history_begins_with_its_plan() -> None:
    """Anything else is not a run's log."""
    scene = Scene(bead("a"))
    with pytest.raises(ValueError, match="begins with RunPlanned"):
        State.replay(scene.log[1:])
    with pytest.raises(ValueError, match="begins with RunPlanned"):
        State.replay([])
    with pytest.raises(ValueError, match="a run is planned once"):
        State.replay([scene.log[0], scene.log[0]])


def test_numbers_and_tokens_go_on_from_where_the_repository_is() -> None:
    """Never used twice, across runs and restarts."""
    scene = Scene(bead("a"), opened=False)
    planned = scene.log[0]
    assert isinstance(planned, m.RunPlanned)
    scene.log[0] = m.RunPlanned(
        at=planned.at,
        manifest=planned.manifest,
        target_base=planned.target_base,
        token=Token(41),
        numbers={BeadId("a"): 6},
    )
    scene.die()
    scene.open()
    scene.sweep()
    assert (scene.attempt("a").token, scene.attempt("a").number) == (42, 7)
