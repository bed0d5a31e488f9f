"""The lanes that carry out effects, each effect once at a time, off the control thread.

One lane does what writes the repository's own metadata (many `git worktree add` at once fail now and then, and are
slower than in turn); one lands; small pools start sessions, collect and check. What goes wrong in the world comes
back as a signal, because policy has to decide about it; only what nobody foresaw comes back as a fault.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from math import inf
from typing import TypeVar

from orchestrator.core import messages as m
from orchestrator.core.model import Collisions as Answer
from orchestrator.core.model import Commit, Ending, Policy, Token, Unasked, Verdict
from orchestrator.core.values import replace
from orchestrator.runtime.checkpoints import Checkpoints
from orchestrator.runtime.collisions import REST_S, Collisions
from orchestrator.runtime.errands import Errands
from orchestrator.runtime.lane import Lane, Urgency
from orchestrator.runtime.ports import (
    AgentMissing,
    Agents,
    Clock,
    Commands,
    Leaving,
    Letter,
    Predictor,
    Session,
    Sessions,
    SpawnFailed,
    WorkspaceFault,
    Workspaces,
)
from orchestrator.runtime.watcher import Watcher

Owed = TypeVar("Owed", bound=m.Effect)

COLLECTORS = 4
"""How many deliveries are collected at once: a few git processes each, on as many worktrees."""


class Lanes:
    def __init__(
        self,
        *,
        workspaces: Workspaces,
        predictor: Predictor,
        commands: Commands,
        sessions: Sessions,
        agents: Agents,
        clock: Clock,
        policy: Policy,
        emit: Callable[[m.Signal], None],
        fail: Callable[[BaseException], None],
        describe: Callable[[m.Propose], Letter] = lambda order: Letter(title=order.bead, body=""),
    ) -> None:
        """`describe` says what a pull request says; it is called on the thread that calls `perform`."""
        self._workspaces = workspaces
        self._errands = Errands(workspaces, predictor, clock)
        self._commands = commands
        self._sessions = sessions
        self._agents = agents
        self._clock = clock
        self._emit = emit
        self._fail = fail
        self._describe = describe
        self._base: Commit | None = None
        """Where the base branch was when it was last told."""
        self._under_way: set[m.Effect] = set()
        self._git = Lane("git", self._broke)
        self._landing = ThreadPoolExecutor(1, "landing")
        self._pushes = ThreadPoolExecutor(1, "push")
        self._foresight = ThreadPoolExecutor(1, "foresight")
        self._starts = ThreadPoolExecutor(policy.max_starts, "start")
        self._collects = ThreadPoolExecutor(COLLECTORS, "collect")
        self._checks = ThreadPoolExecutor(policy.verify_slots, "check")
        every_s = 0.0 if policy.unasked is Unasked.IGNORE else policy.watch_s
        self._watcher = Watcher(workspaces.touched, every_s=every_s, clock=clock, emit=emit, broke=self._broke)
        self._trials = ThreadPoolExecutor(policy.train, "trial")
        rest_s = min(REST_S, policy.checkpoint_s / 4.0)
        self._collisions = Collisions(workspaces.collisions, rest_s=rest_s, clock=clock, emit=emit, broke=self._broke)
        self._checkpoints = Checkpoints(
            workspaces.checkpoint,
            every_s=policy.checkpoint_s,
            clock=clock,
            emit=emit,
            broke=self._broke,
            made=_nobody if policy.collisions is Answer.IGNORE else self._collisions.checkpointed,
        )
        self._guard = threading.Lock()
        self._live: dict[Token, Session] = {}
        self._opening: set[Token] = set()
        self._unwanted: dict[Token, str] = {}

    def perform(self, owed: Iterable[m.Effect]) -> None:
        """Begin what is owed and not under way; forget what is owed no more."""
        asked = list(owed)
        wanted, fresh = set(asked), [effect for effect in asked if effect not in self._under_way]
        dropped = self._under_way - wanted
        self._under_way = wanted
        for effect in dropped:
            self._cease(effect)
        for effect in sorted(fresh, key=_age):
            self._begin(effect)

    def _cease(self, effect: m.Effect) -> None:
        """What is done for as long as it is owed."""
        match effect:
            case m.Verify():
                self._workspaces.drop(effect)
            case m.Suspend() if (session := self._session(effect.token)) is not None:
                session.go_on()

    def belongs(self, asked: m.LocksAsked) -> bool:
        """A live session made this request."""
        session = self._session(asked.token)
        return session is not None and session.belongs(asked)

    def _session(self, token: Token) -> Session | None:
        with self._guard:
            return self._live.get(token)

    def close(self) -> None:
        """End all sessions and checks; return when every thread has."""
        self._sessions.close()
        self._checkpoints.close()
        self._collisions.close()
        self._watcher.close()
        self._commands.close()
        self._git.close()
        lanes = (self._landing, self._pushes, self._trials, self._starts, self._collects, self._checks, self._foresight)
        for pool in lanes:
            pool.shutdown(wait=True, cancel_futures=True)
        with suppress(WorkspaceFault):  # what could not be removed is found and named by the proof
            self._workspaces.close()

    def _begin(self, effect: m.Effect) -> None:
        run = self._errands
        match effect:
            case m.Sweep():
                self._git.submit(self._sweep)
            case m.Leave():
                self._commands.close()
            case m.OpenSession():
                with self._guard:
                    self._opening.add(effect.token)
                self._git.submit(lambda: self._prepare(effect))
            case m.EndSession():
                self._end(effect)
            case m.Suspend():
                if (session := self._session(effect.token)) is not None:
                    session.halt()
            case m.Type():
                self._type(effect)
            case m.Save():
                self._git.submit(lambda: self._emit(run.save(effect)))
            case m.Collect():
                self._submit(self._collects, lambda: self._emit(run.collect(effect)))
            case m.Check():
                self._submit(self._checks, lambda: self._emit(run.check(effect)))
            case m.Compose():
                self._submit(self._landing, lambda: self._compose(effect))
            case m.Verify():
                self._submit(self._trials, lambda: self._if_wanted(effect, run.verify))
            case m.Advance():
                self._submit(self._landing, lambda: self._advance(effect))
            case m.Follow():
                self._submit(self._landing, lambda: self._if_wanted(effect, run.follow))
            case m.Push():
                self._submit(self._pushes, lambda: self._if_wanted(effect, run.push))
            case m.Propose():
                letter = self._describe(effect)
                self._submit(self._pushes, lambda: self._if_wanted(effect, lambda it: run.propose(it, letter)))
            case m.Foresee():
                self._submit(self._foresight, lambda: self._emit(run.foresee(effect)))
            case m.Clear():
                self._git.submit(lambda: self._if_wanted(effect, run.clear), Urgency.LATER)

    def _submit(self, pool: ThreadPoolExecutor, work: Callable[[], None]) -> None:
        pool.submit(work).add_done_callback(self._watch)

    def _watch(self, done: Future[None]) -> None:
        if done.cancelled():
            return
        fault = done.exception()
        if fault is not None:
            self._broke(fault)

    def _broke(self, fault: BaseException) -> None:
        """What nobody foresaw; that we are leaving is no fault."""
        if not isinstance(fault, Leaving):
            self._fail(fault)

    # ------------------------------------------------------------ sessions

    def _sweep(self) -> None:
        ended = self._sessions.sweep()
        self._emit(m.Swept(at=self._clock.now(), ended=ended))

    def _prepare(self, order: m.OpenSession) -> None:
        """In the git lane: the worktree. What follows may take long and happens beside it."""
        if self._is_unwanted(order):
            return
        try:
            self._workspaces.prepare(order)
        except WorkspaceFault as fault:
            self._not_started(order, Ending.NOT_STARTED, str(fault))
            return
        self._submit(self._starts, lambda: self._open(order))

    def _open(self, order: m.OpenSession) -> None:
        if self._is_unwanted(order):
            return
        try:
            place = self._workspaces.furnish(order)
            launch = self._agents.launch(order, worktree=place.worktree, scratch=place.scratch)
            walls = place.walls if place.walled or launch.sandbox is not None else None
            launch = replace(launch, env={**launch.env, **place.env}, walls=walls)
            reader = self._agents.reader(order, scratch=place.scratch)
            at_spawn = self._agents.starts_at_spawn(order.route)
            self._checkpoints.begin(order)  # before it can end, and the watcher too
            self._watcher.begin(order)
            session = self._sessions.open(order, launch, reader, at_spawn=at_spawn, emit=self._heard)
        except Leaving:
            self._not_started(order, Ending.STOPPED, "the orchestrator is leaving")
            return
        except (WorkspaceFault, SpawnFailed, OSError) as fault:
            self._not_started(order, Ending.NOT_STARTED, str(fault))
            return
        except AgentMissing as fault:
            self._not_started(order, Ending.UNAVAILABLE, str(fault))
            return
        with self._guard:
            if order.token in self._opening:  # else it has ended already
                self._live[order.token] = session
                self._opening.discard(order.token)
            unwanted = self._unwanted.pop(order.token, None)
        if m.Suspend(token=order.token) in self._under_way:  # it gave its first sign before it was known here
            session.halt()
        if unwanted is not None:
            session.end(unwanted, order.grace_s)  # it has done nothing yet

    def _not_started(self, order: m.OpenSession, ending: Ending, reason: str) -> None:
        self._watcher.end(order.token)
        self._checkpoints.end(order.token)
        self._collisions.end(order.token)
        with self._guard:
            self._opening.discard(order.token)
            self._unwanted.pop(order.token, None)
        verdict = Verdict(ending=ending, reason=reason)
        self._emit(m.SessionEnded(at=self._clock.now(), token=order.token, verdict=verdict))

    def _is_unwanted(self, order: m.OpenSession) -> bool:
        """Given up before it was open: then there is nothing to end."""
        with self._guard:
            reason = self._unwanted.get(order.token)
        if reason is None:
            return False
        self._not_started(order, Ending.STOPPED, reason)
        return True

    def _end(self, effect: m.EndSession) -> None:
        """A session that was given up in the very step that began it was never asked for: its end is told at once."""
        with self._guard:
            session = self._live.get(effect.token)
            opening = effect.token in self._opening
            if session is None and opening:
                self._unwanted[effect.token] = effect.reason
        if session is not None:
            ending = session.end
            self._checkpoints.before(effect.token, lambda: ending(effect.reason, effect.grace_s))
        elif not opening:
            verdict = Verdict(ending=Ending.STOPPED, reason=effect.reason)
            self._emit(m.SessionEnded(at=self._clock.now(), token=effect.token, verdict=verdict))

    def _type(self, effect: m.Type) -> None:
        """Into a session that is gone nothing is typed: its end is being told."""
        session = self._session(effect.token)
        if session is not None:
            session.type(effect.text, effect.turn)

    def _heard(self, signal: m.Signal) -> None:
        if isinstance(signal, m.SessionEnded):
            self._watcher.end(signal.token)
            self._checkpoints.end(signal.token)
            self._collisions.end(signal.token)
        self._emit(signal)
        if isinstance(signal, m.SessionEnded):  # after it is told: nobody may take the session for one that never was
            with self._guard:
                self._live.pop(signal.token, None)
                self._opening.discard(signal.token)

    # ------------------------------------------------------------ work

    def _if_wanted(self, effect: Owed, errand: Callable[[Owed], m.Signal]) -> None:
        """Only while it is still owed: what it stood on may have changed while it waited for its turn."""
        if effect in self._under_way:
            self._emit(errand(effect))

    def _compose(self, effect: m.Compose) -> None:
        self.look_at_base()
        self._emit(self._errands.compose(effect))

    def _advance(self, effect: m.Advance) -> None:
        self._emit(self._errands.advance(effect))
        self._collisions.target_moved()

    def look_at_base(self) -> None:
        """Tell where the base branch is, where that is news. A repository that cannot be read is looked at later."""
        with suppress(WorkspaceFault):
            commit = self._workspaces.base()
            if commit is not None and commit != self._base:
                self._base = commit
                self._emit(m.BaseSeen(at=self._clock.now(), commit=commit))


def _nobody(token: Token, commit: Commit) -> None:
    """Wants to know."""


def _age(effect: m.Effect) -> float:
    """Older attempts first, so that the lanes keep the order in which the core decided; tidying after them all."""
    match effect:
        case m.OpenSession() | m.Save() | m.Collect() | m.Check() | m.Compose():
            return effect.token
        case m.Clear() | m.Foresee():
            return inf
    return 0
