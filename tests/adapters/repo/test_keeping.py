"""Nothing is lost: whatever an agent left, wherever it left it."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.repo.repository import open_repository
from orchestrator.runtime.ports import Conflict, Leaving, WorkspaceFault
from tests.adapters.repo.conftest import LandedAt, World, git, open_run

AsAgent = Callable[..., str]


def commit_all(as_agent: AsAgent, path: Path, message: str = "Work", *extra: str) -> str:
    as_agent(path, "add", "--all")
    as_agent(path, "commit", "--quiet", "--message", message, *extra)
    return as_agent(path, "rev-parse", "HEAD")


# ---------------------------------------------------------------- saving


def test_an_untouched_worktree_has_nothing_to_save(world: World) -> None:
    world.prepare("one")
    assert world.save("one") is None
    assert world.attic("one") == {}


def test_a_bead_without_a_worktree_has_nothing_to_save(world: World) -> None:
    assert world.save("never was") is None


def test_tracked_and_untracked_files_are_saved_and_ignored_ones_are_not(world: World) -> None:
    path = world.prepare("one")
    (path / "a.txt").write_text("changed\n")
    (path / "b.txt").unlink()
    (path / "neue Datei ä").write_text("new\n")
    (path / "x.ignored").write_text("no")
    commit = world.save("one")
    assert commit == world.attic("one")["1"]
    kept = world.content(str(commit))
    assert set(kept) == {".gitignore", "a.txt", "src/c.txt", "neue Datei ä"}
    assert kept["a.txt"] == "changed"


def test_saving_leaves_the_agents_index_head_and_files_as_they_are(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one")
    (path / "staged").write_text("1")
    as_agent(path, "add", "staged")
    (path / "staged").write_text("2")
    (path / "untracked").write_text("3")
    index = world.repository.common_dir / "worktrees" / "one" / "index"
    shown = as_agent(path, "status", "--porcelain")  # which writes the index itself
    before = (index.read_bytes(), index.stat().st_mtime_ns)
    world.save("one")
    assert (index.read_bytes(), index.stat().st_mtime_ns) == before
    assert as_agent(path, "status", "--porcelain") == shown


def test_saved_twice_is_saved_once(world: World) -> None:
    (world.prepare("one") / "new").write_text("1")
    assert world.save("one") == world.save("one") == world.again().save("one")
    assert list(world.attic("one")) == ["1"]


def test_what_is_saved_later_under_the_same_number_takes_no_ones_place(world: World) -> None:
    path = world.prepare("one")
    (path / "new").write_text("1")
    first = world.save("one")
    (path / "new").write_text("2")
    second = world.save("one")
    (path / "new").write_text("1")
    assert world.save("one") == first
    assert world.attic("one") == {"1": first, "1.2": second}


def test_a_change_of_the_same_size_in_the_same_second_is_seen(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one")
    stat = (path / "a.txt").stat()
    text = (path / "a.txt").read_text()
    (path / "a.txt").write_text(text.replace("a.txt 5", "a.txt X"))
    os.utime(path / "a.txt", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert "a.txt X" in world.content(str(world.save("one")))["a.txt"]


def test_saving_goes_on_while_the_agent_holds_its_index(world: World) -> None:
    path = world.prepare("one")
    (path / "new").write_text("1")
    (world.repository.common_dir / "worktrees" / "one" / "index.lock").touch()
    assert world.content(str(world.save("one")))["new"] == "1"


def test_saving_goes_on_when_the_agent_has_removed_git_from_its_worktree(world: World) -> None:
    path = world.prepare("one")
    (path / ".git").unlink()
    (path / "new").write_text("1")
    assert set(world.content(str(world.save("one")))) == {".gitignore", "a.txt", "b.txt", "src/c.txt", "new"}


def test_an_agent_that_emptied_its_worktree_has_changed_something(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one")
    for child in path.iterdir():
        if child.name != ".git":
            shutil.rmtree(child) if child.is_dir() else child.unlink()
    commit = world.save("one")
    assert commit is not None
    assert world.content(commit) == {}


def test_work_that_an_agent_took_back_is_kept_though_nothing_differs(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one")
    (path / "new").write_text("1")
    first = commit_all(as_agent, path)
    as_agent(path, "revert", "--no-edit", "HEAD")
    assert world.save("one") is None
    world.clear("one", landed=True)
    assert world.holds(first, "refs/orchestrator/attic/")


# ---------------------------------------------------------------- agents that wander off


def detach(as_agent: AsAgent, path: Path) -> None:
    as_agent(path, "checkout", "--quiet", "--detach")


def branch_off(as_agent: AsAgent, path: Path) -> None:
    as_agent(path, "checkout", "--quiet", "-b", "agents-idea")


def go_back(as_agent: AsAgent, path: Path) -> None:
    as_agent(path, "checkout", "--quiet", "--detach", "HEAD~1")


def orphan(as_agent: AsAgent, path: Path) -> None:
    as_agent(path, "checkout", "--quiet", "--orphan", "fresh-start")


@pytest.mark.parametrize("wander", [detach, branch_off, go_back])
def test_head_and_branch_both_outlive_an_agent_that_moved_head(
    world: World, as_agent: AsAgent, wander: Callable[[AsAgent, Path], None]
) -> None:
    path = world.prepare("one")
    (path / "on the branch").write_text("1")
    on_branch = commit_all(as_agent, path)
    wander(as_agent, path)
    (path / "elsewhere").write_text("2")
    elsewhere = commit_all(as_agent, path)
    (path / "uncommitted").write_text("3")
    world.clear("one")
    for commit in (on_branch, elsewhere):
        assert world.holds(commit, "refs/orchestrator/attic/one")
    assert "uncommitted" in world.content(world.attic("one")["1"])
    if wander is branch_off:
        assert world.refs("refs/heads/agents-idea") == {"refs/heads/agents-idea": elsewhere}
        world.git("branch", "-D", "agents-idea")


@pytest.mark.parametrize("wander", [detach, branch_off, go_back, orphan])
def test_what_head_shows_is_what_is_collected(
    world: World, as_agent: AsAgent, wander: Callable[[AsAgent, Path], None]
) -> None:
    path = world.prepare("one")
    (path / "on the branch").write_text("1")
    on_branch = commit_all(as_agent, path)
    wander(as_agent, path)
    (path / "elsewhere").write_text("2")
    work = world.collect("one")
    assert "elsewhere" in work.files
    assert world.content("orchestrator-work/night/one")["elsewhere"] == "2"
    assert git(path, "symbolic-ref", "HEAD") == "refs/heads/orchestrator-work/night/one"
    assert git(path, "status", "--porcelain") == ""
    assert world.holds(on_branch, "refs/orchestrator/attic/one")
    world.git("branch", "-D", "agents-idea", codes=(0, 1))


def test_an_agent_that_took_the_target_into_its_worktree_moves_nothing(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one")
    tip = world.tip()
    as_agent(path, "checkout", "--quiet", "orchestrator/night")
    (path / "new").write_text("1")
    commit = world.collect("one").commit
    assert world.tip() == tip
    world.land("one", commit)


def test_a_merge_in_progress_is_kept_as_it_stands(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one")
    (path / "a.txt").write_text("ours\n")
    commit_all(as_agent, path)
    as_agent(path, "checkout", "--quiet", "-b", "side", "HEAD~1")
    (path / "a.txt").write_text("theirs\n")
    commit_all(as_agent, path)
    as_agent(path, "checkout", "--quiet", "-")
    as_agent(path, "merge", "side", codes=(1,))
    assert "UU a.txt" in as_agent(path, "status", "--porcelain")
    assert "<<<<<<<" in world.content(str(world.save("one")))["a.txt"]
    assert "UU a.txt" in as_agent(path, "status", "--porcelain")
    assert "<<<<<<<" in world.content(str(world.collect("one").commit))["a.txt"]
    world.git("branch", "-D", "side")


# ---------------------------------------------------------------- agents that damage what is git's


def corrupt_index(admin: Path) -> None:
    (admin / "index").write_bytes(b"not an index at all, is it?")


def cut_index_short(admin: Path) -> None:
    (admin / "index").write_bytes((admin / "index").read_bytes()[:60])


def nonsense_in_head(admin: Path) -> None:
    (admin / "HEAD").write_text("nonsense\n")


def no_head(admin: Path) -> None:
    (admin / "HEAD").unlink()


def head_on_a_commit_that_is_not_there(admin: Path) -> None:
    (admin / "HEAD").write_text("f" * 40 + "\n")


def head_on_a_branch_that_is_not_there(admin: Path) -> None:
    (admin / "HEAD").write_text("ref: refs/heads/nowhere\n")


def no_link_to_the_repository(admin: Path) -> None:
    (admin / "commondir").unlink()


def no_registration(admin: Path) -> None:
    shutil.rmtree(admin)


DAMAGES = [
    corrupt_index, cut_index_short, nonsense_in_head, no_head, head_on_a_commit_that_is_not_there,
    head_on_a_branch_that_is_not_there, no_link_to_the_repository, no_registration,
]  # fmt: skip


@pytest.fixture(params=DAMAGES, ids=lambda damage: str(damage.__name__))
def damaged(request: pytest.FixtureRequest, world: World, as_agent: AsAgent) -> Path:
    """A worktree with a commit, a change beyond it, a tracked file that is ignored, and damage."""
    path = world.prepare("one")
    (path / "tracked.ignored").write_text("1")
    as_agent(path, "add", "--force", "tracked.ignored")
    (path / "committed").write_text("1")
    commit_all(as_agent, path)
    (path / "uncommitted").write_text("2")
    (path / "b.txt").unlink()
    request.param(world.repository.common_dir / "worktrees" / "one")
    return path


IN_IT = {".gitignore", "a.txt", "src/c.txt", "tracked.ignored", "committed", "uncommitted"}
CHANGED = ("b.txt", "committed", "tracked.ignored", "uncommitted")


def test_a_damaged_worktree_is_saved(world: World, damaged: Path) -> None:
    on_branch = world.git("rev-parse", "orchestrator-work/night/one")
    commit = str(world.save("one"))
    assert set(world.content(commit)) == IN_IT
    assert world.git("rev-parse", f"{commit}^") == on_branch
    assert world.attic("one")["1"] == commit


def test_a_damaged_worktree_is_collected_and_lands(world: World, damaged: Path) -> None:
    work = world.collect("one")
    assert work.files == CHANGED
    assert set(world.content("orchestrator-work/night/one")) == IN_IT
    assert world.collect("one") == work
    assert isinstance(world.land("one", work.commit), LandedAt)
    world.clear("one", landed=True)
    assert not damaged.exists()


def test_a_damaged_worktree_is_kept_before_it_is_cleared(world: World, damaged: Path) -> None:
    world.clear("one")
    assert set(world.content("orchestrator-work/night/one")) == IN_IT
    assert not damaged.exists()


def test_a_damaged_worktree_is_gone_on_with_in_one_that_is_whole(world: World, damaged: Path) -> None:
    assert world.prepare("one", 2, keep=True) == damaged
    assert {child.name for child in damaged.iterdir()} >= {"committed", "uncommitted", "tracked.ignored"}
    git(damaged, "status")
    assert world.collect("one", 2).files == CHANGED


def test_a_merge_whose_conflicts_are_lost_with_the_index_is_undecided(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one")
    (path / "a.txt").write_text("ours\n")
    mine = commit_all(as_agent, path)
    world.done("two", lambda other: (other / "a.txt").write_text("theirs\n"))
    as_agent(path, "merge", world.target, codes=(1,))
    corrupt_index(world.repository.common_dir / "worktrees" / "one")
    work = world.collect("one")
    assert world.git("rev-parse", f"{work.commit}^@") == mine
    assert isinstance(world.land("one", work.commit), Conflict)


def test_a_folder_that_is_not_ours_is_not_collected(world: World) -> None:
    (world.folder / "one").mkdir(parents=True)
    (world.folder / "one" / "thesis").write_text("1")
    with pytest.raises(WorkspaceFault, match="we did not make it"):
        world.collect("one")
    assert world.attic("one") == {}


def left_new(path: Path, as_agent: AsAgent) -> None:
    (path / "report").mkdir()
    (path / "report" / "left.txt").write_text("left")


def left_changed(path: Path, as_agent: AsAgent) -> None:
    (path / "a.txt").write_text("left")


def left_staged(path: Path, as_agent: AsAgent) -> None:
    (path / "a.txt").write_text("left")
    as_agent(path, "add", "a.txt")


def left_committed(path: Path, as_agent: AsAgent) -> None:
    (path / "left.txt").write_text("left")
    commit_all(as_agent, path)


def left_on_no_branch(path: Path, as_agent: AsAgent) -> None:
    as_agent(path, "switch", "--quiet", "--detach", "HEAD")
    left_committed(path, as_agent)


@pytest.mark.parametrize("leave", [left_new, left_changed, left_staged, left_committed, left_on_no_branch])
def test_what_came_into_a_worktree_after_its_work_was_collected_is_kept_as_well(
    world: World, as_agent: AsAgent, leave: Callable[[Path, AsAgent], None]
) -> None:
    """By its own checks, say: it has landed, and goes."""
    path = world.prepare("one")
    (path / "new.txt").write_text("1")
    world.land("one", world.collect("one").commit)
    leave(path, as_agent)
    world.clear("one", landed=True)
    assert not path.exists()
    held = [world.content(commit) for commit in world.attic("one").values()]
    assert any("left" in content.values() for content in held)


def test_a_collected_worktree_that_nobody_touched_adds_nothing_to_the_attic(world: World) -> None:
    path = world.prepare("one")
    (path / "new.txt").write_text("1")
    commit = world.collect("one").commit
    world.land("one", commit)
    (path / "noise.ignored").write_text("nobody's")
    world.clear("one", landed=True)
    assert world.attic("one") == {"1": commit}
    assert not path.exists()


def test_an_attic_ref_that_is_gone_by_then_is_made_again(world: World) -> None:
    path = world.prepare("one")
    (path / "new.txt").write_text("1")
    commit = world.collect("one").commit
    world.git("update-ref", "-d", "refs/orchestrator/attic/one/1")
    world.clear("one")
    assert world.attic("one") == {"1": commit}


@pytest.mark.parametrize("how", ["--assume-unchanged", "--skip-worktree"])
@pytest.mark.parametrize("landed", [True, False])
def test_what_git_was_told_not_to_look_at_is_kept_before_it_goes(
    world: World, as_agent: AsAgent, how: str, landed: bool
) -> None:
    path = world.prepare("one")
    as_agent(path, "update-index", how, "a.txt", "b.txt")
    (path / "a.txt").write_text("hidden\n")
    (path / "new.txt").write_text("1")
    if landed:
        work = world.collect("one")
        assert work.files == ("new.txt",)
        world.land("one", work.commit)
    world.clear("one", landed=landed)
    assert not path.exists()
    held = [world.content(commit) for commit in world.attic("one").values()]
    assert any(content["a.txt"] == "hidden" for content in held)
    assert all(content["b.txt"] == held[0]["b.txt"] for content in held)


# ---------------------------------------------------------------- repositories in the worktree


def nested_with_a_commit(as_agent: AsAgent, path: Path) -> None:
    as_agent(path, "init", "--quiet", "app")
    (path / "app" / "deep").mkdir()
    (path / "app" / "main.py").write_text("1")
    commit_all(as_agent, path / "app")
    (path / "app" / "deep" / "later.py").write_text("2")


def nested_without_a_commit(as_agent: AsAgent, path: Path) -> None:
    as_agent(path, "init", "--quiet", "app")
    (path / "app" / "deep").mkdir()
    (path / "app" / "main.py").write_text("1")
    (path / "app" / "deep" / "later.py").write_text("2")


def nested_and_committed_as_a_link(as_agent: AsAgent, path: Path) -> None:
    nested_with_a_commit(as_agent, path)
    commit_all(as_agent, path)


def nested_in_nested(as_agent: AsAgent, path: Path) -> None:
    nested_with_a_commit(as_agent, path)
    (path / "app" / "deep" / "later.py").unlink()
    as_agent(path / "app", "init", "--quiet", "deep")
    (path / "app" / "deep" / "later.py").write_text("2")


@pytest.mark.parametrize(
    "nest", [nested_with_a_commit, nested_without_a_commit, nested_and_committed_as_a_link, nested_in_nested]
)
@pytest.mark.parametrize("way", ["collect", "clear"])
def test_the_files_of_a_nested_repository_are_kept(
    world: World, as_agent: AsAgent, nest: Callable[[AsAgent, Path], None], way: str
) -> None:
    nest(as_agent, world.prepare("one"))
    if way == "collect":
        files = world.collect("one").files
        assert {"app/main.py", "app/deep/later.py"} == set(files)
        kept = world.content("orchestrator-work/night/one")
    else:
        world.clear("one")
        (newest,) = (commit for name, commit in world.attic("one").items() if name == "1")
        kept = world.content(newest)
    assert (kept["app/main.py"], kept["app/deep/later.py"]) == ("1", "2")


def test_the_history_of_a_nested_repository_is_kept_beside(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one")
    nested_with_a_commit(as_agent, path)
    commit = as_agent(path / "app", "rev-parse", "HEAD")
    world.clear("one")
    (kept,) = (world.repository.state / "nested").glob("one.1.*/*")
    assert git(kept, "--git-dir=.", "cat-file", "-t", commit) == "commit"


@pytest.mark.parametrize("landed", [True, False])
def test_the_history_of_a_nested_repository_is_kept_beside_after_its_files_were_collected(
    world: World, as_agent: AsAgent, landed: bool
) -> None:
    """They are plain files of the bead's own commit by then, and git sees no repository in them any more."""
    path = world.prepare("one")
    nested_with_a_commit(as_agent, path)
    inner = as_agent(path / "app", "rev-parse", "HEAD")
    work = world.collect("one")
    assert "app/main.py" in work.files
    if landed:
        world.land("one", work.commit)
    world.clear("one", landed=landed)
    (kept,) = (world.repository.state / "nested").glob("one.1.*/*")
    assert git(kept, "--git-dir=.", "cat-file", "-t", inner) == "commit"


def test_the_history_of_a_repository_in_a_nested_one_is_kept_too(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one")
    nested_in_nested(as_agent, path)
    commit = commit_all(as_agent, path / "app" / "deep")
    world.clear("one")
    kept = {found.name: found for found in (world.repository.state / "nested").glob("one.1.*/*")}
    assert set(kept) == {"app%2F.git", "app%2Fdeep%2F.git"}
    assert git(kept["app%2Fdeep%2F.git"], "--git-dir=.", "cat-file", "-t", commit) == "commit"


def test_an_agent_that_began_a_repository_of_its_own_at_the_top(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one")
    (path / ".git").unlink()
    as_agent(path, "init", "--quiet")
    (path / "new").write_text("1")
    commit = commit_all(as_agent, path)
    work = world.collect("one")
    assert work.files == ("new",)
    world.clear("one")
    (kept,) = (world.repository.state / "nested").glob("one.1.*/*")
    assert git(kept, "--git-dir=.", "cat-file", "-t", commit) == "commit"


def test_a_worktree_that_an_agent_made_inside_its_own_is_kept_but_not_delivered(
    world: World, as_agent: AsAgent
) -> None:
    path = world.prepare("one")
    (path / "new").write_text("1")
    as_agent(path, "worktree", "add", "--quiet", "--detach", "helpers/side")
    (path / "helpers" / "side" / "note").write_text("2")
    commit = commit_all(as_agent, path / "helpers" / "side")
    (path / "helpers" / "side" / "uncommitted").write_text("3")
    assert world.collect("one").files == ("new",)
    world.clear("one")
    assert world.holds(commit, "refs/orchestrator/attic/one")
    assert any("helpers/side/uncommitted" in world.content(kept) for kept in world.attic("one").values())
    assert world.git("worktree", "list").count("\n") == 0


@pytest.mark.parametrize("landed", [True, False])
def test_what_is_uncommitted_in_a_worktree_that_git_ignores_is_kept(
    world: World, as_agent: AsAgent, landed: bool
) -> None:
    path = world.prepare("one")
    (path / "new").write_text("1")
    as_agent(path, "worktree", "add", "--quiet", "--detach", "side.ignored")
    (path / "side.ignored" / "uncommitted").write_text("3")
    if landed:
        world.land("one", world.collect("one").commit)
    world.clear("one", landed=landed)
    assert any("uncommitted" in world.content(kept) for kept in world.attic("one").values())
    assert world.git("worktree", "list").count("\n") == 0


@pytest.mark.parametrize("split", [True, False])
@pytest.mark.parametrize("landed", [True, False])
def test_a_repository_of_an_agents_own_is_kept_also_where_it_registered_it_as_a_submodule(
    world: World, as_agent: AsAgent, landed: bool, split: bool
) -> None:
    path = world.prepare("one")
    as_agent(path, "init", "--quiet", "lib")
    (path / "lib" / "file").write_text("1")
    inner = commit_all(as_agent, path / "lib")
    as_agent(path, "config", "--file", ".gitmodules", "submodule.lib.path", "lib")
    as_agent(path, "config", "--file", ".gitmodules", "submodule.lib.url", "./lib")
    commit = commit_all(as_agent, path)
    if split:
        as_agent(path, "update-index", "--split-index")
    if landed:
        work = world.collect("one")
        assert work.commit == commit
        world.land("one", work.commit)
    world.clear("one", landed=landed)
    assert any("lib/file" in world.git("ls-tree", "-r", kept) for kept in world.attic("one").values())
    (kept,) = (world.repository.state / "nested").glob("one.1.*/*")
    assert git(kept, "--git-dir=.", "cat-file", "-t", inner) == "commit"


def test_a_repository_outside_the_worktree_is_nobodys_to_move(world: World, as_agent: AsAgent, tmp_path: Path) -> None:
    """An agent may have written anything into its git folder."""
    path = world.prepare("one")
    as_agent(tmp_path, "init", "--quiet", "theirs")
    away = [os.path.relpath(tmp_path / "theirs", path), str(tmp_path / "theirs"), "link"]
    (path / "link").symlink_to(tmp_path / "theirs")
    admin = world.repository.common_dir / "worktrees" / "one"
    (admin / "orchestrator.nested").write_text("\0".join(away))
    world.clear("one")
    assert not path.exists()
    assert (tmp_path / "theirs" / ".git").is_dir()


# ---------------------------------------------------------------- collecting


def test_uncommitted_work_becomes_one_commit_on_the_beads_branch(world: World) -> None:
    path = world.prepare("one")
    (path / "a.txt").write_text("changed\n")
    (path / "new").write_text("1")
    work = world.collect("one", title="Add  a\nnew file")
    assert work.files == ("a.txt", "new")
    assert work.commit == world.git("rev-parse", "orchestrator-work/night/one") == world.attic("one")["1"]
    assert work.tree == world.git("rev-parse", f"{work.commit}^{{tree}}")
    assert world.git("log", "-1", "--format=%an <%ae>%n%B", str(work.commit)).split("\n") == [
        "orchestrator <orchestrator@localhost>",
        "Add a new file",
        "",
    ]
    assert git(path, "status", "--porcelain") == ""


def test_collected_twice_is_collected_once(world: World) -> None:
    (world.prepare("one") / "new").write_text("1")
    assert world.collect("one") == world.collect("one") == world.again().collect("one")


def test_a_death_between_the_branch_and_the_index_is_made_good(world: World) -> None:
    path = world.prepare("one")
    index = world.repository.common_dir / "worktrees" / "one" / "index"
    before = index.read_bytes()
    (path / "new").write_text("1")
    work = world.collect("one")
    index.write_bytes(before)
    assert world.collect("one") == work


def test_work_that_the_agent_committed_is_left_as_it_committed_it(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one")
    (path / "new").write_text("1")
    commit = commit_all(as_agent, path)
    work = world.collect("one")
    assert (work.commit, work.files) == (commit, ("new",))


def test_nothing_changed_is_no_commit(world: World) -> None:
    world.prepare("one")
    work = world.collect("one")
    assert (work.commit, work.files) == (None, ())
    assert work.tree == world.git("rev-parse", "orchestrator/night^{tree}")


def test_commits_that_come_to_nothing_are_no_work_but_are_kept(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one")
    (path / "new").write_text("1")
    commit_all(as_agent, path)
    as_agent(path, "revert", "--no-edit", "HEAD")
    assert world.collect("one").commit is None
    assert world.attic("one")["1"] == as_agent(path, "rev-parse", "HEAD")


def test_what_the_agent_merged_from_the_target_is_not_its_work(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one")
    world.done("two", lambda other: (other / "theirs").write_text("2"))
    (path / "mine").write_text("1")
    commit_all(as_agent, path)
    as_agent(path, "merge", "--quiet", "--no-edit", "orchestrator/night")
    assert world.collect("one").files == ("mine",)


def test_a_second_round_builds_on_the_first(world: World) -> None:
    path = world.prepare("one", 1)
    (path / "new").write_text("1")
    first = world.collect("one", 1).commit
    world.prepare("one", 2, keep=True)
    (path / "more").write_text("2")
    second = world.collect("one", 2)
    assert second.files == ("more", "new")
    assert world.git("rev-parse", f"{second.commit}^") == first
    assert world.attic("one") == {"1": first, "2": second.commit}


def test_modes_links_and_odd_names_are_work(world: World) -> None:
    path = world.prepare("one")
    (path / "a.txt").chmod(0o755)
    (path / "link").symlink_to("nowhere")
    Path(os.fsdecode(os.fsencode(path) + b"/latin\xe9")).write_text("1")
    (path / "new\nline").write_text("1")
    assert world.collect("one").files == ("a.txt", "latin\\xe9", "link", "new\nline")


def test_the_commit_is_in_the_name_of_whoever_is_configured(world: World, top: Path) -> None:
    Path(os.environ["HOME"], ".gitconfig").write_text("[user]\n\tname = Ümit\n\temail = u@example.org\n")
    run = open_run(world.tmp, open_repository(top), world.commands)
    (world.prepare("one") / "new").write_text("1")
    world.workspaces = run
    commit = world.collect("one").commit
    assert world.git("log", "-1", "--format=%an <%ae>", str(commit)) == "Ümit <u@example.org>"


def test_collecting_from_a_worktree_that_is_gone_says_so(world: World) -> None:
    shutil.rmtree(world.prepare("one"))
    with pytest.raises(WorkspaceFault, match="is gone"):
        world.collect("one")


def test_many_are_collected_while_others_land(world: World) -> None:
    beads = [f"b{number}" for number in range(6)]
    for bead in beads:
        (world.prepare(bead) / bead).write_text(bead)
    (world.prepare("lane") / "lane").write_text("x")
    found: dict[str, object] = {}
    threads = [
        threading.Thread(target=lambda bead=bead: found.__setitem__(bead, world.collect(bead).files)) for bead in beads
    ]
    for thread in threads:
        thread.start()
    world.land("lane", world.collect("lane").commit)
    world.clear("lane", landed=True)
    for thread in threads:
        thread.join()
    assert found == {bead: (bead,) for bead in beads}


# ---------------------------------------------------------------- the bead's own checks


def test_checks_run_in_the_worktree_until_one_fails(world: World) -> None:
    (world.prepare("one") / "new").write_text("1")
    result = world.check("one", "test -f new", "echo broken; exit 1", "touch never")
    assert (result.passed, result.command, result.output) == (False, "echo broken; exit 1", "broken\n")  # type: ignore[attr-defined]
    assert world.commands.ran == ["test -f new", "echo broken; exit 1"]
    assert world.commands.envs[0]["ORCHESTRATOR_WORKER"] == "w1"
    assert (world.tmp / "logs" / "one.1.own.2.log").read_text() == "broken\n"


def test_a_check_that_we_ended_ourselves_is_not_red(world: World) -> None:
    world.prepare("one")
    world.commands.close()
    with pytest.raises(Leaving):
        world.check("one", "true")


# ---------------------------------------------------------------- looking while an agent works


def test_what_an_agent_has_touched_is_seen_while_it_works(world: World, as_agent: Callable[..., str]) -> None:
    """Changed, staged, gone, new and committed, whatever the names; what is ignored and what others landed is not."""
    path = world.prepare("one")
    assert world.touched("one") == ()
    (path / "a.txt").write_text("changed\n")
    (path / "b.txt").unlink()
    (path / "neue Datei ä").write_text("new\n")
    (path / "x.ignored").write_text("no")
    (path / "staged").write_text("new\n")
    as_agent(path, "add", "staged")
    assert world.touched("one") == ("a.txt", "b.txt", "neue Datei ä", "staged")
    as_agent(path, "commit", "--quiet", "--all", "--message", "done")
    assert world.touched("one") == ("a.txt", "b.txt", "neue Datei ä", "staged")
    world.done("two", lambda path: (path / "other.txt").write_text("landed\n"))
    as_agent(path, "merge", "--quiet", "--no-edit", world.target)
    assert world.touched("one") == ("a.txt", "b.txt", "neue Datei ä", "staged")


def test_what_a_merge_brings_in_is_not_touched(world: World) -> None:
    """While it is begun and not committed; what its agent changes of that is."""
    path = world.prepare("one")
    (path / "a.txt").write_text("by one\n")
    (path / "own").write_text("o")
    world.save("one")

    def does(path: Path) -> None:
        for name in ("a.txt", "b.txt", "made"):
            (path / name).write_text("by two\n")

    world.done("two", does)
    path = world.prepare("one", 2, keep=True, merge=True)
    assert world.touched("one") == ("a.txt", "own")
    (path / "made").write_text("by one\n")
    assert world.touched("one") == ("a.txt", "made", "own")


def test_a_bead_without_a_worktree_has_touched_nothing(world: World) -> None:
    assert world.touched("never was") == ()
