"""What a session's processes use, as it is measured."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from orchestrator.core.model import Sample, Token
from orchestrator.sessions.processes import Census, read_row
from orchestrator.sessions.tree import Tree
from orchestrator.sessions.vitals import Patient, Vitals, host

BUSY = "import os, sys, time\nheld = bytearray(40 << 20)\nprint(flush=True)\nsys.stdin.readline()\n"
WORKS = (
    "until = time.monotonic() + 0.3\nwhile time.monotonic() < until: pass\nprint(flush=True)\nsys.stdin.readline()\n"
)


@pytest.fixture
def agent() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", BUSY + WORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def patient(process: subprocess.Popen[bytes], quiet_s: float = 0.0) -> Patient:
    now, leader, census = time.monotonic(), read_row(process.pid), Census()
    assert leader is not None
    tree = Tree(leader, mark="none", token="1", census=census)
    rows, then = tree.members(census.table(newer_than=now)), now - quiet_s
    return Patient(token=Token(1), rows=rows, said_at=then, wrote_at=then, alive_at=then)


def look(vitals: Vitals, process: subprocess.Popen[bytes], quiet_s: float = 0.0) -> Sample:
    (sample,) = vitals.measure([patient(process, quiet_s)])
    return sample


def test_memory_descriptors_and_time_are_those_of_the_tree(agent: subprocess.Popen[bytes]) -> None:
    sample = look(Vitals(), agent)
    assert (sample.processes, sample.stopped) == (1, 0)
    assert 40 * 2**20 < sample.memory < 200 * 2**20
    assert sample.descriptors >= 3
    assert sample.cpu_s > 0.0


def test_processor_time_is_life_although_nothing_is_said(agent: subprocess.Popen[bytes]) -> None:
    vitals = Vitals()
    assert look(vitals, agent, 500.0).quiet_s >= 500.0
    assert agent.stdin is not None
    assert agent.stdout is not None
    agent.stdin.write(b"\n")
    agent.stdin.flush()
    agent.stdout.readline()
    sample = look(vitals, agent, 500.0)
    assert sample.cpu_share > 0.0
    assert (sample.quiet_s, round(sample.said_s)) == (0.0, 500)
    time.sleep(0.05)
    assert look(vitals, agent, 500.0).quiet_s < 5.0, "that it lived a moment ago is remembered"


def test_what_is_stopped_is_seen(agent: subprocess.Popen[bytes]) -> None:
    os.kill(agent.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, agent.pid, os.WSTOPPED)
    assert look(Vitals(), agent).stopped == 1


def test_a_process_that_has_left_since_costs_nothing(agent: subprocess.Popen[bytes]) -> None:
    seen = patient(agent)
    agent.kill()
    agent.wait()
    (sample,) = Vitals().measure([seen])
    assert (sample.memory, sample.descriptors) == (0, 0)


def test_the_machine_says_what_it_has() -> None:
    assert host().memory > 2**28
    assert host().descriptors > 0
