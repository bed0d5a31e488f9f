"""The control loop: the one owner of the state, and the store's only writer.

Takes signals off one queue, lets `decide` say what becomes true, commits that, and only then has the lanes do what
the new state owes. Knows no policy, no git, no terminal.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from orchestrator.core import messages as m
from orchestrator.core.decide import advance, idle_and_paused
from orchestrator.core.model import ProcessName
from orchestrator.core.owed import owed
from orchestrator.core.state import State
from orchestrator.core.values import replace
from orchestrator.runtime.lanes import Lanes
from orchestrator.runtime.persistence import PatientStore
from orchestrator.runtime.ports import Broken, Clock, Listener, Store

QUIET_S = 0.05
TOLD_WITHIN_S = 0.5
"""Listeners are told in a quiet moment, or after this long: what agents wait for is not kept waiting by a log."""

REQUESTS_EVERY_S = 0.25
"""How often operators' requests are looked for: with the disk, the only polling there is."""

TIDY_EVERY_S = 120.0
"""How often the store lets go of what nobody needs any more: a reader has to go through what is there."""

DISK_EVERY_S = 5.0
"""How often the free disk is measured."""

UNSEEN_S = 10.0
"""Later than this after the time at which we wanted to be woken, and the time in between is one that nobody saw."""


class Inbox:
    """Where every thread hands in its signals. Safe to use from a signal handler.

    Progress, checkpoints and samples wake nobody: they are taken with whatever comes next, a fraction of a second later
    at the most, so that a hundred talking agents cost a few transactions a second.
    """

    def __init__(self) -> None:
        # SimpleQueue.put is reentrant; Queue.put in a signal handler may wait for a lock that its own thread holds.
        self._queue: queue.SimpleQueue[m.Signal | BaseException] = queue.SimpleQueue()
        self._progress: queue.SimpleQueue[m.Signal] = queue.SimpleQueue()
        self._kept: deque[m.Signal] = deque()

    def put(self, signal: m.Signal) -> None:
        (self._progress if isinstance(signal, m.Progressed | m.Checkpointed | m.Sampled) else self._queue).put(signal)

    def fail(self, fault: BaseException) -> None:
        self._queue.put(fault)

    def take(self, timeout_s: float) -> list[m.Signal]:
        """All there is, after waiting for the first one. Raises what a lane broke on."""
        found = list(self._kept)
        self._kept.clear()
        try:
            if not found:
                found.append(self._sound(self._queue.get(timeout=max(timeout_s, 0.0))))
            while True:
                found.append(self._sound(self._queue.get_nowait()))
        except queue.Empty:
            progress: list[m.Signal] = []
            with suppress(queue.Empty):
                while True:
                    progress.append(self._progress.get_nowait())
            return progress + found  # what an agent told before its end comes before its end

    def is_stopped(self, within_s: float) -> bool:
        """Whether somebody asks us to leave within that time; whatever else comes is kept for `take`.

        Raises what a lane broke on.
        """
        until = time.monotonic() + within_s
        with suppress(queue.Empty):
            while True:
                signal = self._sound(self._queue.get(timeout=max(until - time.monotonic(), 0.0)))
                self._kept.append(signal)
                if isinstance(signal, m.Asked) and signal.verb is m.Verb.STOP:
                    return True
        return False

    @staticmethod
    def _sound(taken: m.Signal | BaseException) -> m.Signal:
        if isinstance(taken, BaseException):
            raise Broken(f"{type(taken).__name__}: {taken}") from taken
        return taken


class ControlLoop:
    def __init__(
        self,
        *,
        state: State,
        store: Store,
        lanes: Lanes,
        inbox: Inbox,
        clock: Clock,
        listeners: tuple[Listener, ...],
        free_disk: Callable[[], int] | None = None,
        say: Callable[[str], None] = lambda words: None,
    ) -> None:
        """`free_disk` tells bytes; without it the disk is nobody's concern. `say` reaches a person now, without the
        store: that it cannot be written, say."""
        self._state = state
        self._store = PatientStore(store, wait=inbox.is_stopped, say=say)
        self._lanes = lanes
        self._inbox = inbox
        self._clock = clock
        self._listeners = listeners
        self._untold: list[m.Event] = []
        self._untold_since = 0.0
        self._asked: set[int] = set()
        self._look_at = 0.0
        self._opened = False
        self._free_disk = free_disk
        self._measure_at = 0.0
        self._tidy_at = clock.now() + TIDY_EVERY_S

    def run(self, *, epoch: int, process: ProcessName, host: str, terms: m.Terms) -> State:
        """Until the run has ended, or is paused with nothing under way. Raises `Broken` and `StoreFault`; not for a
        disk that is full or read-only for a while: that is waited for."""
        self._inbox.put(m.Opened(at=self._clock.now(), epoch=epoch, process=process, host=host, terms=terms))
        try:
            while not self._is_over():
                signals = self._taken()
                signals += [*self._measured(), *self._requests()]
                if not signals and self._is_due():
                    signals = [m.TimePassed(at=self._clock.now())]
                if signals:
                    self._advance(signals)
                if self._untold and (not signals or self._clock.now() >= self._untold_since + TOLD_WITHIN_S):
                    self._tell()
        finally:
            self._tell()
        return self._state

    def _is_over(self) -> bool:
        """Opened, and at its end: an end that an earlier process reached is not this one's."""
        over = self._state.ended_at is not None or (self._state.swept and idle_and_paused(self._state))
        return self._opened and over

    def _advance(self, signals: list[m.Signal]) -> None:
        """Whatever has gathered is decided in turn and committed together, then acted on; told it is a little later."""
        events = [event for signal in signals for event in advance(self._state, signal)]
        if events:
            if self._opened:
                self._store.append(events)
            else:
                self._store.begin(events)
            self._opened = True
        self._lanes.perform(owed(self._state))
        if not self._untold:
            self._untold_since = self._clock.now()
        self._untold += events

    def _taken(self) -> list[m.Signal]:
        """What comes within our patience; before it, that it took far longer, if it did."""
        patience, before = self._patience(), self._clock.now()
        signals = self._inbox.take(patience)
        after = self._clock.now()
        unseen = after - before - max(patience, 0.0)
        return [m.TimeJumped(at=after, seconds=round(unseen, 3)), *signals] if unseen > UNSEEN_S else signals

    def _tell(self) -> None:
        events, self._untold = self._untold, []
        for event in events:
            for listener in self._listeners:
                listener.heard(event)

    def _patience(self) -> float:
        until = self._look_at
        due = self._state.deadlines.next()
        if due is not None and self._state.swept:
            until = min(until, due)
        patience = until - self._clock.now()
        return min(patience, QUIET_S) if self._untold else patience

    def _is_due(self) -> bool:
        due = self._state.deadlines.next()
        return self._state.swept and due is not None and due <= self._clock.now()

    def _measured(self) -> list[m.Signal]:
        now = self._clock.now()
        if waited := self._store.waited():
            return [m.StoreWaited(at=now, seconds=waited.seconds, reason=waited.reason)]
        if self._free_disk is None or now < self._measure_at:
            return []
        self._measure_at = now + DISK_EVERY_S
        return [m.DiskMeasured(at=now, free=self._free_disk())]

    def _requests(self) -> list[m.Signal]:
        """Operators' requests, each handed on once; those that waited for a process come with its opening."""
        now = self._clock.now()
        if now < self._look_at:
            return []
        self._look_at = now + REQUESTS_EVERY_S
        if self._opened:
            self._store.beat(now)
            if now >= self._tidy_at:
                self._tidy_at = now + TIDY_EVERY_S
                self._store.tidy()
        fresh: list[m.Signal] = []
        for asked in self._store.requests():
            if asked.request is not None and asked.request not in self._asked:
                self._asked.add(asked.request)
                if isinstance(asked, m.Asked):
                    asked = replace(asked, asked_at=asked.at)
                else:
                    asked = replace(asked, genuine=self._lanes.belongs(asked))
                fresh.append(replace(asked, at=now))
        return fresh
