"""A tree of processes that stands still and goes on."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from orchestrator.sessions.halt import Halt
from orchestrator.sessions.processes import Census, read_row
from orchestrator.sessions.tree import Tree, end
from tests.adapters.sessions.conftest import until


@pytest.fixture
def leader(tmp_path: Path) -> Iterator[psutil.Popen]:
    """A shell with a child that counts, and another one that its own shell had stopped."""
    counts = f"while :; do echo x >> {tmp_path}/count; sleep 0.05; done"
    script = f"sh -c '{counts}' & sleep 60 & kill -STOP $!; echo $! > {tmp_path}/own; wait"
    process = psutil.Popen(["sh", "-c", script], start_new_session=True)
    until(lambda: (tmp_path / "count").exists() and (tmp_path / "own").exists(), "it to be at work")
    yield process
    for each in [*process.children(recursive=True), process]:
        each.kill()
    process.wait()


def tree_of(process: psutil.Popen) -> Tree:
    row = read_row(process.pid)
    assert row is not None
    return Tree(row, mark="m", token="1", census=Census())


def counted(folder: Path) -> int:
    return (folder / "count").stat().st_size


def test_all_of_it_stands_still_and_goes_on_but_for_what_had_stood_before(leader: psutil.Popen, tmp_path: Path) -> None:
    halt, tree = Halt(tree_of(leader)), tree_of(leader)
    halt.hold(time.monotonic())
    halt.due = 0.0
    halt.hold(time.monotonic())  # whoever was started in that very moment
    assert all(row.stopped for row in tree.look(time.monotonic()))
    before = counted(tmp_path)
    time.sleep(0.2)
    assert counted(tmp_path) == before
    halt.release()
    until(lambda: counted(tmp_path) > before, "it to go on")
    own = read_row(int((tmp_path / "own").read_text()))
    assert own is not None
    assert own.stopped, "the agent had stopped that one itself"


def test_what_stands_still_hears_that_it_is_to_end(tmp_path: Path) -> None:
    """It has its grace; else it could do nothing but wait for being killed."""
    said = tmp_path / "said"
    process = psutil.Popen(
        ["sh", "-c", f"trap 'echo bye > {said}; exit 0' TERM; echo > {tmp_path}/up; while :; do sleep 0.05; done"],
        start_new_session=True,
    )
    until(lambda: (tmp_path / "up").exists(), "it to be up")
    tree = tree_of(process)
    process.send_signal(signal.SIGSTOP)
    until(lambda: all(row.stopped for row in tree.look(time.monotonic())[:1]), "it to stand still")
    kill_at = time.monotonic() + 20.0
    end(tree.look, kill_at=lambda: kill_at, wait=time.sleep)
    assert process.wait() == 0
    assert said.read_text() == "bye\n"
