"""How commands of git are started: what reaches them, what is waited for, and what is said when they refuse."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import pytest

from orchestrator.core.model import BeadId
from orchestrator.repo import refs
from orchestrator.repo.faults import GitRefused, RefMoved, as_workspace_fault, explained
from orchestrator.repo.plumbing import Git, Place
from orchestrator.repo.refs import NOTHING, Move, quoted, unquoted
from orchestrator.runtime.ports import WorkspaceFault
from tests.adapters.repo.conftest import World


def test_what_a_git_that_runs_us_has_set_does_not_reach_ours(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY", "GIT_AUTHOR_DATE"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.bare")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "nonsense")
    (world.prepare("one") / "new").write_text("1")
    commit = world.collect("one").commit
    world.land("one", commit)
    world.clear("one", landed=True)
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY", "GIT_AUTHOR_DATE"):
        monkeypatch.delenv(name)
    monkeypatch.delenv("GIT_CONFIG_COUNT")
    assert list(world.workspaces.landed({BeadId("one"): ""})) == ["one"]
    assert not (tmp_path / "elsewhere").exists()


def test_a_lock_that_goes_away_is_waited_for(world: World) -> None:
    (world.prepare("one") / "new").write_text("1")
    lock = world.repository.common_dir / "refs" / "heads" / "orchestrator" / "night.lock"
    commit = world.collect("one").commit
    lock.touch()
    timer = threading.Timer(0.15, lock.unlink)
    timer.start()
    world.land("one", commit)
    timer.join()
    assert list(world.workspaces.landed({BeadId("one"): ""})) == ["one"]


def test_a_ref_that_is_elsewhere_is_not_waited_for(world: World) -> None:
    git, place, tip = Git(), world.repository.place, world.repository.head
    with pytest.raises(RefMoved):
        refs.move(git, place, [Move(name="refs/heads/theirs", new=tip, old=NOTHING)], why="test")
    with pytest.raises(RefMoved):
        refs.move(git, place, [Move(name="refs/heads/nowhere", new=tip, old=tip)], why="test")
    with pytest.raises(GitRefused, match="not a folder"):
        git(Place(git_dir=world.tmp / "nowhere"), "status")


@pytest.mark.parametrize(
    "name", ["a", "a b", "ä", "a/b", ".", "..", ".x", "x.", "x.lock", "%", "a%2Fb", "~^:?*[\\", ""]
)
def test_any_name_is_a_component_of_a_ref_and_back(world: World, name: str) -> None:
    assert unquoted(quoted(name)) == name
    world.git("check-ref-format", f"refs/heads/{quoted(name)}")
    assert "/" not in quoted(name)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("error: file write error: No space left on device", "make room"),
        ("fatal: cannot create: Read-only file system", "mount it writable"),
        ("error: insufficient permission for adding an object", "give this user the right"),
        ("fatal: Unable to create '/r/.git/index.lock': File exists.", "delete /r/.git/index.lock"),
        ("fatal: index file corrupt", "git fsck"),
        ("fatal: transport 'file' not allowed", "a submodule cannot be fetched"),
        ("fatal: detected dubious ownership in repository", "safe.directory"),
    ],
)
def test_what_git_refuses_comes_with_what_to_do(said: str, answer: str) -> None:
    assert answer in explained(said)


@pytest.mark.parametrize(("code", "answer"), [(errno.ENOSPC, "make room"), (errno.EROFS, "mount it writable")])
def test_what_the_disk_refuses_comes_with_what_to_do(code: int, answer: str) -> None:
    with pytest.raises(WorkspaceFault, match=rf"saving: .*\n.*{answer}"), as_workspace_fault("saving"):
        raise OSError(code, errno.errorcode[code] if code == errno.EROFS else "No space left on device")


def test_a_beads_whole_way_takes_few_processes(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE2_EVENT", str(trace))

    def started() -> int:
        """How many commands we started ourselves since the last look."""
        rows = trace.read_text().splitlines()
        trace.write_text("")
        return sum('"event":"start"' in row and "/" not in row.split('"sid":"')[1].split('"')[0] for row in rows)

    path = world.prepare("one")
    assert (
        0 < started() <= 7
    )  # three look at what is not the agent's; the last of them fills the worktree, beside the making of others
    (path / "new").write_text("1")
    commit = world.collect("one").commit
    assert 0 < started() <= 9
    world.land("one", commit)
    assert 0 < started() <= 7
    world.clear("one", landed=True)
    assert 0 < started() <= 7
