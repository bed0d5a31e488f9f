"""A worktree goes from bead to bead: it costs the difference, and nothing of the last one is in it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.core.messages import OpenSession
from orchestrator.core.model import BeadId, RouteName, Token, WorkerId
from orchestrator.repo import worktrees
from orchestrator.repo.repository import Repository
from orchestrator.repo.worktrees import Worktree
from orchestrator.runtime.ports import WorkspaceFault
from tests.adapters.repo.conftest import World, git

AsAgent = Callable[..., str]


def spares(world: World) -> list[Path]:
    return sorted(world.folder.glob(".spare-*"))


def inode(path: Path) -> int:
    return (path / "src" / "c.txt").stat().st_ino


def everything(path: Path) -> dict[str, str]:
    """All that is below a folder, ignored or not."""
    found = {}
    for folder, folders, files in os.walk(path):
        if ".git" in files:
            files.remove(".git")
        for name in (*folders, *files):
            file = Path(folder, name)
            found[str(file.relative_to(path))] = file.read_text() if file.is_file() else "folder"
    return found


def test_nothing_of_the_last_bead_is_in_the_next_ones_worktree(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("fresh")
    expected = everything(path)
    world.clear("fresh")
    for left in spares(world):
        assert left.is_dir()
    path = world.prepare("one")
    (path / "secret.ignored").write_text("of one")
    (path / "new" / "deep").mkdir(parents=True)
    (path / "new" / "deep" / "file").write_text("of one")
    (path / "a.txt").write_text("of one")
    (path / "b.txt").unlink()
    (path / ".env").symlink_to("/etc/passwd")
    as_agent(path, "init", "--quiet", "nested")
    as_agent(path, "commit", "--quiet", "--allow-empty", "--message", "of one")
    (path / "nested" / "x").write_text("of one")
    as_agent(path / "nested", "add", "x")
    as_agent(path / "nested", "commit", "--quiet", "--message", "of one")
    world.clear("one")
    path = world.prepare("two")
    assert everything(path) == expected
    assert git(path, "symbolic-ref", "HEAD") == "refs/heads/orchestrator-work/night/two"
    assert git(path, "status", "--porcelain", "--ignored") == ""
    assert "of one" not in git(path, "reflog", "HEAD")


def test_a_plain_one_is_taken_again_and_only_the_difference_is_written(world: World) -> None:
    path = world.prepare("one")
    (path / "a.txt").write_text("one\n")
    (path / "x.ignored").write_text("left")
    before = inode(path)
    world.land("one", world.collect("one").commit)
    world.clear("one", landed=True)
    assert len(spares(world)) == 1
    path = world.prepare("two")
    assert spares(world) == []
    assert inode(path) == before
    assert (path / "a.txt").read_text() == "one\n"
    assert not (path / "x.ignored").exists()
    (path / "new").write_text("2")
    assert world.collect("two").files == ("new",)


@pytest.mark.parametrize(
    "doing",
    [
        lambda path, run: run(path, "update-index", "--assume-unchanged", "a.txt"),
        lambda path, run: run(path, "update-index", "--skip-worktree", "a.txt"),
        lambda path, run: run(path, "sparse-checkout", "set", "src"),
        lambda path, run: run(path, "bisect", "start"),
        lambda path, run: run(path, "update-ref", "refs/worktree/mine", "HEAD"),
    ],
)
def test_what_would_outlast_a_reset_makes_it_no_spare(
    world: World, as_agent: AsAgent, doing: Callable[[Path, AsAgent], object]
) -> None:
    config = world.top / ".git" / "config"
    before = config.read_bytes()
    path = world.prepare("one")
    doing(path, as_agent)
    world.clear("one")
    assert spares(world) == []
    config.write_bytes(before)


def test_no_more_are_kept_than_can_be_at_work(world: World) -> None:
    few = world.again(workers=1)
    few.prepare("one")
    few.prepare("two")
    few.clear("one")
    few.clear("two")
    assert len(spares(world)) == 1


def test_at_the_end_none_is_left(world: World) -> None:
    world.prepare("one")
    world.clear("one")
    world.workspaces.close()
    assert not world.folder.exists()
    assert "spare" not in world.git("worktree", "list", "--porcelain")


def test_a_death_while_one_is_put_by_or_taken_leaves_nothing_that_counts_as_work(world: World) -> None:
    """Its folder is where no book names it, or a bead's name is on what was never checked out."""
    world.prepare("one")
    world.clear("one")
    [spare] = spares(world)
    admin = Path((spare / ".git").read_text().removeprefix("gitdir: ").strip())
    (admin / "locked").write_text("orchestrator: night/two\n")
    (admin / "gitdir").write_text(f"{world.folder / 'two'}/.git\n")
    again = world.again()
    assert spares(world) == []
    path = again.prepare("two", keep=True)
    assert git(path, "status", "--porcelain") == ""
    assert set(again.attic("two").values()) <= {world.git("rev-parse", "main")}


@pytest.mark.parametrize("said", ["orchestrator: night/two\n", ""])
def test_a_death_before_the_books_name_its_new_place_leaves_no_registration(world: World, said: str) -> None:
    """It is promised to a bead, or nobody's any more, and still where spares are: at the end nothing is left."""
    world.prepare("one")
    world.clear("one")
    [spare] = spares(world)
    admin = Path((spare / ".git").read_text().removeprefix("gitdir: ").strip())
    (admin / "locked").write_text(said)
    again = world.again()
    assert spares(world) == []
    assert not admin.exists()
    again.prepare("two")
    again.clear("two")
    again.workspaces.close()
    assert world.git("worktree", "list", "--porcelain").count("worktree ") == 1


def test_a_death_before_it_was_checked_out_keeps_nothing_of_the_last_bead(world: World) -> None:
    path = world.prepare("one")
    (path / "of one").write_text("1")
    world.clear("one")
    order = OpenSession(
        token=Token(9), bead=BeadId("two"), number=1, worker=WorkerId("w1"), route=RouteName("mine"), prompt="",
        resume=None, keep=True, silence_s=1, grace_s=1, linger_s=1,
    )  # fmt: skip
    assert (world.workspaces.prepare(order) / "of one").exists()  # it is not furnished yet
    again = world.again()
    path = again.prepare("two", 2, keep=True)
    assert not (path / "of one").exists()
    assert again.attic("two") == {}


def test_one_that_cannot_be_removed_keeps_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor what merges were checked in."""
    world.done("landed", lambda path: (path / "new.txt").write_text("new\n"))
    for bead in ("one", "two"):
        world.prepare(bead)
    for bead in ("one", "two"):
        world.clear(bead)
    first, second = spares(world)
    remove = worktrees.remove

    def refused(repository: Repository, worktree: Worktree | None, path: Path) -> None:
        if path == first:
            raise PermissionError(13, "Permission denied", str(path))
        remove(repository, worktree, path)

    monkeypatch.setattr(worktrees, "remove", refused)
    with pytest.raises(WorkspaceFault, match="Permission denied"):
        world.workspaces.close()
    assert first.exists()
    assert not second.exists()
    assert [path.name for path in world.folder.iterdir()] == [first.name]
