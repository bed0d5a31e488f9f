"""The control loop: commit before acting, tell after committing, stop where the state says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from orchestrator.core import messages as m
from orchestrator.core.model import (
    Bead,
    BeadId,
    BeadState,
    Budget,
    Commit,
    Ending,
    Manifest,
    Policy,
    ProcessName,
    RouteName,
    RunState,
    Token,
    Verdict,
)
from orchestrator.core.state import State
from orchestrator.runtime.lanes import Lanes
from orchestrator.runtime.loop import ControlLoop, Inbox
from orchestrator.runtime.ports import Broken, StoreFault, StoreFull, StoreReadOnly
from orchestrator.store import MemoryStore
from tests.runtime.stand_ins import Blind, OneProgram, PlainFolders, Quiet, ToldSessions

PROCESS = ProcessName(pid=1, started=0.0)
TERMS = m.Terms(policy=Policy(), budget=Budget(), token=Token(0))


class Real:
    def now(self) -> float:
        return time.time()


class Ears:
    def __init__(self) -> None:
        self.events: list[m.Event] = []
        self.landed = threading.Event()

    def heard(self, event: m.Event) -> None:
        self.events.append(event)
        if isinstance(event, m.BeadLanded):
            self.landed.set()

    def close(self) -> None: ...


class Short(MemoryStore):
    """Cannot be written from the first attempt on, so many times."""

    def __init__(self, *faults: StoreFault) -> None:
        super().__init__()
        self.faults = list(faults)
        self.refused = threading.Event()

    def append(self, events: Sequence[m.Event]) -> None:
        if any(isinstance(event, m.AttemptStarted) for event in events) and self.faults:
            self.refused.set()
            raise self.faults.pop(0)
        super().append(events)


class Rig:
    def __init__(self, root: Path, store: MemoryStore, *names: str) -> None:
        beads = tuple(Bead(id=BeadId(name), title=name, prompt=name, routes=(RouteName("x"),)) for name in names)
        planned = m.RunPlanned(
            at=1.0,
            manifest=Manifest(name="n", base=None, target="t", beads=beads),
            target_base=Commit("0"),
            token=Token(0),
        )
        store.append([planned])
        self.state, self.store = State(planned), store
        self.inbox, self.ears = Inbox(), Ears()
        self.said: list[str] = []
        self.sessions, self.folders = ToldSessions(), PlainFolders(root)
        self.lanes = Lanes(
            workspaces=self.folders,
            predictor=Blind(),
            commands=Quiet(),
            sessions=self.sessions,
            agents=OneProgram(("true",)),
            clock=Real(),
            policy=Policy(),
            emit=self.inbox.put,
            fail=self.inbox.fail,
        )
        self.loop = ControlLoop(
            state=self.state,
            store=store,
            lanes=self.lanes,
            inbox=self.inbox,
            clock=Real(),
            listeners=(self.ears,),
            say=self.said.append,
        )

    def run(self) -> None:
        try:
            self.loop.run(epoch=1, process=PROCESS, host="here", terms=TERMS)
        finally:
            self.lanes.close()


def deliver(rig: Rig, token: int) -> None:
    """From another thread, as a session would."""

    def tell() -> None:
        assert rig.sessions.opened.wait(10)
        rig.inbox.put(m.SessionEnded(at=2.0, token=Token(token), verdict=Verdict(ending=Ending.DELIVERED)))

    threading.Thread(target=tell).start()


def test_a_bead_goes_its_whole_way(tmp_path: Path) -> None:
    """Opened, swept, started, collected, landed, cleared, finished; and the log replays to the same state."""
    rig = Rig(tmp_path, MemoryStore(), "a")
    deliver(rig, 1)
    rig.run()
    assert rig.state.run is RunState.FINISHED
    assert rig.folders.done == ["OpenSession", "Collect", "Compose", "Advance", "Clear", "close"]
    replayed = State.replay(rig.store.events())
    assert replayed.beads[BeadId("a")] == rig.state.beads[BeadId("a")]
    assert rig.ears.events == list(rig.store.events())[1:]


@pytest.mark.parametrize("fault", [StoreFull("no room"), StoreReadOnly("read-only")])
def test_a_store_that_cannot_be_written_is_waited_for(tmp_path: Path, fault: StoreFault) -> None:
    """The same events, once; nothing is done of them before; it is said at once, and written down afterwards."""
    store = Short(fault, fault)
    rig = Rig(tmp_path, store, "a")
    opened_before: list[bool] = []
    rig.folders.gate = lambda effect: opened_before.append(bool(store.faults))
    deliver(rig, 1)
    rig.run()
    assert rig.state.run is RunState.FINISHED
    assert True not in opened_before
    [resumed] = [event for event in rig.ears.events if isinstance(event, m.WritingResumed)]
    assert resumed.reason == str(fault)
    assert resumed.seconds >= 0.5
    assert rig.said[0].startswith(str(fault))
    assert len(rig.said) == 2
    assert State.replay(rig.store.events()).beads[BeadId("a")] == rig.state.beads[BeadId("a")]


def test_whoever_asks_to_leave_while_it_waits_need_not_wait(tmp_path: Path) -> None:
    """The fault ends the run: no session of an attempt that no log knows."""
    store = Short(*[StoreFull("no room")] * 1000)
    rig = Rig(tmp_path, store, "a")

    def leave() -> None:
        assert store.refused.wait(10)
        rig.inbox.put(m.Asked(at=2.0, verb=m.Verb.STOP, by="^C"))

    threading.Thread(target=leave).start()
    with pytest.raises(StoreFull):
        rig.run()
    assert not rig.sessions.emits
    assert State.replay(rig.store.events()).counts[BeadState.RUNNING] == 0


def test_what_comes_while_it_waits_is_not_lost() -> None:
    """It is taken afterwards, in its order."""
    inbox = Inbox()
    signals = [m.TimePassed(at=1.0), m.TimePassed(at=2.0)]
    for signal in signals:
        inbox.put(signal)
    assert not inbox.is_stopped(0.01)
    inbox.put(m.TimePassed(at=3.0))
    assert [signal.at for signal in inbox.take(0)] == [1.0, 2.0, 3.0]


def test_a_defect_in_a_lane_ends_the_run_and_is_named(tmp_path: Path) -> None:
    """The state is safe: what the lane was to do is owed again at the next start."""

    def fail(effect: m.Effect) -> None:
        if isinstance(effect, m.OpenSession):
            raise ZeroDivisionError("ours")

    rig = Rig(tmp_path, MemoryStore(), "a")
    rig.folders.gate = fail
    with pytest.raises(Broken, match="ZeroDivisionError: ours"):
        rig.run()
    assert State.replay(rig.store.events()).beads[BeadId("a")].state is BeadState.RUNNING


def test_a_request_is_answered_once(tmp_path: Path) -> None:
    """Found in the store while the run is on; acted upon; never handed on twice."""
    store = MemoryStore()
    rig = Rig(tmp_path, store, "a", "b")
    store.ask(m.Asked(at=1.0, request=7, verb=m.Verb.ABORT, bead=BeadId("b"), by="ann"))
    deliver(rig, 1)
    held = threading.Event()

    def wait(effect: m.Effect) -> None:
        if isinstance(effect, m.OpenSession) and effect.bead == "b":
            held.wait(1)

    rig.folders.gate = wait
    rig.run()
    answers = [event for event in rig.ears.events if isinstance(event, m.RequestAnswered)]
    assert [(answer.request, answer.accepted) for answer in answers] == [(7, True)]
    assert rig.state.beads[BeadId("b")].state is BeadState.CANCELLED


class Jumps:
    """Set forth by an hour while the loop waits for the first session."""

    def __init__(self, opened: threading.Event) -> None:
        self._opened = opened

    def now(self) -> float:
        return time.time() + 3600 * self._opened.is_set()


def test_time_that_nobody_saw_is_taken_from_no_agent(tmp_path: Path) -> None:
    """A clock that is set forth: the session that works is not out of time."""
    rig = Rig(tmp_path, MemoryStore(), "a")
    rig.loop = ControlLoop(
        state=rig.state,
        store=rig.store,
        lanes=rig.lanes,
        inbox=rig.inbox,
        clock=Jumps(rig.sessions.opened),
        listeners=(rig.ears,),
    )

    def tell() -> None:
        while not any(isinstance(event, m.TimeSkipped) for event in rig.ears.events):
            time.sleep(0.01)
        rig.inbox.put(m.SessionEnded(at=2.0, token=Token(1), verdict=Verdict(ending=Ending.DELIVERED)))

    threading.Thread(target=tell, daemon=True).start()
    rig.run()
    [skipped] = [event for event in rig.ears.events if isinstance(event, m.TimeSkipped)]
    assert 3590 < skipped.seconds < 3610
    assert not [event for event in rig.ears.events if isinstance(event, m.SessionGivenUp)]
    assert rig.state.beads[BeadId("a")].state is BeadState.DONE


def test_progress_comes_before_the_end_that_follows_it() -> None:
    """It wakes nobody, and still what an agent said last is not taken for said after its end."""
    inbox = Inbox()
    progress = m.Progressed(at=1.0, token=Token(1), note="almost")
    end = m.SessionEnded(at=2.0, token=Token(1), verdict=Verdict(ending=Ending.DELIVERED))
    inbox.put(progress)
    inbox.put(end)
    assert inbox.take(0) == [progress, end]
    inbox.put(progress)
    assert inbox.take(0.01) == [progress]
