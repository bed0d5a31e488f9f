"""Processes beyond doubt: named by pid and start, found by their marks, swept."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from orchestrator.core.messages import SessionEnded
from orchestrator.sessions.processes import Census, Row, named, own_child, read_row, send, stray
from tests.adapters.sessions.conftest import Stage, gone, until
from tests.adapters.sessions.conftest import orphan as unmarked


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def row_of(process: subprocess.Popen[bytes]) -> Row:
    row = read_row(process.pid)
    assert row is not None
    return row


def test_a_row_says_what_the_kernel_says(sleeper: subprocess.Popen[bytes]) -> None:
    row = row_of(sleeper)
    assert (row.parent, row.group, row.session) == (os.getpid(), os.getpgid(sleeper.pid), os.getsid(sleeper.pid))
    assert row.alive
    name = named(sleeper.pid)
    assert name is not None
    assert name.started == psutil.Process(sleeper.pid).create_time()


def test_a_zombie_is_not_alive(sleeper: subprocess.Popen[bytes]) -> None:
    sleeper.kill()
    until(lambda: not row_of(sleeper).alive, "it to be a zombie")
    sleeper.wait()
    assert read_row(sleeper.pid) is None
    assert named(sleeper.pid) is None


def test_a_program_may_have_any_name(stage: Stage) -> None:
    script = stage.cwd / "a) Z (b 1 2"
    script.write_text("#!/bin/sh\necho $$; sleep 60\n")
    script.chmod(0o755)
    show = stage.play(stage.launch(str(script)))
    show.says(b"\n")
    row = read_row(int(show.reader.heard))
    assert row is not None
    assert (row.alive, row.parent) == (True, os.getpid())


def test_the_right_process_is_signalled(sleeper: subprocess.Popen[bytes]) -> None:
    assert send(row_of(sleeper), signal.SIGTERM)
    assert sleeper.wait() == -signal.SIGTERM


def test_a_reused_pid_is_not_signalled(sleeper: subprocess.Popen[bytes]) -> None:
    row = row_of(sleeper)
    before = row._replace(started=row.started - 1)
    assert not send(before, signal.SIGKILL)
    time.sleep(0.05)
    assert sleeper.poll() is None


def test_a_pid_that_is_reused_at_the_last_moment_is_not_signalled(sleeper: subprocess.Popen[bytes]) -> None:
    row = row_of(sleeper)
    looked = []

    def look(pid: int) -> Row:
        looked.append(pid)
        return row._replace(started=row.started + 1)

    assert not send(row, signal.SIGKILL, look=look)
    assert looked == [sleeper.pid]
    time.sleep(0.05)
    assert sleeper.poll() is None


LAST_PID = Path("/proc/sys/kernel/ns_last_pid")


@pytest.mark.skipif(not os.access(LAST_PID, os.W_OK), reason="only root may say which pid is given next")
def test_a_pid_that_was_really_given_to_another_process_is_neither_signalled_nor_taken_for_our_child() -> None:
    """The kernel gives the very pid of a child of ours, that was reaped, to a process that is none of ours."""
    child = subprocess.Popen(["sleep", "60"])
    row = row_of(child)
    assert own_child(child.pid)[0] == row
    child.kill()
    child.wait()
    time.sleep(0.02)  # starts are told apart by ticks of a hundredth of a second
    for _ in range(200):  # whoever else starts a process meanwhile may get the pid before us
        LAST_PID.write_text(str(row.pid - 2))
        script = "setsid sleep 60 >/dev/null 2>&1 & echo $!"
        other = int(subprocess.run(["sh", "-c", script], capture_output=True, check=True, text=True).stdout)
        if other == row.pid:
            break
        os.kill(other, signal.SIGKILL)
    else:
        pytest.skip("too many processes are started here")
    try:
        assert not send(row, signal.SIGKILL)
        found = read_row(other)
        assert found is not None
        assert found.alive
        with pytest.raises(ProcessLookupError, match="none of ours"):
            own_child(other)
    finally:
        os.kill(other, signal.SIGKILL)


def test_a_process_that_is_gone_is_not_signalled(sleeper: subprocess.Popen[bytes]) -> None:
    row = row_of(sleeper)
    sleeper.kill()
    sleeper.wait()
    assert not send(row, signal.SIGTERM)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may signal everybody")
def test_somebody_elses_process_is_not_ours_to_end() -> None:
    row = read_row(1)
    assert row is not None
    with pytest.raises(PermissionError):
        send(row, signal.SIGCONT)


def test_those_who_ask_at_the_same_time_share_one_table() -> None:
    census = Census()
    asked = time.monotonic()
    table = census.table(newer_than=asked)
    assert census.table(newer_than=asked) is table
    assert census.table(newer_than=time.monotonic()) is not table


def test_this_process_and_its_ancestors_are_ourselves() -> None:
    ourselves = Census().table(newer_than=0).ourselves
    assert {os.getpid(), os.getppid()} <= ourselves


def orphan(stage: Stage, mark: str, script: str = "exec sleep 60") -> int:
    """A process that an orchestrator which is no more might have left: marked, and nobody's child."""
    env = {**os.environ, "ORCHESTRATOR_MARK": mark, "ORCHESTRATOR_TOKEN": "77"}
    command = 'setsid sh -c "$1" </dev/null >/dev/null 2>&1 & echo $!'
    return int(subprocess.run(["sh", "-c", command, "sh", script], env=env, capture_output=True, check=True).stdout)


def test_strays_are_orphans_without_a_terminal_at_work_in_a_worktree(stage: Stage, tmp_path: Path) -> None:
    deep, other, beside = (tmp_path / name for name in ("tree/deep", "other", "other-one"))
    for folder in (deep, other, beside):
        folder.mkdir()
    master, slave = pty.openpty()
    strays = [unmarked(deep), unmarked(other, env={"ORCHESTRATOR_MARK": "x"}), unmarked(other)]
    others = [unmarked(beside), unmarked(tmp_path), unmarked(deep, terminal=os.ttyname(slave))]
    child = subprocess.Popen(["sleep", "60"], cwd=other, start_new_session=True)
    try:
        assert {name.pid for name in stray([stage.cwd, other, tmp_path / "none"])} == set(strays)
        assert all(named(name.pid) == name for name in stray([other]))
        assert stray([]) == []
        other.rename(tmp_path / "moved")
        (tmp_path / "moved").rmdir()
        assert {name.pid for name in stray([tmp_path / "moved"])} == set(strays[1:]), "the folder is gone, they are not"
    finally:
        for pid in (*strays, *others, child.pid):
            os.kill(pid, signal.SIGKILL)
        child.wait()
        os.close(master)
        os.close(slave)


def test_a_sweep_ends_what_an_earlier_orchestrator_left(stage: Stage) -> None:
    left = [orphan(stage, stage.marks.repository), orphan(stage, stage.marks.repository, "trap : TERM; sleep 60; :")]
    until(lambda: len(stage.marked()) >= 3, "both to be there, and the second one's child")
    others = orphan(stage, stage.marks.repository + "-other")
    try:
        assert stage.sessions.sweep() >= 2
        assert [gone(pid) for pid in left] == [True, True]
        assert stage.marked() == []
        assert not gone(others)
    finally:
        os.kill(others, signal.SIGKILL)
    assert stage.sessions.sweep() == 0


def test_a_sweep_kills_what_ignores_sigterm(stage: Stage) -> None:
    pid = orphan(stage, stage.marks.repository, f'trap "" TERM; echo >{stage.cwd}/deaf; while :; do sleep 1; done')
    until(lambda: (stage.cwd / "deaf").exists(), "it to be there")
    stage.sessions.sweep()
    assert gone(pid)


def test_a_sweep_spares_the_sessions_that_are_open(stage: Stage) -> None:
    show = stage.play("echo up; sleep 60")
    show.says(b"up")
    assert stage.sessions.sweep() == 0
    assert show.all(SessionEnded) == []


def test_a_sweep_spares_its_own_process_and_its_ancestors(stage: Stage) -> None:
    program = f"""
import subprocess, sys, time
from pathlib import Path
from orchestrator.runtime.ports import Marks
from orchestrator.sessions.sessions import PtySessions
class Clock:
    now = staticmethod(time.time)
print("swept", PtySessions(Marks(repository={stage.marks.repository!r}), Path("."), Clock()).sweep())
"""
    env = {**os.environ, "ORCHESTRATOR_MARK": stage.marks.repository}
    script = f"{sys.executable} -c '{program.replace(chr(39), chr(34))}'; echo alive"
    done = subprocess.run(["sh", "-c", script], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["swept", "0", "alive"]
