"""What must hold after every step of those that are at work: beads, workers, sessions, files and money."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from orchestrator.core.claims import clash
from orchestrator.core.decide.money import committed
from orchestrator.core.decide.width import PER_CORE
from orchestrator.core.model import BeadState, WorkerState
from orchestrator.core.records import BeadRecord

if TYPE_CHECKING:
    from tests.simulation.world import World


AT_WORK = frozenset({BeadState.RUNNING, BeadState.VERIFYING})
HOLDING = AT_WORK | {BeadState.MERGING}
PENNY = 1e-6


def _asks(record: BeadRecord) -> bool:
    """It is held with a live session."""
    return record.token is not None and record.state is BeadState.HELD


def questions_are_with_a_person(world: World) -> None:
    """A session that asks is its bead's, held; while it lives there is an end to the waiting, and nothing is typed."""
    state = world.state
    due = state.deadlines._due
    asking = {bead for bead, record in state.beads.items() if _asks(record)}
    assert asking == {attempt.bead for attempt in state.attempts.values() if attempt.question}
    for attempt in state.attempts.values():
        waits = bool(attempt.question) and state.worker_of(attempt).state is WorkerState.RUNNING
        assert waits == (("question", attempt.token) in due), "a question without an end, or an end without one"
        assert not (attempt.question and attempt.typing), "typed into before it is answered"
        timed = state.has_worker(attempt) and state.worker_of(attempt).state is WorkerState.RUNNING
        if timed and attempt.process is not None:
            stands = waits or attempt.suspended is not None
            assert stands != (("bead", attempt.token) in due), "its time runs exactly while nobody is asked"


def files_are_held_by_one(world: World) -> None:
    """The claims of those who hold files do not collide pairwise, and whoever works holds his."""
    state = world.state
    holders = list(state.locks.held.items())
    for place, (one, held) in enumerate(holders):
        for other, theirs in holders[place + 1 :]:
            assert not clash(held, theirs), f"{one} and {other} hold the same files"
    for bead, guesses in state.locks.guesses.items():
        assert set(guesses) <= set(state.locks.held[bead]), f"{bead} does not hold what is guessed"
    active = {b for b, r in state.beads.items() if r.state in HOLDING or _asks(r)}
    assert set(state.locks.held) == active, "locks are held by those who work, and by nobody else"


def one_worker_one_bead(world: World) -> None:
    """A running bead has exactly one worker, a worker at most one bead, and both agree."""
    state = world.state
    busy = [worker for worker in state.workers.values() if worker.token is not None]
    beads = Counter(state.attempts[worker.token].bead for worker in busy if worker.token is not None)
    running = {bead for bead, record in state.beads.items() if record.state in AT_WORK or _asks(record)}
    assert set(beads) == running, "a running bead without a worker, or a worker without its bead"
    assert all(count == 1 for count in beads.values()), "two workers at one bead"
    for worker in busy:
        assert worker.token is not None
        attempt = state.attempts[worker.token]
        assert attempt.worker == worker.id
        assert state.beads[attempt.bead].token == worker.token
    idle = (WorkerState.IDLE, WorkerState.BACKOFF, WorkerState.FAILED)
    assert all((worker.token is None) == (worker.state in idle) for worker in state.workers.values())
    kept = {record.token for record in state.beads.values() if record.token is not None}
    assert set(state.attempts) == kept, "an attempt that no bead is in"


def starts_are_bounded(world: World) -> None:
    """No more workers are starting at once than the policy allows."""
    assert world.state.worker_counts[WorkerState.STARTING] <= world.state.policy.max_starts


def workers_are_as_many_as_are_wanted(world: World) -> None:
    """What is found out stays within its bounds, and who goes is at work on a last bead."""
    state = world.state
    if state.width is not None:
        policy = state.policy
        assert policy.auto
        assert policy.workers <= state.width <= max(policy.workers, policy.most_workers or PER_CORE * 2)
    assert state.surplus <= sum(worker.token is not None for worker in state.workers.values()), "idle, and not wanted"


def who_stands_still_is_known(world: World) -> None:
    """Only live sessions do, and their time with them."""
    state = world.state
    still = {token for token, attempt in state.attempts.items() if attempt.suspended is not None}
    assert still == set(state.suspended)
    for token in still:
        assert state.live(token) is not None, "nobody will ever let it go on"
        assert state.worker_of(state.attempts[token]).state in (WorkerState.RUNNING, WorkerState.TIMEOUT)
        assert state.deadlines.at(("bead", token)) is None, "its time runs while it stands still"


def budget_is_kept(world: World) -> None:
    """Money spent and reserved stays within the hard limit, as long as each bead keeps to its own."""
    budget = world.state.budget
    limit = budget.usd
    if limit is not None and budget.hard and world.weather.honest:
        money = committed(world.state, "run", "usd", world.heard_at)
        assert money.spent + money.reserved <= limit + PENNY, f"{money} passes {limit}"
