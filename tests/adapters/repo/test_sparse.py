"""A checkout of which only a part is there: worktrees are the same part, and the rest of the tree stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.adapters.repo.conftest import World, git


@pytest.fixture
def top(top: Path) -> Path:
    git(top, "sparse-checkout", "init", "--cone")
    git(top, "sparse-checkout", "set", "docs")
    return top


def files(path: Path) -> set[str]:
    return {str(each.relative_to(path)) for each in path.rglob("*") if each.is_file() and each.name != ".git"}


def test_a_worktree_has_the_part_that_the_checkout_has(world: World) -> None:
    path = world.prepare("one")
    assert "a.txt" in files(path)
    assert not (path / "src").exists()
    assert git(path, "sparse-checkout", "list") == "docs"


def test_what_is_not_there_is_not_deleted_by_what_is_done(world: World) -> None:
    """Neither in the commit nor on the target; what is done outside of the part is kept, too."""
    path = world.prepare("one")
    (path / "a.txt").write_text("changed\n")
    (path / "docs").mkdir()
    (path / "docs" / "new.txt").write_text("new\n")
    (path / "far").mkdir()
    (path / "far" / "new.txt").write_text("far\n")
    assert world.collect("one").files == ("a.txt", "docs/new.txt", "far/new.txt")
    world.land("one", world.collect("one").commit)
    landed = world.content(world.target)
    assert landed["a.txt"] == "changed"
    assert "src/c.txt" in landed
    assert "far/new.txt" in landed


def test_the_next_bead_gets_the_same_part_of_a_worktree_that_is_handed_on(world: World) -> None:
    path = world.prepare("one")
    seen = (path / "b.txt").stat().st_ino
    (path / "extra.txt").write_text("of one\n")
    world.clear("one")
    path = world.prepare("two")
    assert (path / "b.txt").stat().st_ino == seen
    assert not (path / "extra.txt").exists()
    assert not (path / "src").exists()
    assert git(path, "status", "--porcelain", "--ignored") == ""


def test_another_part_that_an_agent_chose_is_not_handed_on(world: World) -> None:
    path = world.prepare("one")
    git(path, "sparse-checkout", "set", "src")
    assert (path / "src" / "c.txt").is_file()
    world.clear("one")
    path = world.prepare("two")
    assert not (path / "src").exists()
