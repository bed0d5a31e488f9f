"""What must hold before an event is applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.core import clearing
from orchestrator.core import messages as m
from orchestrator.core.claims import clash
from orchestrator.core.decide.routing import Pick, pick
from orchestrator.core.model import BeadId, BeadState, BreakerState, Collisions, Ending, WorkerState
from orchestrator.core.state import ACTIVE, State
from tests.simulation.invariants.work import PENNY

if TYPE_CHECKING:
    from tests.simulation.world import World


def may_begin(state: State) -> bool:
    """Neither the hour nor the machine is against it."""
    return not state.suspended and state.closed_until is None and state.disk_low is None and state.fits != 0


def an_attempt_may_start(world: World, state: State, event: m.AttemptStarted) -> None:
    """All it needs is done, it has not landed, its breaker lets it through, and nobody used its numbers before."""
    record = state.beads[event.bead]
    assert all(state.beads[need].state is BeadState.DONE for need in record.spec.needs), "starts before its needs"
    assert event.bead not in {bead for bead, _ in world.repository.target}, "what has landed runs again"
    assert event.token > state.token, "a fencing token is used twice"
    assert event.number > record.number, "an attempt's number is used twice"
    gates = (state.breakers[event.route], state.accounts[state.traits_of(event.route).provider])
    for gate in gates:
        assert gate.state is not BreakerState.OPEN, "an attempt through an open breaker, or on a parked provider"
        assert gate.state is BreakerState.CLOSED or gate.probe is None, "two probes at once"
    assert event.probe == any(gate.state is BreakerState.HALF_OPEN for gate in gates), "it probes, and does not know"
    limits_are_kept(world, state, event)
    assert not any(begins <= event.at < ends for begins, ends in state.policy.closed), "it starts in hours of rest"
    assert not record.spec.hold or event.bead in world.let_go, "it is held, and nobody let it go"
    if event.resume is not None:
        assert world.agent_of.get(event.resume) == state.traits_of(event.route).name, "another agent's session"
    assert event.claims == state.wanted(record)
    for first in state.entitled:
        if first == event.bead:
            break
        clashes = clash(event.claims, state.wanted(state.beads[first]))
        assert not clashes or not isinstance(pick(state, first, event.at), Pick), f"{first} is passed over once more"
    if event.bead in world.stale:
        assert event.merge or not event.keep, "its worktree is on a base that did not merge"
    apart = state.collided.get(event.bead, {})
    assert not any(state.beads[other].token is not None for other in apart), "it runs beside what it collided with"


def limits_are_kept(world: World, state: State, event: m.AttemptStarted) -> None:
    """Of every pool of the route: starts are spread, no more run at once than may, and its day has tokens left."""
    for pool in state.pools_of(event.route):
        limit, before = state.limit_of(pool), world.started.get(pool, [])
        world.started[pool] = [*before, event.at]
        if limit is None:
            continue
        if limit.requests_per_minute is not None and before:
            assert event.at - before[-1] >= 60.0 / limit.requests_per_minute - PENNY, f"{pool}: too soon"
        if limit.sessions is not None:
            running = [each for each in state.attempts.values() if each.agent_ended is None]
            at_once = sum(pool in state.pools_of(each.route) for each in running)
            assert at_once < limit.sessions, f"{pool}: {at_once} run already"
        day = state.pools[pool].day
        if limit.tokens_per_day is not None and day is not None and day.until > event.at:
            assert day.tokens < limit.tokens_per_day, f"{pool}: its day is used up"


def a_session_may_be_given_up(state: State, event: m.SessionGivenUp) -> None:
    """For silence: only after it was spoken to, where it can be, and what is stopped hears nothing; never while it
    waits for a person."""
    attempt = state.attempts[event.token]
    if attempt.suspended is not None:
        assert event.ending not in (Ending.SILENT, Ending.TIMED_OUT), "it stands still by our own will"
    if event.ending is Ending.SILENT:
        stopped = event.reason.endswith("or more") and state.worker_of(attempt).unwell_at is not None
        assert attempt.nudged or stopped or not state.traits_of(attempt.route).nudge, "given up without a word"
        assert not attempt.question, "who waits for a person may be silent"


def a_collision_may_be_seen(state: State, event: m.CollisionSeen) -> None:
    """Of two at work; once; the later one gives way, unless the earlier waits for its files; nobody for ever."""
    attempt, policy = state.attempts[event.token], state.policy
    assert policy.collisions is not Collisions.IGNORE, "nobody wants to know"
    seen = [each for each in attempt.collisions if each.other == event.other]
    if event.other:
        token = state.beads[event.other].token
        assert token is not None, "it collides with what is not at work"
        other = state.attempts[token]
        seen += [each for each in other.collisions if each.other == event.bead]
        for each in (attempt, other):
            assert state.worker_of(each).state in (WorkerState.STARTING, WorkerState.RUNNING), "it is over"
        later = (attempt.started, attempt.token) > (other.started, other.token)
        first = event.other in state.locks.blockers.get(event.bead, ())
        assert later or first, "the earlier one gives way"
    assert not set(event.paths) <= {path for each in seen for path in each.paths}, "that is known"
    often = state.beads[event.bead].put_backs >= policy.put_back_first
    put_back = policy.collisions is Collisions.PUT_BACK and not often and state.stopping is None
    assert event.answer is (Collisions.PUT_BACK if put_back else Collisions.TELL)
    assert not event.text or (state.traits_of(attempt.route).nudge and not attempt.typing), "nobody can type that"


def a_worktree_may_be_kept(state: State, event: m.BeadCleared) -> None:
    """Only at the end, when nothing else is left to do, and after it was tried again and again."""
    assert state.clearings.get(event.bead, 0) >= clearing.TRIES - 1, "given up too soon"
    assert not state.attempts, "given up while others are at work"
    assert not any(state.counts[each] for each in ACTIVE), "given up before the end"


def a_car_boards_in_its_turn(state: State, event: m.CarComposed | m.CarSetAside) -> None:
    """Of all that could board, nothing comes before it in the order; one that is on the train keeps its place."""
    if event.bead in state.train:
        return
    able = [
        bead for bead, until in state.merging.items() if not until and bead not in (*state.train, *state.locks.waits)
    ]

    def behind(bead: BeadId) -> float:
        return max((behind(each) + state.graph.estimate_s(each) for each in state.graph.dependents(bead)), default=0.0)

    def rank(bead: BeadId) -> tuple[int, float, float, str]:
        return (state.graph.beads[bead].priority, -behind(bead), state.beads[bead].since, bead)

    assert min(able, key=rank) == event.bead, "it boards before its turn"


def no_tree_is_checked_twice(state: State, event: m.CarChecked) -> None:
    """What has passed is known; what has failed is asked again as often as the policy says."""
    trial = state.trials.get(event.tree)
    assert trial is None or (not trial.passed and trial.failures < state.policy.check_tries), "checked once more"
