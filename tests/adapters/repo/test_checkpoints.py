"""What a worktree holds while an agent works in it outlives the worktree."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

from orchestrator.core.model import BeadId, Commit
from orchestrator.repo import survey
from tests.adapters.repo.conftest import World

AsAgent = Callable[..., str]
REF = "refs/orchestrator/checkpoints/night/one"


def checkpoint(world: World, number: int = 1) -> Commit | None:
    return world.workspaces.checkpoint(BeadId("one"), number)


def shown(world: World) -> str:
    return world.refs("refs/orchestrator/checkpoints").get(REF, "")


def test_what_is_tracked_or_new_is_held_and_what_is_ignored_is_not(world: World) -> None:
    path = world.prepare("one")
    (path / "a.txt").write_text("changed\n")
    (path / "new").write_text("new\n")
    (path / "x.ignored").write_text("no")
    commit = checkpoint(world)
    assert commit == shown(world)
    kept = world.content(str(commit))
    assert (kept["a.txt"], kept["new"]) == ("changed", "new")
    assert "x.ignored" not in kept


def test_the_agents_index_head_and_files_stay_as_they_are(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one")
    (path / "staged").write_text("1")
    as_agent(path, "add", "staged")
    (path / "staged").write_text("2")
    index = world.repository.common_dir / "worktrees" / "one" / "index"
    before = (as_agent(path, "status", "--porcelain"), index.read_bytes(), as_agent(path, "rev-parse", "HEAD"))
    assert checkpoint(world)
    assert (as_agent(path, "status", "--porcelain"), index.read_bytes(), as_agent(path, "rev-parse", "HEAD")) == before


def test_it_moves_only_when_the_tree_has_changed(world: World) -> None:
    path = world.prepare("one")
    assert checkpoint(world) is None, "what its base holds need not be held"
    assert not shown(world)
    (path / "new").write_text("1")
    first = checkpoint(world)
    os.utime(path / "new")
    assert checkpoint(world) is None
    assert shown(world) == first
    (path / "new").write_text("2")
    assert checkpoint(world) not in (None, first)


def test_a_worktree_that_is_lost_is_gone_on_with_from_its_checkpoint(world: World) -> None:
    """Also by the next process, and although nobody saved anything."""
    path = world.prepare("one")
    (path / "new").write_text("half\n")
    held = checkpoint(world)
    shutil.rmtree(path)
    shutil.rmtree(world.repository.common_dir / "worktrees" / "one")
    later = world.again()
    assert later.save("one") == held
    assert held in later.attic("one").values()
    assert not shown(later)
    assert (later.prepare("one", 2, keep=True) / "new").read_text() == "half\n"


def test_commits_of_the_agent_come_back_with_it(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one")
    (path / "first").write_text("1")
    as_agent(path, "add", "--all")
    as_agent(path, "commit", "--quiet", "--message", "First")
    first = as_agent(path, "rev-parse", "HEAD")
    (path / "second").write_text("2")
    checkpoint(world)
    shutil.rmtree(path)
    later = world.again()
    later.save("one")
    path = later.prepare("one", 2, keep=True)
    assert (path / "second").read_text() == "2"
    as_agent(path, "merge-base", "--is-ancestor", first, "HEAD")


def test_an_empty_place_takes_no_checkpoints_place(world: World) -> None:
    path = world.prepare("one")
    (path / "new").write_text("1")
    held = checkpoint(world)
    shutil.rmtree(path)
    assert checkpoint(world) is None
    path.mkdir()
    assert checkpoint(world) is None
    assert shown(world) == held


def test_what_is_saved_or_collected_needs_no_checkpoint_any_more(world: World) -> None:
    (world.prepare("one") / "new").write_text("1")
    checkpoint(world)
    world.save("one")
    assert not shown(world)
    path = world.prepare("one", 2, keep=True)
    (path / "new").write_text("2")
    assert checkpoint(world, 2)
    assert world.collect("one", 2).commit
    assert not shown(world)
    assert list(world.attic("one")) == ["1", "2"], "all that the checkpoints had is there by another name"


def test_what_an_agent_destroys_as_it_dies_is_kept(world: World) -> None:
    path = world.prepare("one")
    (path / "new").write_text("1")
    held = checkpoint(world)
    (path / "new").unlink()
    (path / "a.txt").write_text("rubble")
    saved = world.save("one")
    assert world.attic("one") == {"1": saved, "1.0": held}
    shutil.rmtree(path)
    assert (world.again().prepare("one", 2, keep=True) / "a.txt").read_text() == "rubble", "the end goes before it"


def test_a_base_file_that_an_agent_removes_is_no_loss(world: World) -> None:
    path = world.prepare("one")
    (path / "new").write_text("1")
    checkpoint(world)
    (path / "b.txt").unlink()
    saved = world.save("one")
    assert world.attic("one") == {"1": saved}


def test_clearing_takes_a_checkpoint_along_and_keeps_it(world: World) -> None:
    path = world.prepare("one")
    (path / "new").write_text("1")
    held = checkpoint(world)
    shutil.rmtree(path)
    later = world.again()
    assert list(survey.checkpoints(later.repository, "night")) == [("night", BeadId("one"))]
    later.clear("one")
    assert not survey.checkpoints(later.repository)
    assert held in later.attic("one").values()


def test_a_damaged_index_is_no_obstacle(world: World) -> None:
    path = world.prepare("one")
    (path / "new").write_text("1")
    (world.repository.common_dir / "worktrees" / "one" / "index").write_bytes(b"rubbish")
    commit = checkpoint(world)
    assert world.content(str(commit))["new"] == "1"


def test_fences_know_checkpoints_for_ours(world: World) -> None:
    """One is made while another bead's agent is at work: that agent is not said to have done it."""
    path = world.prepare("one")
    world.prepare("two", 2)
    (path / "new").write_text("1")
    held = checkpoint(world)
    world.collect("two", 2)
    assert shown(world) == held
