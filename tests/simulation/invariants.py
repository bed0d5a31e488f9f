"""What must hold after every step, and at the end of a night: a function each.

Each takes the whole world, raises `AssertionError`, and counts again from the records what the state keeps counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from orchestrator.core import clearing
from orchestrator.core import messages as m
from orchestrator.core.claims import clash
from orchestrator.core.decide import fences
from orchestrator.core.decide.money import committed
from orchestrator.core.decide.pools import has_room
from orchestrator.core.decide.routing import Pick, pick
from orchestrator.core.decide.width import PER_CORE
from orchestrator.core.model import BeadId, BeadState, BreakerState, Budget, Collisions, Ending, RunState, WorkerState
from orchestrator.core.owed import owed
from orchestrator.core.pull_requests import behind, below, of
from orchestrator.core.records import BeadRecord
from orchestrator.core.state import ACTIVE, LIVE, State
from tests.simulation.likeness import differences, share

if TYPE_CHECKING:
    from tests.simulation.world import World

LOST_CAUSES = frozenset({BeadState.FAILED, BeadState.BLOCKED, BeadState.CANCELLED})
AT_WORK = frozenset({BeadState.RUNNING, BeadState.VERIFYING})
HOLDING = AT_WORK | {BeadState.MERGING}
PENNY = 1e-6


def may_begin(state: State) -> bool:
    """Neither the hour nor the machine is against it."""
    return not state.suspended and state.closed_until is None and state.disk_low is None and state.fits != 0


# ---------------------------------------------------------------- before an event is applied


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
    put_back = policy.collisions is Collisions.PUT_BACK and not often
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


# ---------------------------------------------------------------- after every step


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


def counts_are_right(world: World) -> None:
    """What is kept counted equals what is there."""
    state = world.state
    assert state.counts == dict.fromkeys(BeadState, 0) | Counter(r.state for r in state.beads.values())
    assert state.worker_counts == dict.fromkeys(WorkerState, 0) | Counter(w.state for w in state.workers.values())
    for record in state.beads.values():
        if record.state is BeadState.WAITING:
            unmet = sum(state.beads[need].state is not BeadState.DONE for need in record.spec.needs)
            assert record.unmet == unmet, f"{record.spec.id} waits for {unmet}, and thinks {record.unmet}"


def blocked_means_blocked(world: World) -> None:
    """A bead is blocked exactly when something that it needs is lost, unless nobody wants it any more."""
    beads = world.state.beads
    for bead, record in beads.items():
        if not record.removed and record.state in (BeadState.BLOCKED, BeadState.WAITING):
            lost = any(beads[need].state in LOST_CAUSES for need in record.spec.needs)
            assert lost or record.state is BeadState.WAITING, f"{bead} is blocked by nothing"
            assert not lost or record.state is BeadState.BLOCKED, f"{bead} waits for what will not come"


def asking_twice_is_the_same(world: World) -> None:
    """What is owed depends on the state alone, and is owed once."""
    first = list(owed(world.state))
    assert first == list(owed(world.state))
    assert len(set(first)) == len(first), "an effect is owed twice"


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


def the_train_is_of_verified_beads(world: World) -> None:
    """Whoever lands is on the train, at its head, and the queue holds exactly the verified beads."""
    state = world.state
    assert set(state.merging) == {bead for bead, record in state.beads.items() if record.state is BeadState.MERGING}
    assert set(state.train) <= set(state.merging)
    assert state.landing == tuple(state.train)[: len(state.landing)], "somebody lands before his turn"
    assert (state.tip is not None) <= bool(state.train), "an empty train knows where the target was once"


def the_target_only_grows(world: World) -> None:
    """Landings are never taken back, none is there twice, and the state knows of none that is not there."""
    target = world.repository.target
    assert target[: len(world.seen_target)] == world.seen_target, "the target moved backwards"
    world.seen_target = list(target)
    landed = [bead for bead, _ in target]
    assert len(set(landed)) == len(landed), "a bead landed twice"
    repository, at = world.repository, world.repository.tip
    if world.manifest.verify:
        for bead, commit in target if world.manifest.policy.batch == 1 else ():
            assert repository.merged[commit].tree in repository.green, f"{bead} landed, and nobody has checked that"
        for commit in repository.tips:
            assert repository.merged[commit].tree in repository.green, "the target was where nobody has checked it"
    on_it = set()
    while at != "base":
        on_it.add(at)
        at = repository.merged[at].onto
    assert {commit for _, commit in target} <= on_it, "what landed is not on the target"
    known = {bead for bead, record in world.state.beads.items() if record.commit is not None}
    assert known <= set(landed), "said to be landed, and is not"


def what_is_said_to_be_pushed_is_there(world: World) -> None:
    """The remote has at least what the state says, and at the end of a run everything, unless it failed too often."""
    state, repository = world.state, world.repository
    remote = repository.remote
    assert remote == repository.target[: len(remote)], "the remote was overwritten"
    is_wanted = state.policy.push_to and state.policy.requests is None
    assert not remote or is_wanted, "nobody asked for a push"
    assert len(remote) + len(repository.followed) >= state.pushed, "said to be pushed, and is not there"
    if state.run is RunState.FINISHED and is_wanted and state.push_failures < state.policy.push_tries:
        assert remote == repository.target, "the run ended before the target was pushed"


def the_base_is_taken_in_green_or_not_at_all(world: World) -> None:
    """Only where that is wanted; what the state says of it is so; nothing else lands while it is on its way."""
    state, repository = world.state, world.repository
    wanted = state.policy.follow_base
    assert wanted or not repository.followed, "nobody asked to follow the base"
    assert set(state.bases) <= set(repository.followed), "said to be on the target, and is not"
    assert state.following is None or not state.landing, "a bead lands while the base is on its way"
    if world.manifest.verify:
        for commit in repository.followed:
            assert repository.merged[commit].tree in repository.green, "the base was taken in, and nobody checked that"


def pull_requests_are_opened_once(world: World) -> None:
    """Each once, of what has landed, on top of those that it stands on; at the end of a run all, but for faults."""
    state, repository = world.state, world.repository
    landed = [bead for bead, _ in repository.target]
    for bead, opened in repository.open.items():
        assert len(opened) <= 1, f"{len(opened)} pull requests of {bead or 'the night'}"
        assert not bead or bead in landed, "a pull request of what has not landed"
        assert not opened or all(repository.open.get(need) for need in below(state, bead)), "it stands on nothing"
    for bead, request in state.requests.items():
        if request.turn and not request.doubt:
            assert repository.open.get(bead), "said to be open, and is not"
    if state.run is RunState.FINISHED:
        for bead, _ in behind(state):
            fault = state.requests.get(bead)
            stacked = any(not of(state, need).turn for need in below(state, bead))
            assert stacked or (fault and fault.failures >= state.policy.push_tries), "ended before it was proposed"


def the_log_is_the_state(world: World) -> None:
    """A second state that hears every event once it is committed is the same as the one that decided."""
    assert not (apart := differences(world.shadow, world.state)), f"they differ in {apart}"
    share(world.state, world.shadow)


def nothing_is_lost(world: World) -> None:
    """Whatever an agent made is on the target, on a branch, in the attic or still in its worktree."""
    repository = world.repository
    for bead, units in repository.written.items():
        desk = repository.desks.get(bead)
        assert units <= repository.kept(bead) | (desk.units if desk else set()), f"work of {bead} is gone"


AFTER_EVERY_STEP: tuple[Callable[[World], None], ...] = (
    files_are_held_by_one,
    nobody_waits_in_a_ring,
    one_worker_one_bead,
    questions_are_with_a_person,
    starts_are_bounded,
    workers_are_as_many_as_are_wanted,
    who_stands_still_is_known,
    budget_is_kept,
    counts_are_right,
    blocked_means_blocked,
    asking_twice_is_the_same,
    everything_waits_for_something,
    nobody_waits_in_vain,
    the_train_is_of_verified_beads,
    the_target_only_grows,
    what_is_said_to_be_pushed_is_there,
    pull_requests_are_opened_once,
    the_base_is_taken_in_green_or_not_at_all,
    nothing_is_lost,
    the_log_is_the_state,
)


# ---------------------------------------------------------------- at the end


def everything_has_settled(world: World) -> None:
    """Done, failed, blocked or cancelled; or with a person; or behind one that is; or there is no money."""
    beads = world.state.beads
    stuck = {bead for bead, record in beads.items() if record.state is BeadState.HELD}
    for bead in world.state.graph.beads:  # the generator puts needs first
        record = beads[bead]
        if record.state is BeadState.WAITING and any(need in stuck for need in record.spec.needs):
            stuck.add(bead)
        elif world.out_of_money():
            assert record.state not in HOLDING
        elif record.state is not BeadState.HELD:
            assert record.state in (BeadState.DONE, *LOST_CAUSES), f"{bead} is {record.state} for ever"


def nothing_is_left_over(world: World) -> None:
    """No locks, no workers at work, no live sessions, no worktrees; what was made can be found without them."""
    state, repository = world.state, world.repository
    assert not state.locks.held
    assert not state.locks.waits
    assert all(state.beads[bead].state is BeadState.READY for bead in state.entitled), "of what is not to start"
    assert not state.attempts
    assert not state.merging
    assert not state.to_clear or world.out_of_money(), "what a paused run could not clear away waits for its next start"
    assert not state.landing
    assert not state.train
    assert all(worker.state not in LIVE for worker in state.workers.values())
    assert not [session for session in world.sessions if session.alive], "an agent outlives the run"
    left = {
        bead
        for bead in repository.desks
        if bead not in world.refused and bead not in state.to_clear and state.beads[bead].state is not BeadState.READY
    }
    assert not left, f"worktrees of {left} are left"
    for bead, units in repository.written.items():
        if bead not in repository.desks:
            assert units <= repository.kept(bead)


def what_is_done_has_landed(world: World) -> None:
    """Done with a commit is on the target once; nothing else is there, but what a person gave up in its last moment."""
    landed = [bead for bead, _ in world.repository.target]
    for bead, record in world.state.beads.items():
        expected = record.state is BeadState.DONE and record.commit is not None
        assert landed.count(bead) == expected, f"{bead} is {record.state}, and {landed.count(bead)} times on the target"


def who_strayed_does_not_land(world: World) -> None:
    """Of the very attempt that was shown to have tampered with what is not its own."""
    strayed = {event.token for event in world.log if isinstance(event, m.FenceCrossed) and fences.strayed(event.strays)}
    landed = {event.token for event in world.log if isinstance(event, m.BeadLanded)}
    assert not strayed & landed, "work of an agent that went beyond its ground has landed"


AT_THE_END: tuple[Callable[[World], None], ...] = (
    everything_has_settled,
    nothing_is_left_over,
    what_is_done_has_landed,
    who_strayed_does_not_land,
)
