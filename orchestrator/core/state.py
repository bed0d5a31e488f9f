"""The state of a run: what its events amount to.

`State.apply` is the only thing that changes it; the same events always give the same state. Side views (what is
ready, who holds which files, what is due when) are kept beside the records so that a decision never has to look
through the graph. `owed` says which effects the state asks of the shell. Knows no policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from orchestrator.core import machines
from orchestrator.core import messages as m
from orchestrator.core.deadlines import Deadlines
from orchestrator.core.graph import TaskGraph, collide
from orchestrator.core.model import (
    AgentName,
    AgentTraits,
    Bead,
    BeadId,
    BeadState,
    BreakerState,
    Ending,
    Manifest,
    ProcessName,
    RouteName,
    RunState,
    Token,
    Usage,
    Verdict,
    WorkerId,
    WorkerState,
)
from orchestrator.core.ready import ReadyQueue
from orchestrator.core.records import Attempt, BeadRecord, Breaker, Money, Totals, WorkerRecord

ACTIVE = frozenset({BeadState.READY, BeadState.RUNNING, BeadState.VERIFYING, BeadState.MERGING})
SETTLED = frozenset({BeadState.DONE, BeadState.FAILED, BeadState.BLOCKED, BeadState.CANCELLED})
LIVE = frozenset({WorkerState.STARTING, WorkerState.RUNNING, WorkerState.TIMEOUT, WorkerState.ERROR})
"""A worker in one of these may have processes."""

Due = tuple[str, Any]
"""What a deadline is for: the start or the end of an attempt, a bead's waiting time, a landing, a breaker, a worker."""


class State:
    """One run. Made from its first event, `RunPlanned`; changed by `apply` alone."""

    def __init__(self, planned: m.RunPlanned) -> None:
        self.manifest: Manifest = planned.manifest
        self.policy = planned.manifest.policy
        self.traits: dict[AgentName, AgentTraits] = {traits.name: traits for traits in planned.manifest.agents}
        self.graph = TaskGraph(planned.manifest.beads)
        self.target_base = planned.target_base
        self.source = planned.source
        self.tasks = planned.tasks
        self.budget = planned.manifest.budget
        self.options: dict[str, str] = {}
        self.run = RunState.RUNNING
        self.run_reason = ""
        self.planned_at = planned.at
        self.latest = planned.at
        """The time of the newest event: none is older than the one before it."""
        self.ended_at: float | None = None
        self.epoch = 0
        self.process: ProcessName | None = None
        self.host = ""
        self.opened_at = planned.at
        self.swept = False
        self.stopping: m.RunStopping | None = None
        self.ever_started = False
        self.token = planned.token
        self.beads: dict[BeadId, BeadRecord] = {}
        self.counts: dict[BeadState, int] = dict.fromkeys(BeadState, 0)
        self.attempts: dict[Token, Attempt] = {}
        self.workers: dict[WorkerId, WorkerRecord] = {}
        self.worker_counts: dict[WorkerState, int] = dict.fromkeys(WorkerState, 0)
        self.surplus = 0
        """Workers that go when their attempt has ended: an earlier process had more."""
        self._staff(planned.at)
        self.breakers: dict[RouteName, Breaker] = {
            route: Breaker(route=route, since=planned.at) for bead in planned.manifest.beads for route in bead.routes
        }
        self.totals = Totals()
        self.ready = ReadyQueue()
        self.readable: dict[BeadId, None] = {}
        """Waiting beads whose needs are all done: to be made ready."""
        self.holders: dict[BeadId, Bead] = {}
        """Beads that hold their files."""
        self.merging: dict[BeadId, float] = {}
        """Verified beads, and the time before which they are left alone."""
        self.landing: BeadId | None = None
        self.to_clear: dict[BeadId, None] = {}
        self.deadlines: Deadlines[Due] = Deadlines()
        self.muster: dict[WorkerId, str | None] = {}
        """The first wave: None while it starts, "" once started, else why it did not."""
        self.mustering = False
        for spec in planned.manifest.beads:
            self._plan(spec, planned)

    def _plan(self, spec: Bead, planned: m.RunPlanned) -> None:
        landed = planned.landed.get(spec.id)
        record = BeadRecord(
            spec=spec,
            state=BeadState.DONE if landed else BeadState.WAITING,
            since=planned.at,
            unmet=sum(need not in planned.landed for need in spec.needs),
            number=planned.numbers.get(spec.id, 0),
            commit=landed,
            reason="it stood on the target already" if landed else "",
        )
        self.beads[spec.id] = record
        self.counts[record.state] += 1
        if record.state is BeadState.WAITING and not record.unmet:
            self.readable[spec.id] = None

    @classmethod
    def replay(cls, events: Iterable[m.Event]) -> State:
        """Raises `ValueError` where there is no first event."""
        stream: Iterator[m.Event] = iter(events)
        first = next(stream, None)
        if not isinstance(first, m.RunPlanned):
            raise ValueError("a run's history begins with RunPlanned")
        state = cls(first)
        for event in stream:
            state.apply(event)
        return state

    # ------------------------------------------------------------ reading

    def live(self, token: Token) -> Attempt | None:
        """The attempt, if a worker still has it: anything said of another is late, and void."""
        attempt = self.attempts.get(token)
        return attempt if attempt is not None and self._has_worker(attempt) else None

    def _has_worker(self, attempt: Attempt) -> bool:
        worker = self.workers.get(attempt.worker)
        return worker is not None and worker.token == attempt.token

    def worker_of(self, attempt: Attempt) -> WorkerRecord:
        return self.workers[attempt.worker]

    def traits_of(self, route: RouteName) -> AgentTraits:
        name = AgentName(route.partition(":")[0])
        return self.traits.get(name) or AgentTraits(name=name, provider=name)

    def holder_against(self, bead: Bead) -> BeadId | None:
        """Who holds files that this bead would need."""
        if bead.files:
            for holder in self.holders.values():
                if collide(bead, holder):
                    return holder.id
        return None

    def committed_usd(self) -> Money:
        spent, reserved = self.totals.usd, 0.0
        for attempt in self.attempts.values():
            if self._has_worker(attempt):
                used = attempt.usage.usd or 0.0
                spent += used
                reserved += max(attempt.reserved_usd - used, 0.0)
        return Money(spent=spent, reserved=reserved)

    def landing_order(self) -> list[BeadId]:
        return sorted(self.merging, key=self.graph.ranks.__getitem__)

    def chain(self, record: BeadRecord, at: float) -> tuple[RouteName, ...]:
        """The bead's routes as they are to be tried now: the one to stay on first, demoted ones last.

        A shunned route is left out while there is another one.
        """
        shunned = {route for route, until in record.shunned if until > at}
        routes = [route for route in record.spec.routes if route not in shunned] or list(record.spec.routes)
        each = self.policy.tries_per_route
        routes.sort(key=lambda route: -1 if route == record.stay else record.strikes.count(route) // each)
        return tuple(routes)

    # ------------------------------------------------------------ changing

    def apply(self, event: m.Event) -> None:
        """Raises `machines.IllegalTransition`; the state is then of no use any more."""
        _APPLY[type(event)](self, event)
        self.latest = max(self.latest, event.at)

    def _staff(self, at: float) -> None:
        """As many workers as the policy says; one too many goes once it has nothing to do."""
        wanted = [WorkerId(f"w{n}") for n in range(1, self.policy.workers + 1)]
        for worker in wanted:
            if worker not in self.workers:
                self.workers[worker] = WorkerRecord(id=worker, since=at)
                self.worker_counts[WorkerState.IDLE] += 1
        for worker in [each for each in self.workers if each not in set(wanted)]:
            if self.workers[worker].token is None:
                self._dismiss(worker)
        self.surplus = len(self.workers) - len(wanted)

    def _dismiss(self, worker: WorkerId) -> None:
        self.worker_counts[self.workers[worker].state] -= 1
        self.deadlines.drop(("worker", worker))
        del self.workers[worker]

    # the run

    def _run_planned(self, event: m.RunPlanned) -> None:
        raise ValueError("a run is planned once")

    def _run_opened(self, event: m.RunOpened) -> None:
        """Every session that an earlier process had is an orphan; nothing is decided before the sweep."""
        self.run = machines.after(machines.RUN, self.run, m.RunOpened, "the run")
        self.run_reason, self.ended_at, self.stopping = "", None, None
        self.epoch, self.process, self.host, self.opened_at = event.epoch, event.process, event.host, event.at
        self.swept = False
        self.mustering, self.muster = True, {}
        if event.terms is not None:
            self._agree(event.terms, event.at)
        for worker in self.workers.values():
            if worker.state in LIVE and worker.token is not None:
                self._work(worker.id, event)
                self.deadlines.drop(("start", worker.token))
                self.deadlines.drop(("bead", worker.token))

    def _agree(self, terms: m.Terms, at: float) -> None:
        self.policy, self.budget, self.options = terms.policy, terms.budget, terms.options
        self.token = max(self.token, terms.token)
        for bead, number in terms.numbers.items():
            if bead in self.beads and number > self.beads[bead].number:
                self.beads[bead] = replace(self.beads[bead], number=number)
        self._staff(at)

    def _run_swept(self, event: m.RunSwept) -> None:
        self.swept = True

    def _workers_started(self, event: m.WorkersStarted) -> None:
        self.mustering = False

    def _run_paused(self, event: m.RunPaused) -> None:
        self.run = machines.after(machines.RUN, self.run, m.RunPaused, "the run")
        self.run_reason = event.reason

    def _run_resumed(self, event: m.RunResumed) -> None:
        self.run = machines.after(machines.RUN, self.run, m.RunResumed, "the run")
        self.run_reason = event.reason

    def _run_stopping(self, event: m.RunStopping) -> None:
        self.stopping = event
        self.run_reason = event.reason

    def _run_ended(self, event: m.RunStopped | m.RunFinished) -> None:
        self.run = machines.after(machines.RUN, self.run, type(event), "the run")
        self.run_reason = event.reason
        self.ended_at = event.at

    # beads

    def _bead_readied(self, event: m.BeadReadied) -> None:
        self._move(event.bead, event)
        self.readable.pop(event.bead, None)
        self._queue(event.bead, event.at)

    def _bead_woke(self, event: m.BeadWoke) -> None:
        """Its waiting time is over: in the queue, on a route that it was to leave alone, or before its landing."""
        record = self._move(event.bead, event, not_before=0.0)
        self.deadlines.drop(("wake", event.bead))
        self.deadlines.drop(("land", event.bead))
        if record.state is BeadState.MERGING:
            self.merging[event.bead] = 0.0
        else:
            self._queue(event.bead, event.at)

    def _bead_held(self, event: m.BeadHeld) -> None:
        token = self.beads[event.bead].token
        asking = self.attempts[token] if token is not None else None
        self._move(event.bead, event, reason=event.reason)
        if asking is not None:  # the answer goes to the session that asked
            record = self.beads[event.bead]
            self.beads[event.bead] = replace(record, resume=asking.session, stay=asking.route, keep=True)
        self._settle(event.bead)

    def _bead_reopened(self, event: m.BeadReopened) -> None:
        record = self.beads[event.bead]
        unmet = sum(self.beads[need].state is not BeadState.DONE for need in record.spec.needs)
        self._move(
            event.bead, event,
            unmet=unmet, tries=0, vain=0, reason="", released=record.released or record.state is BeadState.HELD,
            not_before=0.0, shunned=(), strikes=(),
            briefing=event.briefing or record.briefing,
        )  # fmt: skip
        self.to_clear.pop(event.bead, None)
        if not unmet:
            self.readable[event.bead] = None

    def _bead_returned(self, event: m.BeadReturned) -> None:
        record = self.beads[event.bead]
        shunned = tuple((route, until) for route, until in record.shunned if until > event.at)
        self._move(
            event.bead, event,
            reason=event.reason,
            not_before=event.not_before, resume=event.resume, stay=event.route, keep=event.keep,
            briefing=event.briefing,
            tries=record.tries + event.tried, vain=record.vain + event.vain,
            strikes=(*record.strikes, event.strike) if event.strike else record.strikes,
            shunned=(*shunned, (event.shun, event.shun_until)) if event.shun else shunned,
        )  # fmt: skip
        self._let_go(event.bead)
        self._queue(event.bead, event.at)

    def _bead_queued(self, event: m.BeadQueued) -> None:
        self._move(event.bead, event)
        self.merging[event.bead] = 0.0

    def _landing_started(self, event: m.LandingStarted) -> None:
        self._move(event.bead, event)
        self.landing = event.bead

    def _landing_delayed(self, event: m.LandingDelayed) -> None:
        record = self.beads[event.bead]
        self._move(event.bead, event, reason=event.reason, vain=record.vain + 1)
        self.landing = None
        self.merging[event.bead] = event.until
        self.deadlines.set(("land", event.bead), event.until)

    def _bead_landed(self, event: m.BeadLanded) -> None:
        self._move(event.bead, event, commit=event.commit, tree=event.tree, checks=event.checks, reason="")
        self._done(event.bead)

    def _bead_done(self, event: m.BeadDone) -> None:
        self._move(event.bead, event, reason=event.reason)
        self._done(event.bead)

    def _done(self, bead: BeadId) -> None:
        self._settle(bead)
        for dependent in self.graph.dependents(bead):
            record = self.beads[dependent]
            self.beads[dependent] = replace(record, unmet=record.unmet - 1)
            if record.unmet == 1 and record.state is BeadState.WAITING:
                self.readable[dependent] = None

    def _bead_failed(self, event: m.BeadFailed) -> None:
        record = self.beads[event.bead]
        self._move(event.bead, event, reason=event.reason, tries=record.tries + event.tried)
        self._settle(event.bead)

    def _bead_blocked(self, event: m.BeadBlocked) -> None:
        self._move(event.bead, event, reason=f"needs {event.by}")
        self._settle(event.bead)

    def _bead_cancelled(self, event: m.BeadCancelled) -> None:
        self._move(event.bead, event, reason=event.reason)
        self._settle(event.bead)

    def _bead_cleared(self, event: m.BeadCleared) -> None:
        self.to_clear.pop(event.bead, None)
        record = self.beads[event.bead]
        self.beads[event.bead] = replace(record, occupies=bool(event.fault))

    # attempts

    def _attempt_started(self, event: m.AttemptStarted) -> None:
        self.token = event.token
        record = self.beads[event.bead]
        self._move(
            event.bead, event,
            number=event.number, attempts=record.attempts + 1, token=event.token, route=event.route, occupies=True,
            resume=None, stay=None, keep=False, briefing="",
        )  # fmt: skip
        self._work(event.worker, event, token=event.token)
        self.attempts[event.token] = Attempt(
            token=event.token, bead=event.bead, number=event.number, worker=event.worker, route=event.route,
            started=event.at, resume=event.resume, keep=event.keep, briefing=event.briefing, probe=event.probe,
            reserved_usd=event.reserved_usd,
        )  # fmt: skip
        self.holders[event.bead] = record.spec
        if event.probe:
            self.breakers[event.route] = replace(self.breakers[event.route], probe=event.token)
        if self.mustering:
            self.muster.setdefault(event.worker, None)

    def _session_spawned(self, event: m.SessionSpawned) -> None:
        """Its time runs from here: making the worktree and setting it up is not the agent's time."""
        attempt = self._attempt(event.token, process=event.process, worktree=event.worktree)
        state = self.workers[attempt.worker].state
        if state is WorkerState.STARTING:
            self.deadlines.set(("start", event.token), event.at + self.policy.start_timeout_s)
        if state in (WorkerState.STARTING, WorkerState.RUNNING):
            self.deadlines.set(("bead", event.token), event.at + self.beads[attempt.bead].spec.timeout_s)

    def _agent_started(self, event: m.AgentStarted) -> None:
        attempt = self._attempt(event.token, signed=event.at)
        if event.session:
            self._attempt(event.token, session=event.session)
        self._work(attempt.worker, event, failures=0, reason="")
        self._sign(attempt)

    def _sign(self, attempt: Attempt) -> None:
        self.ever_started = True
        self.deadlines.drop(("start", attempt.token))
        if self.mustering and attempt.worker in self.muster:
            self.muster[attempt.worker] = ""

    def _agent_progressed(self, event: m.AgentProgressed) -> None:
        attempt = self.attempts[event.token]
        self._attempt(
            event.token,
            note=event.note or attempt.note,
            session=event.session or attempt.session,
            usage=newer(attempt.usage, event.usage),
        )

    def _session_given_up(self, event: m.SessionGivenUp) -> None:
        attempt = self._attempt(event.token, given_up=(event.ending, event.reason))
        self._work(attempt.worker, event, reason=event.reason)
        self.deadlines.drop(("start", event.token))
        self.deadlines.drop(("bead", event.token))

    def _session_broke(self, event: m.SessionBroke) -> None:
        attempt = self._over(event.token, event.verdict, event.at)
        self._work(attempt.worker, event)
        if attempt.signed is None and self.muster.get(attempt.worker, "") is None:
            if event.verdict.ending is Ending.NOT_STARTED:
                self.muster[attempt.worker] = event.verdict.reason
            else:
                del self.muster[attempt.worker]  # the route's or our own fault, not this worker's: it starts again

    def _work_delivered(self, event: m.WorkDelivered) -> None:
        attempt = self._over(event.token, event.verdict, event.at)
        self._work(attempt.worker, event, failures=0, reason="")
        self._sign(attempt)

    def _over(self, token: Token, verdict: Verdict, at: float) -> Attempt:
        attempt = self.attempts[token]
        self.deadlines.drop(("start", token))
        self.deadlines.drop(("bead", token))
        return self._attempt(
            token,
            verdict=verdict,
            agent_ended=at,
            session=verdict.session or attempt.session,
            usage=newer(attempt.usage, verdict.usage),
        )

    def _work_collected(self, event: m.WorkCollected) -> None:
        attempt = self._attempt(event.token, collected=True, commit=event.commit, tree=event.tree, files=event.files)
        self._work(attempt.worker, event)
        self._move(attempt.bead, event)

    def _attempt_ended(self, event: m.AttemptEnded) -> None:
        self._work(event.worker, event, token=None)
        if self.surplus:
            self._staff(event.at)
        usage = event.usage
        self.totals = Totals(
            usd=self.totals.usd + (usage.usd or 0.0),
            tokens=self.totals.tokens + (usage.tokens or 0),
            unpriced=self.totals.unpriced + (usage.usd is None and not self.beads[event.bead].spec.command),
        )
        record = self.beads[event.bead]
        self.beads[event.bead] = replace(
            record,
            usd=record.usd if usage.usd is None else (record.usd or 0.0) + usage.usd,
            tokens=record.tokens if usage.tokens is None else (record.tokens or 0) + usage.tokens,
        )
        breaker = self.breakers.get(event.route)
        if breaker and breaker.probe == event.token:
            self.breakers[event.route] = replace(breaker, probe=None)
            self.ready.release(("route", event.route))

    # workers and breakers

    def _worker_backed_off(self, event: m.WorkerBackedOff) -> None:
        record = self.workers[event.worker]
        self._work(event.worker, event, failures=record.failures + 1, reason=event.reason)
        self.deadlines.set(("worker", event.worker), event.until)

    def _worker_woke(self, event: m.WorkerWoke) -> None:
        self._work(event.worker, event)
        self.deadlines.drop(("worker", event.worker))

    def _worker_failed(self, event: m.WorkerFailed) -> None:
        record = self.workers[event.worker]
        self._work(event.worker, event, failures=record.failures + 1, reason=event.reason)

    def _route_failed(self, event: m.RouteFailed) -> None:
        breaker = self.breakers[event.route]
        recent = tuple(at for at in breaker.failures if at > event.at - self.policy.breaker_window_s)
        self.breakers[event.route] = replace(breaker, failures=(*recent, event.at), reason=event.reason)

    def _breaker_opened(self, event: m.BreakerOpened) -> None:
        before = self.breakers[event.route]
        openings = before.openings + (before.state is not BreakerState.OPEN)
        self._break(
            event.route, event, until=event.until, reason=event.reason, openings=openings, failures=(), probe=None
        )
        if event.until is not None:
            self.deadlines.set(("breaker", event.route), event.until)

    def _breaker_half_opened(self, event: m.BreakerHalfOpened) -> None:
        self._break(event.route, event, until=None, probe=None)

    def _breaker_closed(self, event: m.BreakerClosed) -> None:
        self._break(event.route, event, until=None, probe=None, openings=0, failures=(), reason="")

    def _request_answered(self, event: m.RequestAnswered) -> None:
        """Concerns the one who asked, not the state."""

    def _move(self, bead: BeadId, event: m.Event, **changes: Any) -> BeadRecord:
        before = self.beads[bead]
        state = machines.after(machines.BEAD, before.state, type(event), f"bead {bead}")
        record = replace(before, state=state, since=event.at if state is not before.state else before.since, **changes)
        self.beads[bead] = record
        if state is not before.state:
            self.counts[before.state] -= 1
            self.counts[state] += 1
            if before.state is BeadState.READY:
                self._leave_queue(bead)
        return record

    def _leave_queue(self, bead: BeadId) -> None:
        self.ready.drop(bead)
        self.deadlines.drop(("wake", bead))

    def _queue(self, bead: BeadId, at: float) -> None:
        """Into the ready queue, or aside until its time."""
        record = self.beads[bead]
        if record.not_before > at:
            self.deadlines.set(("wake", bead), record.not_before)
            return
        line = (self.chain(record, at), record.spec.routes, record.spec.files)
        self.ready.add(bead, self.graph.ranks[bead], line)
        shunned = [until for _, until in record.shunned if until > at]
        if shunned:
            self.deadlines.set(("wake", bead), min(shunned))

    def _let_go(self, bead: BeadId) -> None:
        """The bead is with nobody any more: its attempt, its files and its place in the merge queue are free."""
        record = self.beads[bead]
        if record.token is not None:
            self.attempts.pop(record.token, None)
            self.beads[bead] = replace(record, token=None)
        if self.holders.pop(bead, None):
            self.ready.release(("files", bead))
        self.merging.pop(bead, None)
        self.deadlines.drop(("land", bead))
        if self.landing == bead:
            self.landing = None

    def _settle(self, bead: BeadId) -> None:
        self._let_go(bead)
        self.readable.pop(bead, None)
        if self.beads[bead].occupies:
            self.to_clear[bead] = None

    def _work(self, worker: WorkerId, event: m.Event, **changes: Any) -> WorkerRecord:
        before = self.workers[worker]
        state = machines.after(machines.WORKER, before.state, type(event), f"worker {worker}")
        since = event.at if state is not before.state else before.since
        record = replace(before, state=state, since=since, **changes)
        self.workers[worker] = record
        self.worker_counts[before.state] -= 1
        self.worker_counts[state] += 1
        return record

    def _attempt(self, token: Token, **changes: Any) -> Attempt:
        attempt = replace(self.attempts[token], **changes)
        self.attempts[token] = attempt
        return attempt

    def _break(self, route: RouteName, event: m.Event, **changes: Any) -> Breaker:
        before = self.breakers.get(route) or Breaker(route=route, since=event.at)
        state = machines.after(machines.BREAKER, before.state, type(event), f"breaker of {route}")
        record = replace(before, state=state, since=event.at, **changes)
        self.breakers[route] = record
        self.deadlines.drop(("breaker", route))
        self.ready.release(("route", route))
        return record


def newer(known: Usage, told: Usage) -> Usage:
    """What an agent told last stands; what it did not tell is kept."""
    return Usage(
        usd=known.usd if told.usd is None else told.usd,
        tokens_in=known.tokens_in if told.tokens_in is None else told.tokens_in,
        tokens_out=known.tokens_out if told.tokens_out is None else told.tokens_out,
    )


_APPLY: dict[type[m.Event], Callable[[State, Any], None]] = {
    m.RunPlanned: State._run_planned,
    m.RunOpened: State._run_opened,
    m.RunSwept: State._run_swept,
    m.WorkersStarted: State._workers_started,
    m.RunPaused: State._run_paused,
    m.RunResumed: State._run_resumed,
    m.RunStopping: State._run_stopping,
    m.RunStopped: State._run_ended,
    m.RunFinished: State._run_ended,
    m.BeadReadied: State._bead_readied,
    m.BeadWoke: State._bead_woke,
    m.BeadHeld: State._bead_held,
    m.BeadReopened: State._bead_reopened,
    m.BeadReturned: State._bead_returned,
    m.BeadQueued: State._bead_queued,
    m.LandingStarted: State._landing_started,
    m.LandingDelayed: State._landing_delayed,
    m.BeadLanded: State._bead_landed,
    m.BeadDone: State._bead_done,
    m.BeadFailed: State._bead_failed,
    m.BeadBlocked: State._bead_blocked,
    m.BeadCancelled: State._bead_cancelled,
    m.BeadCleared: State._bead_cleared,
    m.AttemptStarted: State._attempt_started,
    m.SessionSpawned: State._session_spawned,
    m.AgentStarted: State._agent_started,
    m.AgentProgressed: State._agent_progressed,
    m.SessionGivenUp: State._session_given_up,
    m.SessionBroke: State._session_broke,
    m.WorkDelivered: State._work_delivered,
    m.WorkCollected: State._work_collected,
    m.AttemptEnded: State._attempt_ended,
    m.WorkerBackedOff: State._worker_backed_off,
    m.WorkerWoke: State._worker_woke,
    m.WorkerFailed: State._worker_failed,
    m.RouteFailed: State._route_failed,
    m.BreakerOpened: State._breaker_opened,
    m.BreakerHalfOpened: State._breaker_half_opened,
    m.BreakerClosed: State._breaker_closed,
    m.RequestAnswered: State._request_answered,
}
