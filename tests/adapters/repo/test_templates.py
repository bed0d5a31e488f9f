"""Folders of dependencies: made once for each state of their lock files, and every worktree's own."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from orchestrator.repo.templates import all_of
from orchestrator.runtime.dependencies import Dependency
from orchestrator.runtime.ports import WorkspaceFault
from tests.adapters.repo.conftest import World, git

MAKE = "mkdir -p deps/bin && cp a.txt deps/lib.txt && ln -s ../lib.txt deps/bin/lib && echo made >> ../../made"


@pytest.fixture
def top(top: Path) -> Path:
    (top / ".gitignore").write_text("*.ignored\ndeps\n")
    git(top, "commit", "--quiet", "--all", "--message", "Ignore")
    return top


def with_deps(
    world: World, *, folder: str = "deps", lock: str = "a.txt", link: bool = False, make: str = MAKE
) -> World:
    return world.again(dependencies=[Dependency(folder=folder, lock=(lock,), make=(make,), link=link)])


def made(world: World) -> int:
    file = world.tmp / "trees" / "made"
    return len(file.read_text().splitlines()) if file.exists() else 0


def test_it_is_made_once_and_copied_then(world: World) -> None:
    run = with_deps(world)
    first, second = run.prepare("one"), run.prepare("two")
    assert made(run) == 1
    for path in (first, second):
        assert (path / "deps" / "lib.txt").read_bytes() == (path / "a.txt").read_bytes()
        assert (path / "deps" / "bin" / "lib").readlink() == Path("../lib.txt")
        assert git(path, "status", "--porcelain") == ""
    assert run.collect("one").commit is None
    assert len(all_of(run.repository.state)) == 1


def test_what_an_agent_changes_there_is_its_own(world: World) -> None:
    """Neither the one beside it nor the next one in its worktree sees it."""
    run = with_deps(world)
    path, beside = run.prepare("one"), run.prepare("two")
    (path / "deps" / "lib.txt").write_text("of one")
    (path / "deps" / "more").write_text("added")
    assert "of one" not in (beside / "deps" / "lib.txt").read_text()
    run.clear("one")
    path = run.prepare("three")
    assert "of one" not in (path / "deps" / "lib.txt").read_text()
    assert not (path / "deps" / "more").exists()
    assert made(run) == 1


def test_another_state_of_the_lock_file_is_another_template(world: World) -> None:
    """Also on the merged tree, where the checks run: what it needs is there, made from its own lock file."""
    run = with_deps(world)
    path = run.prepare("one")
    (path / "a.txt").write_text("another state\n")
    run.land("one", run.collect("one").commit, "test \"$(cat deps/lib.txt)\" = 'another state'")
    assert made(run) == 2
    assert (run.prepare("two") / "deps" / "lib.txt").read_text() == "another state\n"
    assert made(run) == 2


def test_who_needs_it_while_it_is_made_waits_for_it(world: World) -> None:
    run = with_deps(world, make=f"sleep 0.5; {MAKE}")
    for name in ("one", "two", "three"):
        run.workspaces.prepare(run.order(name))
    threads = [
        threading.Thread(target=run.workspaces.furnish, args=(run.order(name),)) for name in ("one", "two", "three")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made(run) == 1
    assert all((run.folder / name / "deps" / "lib.txt").is_file() for name in ("one", "two", "three"))


def test_with_links_the_files_are_one_and_the_same_but_for_the_first(world: World) -> None:
    """Who made it has its own: what it writes later is in no template."""
    run = with_deps(world, link=True)
    paths = [run.prepare(name) for name in ("one", "two", "three")]
    inodes = [(path / "deps" / "lib.txt").stat().st_ino for path in paths]
    assert inodes[1] == inodes[2]
    assert inodes[0] != inodes[1]


def test_without_a_lock_file_there_is_nothing_to_bring(world: World) -> None:
    run = with_deps(world, lock="nowhere.lock")
    assert not (run.prepare("one") / "deps").exists()


@pytest.mark.parametrize(
    ("folder", "make", "said"),
    [
        ("deps", "echo it went wrong; false", "it went wrong"),
        ("deps", "true", "left no folder deps"),
        ("src/made", "mkdir src/made", "does not ignore src/made"),
    ],
)
def test_what_goes_wrong_is_said_and_leaves_no_template(world: World, folder: str, make: str, said: str) -> None:
    run = with_deps(world, folder=folder, make=make)
    with pytest.raises(WorkspaceFault, match=said):
        run.prepare("one")
    assert all_of(run.repository.state) == []


def test_a_link_in_its_place_is_not_followed(world: World) -> None:
    """A worktree that is gone on with is as the agent left it; one that begins anew gets a folder of its own."""
    run = with_deps(world)
    path = run.prepare("one")
    elsewhere = world.tmp / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("mine")
    for child in (path / "deps").rglob("*"):
        if not child.is_dir():
            child.unlink()
    (path / "deps" / "bin").rmdir()
    (path / "deps").rmdir()
    (path / "deps").symlink_to(elsewhere)
    run.clear("one")
    path = run.prepare("two")
    assert not (path / "deps").is_symlink()
    assert (elsewhere / "precious").read_text() == "mine"
