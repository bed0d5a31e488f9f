"""Silence is measured on meaning: signs, processor time, changed files. Bytes are no life."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from orchestrator.core.messages import SessionEnded, WentSilent
from orchestrator.sessions.processes import Row
from orchestrator.sessions.silence import MOST_ENTRIES, Watch, newest_change
from tests.adapters.sessions.conftest import Stage, until

SLEEPER = Row(pid=7, started=1, parent=1, group=7, session=7, cpu_s=3.0, alive=True)


class Tree:
    """A tree of one process whose processor time a test sets."""

    def __init__(self) -> None:
        self.cpu_s = 3.0
        self.looks = 0

    def __call__(self) -> list[Row]:
        self.looks += 1
        return [SLEEPER._replace(cpu_s=self.cpu_s)]


def walk(watch: Watch, until_s: float) -> list[tuple[float, str]]:
    """Calls it whenever it wants to be called, and collects the evidence."""
    found = []
    while watch.due <= until_s:
        at = watch.due
        evidence = watch.look(at)
        if evidence:
            found.append((at, evidence))
    return found


def test_a_silent_agent_is_said_to_be_silent_and_again_after_the_same_time(tmp_path: Path) -> None:
    watch = Watch(100, tmp_path, Tree(), now=0)
    assert [at for at, _ in walk(watch, 350)] == [100, 200, 300]


def test_the_evidence_says_what_was_looked_at(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ((_, evidence),) = walk(Watch(100, tmp_path, Tree(), now=0), 100)
    assert "for 100 s no event" in evidence
    assert "1 process used 0.00 s" in evidence
    assert "none of 1 files" in evidence


def test_processor_time_is_life(tmp_path: Path) -> None:
    tree = Tree()
    watch = Watch(100, tmp_path, tree, now=0)
    assert walk(watch, 55) == []
    tree.cpu_s += 1  # an exact measure of a real moment would be flaky: samples carry their own time
    assert [at for at, _ in walk(watch, 250)] == [160]


def test_a_changed_file_is_life(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    watch = Watch(100, tmp_path, Tree(), now=0)
    assert walk(watch, 55) == []
    (tmp_path / "src" / "new.py").touch()
    os.utime(tmp_path / "src" / "new.py", (time.time() + 1, time.time() + 1))
    assert [at for at, _ in walk(watch, 250)] == [160]


def test_nobody_looks_while_signs_come(tmp_path: Path) -> None:
    tree = Tree()
    watch = Watch(100, tmp_path, tree, now=0)
    for second in range(0, 1000, 5):
        watch.sign(second)
        assert watch.due > second + 5
        assert watch.look(second) == ""
    assert tree.looks == 0


def test_a_watch_without_a_limit_never_looks(tmp_path: Path) -> None:
    assert Watch(0, tmp_path, Tree(), now=0).due == float("inf")


def test_a_long_silence_is_looked_into_a_few_times_only(tmp_path: Path) -> None:
    tree = Tree()
    walk(Watch(900, tmp_path, tree, now=0), 900)
    assert tree.looks == 10


def test_the_walk_is_bounded_and_leaves_out_what_is_too_large(tmp_path: Path) -> None:
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "many").mkdir()
    for number in range(50):
        (tmp_path / "node_modules" / str(number)).touch()
        (tmp_path / "many" / str(number)).touch()
    assert newest_change(tmp_path)[1] == 52
    assert MOST_ENTRIES == 20_000
    assert newest_change(tmp_path, most=30)[1] == 30


def test_a_worktree_that_is_gone_is_no_evidence(tmp_path: Path) -> None:
    assert newest_change(tmp_path / "gone") == (0.0, 0)


def test_a_real_agent_that_only_spins_is_silent(stage: Stage) -> None:
    show = stage.play(
        "echo sign:started; while :; do printf '\\r|'; sleep 0.1; printf '\\r-'; sleep 0.1; done", silence_s=2
    )
    silent = show.first(WentSilent)
    assert 1.9 < silent.at - show.signals[0].at < 6
    assert "2 processes" in silent.evidence or "1 process" in silent.evidence
    assert not show.all(SessionEnded), "what to do about it is policy's"


def test_a_real_agent_that_computes_or_writes_or_speaks_is_not_silent(stage: Stage) -> None:
    computes = stage.play("timeout 3 sh -c 'while :; do :; done'", silence_s=1)
    writes = stage.play("for n in 1 2 3 4 5 6 7 8 9 10; do sleep 0.3; echo $n >file; done", silence_s=1)
    speaks = stage.play("for n in 1 2 3 4 5 6; do echo sign:$n; sleep 0.5; done", silence_s=1)
    for show in (computes, writes, speaks):
        show.ended()
        assert show.all(WentSilent) == []


def test_traffic_on_its_connections_is_life_and_an_open_one_is_not(stage: Stage) -> None:
    """A stalled agent keeps its connection. One that is being answered slowly need not say so."""
    program = """
import socket, sys, threading, time
server = socket.create_server(("127.0.0.1", 0))
mine, theirs = socket.create_connection(server.getsockname()), server.accept()[0]
print("sign:started", flush=True)
until = time.monotonic() + float(sys.argv[1])
while time.monotonic() < until:
    theirs.send(b"x" * 2000)
    mine.recv(4000)
    time.sleep(0.2)
time.sleep(60)
"""
    flows = stage.play(stage.launch(sys.executable, "-c", program, "4"), silence_s=1)
    stalls = stage.play(stage.launch(sys.executable, "-c", program, "0"), silence_s=1)
    silent = stalls.first(WentSilent)
    assert "2 connections moved 0 bytes" in silent.evidence
    assert flows.first(WentSilent).at - flows.signals[0].at > 4


def test_a_child_that_it_waits_for_is_life_and_what_it_came_with_is_not(stage: Stage) -> None:
    """A test run that sleeps is no stall; a server that runs beside the agent all the time says nothing."""
    waits = stage.play("echo sign:started; sleep 0.3; echo sign:tests; sleep 10; echo sign:done", silence_s=3)
    beside = stage.play("sleep 60 & sleep 0.3; echo sign:started; sleep 0.3; echo sign:hm; wait", silence_s=3)
    beside.first(WentSilent)
    waits.ended()
    assert waits.all(WentSilent) == []


def test_an_agent_that_hung_up_its_terminal_is_still_watched(stage: Stage) -> None:
    show = stage.play("exec 0<&- 1>&- 2>&-; sleep 60", silence_s=1)
    until(lambda: show.all(WentSilent), "its silence")
