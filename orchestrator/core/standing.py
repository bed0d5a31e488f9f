"""Where a run stands: its records, its side views, and the moves that keep the two together.

Side views (what is ready, who holds which files, what is due when) are kept beside the records so that a decision
never has to look through the graph. Only `changes` moves it. Knows no policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.core import machines
from orchestrator.core import messages as m
from orchestrator.core.claims import added, clash
from orchestrator.core.deadlines import Deadlines
from orchestrator.core.graph import TaskGraph
from orchestrator.core.locks import Locks
from orchestrator.core.model import (
    AgentName,
    AgentTraits,
    Bead,
    BeadId,
    BeadState,
    BreakerState,
    Budget,
    Claim,
    Commit,
    Limit,
    Manifest,
    ProcessName,
    RouteName,
    RunState,
    Token,
    Tree,
    WorkerId,
    WorkerState,
)
from orchestrator.core.nearby import Nearby
from orchestrator.core.order import place
from orchestrator.core.ready import ReadyQueue
from orchestrator.core.records import (
    Account,
    Attempt,
    BeadRecord,
    Breaker,
    Car,
    Following,
    Point,
    Pool,
    PullRequest,
    Spent,
    Totals,
    Trial,
    Tuning,
    WorkerRecord,
)
from orchestrator.core.values import replace

ACTIVE = frozenset({BeadState.READY, BeadState.RUNNING, BeadState.VERIFYING, BeadState.MERGING})
SETTLED = frozenset({BeadState.DONE, BeadState.FAILED, BeadState.BLOCKED, BeadState.CANCELLED})
LIVE = frozenset({WorkerState.STARTING, WorkerState.RUNNING, WorkerState.TIMEOUT, WorkerState.ERROR})
"""A worker in one of these may have processes."""

OVERTAKEN_MOST = 8
"""So often may others take files of a ready bead that comes before them, while it waits for the rest of its own."""

Due = tuple[str, Any]
"""What a deadline is for: the start or the end of an attempt, a bead's waiting time, its wait for files, a landing, a
prediction, a breaker, a provider, a pool's next start or the end of its day or window, a worker, the hours, a push,
a clearing, a pull request, the base."""


class Standing:
    """The records of one run and the side views beside them; `changes` moves them on, event by event."""

    def __init__(self, planned: m.RunPlanned) -> None:
        self.manifest: Manifest = planned.manifest
        self.policy = planned.manifest.policy
        self.traits: dict[AgentName, AgentTraits] = {traits.name: traits for traits in planned.manifest.agents}
        self.graph = TaskGraph(planned.manifest.beads)
        self.target_base = planned.target_base
        self.source = planned.source
        self.tasks = planned.tasks
        self.revised_tasks: dict[BeadId, str] = {}
        """By the newest manifest; `tasks` of a bead is what its attempt was begun with, or landed as."""
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
        self.width: int | None = None
        """How many workers have turned out to be worth their while; None: as many as the policy says."""
        self.tuning: Tuning | None = None
        """None: nobody asks how many are."""
        self.surplus = 0
        """Workers that go when their attempt has ended: an earlier process had more, or a person released them."""
        self.added: dict[WorkerId, None] = {}
        self.released: dict[WorkerId, None] = {}
        """Workers that a person added or released while it ran."""
        self.pending: dict[int, m.RequestTaken] = {}
        """Requests that are under way, by their numbers."""
        self.staff(planned.at)
        self.breakers: dict[RouteName, Breaker] = {}
        self.accounts: dict[str, Account] = {}
        self.pools: dict[str, Pool] = {}
        self.know_routes(planned.manifest, planned.at)
        self.closed_until: float | None = None
        self.fits: int | None = None
        """How many more sessions the machine has room for; None: as many as may start."""
        self.suspended: dict[Token, None] = {}
        """Sessions that stand still, the one that was suspended first at the front."""
        self.tight = ""
        """What it is short of."""
        self.places: int | None = None
        """How many merged trees are checked at once, as the machine has room; None: as many as are set."""
        self.needs: dict[AgentName, int] = {}
        """Memory that a session of each agent was measured to need, in bytes."""
        self.disk_low: int | None = None
        """Bytes that were free when it ran low; None: there is room, as far as is known."""
        """Nothing new starts before then; None: these are no hours of rest."""
        self.totals = Totals()
        self.spent_by_hour: dict[int, Spent] = {}
        """Of ended attempts, by hours since the epoch; the last day's."""
        self.warned: dict[tuple[str, str, bool], None] = {}
        """Limits of the budget of which a person has been warned: whose, of what, and whether it was reached."""
        self.raised_usd: float | None = None
        """What a person let the run cost while it went on."""
        self.ready = ReadyQueue()
        self.readable: dict[BeadId, None] = {}
        """Waiting beads whose needs are all done: to be made ready."""
        self.locks = Locks()
        self.entitled: dict[BeadId, None] = {}
        """Ready beads that gave way, or were overtaken, so often that nobody may start on something of theirs before
        them."""
        self.wished = Nearby()
        """What ready beads want."""
        self._wishes: dict[BeadId, tuple[Claim, ...]] = {}
        self.merging: dict[BeadId, float] = {}
        """Verified beads, and the time before which they are left alone."""
        self.train: dict[BeadId, Car] = {}
        """Beads that are merged ahead, in the order in which they boarded."""
        self.tip: Point | None = None
        """Where the target is, as far as the train knows; None: it is to be looked for."""
        self.trials: dict[Tree, Trial] = {}
        """What the manifest's checks have said, tree by tree: none is checked twice."""
        self.flickers: dict[str, int] = {}
        """Flaky checks: how often each has failed and then passed on the same tree."""
        self.collided: dict[BeadId, dict[BeadId, None]] = {}
        """Beads whose work conflicted once: they are not run side by side again."""
        self.landing: tuple[BeadId, ...] = ()
        """What lands with the move of the target that is under way."""
        self.shoves = 0
        """How often somebody else has moved the target since our last landing."""
        self.landings = len(planned.landed)
        """How many beads have landed, and merges of the base; what stood there before may not have been pushed yet."""
        self.pushed = 0
        """How many of them the remote has."""
        self.push_commit: Commit | None = None
        """As what it has the target."""
        self.push_failures = 0
        """In a row."""
        self.push_fault = ""
        self.push_waits = False
        """Until its time."""
        self.landed: dict[BeadId, None] = {}
        """Beads that have landed in this run, in their order."""
        self.base_branch = planned.base_branch
        """The branch that the target began on, as a full ref; empty: on something that is no branch."""
        self.base_tip: Commit = planned.target_base
        """Where that branch was seen last."""
        self.base_taken: Commit = planned.target_base
        """How far the target has it."""
        self.base_taken_at = planned.at
        self.base_refused: Commit | None = None
        """What of it cannot be taken in; it is tried again once it has moved on."""
        self.base_fault = ""
        self.base_waits = False
        """Until its time."""
        self.base_rests = False
        """It was taken in, and nothing has landed since."""
        self.following: Following | None = None
        self.bases: dict[Commit, tuple[Tree, tuple[str, ...]]] = {}
        """Merges of the base on the target, each with its tree and the checks that it passed."""
        self.requests: dict[BeadId, PullRequest] = {}
        """Pull requests, by their bead; the night's own is that of no bead."""
        self.to_clear: dict[BeadId, None] = {}
        """Beads whose worktree is to go."""
        self.clearings: dict[BeadId, int] = {}
        """How often in a row that has failed."""
        self.withdrawn: dict[BeadId, None] = {}
        """Beads that no manifest has any more, and that have not settled."""
        self.misplaced: dict[BeadId, None] = {}
        """Ready beads that by another manifest need what is not done."""
        self.vague: dict[BeadId, None] = {}
        """Ready beads that do not say which files they touch, and have not been at work yet."""
        self.unlooked: dict[BeadId, None] = {}
        """Of these, those of which nobody was asked to predict it."""
        self.unforeseen: dict[BeadId, None] = {}
        """Those of the round of prediction that is under way."""
        self.foresights = 0
        """Rounds that were asked for."""
        self.foreseen_at = 0
        """How many beads had landed at the newest of them."""
        self.deadlines: Deadlines[Due] = Deadlines()
        self.muster: dict[WorkerId, str | None] = {}
        """The first wave: None while it starts, "" once started, else why it did not."""
        self.mustering = False
        self.plan(planned.manifest.beads, planned, planned.at)

    # ------------------------------------------------------------ reading

    def live(self, token: Token) -> Attempt | None:
        """The attempt, if a worker still has it: anything said of another is late, and void."""
        attempt = self.attempts.get(token)
        return attempt if attempt is not None and self.has_worker(attempt) else None

    def has_worker(self, attempt: Attempt) -> bool:
        worker = self.workers.get(attempt.worker)
        return worker is not None and worker.token == attempt.token

    def worker_of(self, attempt: Attempt) -> WorkerRecord:
        return self.workers[attempt.worker]

    def traits_of(self, route: RouteName) -> AgentTraits:
        name = AgentName(route.partition(":")[0])
        return self.traits.get(name) or AgentTraits(name=name, provider=name)

    def account_of(self, route: RouteName) -> Account:
        return self.accounts[self.traits_of(route).provider]

    def gate(self, route: RouteName) -> Breaker | Account:
        """What keeps a route shut, where something does: its provider, if that opens later than its own breaker."""
        breaker, account = self.breakers[route], self.account_of(route)
        if account.state is BreakerState.CLOSED or (breaker.state is BreakerState.OPEN and breaker.until is None):
            return breaker
        later = breaker.until is not None and account.until is not None and breaker.until > account.until
        return breaker if later else account

    def pools_of(self, route: RouteName) -> tuple[str, ...]:
        """What its starts and tokens are counted against: the provider's account, the agent, the route itself."""
        traits = self.traits_of(route)
        return tuple(dict.fromkeys((traits.provider, traits.name, route)))

    def limit_of(self, pool: str) -> Limit | None:
        return next((limit for limit in self.policy.limits if limit.pool == pool), None)

    def wanted(self, record: BeadRecord) -> tuple[Claim, ...]:
        """All the files that a bead takes when it starts."""
        more = (*record.found, *(record.predicted or ()))
        return added(record.spec.files, more) if more else record.spec.files

    def landing_order(self) -> list[BeadId]:
        """The beads on the train, and then those that are to board."""
        waiting = [bead for bead in self.merging if bead not in self.train]
        return [*self.train, *sorted(waiting, key=lambda bead: place(self.graph, bead, self.beads[bead].since))]

    def chain(self, record: BeadRecord, at: float) -> tuple[RouteName, ...]:
        """The bead's routes as they are to be tried now: the one to stay on first, demoted ones last.

        A shunned route is left out while there is another one.
        """
        shunned = {route for route, until in record.shunned if until > at}
        routes = [route for route in record.spec.routes if route not in shunned] or list(record.spec.routes)
        each = self.policy.tries_per_route
        routes.sort(key=lambda route: -1 if route == record.stay else record.strikes.count(route) // each)
        return tuple(routes)

    def used_tokens(self) -> int:
        """By all agents, as far as they said."""
        live = (attempt for attempt in self.attempts.values() if self.has_worker(attempt))
        return self.totals.tokens + sum(attempt.usage.tokens or 0 for attempt in live)

    def allowed(self, budget: Budget) -> Budget:
        """What a person let the run cost while it went on stands, unless more is said now."""
        raised = self.raised_usd
        lower = raised is not None and budget.usd is not None and budget.usd < raised
        return replace(budget, usd=raised) if lower else budget

    def unmet(self, spec: Bead) -> int:
        """How many of its needs are not done."""
        return sum(self.beads[need].state is not BeadState.DONE for need in spec.needs)

    # ------------------------------------------------------------ moving

    def know_routes(self, manifest: Manifest, at: float) -> None:
        """Each route has a breaker, and its provider an account and pools: those that are there stay as they are."""
        for route in dict.fromkeys(route for bead in manifest.beads for route in bead.routes):
            self.breakers.setdefault(route, Breaker(route=route, since=at))
            provider = self.traits_of(route).provider
            self.accounts.setdefault(provider, Account(provider=provider, since=at))
            for pool in self.pools_of(route):
                self.pools.setdefault(pool, Pool(name=pool))

    def plan(self, beads: Sequence[Bead], known: m.RunPlanned | m.Revision, at: float) -> None:
        """Take beads in. Which of them have landed is known before it is asked what is ready."""
        for spec in beads:
            landed = known.landed.get(spec.id)
            self.beads[spec.id] = BeadRecord(
                spec=spec,
                state=BeadState.DONE if landed else BeadState.WAITING,
                since=at,
                number=known.numbers.get(spec.id, 0),
                commit=landed,
                reason="it stood on the target already" if landed else "",
            )
            self.counts[self.beads[spec.id].state] += 1
        for spec in beads:
            record = self.beads[spec.id] = replace(self.beads[spec.id], unmet=self.unmet(spec))
            if record.state is BeadState.WAITING and not record.unmet:
                self.readable[spec.id] = None

    def respecify(self, bead: BeadId, spec: Bead, task: str) -> None:
        """From now on this is what the bead asks for. Only while it is in no attempt, and not done."""
        before = self.beads[bead]
        record = replace(before, spec=spec, revised=None, unmet=self.unmet(spec))
        if not set(spec.needs) <= set(before.spec.needs):  # where it went on is not on a base that holds what it needs
            record = replace(record, keep=False, resume=None)
        if spec.prompt != before.spec.prompt or spec.files != before.spec.files:
            record = replace(record, predicted=None)
        self.beads[bead] = record
        self.tasks = {**self.tasks, bead: task}
        self.misplaced.pop(bead, None)
        if record.state is BeadState.WAITING and not record.unmet:
            self.readable[bead] = None
        else:
            self.readable.pop(bead, None)
        if record.state is BeadState.READY and record.unmet:
            self.misplaced[bead] = None

    def staff(self, at: float) -> None:
        """The workers that the policy and a person want; one too many goes once it has nothing to do."""
        planned = (WorkerId(f"w{n}") for n in range(1, (self.width or self.policy.workers) + 1))
        wanted = [worker for worker in dict.fromkeys((*planned, *self.added)) if worker not in self.released]
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

    def move_bead(self, bead: BeadId, event: m.Event, **changes: Any) -> BeadRecord:
        before = self.beads[bead]
        state = machines.after(machines.BEAD, before.state, type(event), f"bead {bead}")
        record = replace(before, state=state, since=event.at if state is not before.state else before.since, **changes)
        self.beads[bead] = record
        if state is not before.state:
            self.counts[before.state] -= 1
            self.counts[state] += 1
            if before.state is BeadState.READY:
                self.leave_queue(bead)
        return record

    def leave_queue(self, bead: BeadId) -> None:
        self.ready.drop(bead)
        self._wish(bead, ())
        self.deadlines.drop(("wake", bead))
        self.vague.pop(bead, None)
        self.unlooked.pop(bead, None)
        if bead in self.entitled:
            del self.entitled[bead]
            self.ready.release(("files", bead))

    def is_unlooked(self, bead: BeadId) -> bool:
        """Nobody has asked yet what it may touch, though it does not say."""
        record = self.beads[bead]
        return _is_vague(record) and record.predicted is None and bead not in self.unforeseen

    def queue(self, bead: BeadId, at: float) -> None:
        """Into the ready queue, or aside until its time."""
        record = self.beads[bead]
        if _is_vague(record):
            self.vague[bead] = None
            if self.is_unlooked(bead):
                self.unlooked[bead] = None
        if record.not_before > at:
            self.deadlines.set(("wake", bead), record.not_before)
            return
        entitled = record.put_backs >= self.policy.put_back_first or record.overtaken >= OVERTAKEN_MOST
        if entitled:
            self.entitled[bead] = None
        # Who goes first waits in no line with those who wait for it.
        line = (self.chain(record, at), record.spec.routes, self.wanted(record), bead if entitled else None)
        self._wish(bead, self.wanted(record))
        self.ready.add(bead, self.graph.ranks[bead], line)
        shunned = [until for _, until in record.shunned if until > at]
        if shunned:
            self.deadlines.set(("wake", bead), min(shunned))

    def _wish(self, bead: BeadId, claims: tuple[Claim, ...]) -> None:
        self.wished.remove(bead, self._wishes.pop(bead, ()))
        if claims:
            self._wishes[bead] = claims
            self.wished.add(bead, claims)

    def overtake(self, bead: BeadId, claims: Sequence[Claim], at: float) -> None:
        """It takes files that ready beads want which come before it: one that has a wide set would never find it free.

        Who was overtaken too often takes all of its set first.
        """
        for other in self.wished.of(claims):
            record = self.beads[other]
            if self.graph.ranks[other] < self.graph.ranks[bead] and clash(claims, self._wishes[other]):
                self.beads[other] = replace(record, overtaken=record.overtaken + 1)
                if record.overtaken + 1 == OVERTAKEN_MOST:
                    self.queue(other, at)

    def let_go(self, bead: BeadId) -> None:
        """The bead is with nobody any more: its attempt, its files and its place in the merge queue are free."""
        record = self.beads[bead]
        if record.token is not None:
            self.attempts.pop(record.token, None)
            self.beads[bead] = replace(record, token=None)
        if record.revised is not None and record.state is not BeadState.DONE:
            self.respecify(bead, record.revised, self.revised_tasks.get(bead, ""))
        if self.locks.release(bead) or bead in self.collided:
            self.ready.release(("files", bead))
        self.deadlines.drop(("wait", bead))
        self.merging.pop(bead, None)
        self.deadlines.drop(("land", bead))
        self.leave_train(bead)

    def try_out(self, event: m.CarChecked | m.BaseChecked) -> None:
        """What the manifest's checks have said of its tree."""
        before = self.trials.get(event.tree)
        failures = (before.failures if before else 0) + (not event.passed)
        self.trials[event.tree] = Trial(
            passed=event.passed, failures=failures, command=event.command, output=event.output
        )

    def leave_train(self, bead: BeadId) -> None:
        """An empty train looks for the target anew."""
        self.landing = tuple(each for each in self.landing if each != bead)
        if self.train.pop(bead, None) and not self.train:
            self.tip = None

    def stop_waiting(self, bead: BeadId) -> None:
        """It waits for no more files than it holds."""
        if self.locks.stop_waiting(bead):
            self.ready.release(("files", bead))
        self.deadlines.drop(("wait", bead))

    def settle(self, bead: BeadId) -> None:
        self.let_go(bead)
        self.readable.pop(bead, None)
        self.withdrawn.pop(bead, None)
        self.misplaced.pop(bead, None)
        if self.beads[bead].occupies:
            self.to_clear[bead] = None

    def leave_worktree(self, bead: BeadId) -> None:
        """It is not to be cleared away any more: it is gone, or may be worked in again."""
        self.to_clear.pop(bead, None)
        self.clearings.pop(bead, None)
        self.deadlines.drop(("clear", bead))

    def move_worker(self, worker: WorkerId, event: m.Event, **changes: Any) -> WorkerRecord:
        before = self.workers[worker]
        state = machines.after(machines.WORKER, before.state, type(event), f"worker {worker}")
        since = event.at if state is not before.state else before.since
        record = replace(before, state=state, since=since, **changes)
        self.workers[worker] = record
        self.worker_counts[before.state] -= 1
        self.worker_counts[state] += 1
        return record

    def update_attempt(self, token: Token, **changes: Any) -> Attempt:
        attempt = replace(self.attempts[token], **changes)
        self.attempts[token] = attempt
        return attempt

    def move_account(self, provider: str, event: m.Event, **changes: Any) -> Account:
        before = self.accounts[provider]
        state = machines.after(machines.PROVIDER, before.state, type(event), f"provider {provider}")
        record = replace(before, state=state, since=event.at, **changes)
        self.accounts[provider] = record
        self.deadlines.drop(("provider", provider))
        self.ready.release(("provider", provider))
        return record

    def stop_clocks(self, token: Token) -> None:
        """Nothing is waited for of this session any more."""
        for clock in ("start", "bead", "question"):
            self.deadlines.drop((clock, token))

    def move_breaker(self, route: RouteName, event: m.Event, **changes: Any) -> Breaker:
        before = self.breakers.get(route) or Breaker(route=route, since=event.at)
        state = machines.after(machines.BREAKER, before.state, type(event), f"breaker of {route}")
        record = replace(before, state=state, since=event.at, **changes)
        self.breakers[route] = record
        self.deadlines.drop(("breaker", route))
        self.ready.release(("route", route))
        return record


def _is_vague(record: BeadRecord) -> bool:
    """It says nothing of its files, and nobody has worked on it yet."""
    return record.spec.prompt is not None and not record.spec.files and not record.attempts
