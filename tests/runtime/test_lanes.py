"""Effects carried out once at a time, and what goes wrong in the world told as a signal."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, Ending, Policy, RouteName, Token, Verdict, WorkerId
from orchestrator.runtime.lanes import Lanes
from orchestrator.runtime.ports import AgentMissing, Leaving, SpawnFailed
from tests.runtime.stand_ins import Blind, OneProgram, PlainFolders, Quiet, ToldSessions

S = TypeVar("S", bound=m.Signal)


class Fixed:
    def now(self) -> float:
        return 5.0


class Gate:
    """Holds a lane at orders of one kind until it is let go."""

    def __init__(self, kind: type[m.Save] | type[m.OpenSession]) -> None:
        self._kind = kind
        self._held = threading.Event()
        self._go = threading.Event()

    def __call__(self, effect: m.Effect) -> None:
        if isinstance(effect, self._kind):
            self._held.set()
            assert self._go.wait(10)

    def wait(self) -> None:
        assert self._held.wait(10)

    def open(self) -> None:
        self._go.set()


class Bench:
    """Lanes between stand-ins, and the queue at their end."""

    def __init__(self, root: Path, *, checkpoint_s: float = 0.0, watch_s: float = 15.0) -> None:
        self.folders = PlainFolders(root)
        self.sessions = ToldSessions()
        self.agents = OneProgram(("true",))
        self.heard: queue.Queue[m.Signal | BaseException] = queue.Queue()
        self.lanes = Lanes(
            workspaces=self.folders,
            predictor=Blind(),
            commands=Quiet(),
            sessions=self.sessions,
            agents=self.agents,
            clock=Fixed(),
            policy=Policy(checkpoint_s=checkpoint_s, watch_s=watch_s),
            emit=self.heard.put,
            fail=self.heard.put,
        )

    def next(self, kind: type[S]) -> S:
        signal = self.heard.get(timeout=10)
        assert isinstance(signal, kind), signal
        return signal

    def silent(self) -> bool:
        return self.heard.empty()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.lanes.close()


def opening(token: int = 1, bead: str = "a") -> m.OpenSession:
    return m.OpenSession(
        token=Token(token),
        bead=BeadId(bead),
        number=1,
        worker=WorkerId("w1"),
        route=RouteName("x"),
        prompt="p",
        resume=None,
        keep=False,
        silence_s=1,
        grace_s=1,
        linger_s=1,
    )


def ending(token: int = 1) -> m.EndSession:
    return m.EndSession(token=Token(token), worker=WorkerId("w1"), reason="enough", grace_s=1)


SAVE = m.Save(token=Token(1), bead=BeadId("a"), number=1)
CLEAR = m.Clear(bead=BeadId("a"), number=1, landed=False)


def test_a_session_stands_still_for_as_long_as_that_is_owed(bench: Bench) -> None:
    bench.lanes.perform([opening()])
    assert bench.sessions.opened.wait(10)
    while Token(1) not in bench.lanes._live:
        time.sleep(0.01)
    bench.lanes.perform([m.Suspend(token=Token(1))])
    bench.lanes.perform([m.Suspend(token=Token(1)), SAVE])
    assert bench.sessions.halted == [(1, True)]
    bench.lanes.perform([])
    assert bench.sessions.halted == [(1, True), (1, False)]


def test_what_is_owed_for_long_is_done_once(bench: Bench) -> None:
    """The same effect in state after state is one order; owed anew after a while without, it is another."""
    bench.lanes.perform([SAVE])
    bench.lanes.perform([SAVE])
    bench.next(m.Saved)
    bench.lanes.perform([SAVE])
    bench.lanes.perform([])
    bench.lanes.perform([SAVE])
    bench.next(m.Saved)
    assert bench.silent()
    assert bench.folders.done == ["Save", "Save"]


def test_a_session_that_is_given_up_while_it_is_being_prepared_never_opens(bench: Bench) -> None:
    """Its end is told all the same, so that its worker does not wait for ever."""
    bench.folders.gate = gate = Gate(m.OpenSession)
    bench.lanes.perform([opening()])
    gate.wait()
    bench.lanes.perform([ending()])
    gate.open()
    ended = bench.next(m.SessionEnded)
    assert (ended.token, ended.verdict.ending) == (1, Ending.STOPPED)
    assert not bench.sessions.emits


def test_a_session_that_is_given_up_is_ended(bench: Bench) -> None:
    """Once it is open, its own thread ends it, and tells of it."""
    bench.lanes.perform([opening()])
    assert bench.sessions.opened.wait(10)
    for _ in range(1000):
        bench.lanes.perform([])
        bench.lanes.perform([ending()])
        if bench.sessions.ended:
            break
    assert bench.sessions.ended[0] == (1, "enough")
    bench.sessions.emits[1](m.SessionEnded(at=6.0, token=Token(1), verdict=Verdict(ending=Ending.CRASHED)))
    assert bench.next(m.SessionEnded).verdict.ending is Ending.CRASHED


def test_a_session_that_is_over_at_once_is_forgotten(tmp_path: Path) -> None:
    """Its end may be told before it is known to be open: then it is not watched, typed into, or ended."""
    bench, looked = Bench(tmp_path, watch_s=0.001), queue.Queue[int]()
    bench.folders.looked = lambda order: looked.put(order.token)
    bench.sessions.short = {1}
    with closing(bench.lanes):
        bench.lanes.perform([opening()])
        assert bench.next(m.SessionEnded).verdict.ending is Ending.CRASHED
        bench.lanes.perform([opening(2, "b")])
        assert [looked.get(timeout=10) for _ in range(3)] == [2, 2, 2]
        bench.lanes.perform([m.Type(token=Token(1), text="more", turn=1), ending()])
        assert bench.next(m.SessionEnded).verdict.ending is Ending.STOPPED  # as of any that never was
    assert not bench.sessions.typed
    assert not bench.sessions.ended


@pytest.mark.parametrize(
    ("fault", "expected"),
    [(SpawnFailed("no terminal"), Ending.NOT_STARTED), (AgentMissing("no program"), Ending.UNAVAILABLE)],
)
def test_what_cannot_start_is_an_answer(bench: Bench, fault: Exception, expected: Ending) -> None:
    """The machine's fault and the missing program are two different ends, each with its reason."""
    if isinstance(fault, AgentMissing):
        bench.agents.fault = fault
    else:
        bench.sessions.fault = fault
    bench.lanes.perform([opening()])
    verdict = bench.next(m.SessionEnded).verdict
    assert (verdict.ending, verdict.reason) == (expected, str(fault))


def test_a_repository_that_refuses_is_an_answer(bench: Bench) -> None:
    """Each order says so in its own signal."""
    bench.folders.refuse = "disk full"
    bench.lanes.perform([SAVE])
    assert bench.next(m.Saved).fault == "disk full"
    bench.lanes.perform([CLEAR])
    assert bench.next(m.Cleared).fault == "disk full"
    bench.lanes.perform([opening()])
    assert bench.next(m.SessionEnded).verdict.ending is Ending.NOT_STARTED


def test_what_nobody_foresaw_reaches_the_control_thread(bench: Bench) -> None:
    """A defect of ours is never swallowed by a lane."""

    def fail(effect: m.Effect) -> None:
        raise ZeroDivisionError("ours")

    bench.folders.gate = fail
    check = m.Check(
        token=Token(1), bead=BeadId("a"), number=1, worker=WorkerId("w1"), tree=None, commands=(), timeout_s=1
    )
    for effect in (SAVE, check):
        bench.lanes.perform([effect])
        assert isinstance(bench.heard.get(timeout=10), ZeroDivisionError)


def test_leaving_is_no_fault(bench: Bench) -> None:
    """What is cut short because we go is owed again at the next start, and says nothing now."""

    def leave(effect: m.Effect) -> None:
        if isinstance(effect, m.Save):
            raise Leaving("bye")

    bench.folders.gate = leave
    bench.lanes.perform([SAVE])
    bench.lanes.perform([CLEAR])
    bench.next(m.Cleared)
    assert bench.silent()


def test_who_waits_for_a_worktree_does_not_wait_for_tidying(bench: Bench) -> None:
    """A session comes before the clearing of what was asked for earlier."""
    bench.folders.gate = gate = Gate(m.Save)
    bench.lanes.perform([SAVE])
    gate.wait()
    bench.lanes.perform([SAVE, CLEAR])
    bench.lanes.perform([SAVE, CLEAR, opening(2, "b")])
    gate.open()
    bench.next(m.Saved)
    bench.next(m.Cleared)
    assert bench.folders.done == ["Save", "OpenSession", "Clear"]


def test_a_bead_that_is_opened_again_is_not_cleared_under_its_new_session(bench: Bench) -> None:
    """A clearing that is wanted no more by the time its turn comes is dropped."""
    bench.folders.gate = gate = Gate(m.Save)
    bench.lanes.perform([SAVE])
    gate.wait()
    bench.lanes.perform([SAVE, CLEAR])
    bench.lanes.perform([SAVE, opening(2)])
    gate.open()
    bench.next(m.Saved)
    assert bench.sessions.opened.wait(10)
    bench.lanes.close()
    assert "Clear" not in bench.folders.done


def test_the_sweep_says_how_many_it_ended(bench: Bench) -> None:
    """The first thing that a start waits for."""
    bench.lanes.perform([m.Sweep(epoch=2)])
    assert bench.next(m.Swept).ended == 3


def test_what_a_session_wrote_is_held_before_it_is_ended(tmp_path: Path) -> None:
    """The end waits for the checkpoint, and what saves the work comes after both."""
    bench = Bench(tmp_path, checkpoint_s=3600)
    bench.lanes.perform([opening()])
    assert bench.sessions.opened.wait(10)
    told: m.Signal | None = None
    while not isinstance(told, m.Checkpointed):  # it is given up as it opens, or once it is open
        bench.lanes.perform([])
        bench.lanes.perform([ending()])
        told = bench.next(m.Signal)
    assert told.commit == "p-a"
    bench.lanes.close()
    assert bench.sessions.ended[0] == (1, "enough")
