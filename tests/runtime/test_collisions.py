"""When it is looked for collisions, and whose they are."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from orchestrator.core import messages as m
from orchestrator.core.model import Commit, Token
from orchestrator.runtime.collisions import Collisions
from orchestrator.runtime.ports import Look, Overlap, WorkspaceFault
from tests.runtime.test_lanes import Fixed


@dataclass
class Bench:
    heard: queue.SimpleQueue[object] = field(default_factory=queue.SimpleQueue)
    looks: queue.SimpleQueue[list[str]] = field(default_factory=queue.SimpleQueue)
    answers: list[Look | Exception] = field(default_factory=list)
    gate: Callable[[], object] = lambda: None
    opened: list[Collisions] = field(default_factory=list)

    def look(self, checkpoints: Sequence[Commit]) -> Look:
        self.looks.put(list(checkpoints))
        self.gate()
        answer = self.answers.pop(0) if self.answers else Look()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def open(self, rest_s: float = 0.0) -> Collisions:
        made = Collisions(self.look, rest_s=rest_s, clock=Fixed(), emit=self.heard.put, broke=self.heard.put)
        self.opened.append(made)
        return made


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.gate = lambda: None
    for each in made.opened:
        each.close()


def overlap(one: str, other: str) -> Overlap:
    return Overlap(one=Commit(one), other=Commit(other), paths=("x",), target=Commit("tip"))


def test_each_checkpoint_is_looked_at_the_newest_first(bench: Bench) -> None:
    beat = bench.open()
    for token, commit in ((1, "a1"), (2, "b1"), (1, "a2")):
        beat.checkpointed(Token(token), Commit(commit))
        seen = bench.looks.get(timeout=10)
    assert seen == ["a2", "b1"]


def test_what_is_found_is_told_by_its_attempts(bench: Bench) -> None:
    bench.answers = [Look(), Look(found=(overlap("b1", "a1"), overlap("a1", "tip")))]
    beat = bench.open()
    beat.checkpointed(Token(1), Commit("a1"))
    bench.looks.get(timeout=10)
    beat.checkpointed(Token(2), Commit("b1"))
    told = [bench.heard.get(timeout=10) for _ in range(2)]
    assert all(isinstance(each, m.Collided) for each in told)
    assert [(each.token, each.other, each.against) for each in told if isinstance(each, m.Collided)] == [
        (2, 1, "a1"),
        (1, None, "tip"),
    ]


def test_nothing_is_looked_at_for_nothing(bench: Bench) -> None:
    """Neither when the target moves and nobody is at work, nor of who is gone."""
    beat = bench.open()
    beat.target_moved()
    beat.checkpointed(Token(1), Commit("a1"))
    assert bench.looks.get(timeout=10) == ["a1"]
    beat.target_moved()
    assert bench.looks.get(timeout=10) == ["a1"]
    beat.end(Token(1))
    beat.target_moved()
    beat.checkpointed(Token(2), Commit("b1"))
    assert bench.looks.get(timeout=10) == ["b1"]
    beat.close()
    assert bench.looks.empty()


def test_what_was_left_over_is_looked_at_without_news(bench: Bench) -> None:
    bench.answers = [Look(more=True)]
    bench.open().checkpointed(Token(1), Commit("a1"))
    assert [bench.looks.get(timeout=10) for _ in range(2)] == [["a1"], ["a1"]]


def test_a_repository_that_cannot_be_written_is_looked_at_with_the_next_checkpoint(bench: Bench) -> None:
    bench.answers = [WorkspaceFault("no space left on device"), Look(found=(overlap("a2", "tip"),))]
    beat = bench.open()
    beat.checkpointed(Token(1), Commit("a1"))
    bench.looks.get(timeout=10)
    beat.checkpointed(Token(1), Commit("a2"))
    told = bench.heard.get(timeout=10)
    assert isinstance(told, m.Collided)


def test_what_nobody_foresaw_is_heard_of(bench: Bench) -> None:
    bench.answers = [RuntimeError("nobody")]
    bench.open().checkpointed(Token(1), Commit("a1"))
    assert isinstance(bench.heard.get(timeout=10), RuntimeError)


def test_closed_it_rests_no_longer(bench: Bench) -> None:
    beat = bench.open(rest_s=3600.0)
    beat.checkpointed(Token(1), Commit("a1"))
    bench.looks.get(timeout=10)
    closed = threading.Thread(target=beat.close)
    closed.start()
    closed.join(10)
    assert not closed.is_alive()
