"""Which beads start, on which worker, and when a run is over."""

from __future__ import annotations

from orchestrator.core import messages as m
from orchestrator.core.decide import idle_and_paused
from orchestrator.core.decide.money import committed
from orchestrator.core.model import BeadState, Commit, Ending, Policy, RunState, Tree, WorkerState
from tests.core.scene import Scene, bead, command, cost, none, only


def test_a_bead_starts_when_all_it_needs_is_on_the_target() -> None:
    """Delivered is not enough, verified is not enough."""
    scene = Scene(bead("a"), bead("b"), bead("c", "a", "b"), workers=4)
    scene.finish("a")
    scene.sign("b")
    scene.deliver("b")
    assert scene.is_at("b") is BeadState.MERGING
    assert scene.is_at("c") is BeadState.WAITING
    scene.land("b")
    assert scene.is_at("c") is BeadState.RUNNING


def test_the_most_urgent_bead_starts_first() -> None:
    """Then the one that most waits for, then the one that was written first."""
    scene = Scene(bead("d"), bead("c", priority=3), bead("b"), bead("x", "b"), bead("a", priority=0), workers=3)
    assert scene.running() == ["a", "b", "d"]


def test_a_worker_has_one_bead_and_a_bead_one_worker() -> None:
    """With more workers than beads, and with more beads than workers."""
    scene = Scene(bead("a"), bead("b"), bead("c"), workers=2)
    assert scene.running() == ["a", "b"]
    assert len({scene.attempt(name).worker for name in scene.running()}) == 2
    assert Scene(bead("a"), workers=5).running() == ["a"]


def test_two_never_hold_the_same_files() -> None:
    """Patterns that may meet conflict, until the first has landed; others pass by."""
    scene = Scene(bead("a", files="src/a/**"), bead("b", files="src/**/x.py"), bead("c", files="docs"), workers=3)
    assert scene.running() == ["a", "c"]
    scene.sign("a")
    scene.deliver("a")
    assert scene.is_at("a") is BeadState.MERGING
    assert scene.running() == ["c"], "its files are its own until it has landed"
    scene.land("a")
    assert scene.running() == ["c", "b"]


def test_readers_share_and_writers_do_not() -> None:
    """Two that only read run side by side; who writes waits for both."""
    scene = Scene(bead("a", files="read:src"), bead("b", files="read:src"), bead("c", files="src"), workers=3)
    assert scene.running() == ["a", "b"]
    scene.finish("a")
    assert scene.running() == ["b"]
    scene.finish("b")
    assert scene.running() == ["c"]


def test_files_are_free_again_after_every_kind_of_end() -> None:
    """Failed, held, cancelled, done without a commit."""
    for end in (Ending.CRASHED, Ending.ASKED, Ending.CANCELLED):
        scene = Scene(bead("a", files="src", tries=1), bead("b", files="src"), workers=2)
        scene.sign("a")
        if end is Ending.CANCELLED:
            scene.give_up("a")
        scene.breaks("a", Ending.CRASHED if end is Ending.CANCELLED else end)
        assert scene.running() == ["b"], end


def test_a_bead_that_comes_back_asks_for_its_files_anew() -> None:
    """Its turn is its rank, not who had them last."""
    scene = Scene(bead("a", files="src", priority=3), bead("b", files="src", priority=1, hold="later"), workers=2)
    assert scene.running() == ["a"]
    scene.ask(m.Verb.RETRY, "b")
    scene.sign("a")
    scene.breaks("a", Ending.LOST)
    assert scene.running() == ["b"]


def test_no_more_start_at_once_than_the_policy_allows() -> None:
    """The next one starts when one of them has given its sign."""
    scene = Scene(*(bead(f"b{n}") for n in range(5)), workers=5, max_starts=2)
    assert len(scene.running()) == 2
    scene.sign("b0")
    assert len(scene.running()) == 3
    assert scene.state.worker_counts[WorkerState.STARTING] == 2


def test_one_that_hangs_at_its_start_holds_up_nobody_else() -> None:
    """Each start has its own time-out, counted from its spawn."""
    scene = Scene(*(bead(f"b{n}") for n in range(4)), workers=4, max_starts=2, start_timeout_s=30.0)
    scene.spawn("b0")
    scene.sign("b1", "b2", "b3")
    scene.wait(29.0)
    assert scene.worker("b0").state is WorkerState.STARTING
    scene.wait(1.0)
    assert scene.worker("b0").state is WorkerState.TIMEOUT
    assert [order.reason for order in scene.owed(m.EndSession)] == ["no sign of life within 30 s of its start"]


def test_making_a_worktree_takes_as_long_as_it_takes() -> None:
    """The agent's time runs from its spawn."""
    scene = Scene(bead("a", timeout_s=600.0), workers=1)
    scene.wait(3600.0)
    assert scene.worker("a").state is WorkerState.STARTING
    scene.sign("a")
    scene.wait(599.0)
    assert scene.worker("a").state is WorkerState.RUNNING
    scene.wait(1.0)
    assert scene.worker("a").state is WorkerState.TIMEOUT


def test_a_first_sign_that_overtakes_the_spawn_does_not_take_the_time_out_away() -> None:
    """Threads overtake each other."""
    scene = Scene(bead("a", timeout_s=600.0), workers=1)
    scene.hear(m.GaveSign, token=scene.token("a"))
    scene.spawn("a")
    scene.wait(600.0)
    assert scene.worker("a").state is WorkerState.TIMEOUT


def test_the_first_wave_says_how_it_went() -> None:
    """Once everyone in it has started or failed to."""
    scene = Scene(*(bead(f"b{n}") for n in range(3)), workers=3)
    scene.spawn("b1")
    scene.sign("b0", "b2")
    scene.wait(30.0)
    told = only(scene.breaks("b1", Ending.CRASHED), m.WorkersStarted)
    assert (told.asked, told.started) == (3, 2)
    assert told.missing == (("w2", "no sign of life within 30 s of its start"),)
    assert scene.state.run is RunState.RUNNING


def test_too_few_workers_end_the_run() -> None:
    """It names how many there were and how many must be."""
    scene = Scene(bead("a"), bead("b"), workers=2, min_workers=2)
    scene.sign("a")
    events = scene.breaks("b", Ending.NOT_STARTED)
    assert only(events, m.RunStopping).reason == "only 1 of 2 workers started, and at least 2 must"
    assert scene.worker("a").state is WorkerState.TIMEOUT
    scene.breaks("a", Ending.CRASHED)
    assert scene.state.run is RunState.STOPPED


def test_one_bead_that_did_not_start_is_no_verdict_on_the_others_workers() -> None:
    """The first bead of a night is often alone: each worker has its turn at it before the run gives up."""
    scene = Scene(bead("a"), bead("b", "a"), workers=3)
    for worker in ("w1", "w2"):
        assert scene.attempt("a").worker == worker
        assert none(scene.breaks("a", Ending.NOT_STARTED), m.RunStopping)
        scene.wait(100.0)
    assert scene.attempt("a").worker == "w3"
    only(scene.breaks("a", Ending.NOT_STARTED), m.RunStopping)


def test_a_start_that_succeeds_the_second_time_has_started() -> None:
    """The first wave is over when enough have."""
    scene = Scene(bead("a"), workers=2)
    scene.breaks("a", Ending.NOT_STARTED)
    scene.wait(100.0)
    scene.sign("a")
    told = [event for event in scene.log if isinstance(event, m.WorkersStarted)]
    assert [(each.asked, each.started) for each in told] == [(2, 1)]


def test_a_route_that_is_at_fault_is_not_held_against_a_worker() -> None:
    """No key, no program: the worker starts again with the next route."""
    scene = Scene(bead("a", routes="red blue"), workers=1)
    assert none(scene.breaks("a", Ending.UNAVAILABLE), m.RunStopping)
    scene.sign("a")
    assert scene.state.run is RunState.RUNNING


def test_a_run_without_budget_left_pauses() -> None:
    """Spent is spent: nothing that runs can give it back."""
    scene = Scene(bead("a"), bead("b"), workers=1, usd=10.0, bead_usd=4.0)
    scene.sign("a")
    scene.breaks("a", Ending.LOST, usage=cost(3.9))
    scene.sign("a")
    scene.end("a", Ending.DELIVERED, usage=cost(3.0))
    events = scene.hear(m.Collected, token=scene.token("a"), commit=Commit("c"), tree=Tree("t"))
    assert only(events, m.RunPaused).reason.startswith("the budget")
    assert scene.running() == []
    scene.land("a")
    scene.clear("a")
    assert idle_and_paused(scene.state)


def test_what_is_reserved_may_come_back() -> None:
    """A bead may cost four dollars and mostly costs less: the third waits for the first two, and does not pause."""
    scene = Scene(bead("a"), bead("b"), bead("c"), workers=3, usd=10.0, bead_usd=4.0)
    assert scene.running() == ["a", "b"]
    assert scene.state.run is RunState.RUNNING
    scene.sign("a")
    scene.deliver("a", usage=cost(1.0))
    assert scene.running() == ["b", "c"]


def test_money_spent_and_reserved_never_passes_the_limit() -> None:
    """What runs counts with all that it may cost."""
    scene = Scene(*(bead(f"b{n}") for n in range(8)), workers=8, usd=10.0, bead_usd=3.0)
    assert len(scene.running()) == 3
    money = committed(scene.state, "run", "usd", scene.now)
    assert (money.spent, money.reserved) == (0.0, 9.0)


def test_a_shell_command_needs_no_money() -> None:
    """It starts though the budget is used up."""
    scene = Scene(command("a"), command("b", "a"), workers=1, usd=1.0, bead_usd=4.0)
    assert scene.running() == ["a"]
    assert scene.attempt("a").reserved_usd == 0.0


def test_a_run_is_over_when_nothing_more_can_be() -> None:
    """All done, and its last worktree away."""
    scene = Scene(bead("a"), workers=1)
    scene.sign("a")
    scene.deliver("a")
    scene.land("a")
    assert scene.state.ended_at is None
    only(scene.clear("a"), m.RunFinished)
    assert scene.state.run is RunState.FINISHED


def test_a_run_of_nothing_is_over_at_once() -> None:
    """Everything stood on the target already."""
    scene = Scene(bead("a"), bead("b", "a"), landed={"a": "c1", "b": "c2"})
    assert scene.state.run is RunState.FINISHED
    assert scene.record("a").reason == "it stood on the target already"


def test_what_has_landed_before_is_not_needed_again() -> None:
    """Its dependents start at once."""
    scene = Scene(bead("a"), bead("b", "a"), landed={"a": "c1"})
    assert scene.running() == ["b"]


def test_fewer_workers_at_the_next_start_are_fewer() -> None:
    """One too many goes when its attempt has ended; what is verified by then still lands."""
    scene = Scene(bead("a"), bead("b"), bead("c"), workers=3)
    scene.sign("a", "b", "c")
    scene.deliver("c")
    scene.die()
    scene.open(Policy(workers=1))
    assert scene.attempt("c").worker == "w3"
    assert list(scene.state.workers) == ["w1", "w2"]
    scene.sweep()
    scene.hear(m.GaveSign, token=scene.token("c"))
    scene.hear(m.Saved, token=scene.token("b"), commit=None)
    assert list(scene.state.workers) == ["w1"]
    assert scene.state.worker_counts[WorkerState.IDLE] == 0
    scene.land("c")
    scene.hear(m.Saved, token=scene.token("a"), commit=None)
    assert scene.running() == ["a"]
    assert sum(scene.state.worker_counts.values()) == 1


def test_a_clock_that_is_set_back_holds_up_nothing() -> None:
    """No event is older than the one before it."""
    scene = Scene(bead("a"), bead("b", "a"), workers=1)
    scene.now -= 7200.0
    scene.finish("a")
    scene.finish("b")
    times = [event.at for event in scene.log]
    assert times == sorted(times)
    assert scene.state.run is RunState.FINISHED
