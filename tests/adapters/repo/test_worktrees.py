"""How a bead's worktree comes to be, is taken up again, and goes: whatever died in between."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.core.messages import Clear
from orchestrator.core.model import BeadId
from orchestrator.repo import survey
from orchestrator.repo.archive import attic
from orchestrator.repo.refs import quoted
from orchestrator.repo.repository import open_repository
from orchestrator.runtime.ports import CheckResult, Leaving, WorkspaceFault
from tests.adapters.repo.conftest import LandedAt, World, git, open_run

AsAgent = Callable[..., str]


def test_a_fresh_worktree_is_on_its_own_branch_at_the_targets_tip(world: World) -> None:
    landed = world.done("one", lambda path: (path / "new").write_text("1"))
    path = world.prepare("two")
    assert path == world.folder / "two"
    assert (path / "new").read_text() == "1"
    assert git(path, "symbolic-ref", "HEAD") == "refs/heads/orchestrator-work/night/two"
    assert git(path, "rev-parse", "HEAD") == landed.commit
    assert "locked orchestrator: night/two" in world.git("worktree", "list", "--porcelain")


def test_asked_twice_before_the_agent_began_there_is_nothing_to_keep(world: World) -> None:
    world.prepare("one")
    world.prepare("one")
    assert world.attic("one") == {}


@pytest.mark.parametrize("bead", ["a b", "ä/ö", "x.lock", ".landing", "..", "a:b?c*", "%41", "-rf"])
def test_any_name_of_a_bead_has_a_branch_and_a_folder(world: World, bead: str) -> None:
    path = world.prepare(bead)
    assert path.parent == world.folder
    (path / "new").write_text("1")
    world.land(bead, world.collect(bead).commit)
    assert list(world.workspaces.landed({BeadId(bead): ""})) == [bead]
    assert [ref.bead for ref in attic(world.repository)] == [bead]
    assert list(world.branches()) == [quoted(bead)]
    world.clear(bead, landed=True)
    assert not path.exists()


def test_what_an_earlier_attempt_left_is_kept_before_a_fresh_start(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one", 1)
    (path / "committed").write_text("1")
    as_agent(path, "add", ".")
    as_agent(path, "commit", "--quiet", "--message", "Half")
    (path / "uncommitted").write_text("2")
    fresh = world.prepare("one", 2)
    assert not (fresh / "committed").exists()
    assert not (fresh / "uncommitted").exists()
    kept = world.content(world.attic("one")["1"])
    assert (kept["committed"], kept["uncommitted"]) == ("1", "2")


def test_going_on_finds_the_worktree_as_it_was(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one", 1)
    (path / "new").write_text("1")
    as_agent(path, "add", "new")
    assert world.prepare("one", 2, keep=True) == path
    assert as_agent(path, "status", "--porcelain") == "A  new"


def test_going_on_takes_away_the_lock_of_a_git_that_was_killed(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one", 1)
    lock = Path(as_agent(path, "rev-parse", "--absolute-git-dir")) / "index.lock"
    lock.touch()
    world.prepare("one", 2, keep=True)
    (path / "new").write_text("1")
    as_agent(path, "add", "new")


def test_going_on_without_the_worktree_goes_on_from_its_branch(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one", 1)
    (path / "new").write_text("1")
    as_agent(path, "add", ".")
    as_agent(path, "commit", "--quiet", "--message", "Half")
    shutil.rmtree(path)
    world.prepare("one", 2, keep=True)
    assert (path / "new").read_text() == "1"
    assert world.collect("one", 2).files == ("new",)


def test_going_on_without_the_worktree_goes_on_from_what_was_saved(world: World) -> None:
    path = world.prepare("one", 1)
    (path / "new").write_text("1")
    world.save("one", 1)
    shutil.rmtree(path)
    world.prepare("one", 2, keep=True)
    assert (path / "new").read_text() == "1"
    assert world.collect("one", 2).files == ("new",)


def test_going_on_after_it_was_cleared_goes_on_from_what_was_kept(world: World) -> None:
    path = world.prepare("one", 1)
    (path / "new").write_text("1")
    world.clear("one", 1)
    assert not path.exists()
    world.prepare("one", 2, keep=True)
    assert (path / "new").read_text() == "1"


def test_going_on_with_what_never_began_begins_it(world: World) -> None:
    assert (world.prepare("one", keep=True) / "a.txt").exists()


def test_an_earlier_runs_bead_of_the_same_name_is_not_gone_on_with(world: World) -> None:
    (world.prepare("one") / "new").write_text("1")
    world.save("one")
    other = world.again(run_name="day", target="orchestrator/day")
    assert not (other.prepare("one", keep=True) / "new").exists()


def test_an_earlier_run_of_the_same_name_is_not_gone_on_with(world: World, as_agent: AsAgent) -> None:
    """Its attic is on top of the very commit that the fresh run begins on."""
    path = world.prepare("one", 1)
    (path / "old").write_text("1")
    world.clear("one", 1)
    path = world.prepare("one", 2)
    assert not (path / "old").exists()
    shutil.rmtree(path)
    world.prepare("one", 3, keep=True)
    assert not (path / "old").exists()


def test_what_another_run_saves_meanwhile_is_not_gone_on_with(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one", 1)
    (path / "mine").write_text("1")
    as_agent(path, "add", ".")
    as_agent(path, "commit", "--quiet", "--message", "Mine")
    (path / "more").write_text("1")
    world.save("one", 1)
    other = world.again(run_name="day", target="orchestrator/day")
    (other.prepare("one", 2) / "theirs").write_text("1")
    other.save("one", 2)
    shutil.rmtree(path)
    shutil.rmtree(world.repository.common_dir / "worktrees" / "one")
    world.prepare("one", 3, keep=True)
    assert {child.name for child in path.iterdir()} >= {"mine", "more"}
    assert not (path / "theirs").exists()


def test_with_neither_branch_nor_registration_it_begins_at_the_tip(world: World) -> None:
    path = world.prepare("one", 1)
    (path / "new").write_text("1")
    world.save("one", 1)
    shutil.rmtree(path)
    shutil.rmtree(world.repository.common_dir / "worktrees" / "one")
    world.git("update-ref", "-d", "refs/heads/orchestrator-work/night/one")
    world.prepare("one", 2, keep=True)
    assert git(path, "rev-parse", "HEAD") == world.tip()
    assert not (path / "new").exists()


# ---------------------------------------------------------------- started with another `--worktrees` before


def elsewhere(world: World) -> World:
    return world.again(worktrees=world.tmp / "other trees")


def test_a_worktree_elsewhere_is_gone_on_with_where_it_is(world: World) -> None:
    path = world.prepare("one", 1)
    (path / "new").write_text("1")
    now = elsewhere(world)
    assert now.prepare("one", 2, keep=True) == path
    assert now.check("one", "test -f new") == CheckResult(passed=True)
    saved = now.save("one", 2)
    assert saved == world.attic("one")["2"]
    assert now.collect("one", 2).files == ("new",)
    now.clear("one", 2)
    assert not path.exists()
    assert not world.folder.exists()
    assert survey.own_worktrees(world.repository) == ()
    assert world.content("orchestrator-work/night/one")["new"] == "1"


def test_a_fresh_start_retires_a_worktree_elsewhere(world: World) -> None:
    path = world.prepare("one", 1)
    (path / "new").write_text("1")
    fresh = elsewhere(world).prepare("one", 2)
    assert fresh == world.tmp / "other trees" / "night" / "one"
    assert not path.exists()
    assert not (fresh / "new").exists()
    assert world.content(world.attic("one")["1"])["new"] == "1"
    assert [one.path for one in survey.own_worktrees(world.repository)] == [fresh]


def test_a_half_made_worktree_elsewhere_is_made_anew_here(world: World) -> None:
    half_made(world, "one")
    fresh = elsewhere(world).prepare("one", 2, keep=True)
    assert fresh == world.tmp / "other trees" / "night" / "one"
    assert git(fresh, "status", "--porcelain") == ""
    assert [one.path for one in survey.own_worktrees(world.repository)] == [fresh]


def test_a_worktree_elsewhere_whose_folder_is_gone_is_made_anew_here(world: World) -> None:
    path = world.prepare("one", 1)
    (path / "new").write_text("1")
    world.save("one", 1)
    shutil.rmtree(path)
    fresh = elsewhere(world).prepare("one", 2, keep=True)
    assert fresh == world.tmp / "other trees" / "night" / "one"
    assert (fresh / "new").read_text() == "1"


def test_another_beads_worktree_on_this_beads_branch_is_left_alone(world: World, as_agent: AsAgent) -> None:
    world.prepare("one", 1)
    world.clear("one", 1)
    other = world.prepare("two", 1)
    as_agent(other, "checkout", "--quiet", "orchestrator-work/night/one")
    with pytest.raises(WorkspaceFault):
        elsewhere(world).prepare("one", 2)
    assert (other / "a.txt").exists()


def test_a_copied_repository_does_not_reach_for_the_worktrees_of_the_original(world: World) -> None:
    path = world.prepare("one", 1)
    (path / "new").write_text("1")
    copy = world.tmp / "copy"
    shutil.copytree(world.top, copy, symlinks=True)
    run = open_run(world.tmp, open_repository(copy), world.commands, worktrees=world.tmp / "copied trees")
    run.clear(Clear(bead=BeadId("one"), number=1, landed=False))
    assert (path / "new").read_text() == "1"


def test_a_copied_repository_leaves_the_worktrees_of_the_original_where_it_has_the_same_folder_for_its_own(
    world: World,
) -> None:
    path = world.prepare("one", 1)
    (path / "new").write_text("1")
    copy = open_repository(shutil.copytree(world.top, world.tmp / "copy", symlinks=True))
    run = open_run(world.tmp, copy, world.commands)
    world.opened.append(run)
    assert survey.own_worktrees(copy) == ()
    assert [found.path for found in survey.own_worktrees(world.repository)] == [path]
    with pytest.raises(WorkspaceFault, match="we did not make it"):
        run.clear(Clear(bead=BeadId("one"), number=1, landed=False))
    assert (path / "new").read_text() == "1"
    (path / ".git").unlink()
    assert [found.path for found in survey.own_worktrees(world.repository)] == [path]


@pytest.mark.parametrize("lost", ["", "\n"])
def test_a_registration_that_names_no_folder_is_none_of_ours(world: World, lost: str) -> None:
    """Git writes it in two steps, and does not wait for the disk."""
    path = world.prepare("one", 1)
    torn = world.repository.common_dir / "worktrees" / "torn"
    torn.mkdir()
    (torn / "locked").write_text("orchestrator: night: spare\n")
    (torn / "gitdir").write_text(lost)
    assert [found.path for found in survey.own_worktrees(world.repository)] == [path]
    world.workspaces.close()
    assert git(path, "rev-parse", "--show-toplevel") == str(path)


def test_a_moved_repository_still_has_its_worktrees(world: World) -> None:
    path = world.prepare("one", 1)
    (path / "new").write_text("1")
    moved = open_repository(world.top.rename(world.tmp / "moved"))
    run = open_run(world.tmp, moved, world.commands)
    world.opened.append(run)
    assert [found.path for found in survey.own_worktrees(moved)] == [path]
    run.clear(Clear(bead=BeadId("one"), number=1, landed=False))
    assert not path.exists()
    assert git(moved.common_dir, "show", "refs/orchestrator/attic/one/1:new") == "1"
    (world.tmp / "moved").rename(world.top)


def test_the_stage_of_before_goes_with_the_one_of_now(world: World) -> None:
    assert isinstance(world.land("one", world.work("one", lambda path: (path / "x").write_text("1")), "true"), LandedAt)
    world.clear("one", landed=True)
    now = elsewhere(world)
    now.workspaces.close()
    assert survey.own_worktrees(world.repository) == ()


# ---------------------------------------------------------------- killed in the middle


def half_made(world: World, bead: str) -> Path:
    """A checkout that was killed while git wrote its files: no label, some files, no index."""
    path = world.prepare(bead)
    admin = Path(git(path, "rev-parse", "--absolute-git-dir"))
    for name in ("orchestrator.json", "index"):
        (admin / name).unlink()
    (admin / "index.lock").touch()
    shutil.rmtree(path / "src")
    return path


@pytest.mark.parametrize("keep", [False, True])
def test_a_half_made_worktree_is_made_anew(world: World, keep: bool) -> None:
    path = half_made(world, "one")
    assert world.prepare("one", 2, keep=keep) == path
    assert (path / "src" / "c.txt").exists()
    assert git(path, "status", "--porcelain") == ""
    assert world.attic("one") == {}


def test_a_half_made_worktree_without_a_head_is_made_anew(world: World) -> None:
    path = half_made(world, "one")
    admin = world.repository.common_dir / "worktrees" / "one"
    (admin / "HEAD").write_text("0" * 40 + "\n")
    assert (world.prepare("one", 2) / "src" / "c.txt").exists()
    assert git(path, "status", "--porcelain") == ""


def test_a_file_in_a_half_made_worktree_that_git_did_not_put_there_is_kept(world: World) -> None:
    path = half_made(world, "one")
    (path / "new").write_text("1")
    world.prepare("one", 2)
    assert world.content(world.attic("one")["1"])["new"] == "1"


@pytest.mark.parametrize("keep", [False, True])
def test_a_folder_whose_registration_is_gone_is_kept_and_made_anew(world: World, keep: bool) -> None:
    path = world.prepare("one", 1)
    (path / "new").write_text("1")
    shutil.rmtree(world.repository.common_dir / "worktrees" / "one")
    world.prepare("one", 2, keep=keep)
    assert world.content(world.attic("one")["1"])["new"] == "1"
    assert git(path, "status", "--porcelain") == ""


def test_a_registration_whose_folder_is_gone_is_made_anew(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one", 1)
    (path / "new").write_text("1")
    as_agent(path, "add", ".")
    as_agent(path, "commit", "--quiet", "--message", "Half")
    shutil.rmtree(path)
    world.prepare("one", 2)
    assert not (path / "new").exists()
    assert world.content(world.attic("one")["1"])["new"] == "1"


def test_an_empty_folder_is_no_obstacle(world: World) -> None:
    (world.folder / "one").mkdir(parents=True)
    assert (world.prepare("one") / "a.txt").exists()


def test_a_setup_that_was_cut_short_runs_again(world: World) -> None:
    run = world.again(setup=["echo x >> set.ignored"])
    path = run.prepare("one")
    (world.repository.common_dir / "worktrees" / "one" / "orchestrator.json").unlink()
    run.prepare("one", keep=True)
    assert (path / "set.ignored").read_text() == "x\n"
    assert len(world.commands.ran) == 2


# ---------------------------------------------------------------- what is not ours


@pytest.mark.parametrize("keep", [False, True])
def test_somebody_elses_folder_is_refused_and_left(world: World, keep: bool) -> None:
    theirs = world.folder / "one" / "thesis.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("mine")
    for act in (lambda: world.prepare("one", keep=keep), lambda: world.clear("one")):
        with pytest.raises(WorkspaceFault, match="we did not make it"):
            act()
    assert theirs.read_text() == "mine"


def test_somebody_elses_worktree_is_refused_and_left(tmp_path: Path, world: World) -> None:
    world.git("worktree", "add", "--detach", str(world.folder / "one"))
    with pytest.raises(WorkspaceFault, match="we did not make it"):
        world.prepare("one")
    world.git("worktree", "remove", str(world.folder / "one"))


def test_a_link_in_the_place_of_a_worktree_is_refused_and_left(world: World) -> None:
    world.folder.mkdir(parents=True)
    (world.folder / "one").symlink_to(world.top)
    with pytest.raises(WorkspaceFault, match="we did not make it"):
        world.prepare("one")
    assert (world.top / "a.txt").exists()


def test_a_worktree_of_the_persons_on_a_disk_that_is_away_stays_registered(world: World) -> None:
    world.git("worktree", "add", "--detach", str(world.tmp / "usb"))
    (world.tmp / "usb").rename(world.tmp / "away")
    world.done("one", lambda path: (path / "new").write_text("1"))
    assert "usb" in world.git("worktree", "list")
    (world.tmp / "away").rename(world.tmp / "usb")
    world.git("worktree", "remove", str(world.tmp / "usb"))


# ---------------------------------------------------------------- furnishing


def test_setup_runs_once_per_fresh_worktree_and_knows_where_it_is(world: World) -> None:
    run = world.again(setup=["pwd > where.ignored", "true"])
    path = run.prepare("one")
    assert (path / "where.ignored").read_text().strip() == str(path)
    run.prepare("one", 2, keep=True)
    assert world.commands.ran == ["pwd > where.ignored", "true"]
    told = world.commands.envs[0]
    assert {name: told[name] for name in told if name.startswith("ORCHESTRATOR_")} == {
        "ORCHESTRATOR_RUN": "night",
        "ORCHESTRATOR_BEAD": "one",
        "ORCHESTRATOR_ATTEMPT": "1",
        "ORCHESTRATOR_WORKER": "w1",
    }
    assert int(told["PORT_BASE"]) > 1024


def test_a_setup_that_fails_is_said_with_its_last_words(world: World) -> None:
    run = world.again(setup=["echo no network; exit 3"])
    with pytest.raises(WorkspaceFault, match=r"setup failed.*exit 3`\nno network"):
        run.prepare("one")


def test_a_setup_that_we_ended_ourselves_is_no_failure_of_the_setup(world: World) -> None:
    run = world.again(setup=["true"])
    world.commands.close()
    with pytest.raises(Leaving):
        run.prepare("one")


def test_what_worktreeinclude_lists_is_copied_in_and_stays_out_of_the_work(world: World) -> None:
    (world.top / "key.ignored").write_text("secret")
    (world.top / "other.ignored").write_text("no")
    (world.top / ".git" / "info" / "exclude").write_text(".worktreeinclude\n")
    (world.top / ".worktreeinclude").write_text("key.*\nnote*\n")
    run = world.again()
    path = run.prepare("one")
    assert (path / "key.ignored").read_text() == "secret"
    assert not (path / "other.ignored").exists()
    assert not (path / "note to self.txt").exists()
    assert run.collect("one").commit is None


def test_what_is_excluded_is_nobodys_work(world: World) -> None:
    home = Path(os.environ["HOME"])
    (home / ".config" / "git").mkdir(parents=True)
    (home / ".config" / "git" / "ignore").write_text("*.person\n")
    run = world.again(excludes=[".agent/"])
    path = run.prepare("one")
    (path / ".agent").mkdir()
    (path / ".agent" / "history").write_text("x")
    (path / "x.person").write_text("x")
    assert run.save("one") is None
    (path / "new").write_text("1")
    assert run.collect("one").files == ("new",)


def add_submodule(world: World, tmp_path: Path, as_agent: AsAgent) -> World:
    """A base that has a submodule `lib`, on a branch of its own: the person's checkout stays as it is."""
    git(tmp_path, "init", "--quiet", "library")
    (tmp_path / "library" / "lib.txt").write_text("lib\n")
    git(tmp_path / "library", "add", ".")
    git(tmp_path / "library", "commit", "--quiet", "--message", "Lib")
    git(tmp_path, "clone", "--quiet", str(world.top), "elsewhere")
    git(tmp_path / "elsewhere", "submodule", "--quiet", "add", str(tmp_path / "library"), "lib")
    git(tmp_path / "elsewhere", "commit", "--quiet", "--message", "With lib")
    world.git("fetch", "--quiet", str(tmp_path / "elsewhere"), "HEAD:refs/orchestrator/test")
    return world.again(run_name="sub", target="orchestrator/sub", base="refs/orchestrator/test")


def allow_files(how: str) -> None:
    Path(os.environ["HOME"], ".gitconfig").write_text(f'[protocol "file"]\n\tallow = {how}\n')


def test_submodules_are_there_and_the_persons_configuration_is_not_written(
    world: World, tmp_path: Path, as_agent: AsAgent
) -> None:
    allow_files("always")
    run = add_submodule(world, tmp_path, as_agent)
    path = run.prepare("one")
    assert (path / "lib" / "lib.txt").read_text() == "lib\n"
    assert run.collect("one").commit is None
    run.clear("one", landed=True)
    assert not path.exists()
    assert not (world.repository.state / "nested").exists()


def test_a_submodule_that_may_not_be_fetched_is_said(world: World, tmp_path: Path, as_agent: AsAgent) -> None:
    allow_files("never")
    run = add_submodule(world, tmp_path, as_agent)
    with pytest.raises(WorkspaceFault, match="a submodule cannot be fetched"):
        run.prepare("one")


def test_what_an_agent_did_in_a_submodule_outlives_the_worktree(
    world: World, tmp_path: Path, as_agent: AsAgent
) -> None:
    allow_files("always")
    run = add_submodule(world, tmp_path, as_agent)
    lib = run.prepare("one") / "lib"
    (lib / "committed").write_text("1")
    as_agent(lib, "add", ".")
    as_agent(lib, "commit", "--quiet", "--message", "In lib")
    (lib / "uncommitted").write_text("2")
    run.clear("one")
    (kept,) = (world.repository.state / "nested").glob("one.1.*/lib")
    assert git(kept, "--git-dir=.", "cat-file", "blob", "refs/orchestrator/left:uncommitted") == "2"
    assert git(kept, "--git-dir=.", "cat-file", "blob", "refs/orchestrator/left:committed") == "1"


def plant(inner: Path, mark: Path, as_agent: AsAgent) -> None:
    """A program that whoever looks at a file in there by its own configuration runs; and such a file."""
    as_agent(inner, "config", "extensions.worktreeConfig", "true")
    as_agent(inner, "config", "--worktree", "filter.other.clean", f"touch {mark}; cat")
    as_agent(inner, "config", "filter.some.clean", f"touch {mark}; cat")
    info = inner / as_agent(inner, "rev-parse", "--git-path", "info/attributes")
    info.parent.mkdir(exist_ok=True)
    info.write_text("*.txt filter=some\n*.md filter=other\n")
    for name in ("lib.txt", "lib.md"):
        before = (inner / name).read_text()
        (inner / name).write_text(before.upper())  # as long as before: only its content tells


def test_what_a_submodules_configuration_names_is_not_run_by_us(
    world: World, tmp_path: Path, as_agent: AsAgent
) -> None:
    allow_files("always")
    run, mark = add_submodule(world, tmp_path, as_agent), tmp_path / "ran"
    path = run.prepare("one")
    (path / "lib" / "lib.md").write_text("committed\n")
    as_agent(path / "lib", "add", ".")
    as_agent(path / "lib", "commit", "--quiet", "--message", "More")
    plant(path / "lib", mark, as_agent)
    (path / "new").write_text("1")
    assert run.touched("one") == ("lib", "new")
    assert run.collect("one").files == ("lib", "new")
    run.clear("one")
    assert not mark.exists()
    (kept,) = (world.repository.state / "nested").glob("one.1.*/lib")
    assert git(kept, "--git-dir=.", "cat-file", "blob", "refs/orchestrator/left:lib.txt") == "LIB"


def test_nor_what_that_of_a_repository_names_which_an_agent_has_made(
    world: World, tmp_path: Path, as_agent: AsAgent
) -> None:
    mark = tmp_path / "ran"
    path = world.prepare("one")
    as_agent(path, "init", "--quiet", "own")
    for name in ("lib.txt", "lib.md"):
        (path / "own" / name).write_text("lib\n")
    as_agent(path / "own", "add", ".")
    as_agent(path / "own", "commit", "--quiet", "--message", "Own")
    as_agent(path, "add", "own")
    as_agent(path, "commit", "--quiet", "--message", "With a link")
    plant(path / "own", mark, as_agent)
    assert world.touched("one") == ("own",)
    assert world.collect("one").files == ("own/lib.md", "own/lib.txt")
    world.clear("one")
    assert not mark.exists()


# ---------------------------------------------------------------- clearing


def test_a_landed_bead_leaves_neither_worktree_nor_branch(world: World) -> None:
    world.done("one", lambda path: (path / "new").write_text("1"))
    world.workspaces.close()
    assert not world.folder.exists()
    assert world.git("worktree", "list").count("\n") == 0
    assert set(world.refs("refs/heads/orchestrator-work")) == set()
    assert set(world.refs("refs/orchestrator/base")) == set()
    assert list(world.attic("one")) == ["1"]


def test_clearing_twice_is_clearing_once(world: World) -> None:
    (world.prepare("one") / "new").write_text("1")
    world.clear("one")
    before = world.refs()
    world.clear("one")
    world.clear("never was")
    assert world.refs() == before


def test_a_bead_that_did_not_land_keeps_all_of_it_on_its_branch(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one")
    (path / "committed").write_text("1")
    as_agent(path, "add", ".")
    as_agent(path, "commit", "--quiet", "--message", "Half")
    (path / "uncommitted").write_text("2")
    world.clear("one")
    branch = world.content("orchestrator-work/night/one")
    assert (branch["committed"], branch["uncommitted"]) == ("1", "2")
    assert world.branches() == {"one": world.attic("one")["1"]}


def test_a_death_after_the_folder_went_is_made_good(world: World) -> None:
    path = world.prepare("one")
    (path / "new").write_text("1")
    world.collect("one")
    (world.folder / ".trash-x").mkdir(parents=True)
    path.rename(world.folder / ".trash-x" / "one")
    world.clear("one", landed=True)
    world.workspaces.close()
    assert not world.folder.exists()
    assert world.git("worktree", "list").count("\n") == 0
    assert world.content(world.attic("one")["1"])["new"] == "1"


def test_folders_without_the_right_to_delete_in_them_go_too(world: World) -> None:
    path = world.prepare("one")
    cache = path / "mod.ignored"
    cache.mkdir()
    (cache / "x").write_text("x")
    cache.chmod(0o555)
    world.clear("one")
    assert not path.exists()
    assert not list(world.prepare("two").glob("*.ignored"))
    world.workspaces.close()
    assert not list(world.folder.glob(".*"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_cannot_be_read_keeps_the_worktree_from_going(world: World) -> None:
    path = world.prepare("one")
    (path / "secret").write_text("1")
    (path / "secret").chmod(0)
    with pytest.raises(WorkspaceFault, match="Permission denied"):
        world.clear("one")
    assert (path / "secret").exists()


def test_a_branch_that_cannot_be_locked_is_said_with_the_lock(world: World) -> None:
    (world.prepare("one") / "new").write_text("1")
    commit = world.collect("one").commit
    lock = world.repository.common_dir / "refs" / "heads" / "orchestrator" / "night.lock"
    lock.touch()
    with pytest.raises(WorkspaceFault, match=r"delete .*night\.lock, then retry"):
        world.again(patience_s=0.1).land("one", commit)
    lock.unlink()
    world.land("one", commit)


def test_the_label_names_the_attempt_that_a_worktree_is_for(world: World) -> None:
    world.prepare("one", 3)
    label = json.loads((world.repository.common_dir / "worktrees" / "one" / "orchestrator.json").read_text())
    assert label == {"run": "night", "bead": "one", "number": 3}
    assert [one.path.name for one in survey.own_worktrees(world.repository)] == ["one"]


@pytest.mark.parametrize("name", ["refs/heads/orchestrator-work/night/one", "refs/orchestrator/base/night/one"])
def test_the_lock_that_a_killed_git_left_on_a_ref_of_ours_is_taken_away(world: World, name: str) -> None:
    """An agent that is ended in the middle of a commit leaves one; nobody else would ever remove it."""
    lock = world.repository.common_dir / f"{name}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    assert (world.prepare("one") / ".git").exists()
    assert not lock.exists()
