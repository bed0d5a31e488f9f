"""What is in the attic can be seen, taken out again, and let go of; nothing else goes with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.core.model import BeadId, Commit
from orchestrator.repo import archive
from orchestrator.repo.faults import RepositoryFault
from tests.adapters.repo.conftest import World


def left(world: World, bead: str, number: int, text: str) -> Commit:
    """What an attempt left, saved."""
    path = world.prepare(bead, number)
    (path / "a.txt").write_text(text)
    (path / "run.sh").write_text("#!/bin/sh\n")
    (path / "run.sh").chmod(0o755)
    (path / "link").symlink_to("a.txt")
    commit = world.save(bead, number)
    assert commit is not None
    return commit


def test_what_an_attempt_left_is_listed_with_its_number(world: World) -> None:
    first, second = left(world, "a/b", 12, "1"), left(world, "one", 1, "2")
    found = archive.attic(world.repository)
    assert [(one.short, one.bead, one.number, one.commit) for one in found] == [
        ("a%2Fb/12", "a/b", 12, first),
        ("one/1", "one", 1, second),
    ]
    assert found[0].name == "refs/orchestrator/attic/a%2Fb/12"
    assert found[0].subject == "Left by attempt 12 of a/b"
    for name in ("a/b", "a/b/12", "a%2Fb/12", "refs/orchestrator/attic/a%2Fb/12"):
        assert archive.named(world.repository, name) == found[0]
    with pytest.raises(RepositoryFault, match="attic list"):
        archive.named(world.repository, "two")


def test_a_bead_alone_names_its_newest_attempt(world: World) -> None:
    for number in (1, 2, 10):
        left(world, "one", number, str(number))
    assert archive.named(world.repository, "one").number == 10


def test_it_is_shown_from_where_it_began(world: World) -> None:
    began = world.tip()
    commit = left(world, "one", 1, "changed\n")
    one = archive.named(world.repository, "one")
    content = archive.content(world.repository, one)
    assert content.began == began
    assert content.commits == ((commit, "Left by attempt 1 of one"),)
    assert content.files == (("M", "a.txt"), ("A", "link"), ("A", "run.sh"))
    assert "+changed" in archive.difference(world.repository, one)


def test_it_is_restored_as_a_branch_or_into_a_folder(world: World, tmp_path: Path) -> None:
    """With modes and links; what is there already is not touched, and the attic keeps it."""
    commit = left(world, "one", 1, "changed\n")
    one = archive.named(world.repository, "one")
    archive.restore_folder(world.repository, one, tmp_path / "out")
    assert (tmp_path / "out" / "a.txt").read_text() == "changed\n"
    assert (tmp_path / "out" / "run.sh").stat().st_mode & 0o111
    assert (tmp_path / "out" / "link").readlink() == Path("a.txt")
    assert not (tmp_path / "out" / ".git").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("1")
    with pytest.raises(RepositoryFault, match="is there already"):
        archive.restore_folder(world.repository, one, tmp_path / "full")
    with pytest.raises(RepositoryFault, match="already"):
        archive.restore_branch(world.repository, one, "theirs")
    with pytest.raises(RepositoryFault, match="cannot be a branch"):
        archive.restore_branch(world.repository, one, "a..b")
    archive.restore_branch(world.repository, one, "rescue")
    assert world.git("rev-parse", "rescue") == commit
    assert archive.named(world.repository, "one") == one
    world.git("branch", "-D", "rescue")


def test_what_is_let_go_of_is_written_down_and_nothing_else_goes(world: World) -> None:
    first, second = left(world, "one", 1, "1"), left(world, "two", 1, "2")
    before = world.refs()
    world.clear("one")
    world.git("update-ref", "-d", "refs/heads/orchestrator-work/night/one")
    archive.prune(world.repository, [archive.named(world.repository, "one")], by="ann")
    assert archive.pruned(world.repository) == {first}
    assert [one.bead for one in archive.attic(world.repository)] == [BeadId("two")]
    gone = {"refs/orchestrator/attic/one/1", "refs/heads/orchestrator-work/night/one"}
    assert world.refs() == {name: at for name, at in before.items() if name not in gone}
    archive.prune(world.repository, archive.attic(world.repository), by="ann")
    assert archive.attic(world.repository) == ()
    assert archive.pruned(world.repository) == {first, second}


def test_a_line_that_a_death_cut_short_is_none(world: World) -> None:
    world.repository.state.mkdir(exist_ok=True)
    (world.repository.state / archive.PRUNED).write_text('{"at": 1, "commi')
    left(world, "one", 1, "1")
    commit = archive.named(world.repository, "one").commit
    archive.prune(world.repository, archive.attic(world.repository), by="ann")
    assert archive.pruned(world.repository) == {commit}
