"""Walls around a real process tree: what it may write, and that nothing of them is left for anybody else."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.runtime.confinement import Sandbox, Walls
from orchestrator.sessions.sandbox import sandboxed, why_no_sandbox
from orchestrator.sessions.walls import behind, led_in, why_not

TRY = 'for each in "$@"; do { touch "$each/new" && echo "$each"; } 2> /dev/null; done'


@pytest.fixture
def ground(tmp_path: Path) -> Path:
    """A checkout with its git folder in it, and worktrees beside it."""
    for name in ("repo/.git/hooks", "trees/mine", "trees/theirs"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


def walls_in(top: Path) -> Walls:
    told = {"repo": False, "repo/.git": True, "repo/.git/hooks": False, "trees": False, "trees/mine": True}
    return Walls(mounts=tuple((top / name, writable) for name, writable in told.items()))


def run(argv: tuple[str, ...], top: Path) -> str:
    return subprocess.run(argv, cwd=top, capture_output=True, text=True, check=True).stdout


def need(walls: Walls) -> None:
    if fault := why_not(walls):
        pytest.skip(f"this machine lets nobody make walls: {fault}")


def test_a_session_writes_where_it_may_and_nowhere_else(ground: Path) -> None:
    """Its child, too; a later folder counts for what is below it."""
    walls = walls_in(ground)
    need(walls)
    places = ("repo", "repo/.git", "repo/.git/hooks", "trees", "trees/theirs", "trees/mine", ".")
    said = behind(walls, ("sh", "-c", f"sh -c '{TRY}' sh \"$@\"", "sh", *places), lambda argv: run(argv, ground))
    assert said.split() == ["repo/.git", "trees/mine", "."]


def test_walls_are_the_sessions_own(ground: Path) -> None:
    """Neither we nor what we start without them see them, also not from the thread that made them."""
    walls = walls_in(ground)
    need(walls)
    before = Path("/proc/self/mountinfo").read_text()
    behind(walls, ("true",), lambda argv: run(argv, ground))
    assert Path("/proc/self/mountinfo").read_text() == before
    assert run(("sh", "-c", TRY, "sh", "repo"), ground).split() == ["repo"]


def test_walls_that_cannot_be_made_are_an_error_and_nothing_is_started(ground: Path) -> None:
    """A folder that is not there."""
    walls = walls_in(ground)
    need(walls)
    lost = Walls(mounts=(*walls.mounts, (ground / "nowhere", False)))
    assert why_not(lost)
    with pytest.raises((OSError, subprocess.CalledProcessError)):
        behind(lost, ("touch", "started"), lambda argv: run(argv, ground))
    assert not (ground / "started").exists()


NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--")


@pytest.fixture
def theirs() -> Iterator[Path]:
    """The same ground, of an ordinary user, who may have a name space of its own here."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else: for this user, the other tests show it")
    probe = (*AS_NOBODY, "unshare", "--user", "--map-current-user", "--keep-caps", "--mount", "--", "true")
    tried = subprocess.run(probe, capture_output=True, text=True, check=False, cwd="/")
    if tried.returncode:
        pytest.skip(f"ordinary users get no name space of their own here: {tried.stderr.strip()}")
    top = Path(tempfile.mkdtemp())  # pytest's own folders are closed to others
    for name in ("repo/.git/hooks", "trees/mine", "trees/theirs"):
        (top / name).mkdir(parents=True)
    for folder, _, _ in os.walk(top):
        os.chown(folder, NOBODY, NOBODY)
    yield top
    shutil.rmtree(top)


PLACES = ("repo", "repo/.git", "repo/.git/hooks", "trees", "trees/theirs", "trees/mine", ".")


def test_an_ordinary_user_has_the_same_walls(theirs: Path) -> None:
    """And no right to take them down again, nor another identity than before."""
    script = f"{TRY}; mount -o remount,bind,rw repo 2> /dev/null && echo down; id -u"
    argv = led_in(("sh", "-c", script, "sh", *PLACES), walls_in(theirs))
    assert run((*AS_NOBODY, *argv), theirs).split() == ["repo/.git", "trees/mine", ".", str(NOBODY)]


def test_an_ordinary_user_has_the_same_sandbox(theirs: Path) -> None:
    if fault := why_no_sandbox():
        pytest.skip(f"no sandbox can be made here: {fault}")
    argv = ("sh", "-c", f"{TRY}; id -u", "sh", *PLACES[:-1])
    command = sandboxed(argv, Sandbox(), walls_in(theirs), program="sh", cwd=theirs, env={})
    assert run((*AS_NOBODY, *command), theirs).split() == ["repo/.git", "trees/mine", str(NOBODY)]
