"""Why a bead is not running, or what it is doing, in plain sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile

from orchestrator.core.claims import clashing
from orchestrator.core.decide.pools import has_room
from orchestrator.core.messages import Event
from orchestrator.core.model import BeadId, BeadState, BreakerState, RouteName, RunState, WorkerState
from orchestrator.core.records import BeadRecord
from orchestrator.core.state import State
from orchestrator.views import collisions
from orchestrator.views.board import doing
from orchestrator.views.causes import root_causes, unmet
from orchestrator.views.history import Try, history
from orchestrator.views.predictions import predictions, told
from orchestrator.views.report_text import strays_in_words, try_in_words
from orchestrator.views.times import moment, span


def explain(state: State, bead: BeadId, now: float, events: Iterable[Event] = ()) -> str:
    """Raises `KeyError` for a bead that is not in the run. With the run's events, what was tried is told as well."""
    record = state.beads[bead]
    since = f"{moment(record.since, now)} ({span(now - record.since)})"
    lines = [f"{bead} ({record.spec.title}): {record.state} since {since}."]
    lines += _TELL[record.state](state, record, now)
    if record.state not in _OVER:
        lines += _standing(state, now)
    events = tuple(events)
    lines += told(predictions(events).of(bead))
    lines += collisions.told(collisions.collisions(events), bead, now)
    tries = history(events).of(bead)
    if tries:
        lines += ["", "What was tried:", *(f"- {line}" for each in tries for line in _told(each))]
    return "\n".join(lines)


def _told(each: Try) -> Iterator[str]:
    yield try_in_words(each)
    yield from strays_in_words(each)


_OVER = (BeadState.DONE, BeadState.FAILED, BeadState.CANCELLED)


def _standing(state: State, now: float) -> Iterator[str]:
    """What keeps every bead."""
    because = f": {state.run_reason}" if state.run_reason else ""
    if state.ended_at is not None:
        yield f"The run is {state.run}{because}. Run it again to go on with it."
    elif state.stopping is not None:
        yield f"The run is stopping{because}: nothing new starts."
    elif state.run is RunState.PAUSED:
        yield f"The run is paused{because}: nothing new starts until `orchestrator resume`."
    elif state.disk_low is not None:
        yield (
            f"The disk is nearly full ({state.disk_low / 2**30:.1f} GiB were free): nothing new starts below "
            f"{state.policy.disk_floor / 2**30:.1f} GiB. Make room, `orchestrator clean` say, and it goes on by itself."
        )
    elif state.fits == 0:
        yield (
            f"The machine has no room for another agent: {state.tight}. It goes on by itself once there is; "
            "`orchestrator run --force` starts agents all the same."
        )
    elif state.closed_until is not None:
        until = f"{moment(state.closed_until, now)} (in {span(state.closed_until - now)})"
        yield f"These are hours in which nothing new starts, until {until}."


# ---------------------------------------------------------------- one state each


def _waiting(state: State, record: BeadRecord, now: float) -> Iterator[str]:
    needs = unmet(state, record.spec.id)
    if not needs:
        yield "All that it needs is done: it becomes ready at the next step."
        return
    total = len(record.spec.needs)
    of_them = "what it needs" if total == 1 else f"{len(needs)} of the {total} beads that it needs"
    yield f"It waits for {of_them}: {', '.join(_standing_of(state, need) for need in needs)}."
    roots = [cause for cause in root_causes(state, record.spec.id) if cause not in needs]
    if roots:
        yield f"In the end that waits for {', '.join(_standing_of(state, cause) for cause in roots)}."


def _blocked(state: State, record: BeadRecord, now: float) -> Iterator[str]:
    roots = root_causes(state, record.spec.id)
    for cause in roots:
        broken = state.beads[cause]
        because = f": {broken.reason}" if broken.reason else ""
        path = _path(state, record.spec.id, cause)
        yield f"It needs {cause} ({broken.state}){because}."
        if len(path) > 2:
            yield f"The way there: {' → '.join(path)}."
        if broken.state in (BeadState.FAILED, BeadState.CANCELLED):
            yield f"`orchestrator retry {cause}` tries that one again, and this one with it."


def _path(state: State, bead: BeadId, cause: BeadId) -> list[BeadId]:
    """A shortest chain of needs that are not done, from the bead to its cause."""
    came_from: dict[BeadId, BeadId] = {}
    todo = [bead]
    for each in todo:
        for need in unmet(state, each):
            if need not in came_from:
                came_from[need] = each
                todo.append(need)
    path = [cause]
    while path[-1] != bead:
        path.append(came_from[path[-1]])
    return path[::-1]


def _ready(state: State, record: BeadRecord, now: float) -> Iterator[str]:
    if record.spec.id in state.unforeseen and state.deadlines.at(("prediction", "")) is not None:
        yield "It says nothing of its files: which ones it may touch is being looked for."
    found = [
        *_time(record, now),
        *_apart(state, record),
        *_files(state, record),
        *_routes(state, record, now),
        *_workers(state),
    ]
    yield from found
    if not found and state.run is RunState.RUNNING and state.stopping is None:
        yield from _turn(state, record)


def _time(record: BeadRecord, now: float) -> Iterator[str]:
    if record.not_before > now:
        because = f", because the last attempt ended so: {record.reason}" if record.reason else ""
        yield f"It is left alone until {moment(record.not_before, now)} (in {span(record.not_before - now)}){because}."


def _apart(state: State, record: BeadRecord) -> Iterator[str]:
    for other in state.collided.get(record.spec.id, ()):
        if state.beads[other].token is not None:
            yield (
                f"Its work did not merge with that of {_standing_of(state, other)}: the two are not run side by side "
                "again."
            )


def _files(state: State, record: BeadRecord) -> Iterator[str]:
    wanted = state.wanted(record)
    for holder, held in state.locks.held.items():
        patterns = clashing(wanted, held)
        if patterns and holder != record.spec.id:
            standing = _standing_of(state, holder)
            yield f"Its files are held by {standing}; where they meet: {', '.join(patterns)}."
    for waiter, wait in state.locks.waits.items():
        patterns = clashing(wanted, wait.claims)
        if patterns:
            yield f"{waiter} is at work and waits for {', '.join(patterns)}: it goes first."
    for first in state.entitled:
        if first == record.spec.id:
            break
        if clashing(wanted, state.wanted(state.beads[first])):
            other = state.beads[first]
            how = f"gave way {other.put_backs}" if other.put_backs else f"was overtaken {other.overtaken}"
            yield f"{first} {how} times, and takes all of its files first."


def _routes(state: State, record: BeadRecord, now: float) -> Iterator[str]:
    """Only where none of the chain lets it through."""
    told = [(route, _route(state, route, now) or _full(state, route, now)) for route in state.chain(record, now)]
    if told and all(why for _, why in told):
        for route, why in told:
            yield f"Its route {route} {why}."


def _route(state: State, route: RouteName, now: float) -> str:
    """Why it lets nothing through; empty: it does."""
    breaker = state.gate(route)
    because = f": {breaker.reason}" if breaker.reason else ""
    if breaker.state is BreakerState.CLOSED:
        return ""
    if breaker.state is BreakerState.HALF_OPEN:
        return "is being probed by another bead" if breaker.probe is not None else ""
    if breaker.until is None:
        return f"is shut until a person resumes it (`orchestrator resume`){because}"
    return f"is shut until {moment(breaker.until, now)} (in {span(breaker.until - now)}){because}"


def _full(state: State, route: RouteName, now: float) -> str:
    """What shares a limit with it has no room; empty: there is room."""
    for name in state.pools_of(route):
        pool, limit = state.pools[name], state.limit_of(name)
        if pool.next_at > now:
            return f"starts one at a time: the next start of {name} is due in {span(pool.next_at - now)}"
        if limit is not None and limit.sessions is not None and pool.running >= limit.sessions:
            return f"waits for one of the {pool.running} sessions of {name} to end: no more may run at once"
    if not has_room(state, route, now):
        return "waits for room: what runs is taken to use up what is left of the limit"
    return ""


def _workers(state: State) -> Iterator[str]:
    if not state.worker_counts[WorkerState.IDLE]:
        counts = [f"{count} {each}" for each, count in state.worker_counts.items() if count]
        yield f"No worker is free: of {len(state.workers)}, {', '.join(counts)}."
    elif state.worker_counts[WorkerState.STARTING] >= state.policy.max_starts:
        yield f"No more than {state.policy.max_starts} may be starting at once."


def _turn(state: State, record: BeadRecord) -> Iterator[str]:
    rank = state.graph.ranks[record.spec.id]
    before = sum(
        other.state is BeadState.READY and state.graph.ranks[other.spec.id] < rank for other in state.beads.values()
    )
    if before:
        yield f"Nothing keeps it but its turn: {before} ready {'bead goes' if before == 1 else 'beads go'} before it."
    else:
        yield "Nothing keeps it: it is the next to start."


def _running(state: State, record: BeadRecord, now: float) -> Iterator[str]:
    attempt = state.attempts.get(record.token) if record.token is not None else None
    if attempt is None:
        return
    worker = state.workers[attempt.worker]
    since = moment(attempt.started, now)
    said = f"Attempt {attempt.number} on {attempt.route}, by {worker.id} ({worker.state}), since {since}"
    what = doing(worker.state, attempt, checked=bool(record.spec.verify))
    yield f"{said}: {what}." if what else f"{said}."
    left = (attempt.started + record.spec.timeout_s) - now
    if worker.state is WorkerState.RUNNING and left > 0:
        yield f"It has {span(left)} left."
    if attempt.checkpoint is not None and attempt.checkpointed is not None:
        yield f"Its newest checkpoint is {attempt.checkpoint[:12]}, of {moment(attempt.checkpointed, now)}."
    if record.attempts > 1 and record.reason:
        yield f"The attempt before ended so: {record.reason}."


def _verifying(state: State, record: BeadRecord, now: float) -> Iterator[str]:
    yield from _running(state, record, now)
    if record.spec.verify:
        yield f"It must pass {', '.join(f'`{command}`' for command in record.spec.verify)} in its worktree."


def _merging(state: State, record: BeadRecord, now: float) -> Iterator[str]:
    bead = record.spec.id
    until = state.merging.get(bead, 0.0)
    order = state.landing_order()
    if bead == order[0] and until <= now:
        checks = ", ".join(f"`{command}`" for command in state.manifest.verify)
        yield f"It is being merged into {state.manifest.target}" + (f", and checked by {checks}." if checks else ".")
    elif until > now:
        yield f"Its landing is tried again at {moment(until, now)}: {record.reason}."
    else:
        before = list(takewhile(lambda each: each != bead, order))
        ahead = ", and merged and checked ahead" if bead in state.train else ""
        yield f"It is in the merge queue behind {', '.join(before)}{ahead}."


def _done(state: State, record: BeadRecord, now: float) -> Iterator[str]:
    if record.commit is None:
        yield f"Nothing had to land: {record.reason}."
    elif not record.attempts:
        yield f"It stood on {state.manifest.target} before this run, as {record.commit[:12]}."
    else:
        times = "1 attempt" if record.attempts == 1 else f"{record.attempts} attempts"
        by = "its command" if record.spec.command else record.route
        yield f"It landed on {state.manifest.target} as {record.commit[:12]}, by {by}, after {times}."


def _failed(state: State, record: BeadRecord, now: float) -> Iterator[str]:
    yield f"Why: {record.reason or 'no reason was given'}."
    if record.attempts:
        tries = f"{record.tries} of its {record.spec.tries} tries are used up"
        yield f"It was started {_times(record.attempts)}, and {tries}."
        yield f"Its work is in the branch orchestrator-work/{state.manifest.name}/{record.spec.id}."
        yield f"Its last session is in recordings/{record.spec.id}.{record.number}.cast."
    yield f"`orchestrator retry {record.spec.id}` tries it again."


def _held(state: State, record: BeadRecord, now: float) -> Iterator[str]:
    if record.attempts and record.reason != record.spec.hold:
        yield f"Its agent asks: {record.reason}"
        yield f'`orchestrator answer {record.spec.id} "…"` answers, and lets it go on.'
    else:
        yield f"Its author wants a person to let it go: {record.reason}"
        yield f"`orchestrator retry {record.spec.id}` does."


def _cancelled(state: State, record: BeadRecord, now: float) -> Iterator[str]:
    yield f"Why: {record.reason}."
    yield f"`orchestrator retry {record.spec.id}` takes it up again."


_TELL: dict[BeadState, Callable[[State, BeadRecord, float], Iterator[str]]] = {
    BeadState.WAITING: _waiting,
    BeadState.READY: _ready,
    BeadState.RUNNING: _running,
    BeadState.VERIFYING: _verifying,
    BeadState.MERGING: _merging,
    BeadState.DONE: _done,
    BeadState.FAILED: _failed,
    BeadState.BLOCKED: _blocked,
    BeadState.HELD: _held,
    BeadState.CANCELLED: _cancelled,
}


def _standing_of(state: State, bead: BeadId) -> str:
    """`skeleton (running on w3)`."""
    record = state.beads[bead]
    attempt = state.attempts.get(record.token) if record.token is not None else None
    where = f" on {attempt.worker}" if attempt is not None and record.state is BeadState.RUNNING else ""
    return f"{bead} ({record.state}{where})"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
