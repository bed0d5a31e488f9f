"""What must hold after every step of those that wait: there is an end to it, and a reason for it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from orchestrator.core.claims import clash
from orchestrator.core.decide.pools import has_room
from orchestrator.core.model import BeadState, BreakerState, Budget, RunState, WorkerState
from tests.simulation.invariants.beforehand import may_begin

if TYPE_CHECKING:
    from tests.simulation.world import World


def nobody_waits_in_a_ring(world: World) -> None:
    """Each who waits waits for exactly those who hold what he wants, is still at work, and no deadlock is left."""
    locks, beads = world.state.locks, world.state.beads
    assert set(locks.waits) == set(locks.blockers)
    for bead, wait in locks.waits.items():
        holders = {other for other, held in locks.held.items() if other != bead and clash(wait.claims, held)}
        assert set(locks.blockers[bead]) == holders, f"{bead} waits for {holders}"
        assert holders or not world.state.swept, f"{bead} waits for nobody"
        assert beads[bead].token == wait.token, f"{bead} waits in an attempt that is over"
        assert wait.until is None or ("wait", bead) in world.state.deadlines._due
    left = {bead: set(blockers) for bead, blockers in locks.blockers.items()}
    while free := [bead for bead, blockers in left.items() if not blockers & left.keys()]:
        for bead in free:
            del left[bead]
    assert not left, f"{sorted(left)} wait for each other"


def everything_waits_for_something(world: World) -> None:
    """Whoever waits for a time has a deadline, nothing is overdue, and only a live session can time out."""
    state = world.state
    due = state.deadlines._due
    for bead, record in state.beads.items():
        if record.state is BeadState.READY:
            assert bead in state.ready or ("wake", bead) in due, f"{bead} is ready, and nobody will look at it"
        if record.state is BeadState.MERGING and state.merging[bead] > world.heard_at:
            assert ("land", bead) in due, f"{bead} waits to land, and nobody will look at it"
    for route, breaker in state.breakers.items():
        opens = breaker.state is BreakerState.OPEN and breaker.until is not None
        assert opens == (("breaker", route) in due), f"{route} is {breaker.state} until {breaker.until}"
    for provider, account in state.accounts.items():
        assert (account.state is BreakerState.OPEN) == (("provider", provider) in due), f"{provider} never wakes"
        assert (account.until is None) == (account.state is not BreakerState.OPEN)
    running = Counter(
        name for each in state.attempts.values() if each.agent_ended is None for name in state.pools_of(each.route)
    )
    for name, pool in state.pools.items():
        assert pool.next_at <= world.heard_at or ("pace", name) in due, f"nobody will look at {name}"
        assert pool.running == running[name], f"{name} thinks {pool.running} run"
    assert state.closed_until is None or ("hours", "") in due, "the hours never end"
    for worker in state.workers.values():
        assert (worker.state is WorkerState.BACKOFF) == (("worker", worker.id) in due), f"{worker.id} never wakes"
    for kind, what in due:
        if kind in ("start", "bead", "question"):
            attempt = state.live(what)
            assert attempt is not None
            assert state.worker_of(attempt).state in (WorkerState.STARTING, WorkerState.RUNNING), "it is over already"
    waiting = {bead for kind, bead in due if kind == "clear"}
    assert waiting <= set(state.clearings) <= set(state.to_clear), "a clearing waits that is not to be"
    if state.swept and state.ended_at is None:
        following = state.deadlines.next()
        assert following is None or following > world.heard_at, "something is overdue"
        assert not state.readable, "something could be made ready"


def nobody_waits_in_vain(world: World) -> None:
    """While a worker is free, no ready bead is passed over that could start."""
    state = world.state
    idle = state.worker_counts[WorkerState.IDLE] and state.worker_counts[WorkerState.STARTING] < state.policy.max_starts
    going = state.run is RunState.RUNNING and state.swept and state.stopping is None and may_begin(state)
    if not idle or not going or state.ended_at is not None or world.manifest.budget != Budget():
        return
    for bead in state.ready._line_of:
        record = state.beads[bead]
        wanted = state.wanted(record)
        if bead in state.unforeseen and ("prediction", "") in state.deadlines._due:
            continue  # it is being looked at, and there is an end to that
        if any(state.beads[other].token is not None for other in state.collided.get(bead, {})):
            continue
        if any(clash(wanted, held) for held in state.locks.held.values()):
            continue
        if any(clash(wanted, wait.claims) for wait in state.locks.waits.values()):
            continue
        if any(clash(wanted, state.wanted(state.beads[first])) for first in state.entitled if first != bead):
            continue
        shunned = {route for route, until in record.shunned if until > world.heard_at}
        routes = [route for route in record.spec.routes if route not in shunned] or list(record.spec.routes)
        for route in routes:
            gates = (state.breakers[route], state.account_of(route))
            free = all(
                gate.state is BreakerState.CLOSED or (gate.state is BreakerState.HALF_OPEN and gate.probe is None)
                for gate in gates
            )
            assert not free or not has_room(state, route, world.heard_at), f"{bead} could start on {route}"
        every = [state.breakers[route] for route in record.spec.routes]
        shut = all(breaker.state is BreakerState.OPEN and breaker.until is None for breaker in every)
        assert not shut, f"no route will ever let {bead} through, and it goes on waiting"
