"""When a checkpoint is taken, and that nothing of the bead's is touched beside it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, Commit, Token
from orchestrator.runtime.checkpoints import Checkpoints
from orchestrator.runtime.ports import WorkspaceFault
from tests.runtime.test_lanes import Fixed, opening


@dataclass
class Bench:
    heard: queue.SimpleQueue[object] = field(default_factory=queue.SimpleQueue)
    taken: queue.SimpleQueue[BeadId] = field(default_factory=queue.SimpleQueue)
    answers: list[Commit | Exception | None] = field(default_factory=list)
    gate: Callable[[], object] = lambda: None
    open: list[Checkpoints] = field(default_factory=list)

    def take(self, bead: BeadId, number: int) -> Commit | None:
        self.taken.put(bead)
        self.gate()
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def beat(self, every_s: float) -> Checkpoints:
        made = Checkpoints(self.take, every_s=every_s, clock=Fixed(), emit=self.heard.put, broke=self.heard.put)
        self.open.append(made)
        return made


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.gate = lambda: None
    for beat in made.open:
        beat.close()


def test_each_worktree_is_looked_at_again_and_again_and_only_news_are_told(bench: Bench) -> None:
    bench.answers = [Commit("p1"), None, Commit("p2")]
    bench.beat(0.001).begin(opening())
    told = [bench.heard.get(timeout=10) for _ in range(2)]
    assert told == [m.Checkpointed(at=told[0].at, token=Token(1), commit=Commit(each)) for each in ("p1", "p2")]  # type: ignore[attr-defined]


def test_zero_takes_none(bench: Bench) -> None:
    ended = threading.Event()
    beat = bench.beat(0)
    beat.begin(opening())
    beat.before(Token(1), ended.set)
    assert ended.is_set()
    assert bench.taken.empty()


def test_one_is_taken_before_an_agent_is_ended(bench: Bench) -> None:
    beat, ended = bench.beat(3600), threading.Event()
    beat.begin(opening())
    beat.before(Token(1), ended.set)
    assert ended.wait(10)
    assert bench.taken.get_nowait() == "a"


def test_a_checkpoint_that_hangs_keeps_no_agent_alive(bench: Bench) -> None:
    beat, ended, gate = bench.beat(3600), threading.Event(), threading.Event()
    bench.gate = gate.wait
    beat.begin(opening())
    beat.before(Token(1), ended.set)
    assert ended.wait(10), "it is ended although its checkpoint is not taken"
    gate.set()


def test_saving_begins_when_none_is_under_way(bench: Bench) -> None:
    beat, gate, over = bench.beat(0.001), threading.Event(), threading.Event()
    bench.gate = gate.wait
    beat.begin(opening())
    assert bench.taken.get(timeout=10) == "a"

    def save() -> None:
        beat.end(Token(1))
        over.set()

    waiting = threading.Thread(target=save)
    waiting.start()
    assert not over.wait(0.05)
    gate.set()
    assert over.wait(10)
    waiting.join()


def test_one_that_fails_once_is_nobodys_business_and_twice_is(bench: Bench) -> None:
    full = WorkspaceFault("no space left on device")
    bench.answers = [full, None, full, full, full, Commit("p")]
    bench.beat(0.001).begin(opening())
    told, made = bench.heard.get(timeout=10), bench.heard.get(timeout=10)
    assert isinstance(told, m.Checkpointed)
    assert (told.commit, told.fault) == (None, "no space left on device")
    assert isinstance(made, m.Checkpointed)
    assert made.commit == "p"


def test_closing_ends_what_waited_for_its_checkpoint(bench: Bench) -> None:
    beat, gate, ended = bench.beat(3600), threading.Event(), threading.Event()
    bench.gate = gate.wait
    beat.begin(opening())
    beat.before(Token(1), ended.set)
    closing = threading.Thread(target=beat.close)
    closing.start()
    assert ended.wait(10)
    gate.set()
    closing.join(10)
    assert not closing.is_alive()
