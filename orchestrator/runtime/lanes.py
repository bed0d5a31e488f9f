"""The lanes that carry out effects, each effect once at a time, off the control thread.

One lane does what writes the repository's own metadata (many `git worktree add` at once fail now and then, and are
slower than in turn); one lands; small pools start sessions, collect and check. What goes wrong in the world comes
back as a signal, because policy has to decide about it; only what nobody foresaw comes back as a fault.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from math import inf

from orchestrator.core import messages as m
from orchestrator.core.model import Commit, Ending, Ground, Policy, Stray, Token, Unasked, Verdict
from orchestrator.core.values import replace
from orchestrator.runtime.checkpoints import Checkpoints
from orchestrator.runtime.lane import Lane, Urgency
from orchestrator.runtime.ports import (
    AgentMissing,
    Agents,
    Clock,
    Commands,
    Composition,
    Conflict,
    Empty,
    InDoubt,
    LandedAt,
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
        self._predictor = predictor
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
        self._checkpoints = Checkpoints(
            workspaces.checkpoint, every_s=policy.checkpoint_s, clock=clock, emit=emit, broke=self._broke
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
        self._watcher.close()
        self._commands.close()
        self._git.close()
        lanes = (self._landing, self._pushes, self._trials, self._starts, self._collects, self._checks, self._foresight)
        for pool in lanes:
            pool.shutdown(wait=True, cancel_futures=True)
        with suppress(WorkspaceFault):  # what could not be removed is found and named by the proof
            self._workspaces.close()

    def _begin(self, effect: m.Effect) -> None:
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
                self._git.submit(lambda: self._save(effect))
            case m.Collect():
                self._submit(self._collects, lambda: self._collect(effect))
            case m.Check():
                self._submit(self._checks, lambda: self._check(effect))
            case m.Compose():
                self._submit(self._landing, lambda: self._compose(effect))
            case m.Verify():
                self._submit(self._trials, lambda: self._verify(effect))
            case m.Advance():
                self._submit(self._landing, lambda: self._advance(effect))
            case m.Follow():
                self._submit(self._landing, lambda: self._follow(effect))
            case m.Push():
                self._submit(self._pushes, lambda: self._push(effect))
            case m.Propose():
                letter = self._describe(effect)
                self._submit(self._pushes, lambda: self._propose(effect, letter))
            case m.Foresee():
                self._submit(self._foresight, lambda: self._foresee(effect))
            case m.Clear():
                self._git.submit(lambda: self._clear(effect), Urgency.LATER)

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
        self._emit(signal)
        if isinstance(signal, m.SessionEnded):  # after it is told: nobody may take the session for one that never was
            with self._guard:
                self._live.pop(signal.token, None)
                self._opening.discard(signal.token)

    # ------------------------------------------------------------ work

    def _save(self, effect: m.Save) -> None:
        try:
            commit, fault = self._workspaces.save(effect), ""
        except WorkspaceFault as refused:
            commit, fault = None, str(refused)
        strays = self._strays(effect)
        self._emit(m.Saved(at=self._clock.now(), token=effect.token, commit=commit, fault=fault, strays=strays))

    def _strays(self, effect: m.Save | m.Collect) -> tuple[Stray, ...]:
        """What could not be compared or put back is no fault of the work: it is said in its place."""
        try:
            return tuple(self._workspaces.strays(effect))
        except WorkspaceFault as refused:
            return (Stray(ground=Ground.REF, what="the fences", how=str(refused), shown=False),)

    def _collect(self, effect: m.Collect) -> None:
        now = self._clock.now
        try:
            work = self._workspaces.collect(effect)
        except WorkspaceFault as refused:
            strays = self._strays(effect)
            self._emit(m.Collected(at=now(), token=effect.token, commit=None, fault=str(refused), strays=strays))
            return
        strays = self._strays(effect)
        self._emit(
            m.Collected(
                at=now(), token=effect.token, commit=work.commit, tree=work.tree, files=work.files, strays=strays
            )
        )

    def _check(self, effect: m.Check) -> None:
        try:
            result = self._workspaces.check(effect)
        except WorkspaceFault as refused:
            self._emit(m.Checked(at=self._clock.now(), token=effect.token, passed=False, fault=str(refused)))
            return
        self._emit(
            m.Checked(
                at=self._clock.now(),
                token=effect.token,
                passed=result.passed,
                command=result.command,
                output=result.output,
            )
        )

    def _compose(self, effect: m.Compose) -> None:
        token = effect.token
        self.look_at_base()
        try:
            answer = self._workspaces.compose(effect)
        except WorkspaceFault as refused:
            self._emit(m.LandingRefused(at=self._clock.now(), token=token, evidence=str(refused)))
            return
        at = self._clock.now()
        match answer:
            case Composition(onto=onto, onto_tree=onto_tree, commit=commit, tree=tree):
                self._emit(m.Composed(at=at, token=token, onto=onto, onto_tree=onto_tree, commit=commit, tree=tree))
            case LandedAt(commit=commit, tree=tree):
                self._emit(m.Landed(at=at, token=token, commit=commit, tree=tree))
            case Conflict(onto=onto, onto_tree=onto_tree, evidence=evidence, beads=beads):
                self._emit(
                    m.NotComposed(
                        at=at,
                        token=token,
                        onto=onto,
                        onto_tree=onto_tree,
                        ending=Ending.CONFLICT,
                        evidence=evidence,
                        beads=beads,
                    )
                )
            case Empty(onto=onto, onto_tree=onto_tree):
                self._emit(
                    m.NotComposed(at=at, token=token, onto=onto, onto_tree=onto_tree, ending=Ending.NO_CHANGE_NEEDED)
                )

    def look_at_base(self) -> None:
        """Tell where the base branch is, where that is news. A repository that cannot be read is looked at later."""
        with suppress(WorkspaceFault):
            commit = self._workspaces.base()
            if commit is not None and commit != self._base:
                self._base = commit
                self._emit(m.BaseSeen(at=self._clock.now(), commit=commit))

    def _follow(self, effect: m.Follow) -> None:
        """Only while it is still wanted: the target may have moved since."""
        if effect not in self._under_way:
            return
        try:
            answer = self._workspaces.follow(effect)
        except WorkspaceFault as refused:
            at = self._clock.now()
            self._emit(m.NotFollowed(at=at, base=effect.base, turn=effect.turn, fault=str(refused)))
            return
        at = self._clock.now()
        match answer:
            case Composition(onto=onto, onto_tree=onto_tree, commit=commit, tree=tree):
                self._emit(
                    m.Followed(
                        at=at,
                        base=effect.base,
                        turn=effect.turn,
                        onto=onto,
                        onto_tree=onto_tree,
                        commit=commit,
                        tree=tree,
                    )
                )
            case Conflict(evidence=evidence):
                self._emit(m.NotFollowed(at=at, base=effect.base, turn=effect.turn, conflict=evidence))
            case Empty():
                self._emit(m.NotFollowed(at=at, base=effect.base, turn=effect.turn))

    def _verify(self, effect: m.Verify) -> None:
        """Only while it is still wanted: what it stood on may have changed while it waited for its turn."""
        if effect not in self._under_way:
            return
        try:
            result = self._workspaces.verify(effect)
        except WorkspaceFault as refused:
            self._emit(m.NotVerified(at=self._clock.now(), bead=effect.bead, tree=effect.tree, evidence=str(refused)))
            return
        self._emit(
            m.Verified(
                at=self._clock.now(),
                bead=effect.bead,
                tree=effect.tree,
                round=effect.round,
                commands=effect.commands,
                passed=result.passed,
                command=result.command,
                output=result.output,
            )
        )

    def _advance(self, effect: m.Advance) -> None:
        try:
            arrived = self._workspaces.advance(effect)
        except WorkspaceFault as refused:
            self._emit(
                m.LandingRefused(at=self._clock.now(), token=effect.token, evidence=str(refused), commit=effect.new)
            )
            return
        at = self._clock.now()
        if arrived:
            self._emit(m.Advanced(at=at, commit=effect.new))
        else:
            self._emit(m.TargetFound(at=at, old=effect.old, commit=effect.new))

    def _push(self, effect: m.Push) -> None:
        """Only while it is still wanted: what has landed since goes with the next."""
        if effect not in self._under_way:
            return
        try:
            commit = self._workspaces.push(effect)
        except WorkspaceFault as refused:
            fault = m.NotPushed(at=self._clock.now(), turn=effect.turn, round=effect.round, evidence=str(refused))
            self._emit(fault)
            return
        self._emit(m.Pushed(at=self._clock.now(), turn=effect.turn, commit=commit))

    def _propose(self, effect: m.Propose, letter: Letter) -> None:
        if effect not in self._under_way:
            return
        try:
            brought = self._workspaces.propose(effect, letter)
        except (WorkspaceFault, InDoubt) as refused:
            self._emit(
                m.NotProposed(
                    at=self._clock.now(),
                    bead=effect.bead,
                    turn=effect.turn,
                    round=effect.round,
                    evidence=str(refused),
                    doubt=isinstance(refused, InDoubt),
                )
            )
            return
        self._emit(
            m.Proposed(
                at=self._clock.now(),
                bead=effect.bead,
                turn=effect.turn,
                url=brought.url,
                branch=brought.branch,
                commit=brought.commit,
                found=brought.found,
            )
        )

    def _foresee(self, effect: m.Foresee) -> None:
        began = time.monotonic()
        try:
            guesses = self._predictor.foresee(effect)
        except WorkspaceFault as refused:
            self._emit(m.NotForeseen(at=self._clock.now(), round=effect.round, evidence=str(refused)))
            return
        seconds = time.monotonic() - began
        self._emit(m.Foreseen(at=self._clock.now(), round=effect.round, guesses=guesses, seconds=seconds))

    def _clear(self, effect: m.Clear) -> None:
        """Only while it is still wanted: a bead that was opened again meanwhile has a session coming to its place."""
        if effect not in self._under_way:
            return
        try:
            self._workspaces.clear(effect)
            fault = ""
        except WorkspaceFault as refused:
            fault = str(refused)
        self._emit(m.Cleared(at=self._clock.now(), bead=effect.bead, fault=fault))


def _age(effect: m.Effect) -> float:
    """Older attempts first, so that the lanes keep the order in which the core decided; tidying after them all."""
    match effect:
        case m.OpenSession() | m.Save() | m.Collect() | m.Check() | m.Compose():
            return effect.token
        case m.Clear() | m.Foresee():
            return inf
    return 0
