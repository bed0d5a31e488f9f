"""One agent in one terminal, from its first byte to the end of its last process, in a thread of its own.

Knows the order of things and how long each may take. What bytes mean is the reader's to say, what becomes of the
attempt is policy's: this only tells what happened.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from orchestrator.core.messages import LocksAsked, Questioned, SessionEnded, Spawned, Typed, WentSilent
from orchestrator.core.model import Ending, Verdict
from orchestrator.core.values import replace
from orchestrator.runtime.ports import Exit, Sign
from orchestrator.runtime.start_token import belongs
from orchestrator.sessions.dialogs import Dialogs
from orchestrator.sessions.event_files import EVERY_S, EventFiles
from orchestrator.sessions.halt import Halt
from orchestrator.sessions.parts import Parts, recording_of
from orchestrator.sessions.pasting import Paste, Phase
from orchestrator.sessions.processes import Row, Table
from orchestrator.sessions.silence import TABLE_S, Watch
from orchestrator.sessions.telling import Telling
from orchestrator.sessions.tree import end
from orchestrator.sessions.vitals import Patient

if TYPE_CHECKING:
    from orchestrator.sessions.screen import Screen

LEFT_BEHIND_S = 2.0
"""The grace of what an agent leaves running when it exits by itself: it had its time."""
SNAPSHOT_S = 5.0
"""How old the list of an agent's processes may be when it exits; taken while there is output."""
LAST_WORDS_S = 0.5
_ROUND = 16
"""Chunks read before the time is looked at again."""
_LITTLE = 2048
"""A chunk smaller than this was all there was: asking for more at once would cost as much as the chunk did."""


class PtySession:
    """Implements `Session`.

    Its thread is a daemon. Were it not, an orchestrator whose main thread died would live on until its last agent is
    done, unable to decide anything. So it dies at once, its terminals close, which hangs the agents up, and the next
    start sweeps what ignored that. An orderly leave goes through `PtySessions.close`, which joins the thread.
    """

    def __init__(self, parts: Parts, *, over: Callable[[PtySession], None]) -> None:
        now = time.monotonic()
        self.token = parts.order.token
        self.recording = recording_of(parts.order)
        self._p = parts
        self._over = over
        self._telling = Telling(self.token, parts.clock, parts.emit, parts.hide)
        self._watch = Watch(parts.order.silence_s, parts.launch.cwd, self._processes, now=now)
        self._snapshot_at = now
        self._wrote_at = now
        self._gone_at: float | None = None
        self._leave_by = float("inf")
        self._fault = ""
        launch = parts.launch
        self._dialogs = Dialogs(launch.screen) if launch.screen and parts.screen else None
        self._files = EventFiles(launch.event_files) if launch.event_files else None
        self._look_at = now if launch.event_files else float("inf")
        self._paste: Paste | None = None
        self._turn: int | None = None
        """Which of the orders to type is being typed; None: the prompt, or nothing."""
        self._asks = False
        """Its screen shows a question."""
        if launch.paste is not None:
            self._paste = Paste(launch.paste, parts.pace, by_events=bool(launch.event_files))
        self._orders: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
        self._asked = threading.Lock()
        self._halting = threading.Event()
        self._halt = Halt(parts.tree)
        self._kill_at = float("inf")
        self._reason = ""
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"session-{self.token}", daemon=True)

    def start(self) -> None:
        """Returns when `Spawned` is told. Raises `RuntimeError` when the machine has no thread left."""
        self._thread.start()
        self._begun.wait()

    def end(self, reason: str, grace_s: float) -> None:
        """Asked again, the shorter time counts."""
        at = time.monotonic() + (0.0 if self._p.launch.ignores_term else grace_s)
        with self._asked:
            self._reason = self._reason or reason or "asked to"
            self._kill_at = min(self._kill_at, at)
        self._p.terminal.wake()

    def belongs(self, asked: LocksAsked) -> bool:
        return belongs(asked, self._p.start_token)

    def halt(self) -> None:
        self._halting.set()
        self._p.terminal.wake()

    def go_on(self) -> None:
        self._halting.clear()
        self._p.terminal.wake()

    def type(self, text: str, turn: int) -> None:
        self._orders.put((text, turn))
        self._p.terminal.wake()

    def join(self, timeout_s: float) -> bool:
        """Whether its thread is over."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def cut(self) -> None:
        """The end when an orderly one is impossible: kills, and tells nobody."""
        self._p.terminal.cut()
        self._p.transcript.close()

    def patient(self, table: Table) -> Patient:
        """How it is doing. From any thread."""
        return Patient(
            token=self.token,
            rows=self._p.tree.members(table),
            said_at=self._watch.said_at,
            wrote_at=self._wrote_at,
            alive_at=self._watch.alive_at,
        )

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        try:
            self._attend()
        except BaseException as error:  # there is nobody above this, and the agent must not outlive its thread
            self._fault = f"its session broke: {error!r}"
        finally:
            self._begun.set()
        try:
            verdict = self._finish()
        except BaseException as error:  # the same; the worst end is still told, or its worker would wait for ever
            verdict = self._broken(f"its session broke at the end: {error!r}")
            self.cut()
        verdict = replace(verdict, reason=self._p.hide(verdict.reason))
        try:
            self._p.emit(SessionEnded(at=self._p.clock.now(), token=self.token, verdict=verdict, gone_at=self._gone_at))
        finally:
            self._over(self)

    def _attend(self) -> None:
        """Until the agent leaves, or has to."""
        p = self._p
        p.emit(Spawned(at=p.clock.now(), token=self.token, process=p.process, worktree=str(p.launch.cwd)))
        if p.at_spawn:
            self._telling.start()
        self._begun.set()
        while not (p.terminal.exited() or self._reason or self._fault):
            now = time.monotonic()
            if now >= self._leave_by:
                return
            self._keep_time(now)
            p.terminal.wait(self._due() - now)
            self._hear()

    def _due(self) -> float:
        if self._halt.under_way:
            return min(self._telling.due, self._leave_by, self._halt.due)
        typing = self._paste.due if self._paste else self._watch.due
        drawing = self._p.screen.due if self._p.screen else float("inf")
        return min(self._telling.due, self._leave_by, typing, drawing, self._look_at)

    def _hear(self) -> bool:
        """Take in what the agent wrote. Whether there was anything."""
        for count in range(_ROUND):
            chunk = self._p.terminal.read()
            if not chunk:
                return count > 0
            self._wrote_at = time.monotonic()
            self._p.transcript.output(chunk)
            if not self._fault:
                self._understand(chunk)
            if len(chunk) < _LITTLE:
                return True
        return True

    def _understand(self, chunk: bytes) -> None:
        try:
            signs = self._p.reader.feed(chunk)
        except Exception as error:  # whatever it is, it is ours and not the agent's, and is told as that
            self._fault = f"the reader of {self._p.order.route} failed: {error!r}"
            return
        now = time.monotonic()
        if self._p.screen:
            self._p.screen.feed(chunk, now)
        self._take(signs, now)
        if self._paste:
            self._paste.heard(now, sign=bool(signs))
        if now >= self._snapshot_at + SNAPSHOT_S:
            # So that those are known whom only their parents give away, when the parents are gone.
            self._snapshot_at = now
            self._p.tree.look(now - SNAPSHOT_S, marks=False)

    def _take(self, signs: Sequence[Sign], now: float) -> None:
        for sign in signs:
            self._telling.take(sign, now)
            if sign.final and self._leave_by == float("inf"):
                self._leave_by = now + self._p.order.linger_s
                if self._p.launch.leave:
                    self._begin_typing(self._p.launch.leave, None, now)
            if sign.follow and self._files:
                self._files.follow(sign.follow)
        if signs:
            self._watch.sign(now)

    def _read_files(self, now: float) -> None:
        assert self._files is not None
        self._look_at = now + EVERY_S
        lines = self._files.lines()
        if not lines or self._fault:
            return
        try:
            signs = self._p.reader.told(lines)
        except Exception as error:  # as in `_understand`
            self._fault = f"the reader of {self._p.order.route} failed: {error!r}"
            return
        if self._paste and any(sign.taken for sign in signs):
            self._paste.heard(now, sign=True)
        self._take(signs, now)

    def _look_at_screen(self, screen: Screen, dialogs: Dialogs, now: float) -> None:
        """It is at rest: what it asks for is answered by rule, or told."""
        seen = dialogs.look(screen.text())
        if seen.question is not None:
            self._asks = bool(seen.question)
            question = self._p.hide(seen.question)
            self._p.emit(Questioned(at=self._p.clock.now(), token=self.token, question=question))
        if seen.keys:
            self._telling.note(f"answered by rule: {seen.rule}")
            self._put(seen.keys)
        if seen.ready:
            self._telling.start()

    def _put(self, text: str) -> None:
        self._p.terminal.type(text.encode())
        self._p.transcript.input(text)

    def _begin_typing(self, text: str, turn: int | None, now: float) -> None:
        self._turn = turn
        self._paste = Paste(text, self._p.pace)
        self._paste.up(now)

    def _keep_time(self, now: float) -> None:
        if now >= self._telling.due:
            self._telling.flush(now)
        if self._halting.is_set():
            self._halt.hold(now)
            return
        if self._halt.under_way:
            self._halt.release()
            self._watch.sign(now)  # nobody takes its standing still for silence
        self._tell_of_recording()
        if now >= self._look_at:
            self._read_files(now)
        if self._p.screen and self._dialogs and now >= self._p.screen.due:
            self._look_at_screen(self._p.screen, self._dialogs, now)
        if self._paste is None and not self._orders.empty():
            self._begin_typing(*self._orders.get_nowait(), now)
        if self._paste:
            self._type(self._paste, now)
        if self._paste is None and now >= self._watch.due:
            evidence = self._watch.look(now)
            if evidence:
                self._p.emit(WentSilent(at=self._p.clock.now(), token=self.token, evidence=evidence))

    def _tell_of_recording(self) -> None:
        fault, self._p.transcript.fault = self._p.transcript.fault, ""
        if fault:
            self._telling.note(fault)

    def _type(self, paste: Paste, now: float) -> None:
        if self._telling.started:
            paste.up(now)
        if paste.phase is Phase.TAKEN:
            self._typed(paste)
        if now < paste.due:
            return
        screen = self._p.screen
        pressed = self._asks and paste.phase is Phase.PASTED
        if pressed and screen and self._dialogs and not self._dialogs.asks(screen.glance()):
            paste.take()  # an Enter would be another dialog's
            self._typed(paste)
            return
        plain = (
            self._asks
            or (screen is not None and not screen.takes_pastes)
            or (screen is None and self._turn is not None)
        )
        text = paste.next(now, plain=plain or self._leave_by < float("inf"))
        if text:
            self._put(text)
        if paste.phase is Phase.GIVEN_UP:
            self._typed(paste)

    def _typed(self, paste: Paste) -> None:
        """It was taken, or given up."""
        fault = "" if paste.phase is Phase.TAKEN else "it was typed, but nothing answered Enter"
        if fault and self._leave_by == float("inf"):
            self._telling.note(f"the prompt: {fault}" if self._turn is None else fault)
        if self._turn is not None:
            self._p.emit(Typed(at=self._p.clock.now(), token=self.token, turn=self._turn, fault=fault))
        self._paste = self._turn = None
        self._watch.sign(time.monotonic())  # it is given the time to answer

    def _processes(self) -> list[Row]:
        return self._p.tree.look(time.monotonic() - TABLE_S)

    # ------------------------------------------------------------ the end

    def _finish(self) -> Verdict:
        p = self._p
        forced = not p.terminal.exited()
        if not forced:
            self._gone_at = p.clock.now()
        if forced:
            why = self._reason or self._fault or "it had said its last word"
            p.transcript.mark(p.hide(f"ended by the orchestrator: {why}"))
        grace_s = p.order.grace_s if forced and not self._fault else min(p.order.grace_s, LEFT_BEHIND_S)
        kill_at = time.monotonic() + (0.0 if forced and p.launch.ignores_term else grace_s)
        if self._reason and forced:
            kill_at = self._kill_at
        left = end(p.tree.look_at_end, kill_at=lambda: min(kill_at, self._kill_at), wait=self._linger)
        self._drain()
        if self._files:
            self._read_files(time.monotonic())
        if p.screen:
            p.reader.shown(p.screen.text())
        exit = p.terminal.reap(forced=forced)
        now = time.monotonic()
        if exit.code == 0 and not forced:
            self._telling.start()
        self._telling.flush(now)
        if left:
            pids = ", ".join(str(row.pid) for row in left)
            self._telling.note(f"could not be ended, another user's or stuck in the kernel: {pids}")
        p.transcript.close()
        self._tell_of_recording()
        p.terminal.close()
        return self._verdict(exit)

    def _linger(self, seconds: float) -> None:
        """While the tree is being ended its last words are still read."""
        self._p.terminal.exited()
        self._p.terminal.wait(seconds)
        self._hear()

    def _drain(self) -> None:
        until = time.monotonic() + LAST_WORDS_S
        if self._p.terminal.hung_up:  # it may have come back to it, said something, and left at once
            self._p.terminal.look_again()
            self._hear()
        while not self._p.terminal.hung_up and time.monotonic() < until:
            self._p.terminal.wait(0.05)
            if not self._hear():
                return

    def _verdict(self, exit: Exit) -> Verdict:
        if self._fault:
            return self._broken(self._fault)
        try:
            return self._p.reader.verdict(exit, at=self._p.clock.now())
        except Exception as error:  # as in `_understand`
            return self._broken(f"the reader of {self._p.order.route} failed: {error!r}")

    def _broken(self, fault: str) -> Verdict:
        return Verdict(
            ending=Ending.CRASHED,
            reason=f"a fault of the orchestrator, not of the agent: {fault}",
            session=self._telling.session,
            usage=self._telling.usage,
        )
