"""Files that Git LFS keeps: there where it is set up, named where it is not, never committed as what they are not."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from orchestrator.repo import lfs
from orchestrator.repo.plumbing import Git, Place
from orchestrator.repo.repository import open_repository
from orchestrator.runtime.ports import WorkspaceFault
from tests.adapters.repo.conftest import World, git, make_repository

CONTENT = b"\0large\n" * 100
POINTER = (
    f"version https://git-lfs.github.com/spec/v1\noid sha256:{hashlib.sha256(CONTENT).hexdigest()}\n"
    f"size {len(CONTENT)}\n"
)


@pytest.fixture
def top(top: Path) -> Path:
    """A repository as a clone without git-lfs has it."""
    (top / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    for name in ("one.bin", "src/two.bin"):
        (top / name).write_text(POINTER)
    git(top, "add", ".")
    git(top, "commit", "--quiet", "--message", "With large files")
    return top


@pytest.fixture
def with_lfs(top: Path) -> Path:
    """The same repository, of a person who has git-lfs."""
    if shutil.which("git-lfs") is None:
        pytest.skip("git-lfs is not installed")
    git(top, "lfs", "install", "--skip-repo")
    git(top, "config", "lfs.repositoryformatversion", "0")  # which git-lfs writes when it is first used
    return top


def test_where_it_is_not_set_up_the_files_are_named(world: World) -> None:
    said = lfs.warning(world.repository)
    assert "one.bin, src/two.bin" in said
    assert "git lfs install" in said


def test_without_such_files_nothing_is_said(tmp_path: Path) -> None:
    assert lfs.warning(open_repository(make_repository(tmp_path / "plain"))) == ""


def test_pointers_are_known_for_what_they_are_and_stay_so(world: World) -> None:
    """What is collected beside them leaves them as they are."""
    path = world.prepare("one")
    assert lfs.pointers(Git(), Place(git_dir=world.top / ".git" / "worktrees" / "one", work_tree=path)) == (
        "one.bin",
        "src/two.bin",
    )
    (path / "a.txt").write_text("changed\n")
    assert world.collect("one").files == ("a.txt",)


def test_where_it_is_set_up_the_files_are_there_and_their_pointers_are_committed(with_lfs: Path, world: World) -> None:
    kept = hashlib.sha256(CONTENT).hexdigest()
    store = world.top / ".git" / "lfs" / "objects" / kept[:2] / kept[2:4] / kept
    store.parent.mkdir(parents=True)
    store.write_bytes(CONTENT)
    run = world.again()
    assert lfs.warning(run.repository) == ""
    path = run.prepare("one")
    assert (path / "src" / "two.bin").read_bytes() == CONTENT
    (path / "three.bin").write_bytes(CONTENT)
    work = run.collect("one")
    assert work.files == ("three.bin",)
    assert run.content(work.commit or "")["three.bin"] == POINTER.rstrip("\n")


def test_files_that_cannot_be_fetched_are_the_environments_fault(with_lfs: Path, world: World) -> None:
    git(world.top, "lfs", "install", "--skip-repo", "--skip-smudge", "--force")
    run = world.again()
    with pytest.raises(WorkspaceFault, match="Git LFS"):
        run.prepare("one")
