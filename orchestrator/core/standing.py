"""Where a run stands: its records, its side views, and what is read off the two together.

Side views (what is ready, who holds which files, what is due when) are kept beside the records so that a decision
never has to look through the graph. Only `changes` moves it. Knows no policy.
"""

from __future__ import annotations

from typing import Any

from orchestrator.core import messages as m
from orchestrator.core.claims import added
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
from orchestrator.core.ranked import Ranked
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

Due = tuple[str, Any]
"""What a deadline is for: the start or the end of an attempt, a bead's waiting time, its wait for files, a landing, a
prediction, a breaker, a provider, a pool's next start or the end of its day or window, a worker, the hours, a push,
a clearing, a pull request, the base."""


class Standing:
    """The records of one run and the side views beside them, before its manifest is taken in; `changes` moves them on,
    event by event."""

    def __init__(self, planned: m.RunPlanned) -> None:
        self.manifest: Manifest = planned.manifest
        self.policy = planned.manifest.policy
        self.traits: dict[AgentName, AgentTraits] = {traits.name: traits for traits in planned.manifest.agents}
        self.graph = TaskGraph(planned.manifest.beads)
        self.target_base = planned.target_base
        self.source = planned.source
        self.tasks = dict(planned.tasks)
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
        self.begun_before: int | None = None
        """How many beads were done when it was opened again, after something had been started; None: it was not."""
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
        self.breakers: dict[RouteName, Breaker] = {}
        self.accounts: dict[str, Account] = {}
        self.pools: dict[str, Pool] = {}
        self.closed_until: float | None = None
        """Nothing new starts before then; None: these are no hours of rest."""
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
        self.wishes: dict[BeadId, tuple[Claim, ...]] = {}
        """What ready beads want."""
        self.wished = Nearby()
        """The same by its paths."""
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
        self.proposing: BeadId | None = None
        """The one of them that is under way."""
        self.unproposed: dict[BeadId, None] = {}
        """Landed beads whose own has not been opened, as far as anybody knows, and is not in doubt."""
        self.to_clear: dict[BeadId, None] = {}
        """Beads whose worktree is to go."""
        self.clearings: dict[BeadId, int] = {}
        """How often in a row that has failed."""
        self.withdrawn: dict[BeadId, None] = {}
        """Beads that no manifest has any more, and that have not settled."""
        self.misplaced: dict[BeadId, None] = {}
        """Ready beads that by another manifest need what is not done, or whose author says to hold them."""
        self.vague = Ranked()
        """Ready beads that do not say which files they touch, and have not been at work yet."""
        self.unlooked = Ranked()
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

    def is_unlooked(self, bead: BeadId) -> bool:
        """Nobody has asked yet what it may touch, though it does not say."""
        record = self.beads[bead]
        return record.vague and record.predicted is None and bead not in self.unforeseen
