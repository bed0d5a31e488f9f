"""What an agent did beyond its worktree, and what a person did meanwhile: told apart by evidence, on real git."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.core.messages import Collect
from orchestrator.core.model import BeadId, Ground, Stray, Token
from orchestrator.repo import trace
from orchestrator.repo.shield import Shield
from tests.adapters.repo.conftest import World, git


def as_traced(world: World, path: Path, *argv: str, bead: str = "one") -> None:
    """Git as an agent runs it, with what it is given to write down."""
    file = world.repository.state / "scratch" / f"{bead}.1" / trace.FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    identity = {
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@b",
    }
    env = {**os.environ, **identity, trace.VARIABLE: str(file)}
    subprocess.run(("git", *argv), cwd=path, env=env, check=True, capture_output=True)


def says(world: World, text: str, bead: str = "one") -> None:
    """What an agent's terminal shows."""
    cast = world.repository.state / "recordings" / f"{bead}.1.cast"
    cast.parent.mkdir(parents=True, exist_ok=True)
    cast.write_text(json.dumps({"version": 2}) + "\n" + json.dumps([0.1, "o", text]) + "\n")


def strays(world: World, bead: str = "one") -> dict[str, Stray]:
    world.collect(bead)
    order = Collect(token=Token(1), bead=BeadId(bead), number=1, title="")
    return {stray.what: stray for stray in world.workspaces.strays(order)}


def test_a_quiet_turn_has_nothing_to_tell(world: World) -> None:
    (world.prepare("one") / "new").write_text("1")
    assert strays(world) == {}


@pytest.fixture
def log_of_head(world: World) -> Iterator[None]:
    """For where what happened and was undone stays in git's log of HEAD, as it should."""
    log = world.top / ".git" / "logs" / "HEAD"
    before = log.read_bytes()
    yield
    log.write_bytes(before)


@pytest.mark.usefixtures("log_of_head")
def test_branches_that_an_agent_moved_deleted_and_made_are_as_before(world: World) -> None:
    path = world.prepare("one")
    before = world.refs("refs/heads")
    as_traced(world, path, "commit", "--quiet", "--allow-empty", "--message", "x")
    as_traced(world, path, "update-ref", "refs/heads/main", "HEAD")
    as_traced(world, path, "branch", "-D", "theirs")
    as_traced(world, path, "branch", "litter")
    found = strays(world)
    after = {name: at for name, at in world.refs("refs/heads").items() if "orchestrator-work" not in name}
    assert after == {name: at for name, at in before.items() if "orchestrator-work" not in name}
    assert {name: (each.ground, each.shown) for name, each in found.items()} == {
        "refs/heads/main": (Ground.REF, True),
        "refs/heads/theirs": (Ground.REF, True),
        "refs/heads/litter": (Ground.NEW_REF, True),
    }
    assert any("displaced/heads/main" in name for name in world.refs("refs/orchestrator/displaced"))


def test_commands_that_only_name_a_branch_are_no_evidence(world: World) -> None:
    """A person who commits while an agent merges, pushes or reads that branch keeps the commit."""
    path = world.prepare("one")
    for words in (("log", "main"), ("merge", "main"), ("rebase", "main"), ("reset", "--hard", "main"), ("branch",)):
        as_traced(world, path, *words)
    as_traced(world, path, "config", "core.bare")
    moved = git(world.top, "commit-tree", "-p", "main", "-m", "Theirs", "main^{tree}")
    git(world.top, "update-ref", "refs/heads/theirs", moved)
    assert strays(world) == {}
    assert world.git("rev-parse", "theirs") == moved
    git(world.top, "update-ref", "refs/heads/theirs", "main")


def test_what_a_person_throws_away_is_left_so_and_kept(world: World) -> None:
    lost = git(world.top, "commit-tree", "-p", "main", "-m", "Lost", "main^{tree}")
    git(world.top, "update-ref", "refs/heads/gone", lost)
    world.prepare("one")
    git(world.top, "branch", "-D", "gone")
    [stray] = strays(world).values()
    assert not stray.shown
    assert "refs/heads/gone" not in world.refs()
    assert lost in world.refs("refs/orchestrator/displaced").values()


def test_a_stash_of_an_agents_own_is_not_left_on_top_of_the_persons(world: World) -> None:
    path = world.prepare("one")
    before = world.git("stash", "list", "--format=%H")
    (path / "a.txt").write_text("half\n")
    as_traced(world, path, "stash")
    (path / "b.txt").write_text("whole\n")
    found = strays(world)
    assert world.git("stash", "list", "--format=%H") == before
    assert found["refs/stash"].shown


def test_a_siblings_branch_comes_back_where_its_worktree_is(world: World) -> None:
    """Also where its agent had committed meanwhile, and all that was loose is pruned."""
    one, two = world.prepare("one"), world.prepare("two")
    as_traced(world, two, "commit", "--quiet", "--allow-empty", "--message", "Work of two", bead="two")
    work = git(two, "rev-parse", "HEAD")
    as_traced(world, one, "update-ref", "-d", "refs/heads/orchestrator-work/night/two")
    as_traced(world, one, "gc", "--quiet", "--prune=now")
    assert strays(world)["refs/heads/orchestrator-work/night/two"].shown
    assert git(two, "rev-parse", "HEAD") == work


def test_a_sibling_may_do_as_it_likes_with_its_own_branch(world: World) -> None:
    world.prepare("one")
    two = world.prepare("two")
    as_traced(world, two, "commit", "--quiet", "--allow-empty", "--message", "Work of two", bead="two")
    work = git(two, "rev-parse", "HEAD")
    assert strays(world) == {}
    assert git(two, "rev-parse", "HEAD") == work


def test_the_target_that_an_agent_moved_is_put_back_before_anything_lands_on_it(world: World) -> None:
    commit = world.work("two", lambda path: (path / "new").write_text("1"))
    one, tip = world.prepare("one"), world.tip()
    as_traced(world, one, "commit", "--quiet", "--allow-empty", "--message", "x")
    as_traced(world, one, "branch", "--force", "orchestrator/night", "HEAD")
    world.land("two", commit)
    assert world.git("rev-parse", "orchestrator/night~1") == tip
    assert strays(world)["refs/heads/orchestrator/night"].shown


def test_a_landing_that_an_agent_made_up_is_taken_away(world: World) -> None:
    path = world.prepare("one")
    git(path, "update-ref", "refs/orchestrator/landed/orchestrator%2Fnight/one/-", "main")
    strays(world)
    assert world.workspaces.landed({BeadId("one"): ""}) == {}


def test_settings_are_put_back_a_persons_are_left(world: World) -> None:
    path, config = world.prepare("one"), world.top / ".git" / "config"
    git(world.top, "config", "theirs.before", "1")
    git(world.top, "config", "--unset", "theirs.before")
    as_traced(world, path, "config", "user.email", "agent@example.org")
    as_traced(world, path, "config", "core.fsmonitor", "/bin/false")
    git(world.top, "config", "alias.st", "status")
    found = strays(world)
    said = git(world.top, "config", "--file", str(config), "--list")
    assert "user.email" not in said
    assert "core.fsmonitor" not in said
    assert "alias.st=status" in said
    assert (found["user.email"].ground, found["core.fsmonitor"].ground) == (Ground.SETTING, Ground.TRAP)
    assert not found["alias.st"].shown
    git(world.top, "config", "--remove-section", "alias")


def test_a_planted_filter_and_merge_driver_do_not_run_in_our_git(world: World) -> None:
    """While they are there: planted by somebody else, whose turn is not over."""
    ran = world.tmp / "ran"
    program = world.tmp / "program.sh"
    program.write_text(f"#!/bin/sh\ntouch '{ran}'\ncat\n")
    program.chmod(0o755)
    before = (world.top / ".git" / "config").read_bytes()
    other = world.work("two", lambda path: (path / "a.txt").write_text("two\n"))
    path = world.prepare("one")
    for key in (
        "filter.evil.clean",
        "filter.evil.smudge",
        "merge.evil.driver",
        "diff.evil.textconv",
        "core.sshCommand",
    ):
        git(world.top, "config", key, str(program))
    (path / ".gitattributes").write_text("* filter=evil merge=evil diff=evil\n")
    (path / "a.txt").write_text("one\n")
    commit = world.collect("one").commit
    world.land("one", commit)
    world.land("two", other)
    world.prepare("three")
    assert not ran.exists()
    (world.top / ".git" / "config").write_bytes(before)


def test_a_filter_in_the_configuration_of_its_worktree_does_not_run_in_our_git(world: World) -> None:
    """Git reads one of each worktree's own where the shared one says so, which an agent can have it say."""
    ran = world.tmp / "ran"
    before = (world.top / ".git" / "config").read_bytes()
    path = world.prepare("one")
    git(path, "config", "extensions.worktreeConfig", "true")
    for key in ("filter.evil.clean", "filter.evil.smudge", "core.sshCommand"):
        git(path, "config", "--worktree", key, f"touch '{ran}'; cat")
    (path / ".gitattributes").write_text("* filter=evil\n")
    (path / "a.txt").write_text("one\n")
    world.workspaces.checkpoint(BeadId("one"), 1)
    assert world.collect("one").commit is not None
    world.clear("one")
    world.prepare("two")
    assert not ran.exists()
    (world.top / ".git" / "config").write_bytes(before)


def test_the_persons_own_filter_runs(world: World, tmp_path: Path) -> None:
    """It was there when the run began: their files would be stored wrongly without it."""
    git(world.top, "config", "filter.up.clean", "tr a-z A-Z")
    again = world.again()
    path = again.prepare("one")
    (path / ".gitattributes").write_text("*.up filter=up\n")
    (path / "x.up").write_text("shout\n")
    commit = again.collect("one").commit
    assert git(world.top, "show", f"{commit}:x.up") == "SHOUT"
    git(world.top, "config", "--remove-section", "filter.up")


def test_what_a_planted_include_names_counts_for_nothing(world: World) -> None:
    config = world.top / ".git" / "config"
    shield, before = Shield(config), config.read_bytes()
    other = world.tmp / "other"
    other.write_text('[filter "x"]\n\tclean = evil\n')
    git(world.top, "config", "include.path", str(other))
    assert shield.settings()["filter.x.clean"] == ""
    other.write_text('[filter "y"]\n\tclean = evil\n')
    assert "filter.y.clean" in shield.settings()
    config.write_bytes(before)
    assert shield.settings() == {}


def test_what_one_agent_planted_is_not_taken_for_anothers_surroundings(world: World) -> None:
    """One that began after it, and ends before, neither answers for it nor has it forgotten."""
    hooks = world.top / ".git" / "hooks"
    path = world.prepare("one")
    as_traced(world, path, "config", "core.sshCommand", "evil")
    (hooks / "post-merge").write_text("evil\n")
    says(world, f"wrote {hooks / 'post-merge'}")
    other = world.prepare("two")
    as_traced(world, other, "config", "user.email", "two@localhost", bead="two")
    world.collect("two")
    assert "core.sshcommand" not in strays(world, "two")
    world.collect("one")
    found = strays(world)
    assert found["core.sshcommand"].shown
    assert found["hooks/post-merge"].shown
    assert git(world.top, "config", "--list", "--local").find("evil") < 0
    assert not (hooks / "post-merge").exists()


def test_a_hook_that_the_agent_told_of_is_taken_away_another_is_left(world: World) -> None:
    world.prepare("one")
    hooks = world.top / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    (hooks / "post-commit").write_text("#!/bin/sh\n")
    (hooks / "pre-push").write_text("#!/bin/sh\n")
    says(world, f"cat > {hooks}/post-commit")
    found = strays(world)
    assert not (hooks / "post-commit").exists()
    assert (hooks / "pre-push").exists()
    assert (found["hooks/post-commit"].shown, found["hooks/pre-push"].shown) == (True, False)
    (hooks / "pre-push").unlink()


def test_without_walls_a_file_in_the_checkout_comes_home_if_the_agent_told_of_it(world: World) -> None:
    path = world.prepare("one")
    stray = world.top / "escaped.py"
    stray.write_text("print('written in the wrong place')\n")
    before = (world.top / "src" / "c.txt").read_bytes()
    (world.top / "src" / "c.txt").write_text("a person is at work here\n")
    says(world, json.dumps({"tool": "Write", "path": str(stray), "content": "print('written in the wrong place')\n"}))
    found = strays(world)
    assert not stray.exists()
    assert (path / "escaped.py").read_text() == "print('written in the wrong place')\n"
    assert (world.top / "src" / "c.txt").read_text() == "a person is at work here\n"
    assert found[str(stray)].shown
    assert not found[str(world.top / "src" / "c.txt")].shown
    (world.top / "src" / "c.txt").write_bytes(before)


def test_a_file_that_an_agent_only_read_stays_as_the_person_wrote_it(world: World) -> None:
    world.prepare("one")
    file = world.top / "src" / "c.txt"
    before = file.read_text()
    says(world, f"Read {file}\n{before}")
    file.write_text(before + "and a line of the person's\n")
    assert not strays(world)[str(file)].shown
    assert file.read_text() == before + "and a line of the person's\n"
    file.write_text(before)


@pytest.mark.usefixtures("log_of_head")
def test_what_an_agents_git_did_in_the_checkout_is_undone_with_its_index(world: World) -> None:
    world.prepare("one")
    staged = world.git("ls-files", "--stage")
    main = world.git("rev-parse", "main")
    as_traced(world, world.top, "commit", "--quiet", "--message", "In the wrong place")
    as_traced(world, world.top, "rm", "--quiet", "--cached", "b.txt")
    as_traced(world, world.top, "checkout", "--quiet", "--detach")
    found = strays(world)
    assert world.git("rev-parse", "main") == main
    assert world.git("ls-files", "--stage") == staged
    assert {found[f"{what} of {world.top}"].ground for what in ("HEAD", "index")} == {Ground.CHECKOUT}
    assert found["refs/heads/main"].ground is Ground.REF


def test_what_was_put_back_is_still_told_after_a_death(world: World) -> None:
    path = world.prepare("one")
    as_traced(world, path, "config", "core.pager", "evil")
    world.collect("one")  # puts it back, and dies before anybody hears of it
    assert strays(world)["core.pager"].shown


@pytest.mark.parametrize("name", [".git", "a.txt"])
def test_a_link_out_of_the_worktree_is_followed_by_nothing(world: World, name: str) -> None:
    """Neither written through, nor copied from, nor cleaned."""
    outside = world.tmp / "outside"
    outside.mkdir()
    (outside / "file").write_text("precious\n")
    path = world.prepare("one")
    time.sleep(0.01)
    (path / "way-out").symlink_to(outside)
    (path / name).unlink()
    (path / name).symlink_to(outside / "file")
    world.save("one")
    world.prepare("one", 2, keep=True)
    world.collect("one", 2)
    world.clear("one", 2)
    assert (outside / "file").read_text() == "precious\n"
    assert not any("precious" in content for content in world.content(world.attic("one")["1"]).values())


def test_a_link_out_of_the_worktree_is_told(world: World) -> None:
    path = world.prepare("one")
    (path / "way-out").symlink_to("/etc")
    (path / "inside").symlink_to("a.txt")
    assert {what: each.ground for what, each in strays(world).items()} == {"way-out": Ground.LINK}
