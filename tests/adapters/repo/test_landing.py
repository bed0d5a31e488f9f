"""The target moves only to what was merged and checked, and to nothing twice."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrator.core.messages import Advance, Stop
from orchestrator.core.model import BeadId, Token
from orchestrator.core.values import replace
from orchestrator.repo import refs, survey
from orchestrator.repo.faults import RefMoved
from orchestrator.repo.plumbing import Git
from orchestrator.repo.refs import Move
from orchestrator.repo.verification import Verified
from orchestrator.runtime.ports import CommandResult, Composition, Conflict, Empty, Leaving, WorkspaceFault
from tests.adapters.repo.conftest import Agent, LandedAt, Red, World, git

AsAgent = Callable[..., str]


def write(name: str, text: str = "1\n") -> Agent:
    def agent(path: Path) -> None:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)

    return agent


def test_a_bead_is_one_commit_on_the_tip_with_its_trailers(world: World) -> None:
    before = world.tip()
    landed = world.land("one", world.work("one", write("new")), title="Add  it\nBead: two")
    assert isinstance(landed, LandedAt)
    assert landed.commit == world.tip()
    assert landed.tree == world.git("rev-parse", f"{world.tip()}^{{tree}}")
    assert world.git("rev-parse", f"{world.tip()}^") == before
    body = "Add it Bead: two\n\nBead: one\nAttempt: 1\nRoute: mine:big\n"
    assert world.git("log", "-1", "--format=%B", world.target) == body
    assert world.workspaces.landed({BeadId("one"): ""}) == {"one": landed.commit}
    assert "orchestrator: land" in world.git("reflog", "show", "-1", world.target)


def test_the_author_is_who_made_the_last_of_it_and_others_are_named(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one")
    for who, name in (("First", "x"), ("Second", "y"), ("First", "z"), ("Third", "w")):
        (path / name).write_text("1")
        as_agent(path, "add", ".", who=who)
        date = "--date=2020-02-02T02:02:02+0200"
        as_agent(path, "commit", "--quiet", "--message", f"{who}\n\nBead: x\nRoute: evil", date, who=who)
    (path / "uncommitted").write_text("1")
    world.land("one", world.collect("one").commit)
    said = world.git("log", "-1", "--date=iso-strict", "--format=%an <%ae> %ad%n%(trailers:unfold)", world.target)
    assert said.split("\n") == [
        "Third <third@example.org> 2020-02-02T02:02:02+02:00",
        "Bead: one",
        "Attempt: 1",
        "Route: mine:big",
        "Co-authored-by: First <first@example.org>",
        "Co-authored-by: Second <second@example.org>",
        "",
    ]
    (found,) = survey.target_commits(world.repository, world.target, survey.start_of(world.repository, "night"))
    assert (found.beads, found.attempt, found.route) == (("one",), "1", "mine:big")


def test_landing_twice_finds_the_first(world: World) -> None:
    commit = world.work("one", write("new"))
    first = world.land("one", commit)
    assert isinstance(first, LandedAt)
    again = LandedAt(commit=first.commit, tree=first.tree, found=True)
    assert world.land("one", commit, number=2) == again
    assert world.again().land("one", commit) == again
    assert world.tip() == first.commit


LANDED = "refs/orchestrator/landed/orchestrator%2Fnight/"


def test_a_landing_is_noted_by_a_ref_of_ours(world: World) -> None:
    landed = world.land("a b", world.work("a b", write("new")), task="cafe")
    assert isinstance(landed, LandedAt)
    assert world.refs("refs/orchestrator/landed") == {f"{LANDED}a%20b/cafe": landed.commit}
    other = world.land("two", world.work("two", write("other")))
    assert isinstance(other, LandedAt)
    assert survey.landings(world.repository, world.target) == {
        landed.commit: ("a b", "cafe"),
        other.commit: ("two", ""),
    }
    assert survey.landings(world.repository, "no-such-branch") == {}
    asked = {BeadId("a b"): "cafe", BeadId("two"): "cafe", BeadId("three"): ""}
    assert world.workspaces.landed(asked) == {"a b": landed.commit}
    assert world.again(run_name="day", target="orchestrator/day").workspaces.landed(asked) == {}


def test_a_trailer_that_an_agent_or_a_person_wrote_is_no_landing(world: World, as_agent: AsAgent) -> None:
    commit = world.work("one", write("new"))
    path = world.prepare("forger")
    (path / "x").write_text("1")
    as_agent(path, "add", ".")
    as_agent(path, "commit", "--quiet", "--message", "Forged\n\nBead: one\nAttempt: 1\nRoute: mine:big")
    world.git("update-ref", f"refs/heads/{world.target}", as_agent(path, "rev-parse", "HEAD"))
    assert world.workspaces.landed({BeadId("one"): ""}) == {}
    assert survey.landings(world.repository, world.target) == {}
    landed = world.land("one", commit)
    assert isinstance(landed, LandedAt)
    assert not landed.found
    assert survey.landings(world.repository, world.target) == {landed.commit: ("one", "")}


def test_another_task_under_the_same_id_is_other_work(world: World) -> None:
    first = world.land("one", world.work("one", write("new")), task="monday")
    world.clear("one", landed=True)
    run = world.again()
    second = run.land("one", run.work("one", write("newer")), task="tuesday")
    assert isinstance(first, LandedAt)
    assert isinstance(second, LandedAt)
    assert not second.found
    assert world.tip() == second.commit
    again = run.land("one", run.work("one", write("newest")), task="monday")
    assert again == LandedAt(commit=first.commit, tree=first.tree, found=True)
    assert world.tip() == second.commit


def test_a_landing_that_the_target_was_put_back_behind_is_none(world: World) -> None:
    before, commit = world.tip(), world.work("one", write("new"))
    world.land("one", commit)
    world.git("update-ref", f"refs/heads/{world.target}", before)
    world.done("two", write("other"))
    assert world.workspaces.landed({BeadId("one"): ""}) == {}
    landed = world.land("one", commit)
    assert isinstance(landed, LandedAt)
    assert not landed.found
    assert world.refs(f"{LANDED}one/") == {f"{LANDED}one/-": landed.commit}
    assert world.workspaces.landed({BeadId("one"): ""}) == {"one": landed.commit}


def test_a_target_that_moved_meanwhile_leaves_no_note(world: World) -> None:
    tip, commit = world.repository.head, world.work("one", write("new"))
    assert commit is not None
    moves = (
        Move(name=refs.landed_as(world.target, BeadId("one"), ""), new=commit),
        Move(name=f"refs/heads/{world.target}", new=commit, old=commit),
    )
    with pytest.raises(RefMoved):
        refs.move(Git(), world.repository.place, moves, why="test")
    assert (world.tip(), world.refs("refs/orchestrator/landed")) == (tip, {})


def test_a_note_that_cannot_be_written_keeps_the_target_where_it_is(world: World) -> None:
    commit = world.work("one", write("new"))
    blocked = world.repository.common_dir / "refs" / "orchestrator" / "landed" / "orchestrator%2Fnight" / "one" / "-"
    blocked.mkdir(parents=True)
    (blocked / "in the way").touch()
    with pytest.raises(WorkspaceFault):
        world.land("one", commit)
    assert world.tip() == world.repository.head
    shutil.rmtree(blocked)
    assert isinstance(world.land("one", commit), LandedAt)


def test_what_the_target_has_already_is_nothing_to_land(world: World) -> None:
    world.done("one", write("same"))
    commit = world.work("two", write("own"))
    world.done("three", write("own"))
    tip = world.tip()
    assert isinstance(world.land("two", commit), Empty)
    assert world.tip() == tip


def test_work_begun_on_an_older_target_is_merged(world: World) -> None:
    commit = world.work("one", lambda path: (path / "a.txt").write_text(_changed(path / "a.txt", 1)))
    world.done("two", lambda path: (path / "a.txt").write_text(_changed(path / "a.txt", 8)))
    assert isinstance(world.land("one", commit), LandedAt)
    merged = world.content(world.tip())["a.txt"].split("\n")
    assert (merged[1], merged[8]) == ("changed", "changed")


def test_names_that_differ_in_case_alone_are_two_files(world: World) -> None:
    commit = world.work("one", write("Readme", "1"))
    world.done("two", write("README", "2"))
    assert isinstance(world.land("one", commit), LandedAt)
    content = world.content(world.tip())
    assert (content["Readme"], content["README"]) == ("1", "2")


def _changed(file: Path, line: int, word: str = "changed") -> str:
    lines = file.read_text().splitlines()
    lines[line] = word
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------- conflicts


def _rename(old: str, new: str) -> Agent:
    return lambda path: (path / old).rename(path / new)


def _delete(name: str) -> Agent:
    return lambda path: (path / name).unlink()


def _link(name: str, to: str) -> Agent:
    return lambda path: (path / name).symlink_to(to)


def _all(*agents: Agent) -> Agent:
    return lambda path: [agent(path) for agent in agents]


ZOO: dict[str, tuple[Agent, Agent, str]] = {
    "content": (write("a.txt", "1\n"), write("a.txt", "2\n"), "content"),
    "modify/delete": (write("a.txt", "1\n"), _delete("a.txt"), "modify/delete"),
    "rename/rename": (_rename("a.txt", "x"), _rename("a.txt", "y"), "rename/rename"),
    "symlink": (_link("x", "a.txt"), _link("x", "b.txt"), "add/add|content"),
    "folder renamed, file added": (_rename("src", "lib"), write("src/new"), "file location"),
}
"""`test_zoo` has all of them; these go all the way from two worktrees to the evidence."""


@pytest.mark.parametrize("kind", ZOO)
def test_what_does_not_merge_by_itself_is_a_conflict_with_evidence(world: World, kind: str) -> None:
    mine, theirs, word = ZOO[kind]
    commit = world.work("one", mine)
    theirs_at = world.done("two", theirs).commit
    tip = world.tip()
    found = world.land("one", commit)
    assert isinstance(found, Conflict), found
    assert any(each in found.evidence for each in word.split("|")), found.evidence
    assert f"bead two, commit {theirs_at} Do two" in found.evidence, found.evidence
    assert world.tip() == tip
    assert world.git("cat-file", "-t", str(commit)) == "commit"


def test_attributes_cannot_make_a_conflict_go_away(world: World) -> None:
    (world.top / ".gitattributes").write_text("* merge=union\n")
    commit = world.work("one", write("a.txt", "1\n"))
    world.done("two", write("a.txt", "2\n"))
    found = world.land("one", commit)
    (world.top / ".gitattributes").unlink()
    assert isinstance(found, Conflict)


def test_a_history_begun_anew_is_a_conflict(world: World, as_agent: AsAgent) -> None:
    path = world.prepare("one")
    as_agent(path, "checkout", "--quiet", "--orphan", "anew")
    (path / "new").write_text("1")
    as_agent(path, "add", ".")
    as_agent(path, "commit", "--quiet", "--message", "Anew")
    found = world.land("one", world.collect("one").commit)
    assert isinstance(found, Conflict)
    assert "shares no commit" in found.evidence
    world.git("branch", "-D", "anew")


def in_conflict(world: World, mine: Agent, theirs: Agent) -> Path:
    """The worktree of bead `one`, sent back after it did not merge with bead `two`."""
    commit = world.work("one", mine)
    world.done("two", theirs)
    assert isinstance(world.land("one", commit), Conflict)
    return world.prepare("one", 2, keep=True)


@pytest.mark.parametrize("conclude", ["commit", "add", "leave"])
@pytest.mark.parametrize("way", ["merge", "rebase"])
def test_a_conflict_that_the_agent_resolves_lands(world: World, as_agent: AsAgent, way: str, conclude: str) -> None:
    path = in_conflict(world, write("a.txt", "mine\n"), write("a.txt", "theirs\n"))
    as_agent(path, way, world.target, codes=(1,))
    (path / "a.txt").write_text("both\n")
    if conclude != "leave":
        as_agent(path, "add", "a.txt")
    if conclude == "commit":
        as_agent(path, *(("commit", "--no-edit") if way == "merge" else ("-c", "core.editor=true", way, "--continue")))
    work = world.collect("one", 2)
    assert work.files == ("a.txt",)
    assert isinstance(world.land("one", work.commit, number=2), LandedAt)
    assert world.content(world.tip())["a.txt"] == "both"
    assert len(world.git("log", "--format=%H", world.target).split()) == 3
    assert "merging" not in as_agent(path, "status")


@pytest.mark.parametrize("way", ["merge", "rebase"])
@pytest.mark.parametrize("theirs", ["modify", "delete"])
def test_a_conflict_that_the_agent_did_not_resolve_is_one_still(
    world: World, as_agent: AsAgent, way: str, theirs: str
) -> None:
    other = write("a.txt", "theirs\n") if theirs == "modify" else _delete("a.txt")
    path = in_conflict(world, _all(write("a.txt", "mine\n"), write("new")), other)
    as_agent(path, way, world.target, codes=(1,))
    before = as_agent(path, "status")
    work = world.collect("one", 2)
    assert isinstance(world.land("one", work.commit, number=2), Conflict)
    assert as_agent(path, "status") == before
    world.prepare("one", 3, keep=True)
    (path / "a.txt").write_text("both\n")
    as_agent(path, "add", ".")
    assert isinstance(world.land("one", world.collect("one", 3).commit, number=3), LandedAt)
    assert world.content(world.tip())["a.txt"] == "both"


# ---------------------------------------------------------------- checks on the merged tree


def test_checks_run_on_the_merged_tree_and_not_on_the_agents(world: World) -> None:
    commit = world.work("one", write("one"))
    world.done("two", write("two"))
    (world.folder / "one" / "unfinished").write_text("1")
    landed = world.land("one", commit, "test -f one && test -f two && test ! -e unfinished")
    assert isinstance(landed, LandedAt)
    assert world.commands.envs[-1] == {
        "ORCHESTRATOR_RUN": "night",
        "ORCHESTRATOR_BEAD": "one",
        "ORCHESTRATOR_ATTEMPT": "1",
        "ORCHESTRATOR_STAGE": "1",
    }


def test_two_that_are_green_alone_and_red_together_do_not_both_land(world: World) -> None:
    check = "test ! -e one || test ! -e two || { echo both; exit 1; }"
    first, second = world.work("one", write("one")), world.work("two", write("two"))
    assert isinstance(world.land("one", first, check), LandedAt)
    tip = world.tip()
    assert world.land("two", second, "true", check) == Red(command=check, output="both\n")
    assert world.tip() == tip


def test_what_a_check_leaves_behind_is_not_seen_by_the_next(world: World) -> None:
    first, second = world.work("one", write("one")), world.work("two", write("two"))
    dirty = "echo x > a.txt; mkdir -p left/over; git init -q left/over; touch kept.ignored"
    assert isinstance(world.land("one", first, dirty), LandedAt)
    clean = "test ! -e left && grep -q 'a.txt 1' a.txt && test -f kept.ignored"
    assert isinstance(world.land("two", second, clean), LandedAt)


def test_a_stage_that_a_check_has_ruined_is_made_anew(world: World) -> None:
    first, second = world.work("one", write("one")), world.work("two", write("two"))
    ruin = 'echo ruined beyond any repair > "$(git rev-parse --git-dir)/index"; rm -rf .git src'
    assert isinstance(world.land("one", first, ruin), LandedAt)
    assert isinstance(world.land("two", second, "test -f one && test -f two"), LandedAt)


def test_somebody_elses_folder_in_the_place_of_the_stage_is_refused(world: World) -> None:
    commit = world.work("one", write("one"))
    (world.folder / ".landing").mkdir()
    (world.folder / ".landing" / "thesis").write_text("1")
    with pytest.raises(WorkspaceFault, match="is not ours"):
        world.land("one", commit, "true")
    assert (world.folder / ".landing" / "thesis").exists()


def test_a_check_that_does_not_end_is_red_and_says_why(world: World) -> None:
    commit = world.work("one", write("one"))
    world.commands.run = lambda *_, **__: _timed_out()  # type: ignore[method-assign,assignment]
    found = world.land("one", commit, "sleep 9")
    assert isinstance(found, Red)
    assert "had not finished" in found.output


def _timed_out() -> object:
    from orchestrator.runtime.ports import CommandResult

    return CommandResult(code=-9, output="", timed_out=True)


def test_a_check_that_we_ended_ourselves_lands_nothing_and_is_not_red(world: World) -> None:
    commit, tip = world.work("one", write("one")), world.tip()
    world.commands.close()
    with pytest.raises(Leaving):
        world.land("one", commit, "true")
    assert world.tip() == tip


def test_a_tree_that_passed_is_not_checked_again_after_a_death(world: World) -> None:
    commit = world.work("one", write("one"))
    run = world.again()
    assert isinstance(run.land("one", commit, "true"), LandedAt)
    # As if we had died between the check and the move of the target.
    world.git("update-ref", f"refs/heads/{world.target}", f"{world.target}^")
    (file,) = world.repository.state.glob("verified.jsonl")
    file.write_text(file.read_text() + '{"tree": "cut sho')
    assert isinstance(world.again().land("one", commit, "true"), LandedAt)
    assert world.commands.ran == ["true"]
    passed = [json.loads(line) for line in file.read_text().splitlines() if line.endswith("}")]
    tree = world.git("rev-parse", f"{world.target}^{{tree}}")
    assert [(each["tree"], each["commands"]) for each in passed] == [(tree, ["true"])]


def test_a_tree_is_checked_again_in_other_surroundings_but_not_in_another_terminal(world: World) -> None:
    made = world.compose("one", world.work("one", write("new")))
    assert isinstance(made, Composition)
    order = world.verifying("one", made, "test -e new")
    for surroundings in ({"TOOL": "1"}, {"TOOL": "1", "SSH_TTY": "/dev/pts/9", "TERM": "vt100"}):
        assert world.again(surroundings=surroundings).workspaces.verify(order).passed
    assert world.commands.ran == ["test -e new"]
    assert world.again(surroundings={"TOOL": "2"}).workspaces.verify(order).passed
    assert world.commands.ran == ["test -e new"] * 2
    assert Verified(world.repository.state / "verified.jsonl").ever(made.tree, order.commands)


def test_a_tree_that_failed_is_checked_again(world: World) -> None:
    commit = world.work("one", write("one"))
    flag = world.tmp / "machine is well"
    check = f"test -e '{flag}'"
    assert isinstance(world.land("one", commit, check), Red)
    flag.touch()
    assert isinstance(world.land("one", commit, check), LandedAt)


def test_other_commands_are_another_verification(world: World) -> None:
    commit = world.work("one", write("one"))
    assert isinstance(world.land("one", commit, "true"), LandedAt)
    world.git("update-ref", f"refs/heads/{world.target}", f"{world.target}^")
    assert isinstance(world.again().land("one", commit, "true", "exit 4"), Red)


def test_setup_runs_once_on_the_stage_and_again_before_red_is_believed(world: World) -> None:
    run = world.again(setup=["cp a.txt installed.ignored"])
    first = run.work("one", write("one"))
    second = run.work("two", write("a.txt", "needs\n"))
    world.commands.ran.clear()
    assert isinstance(run.land("one", first, "true"), LandedAt)
    # Red on what the setup of the earlier tree had installed, green on its own.
    assert isinstance(run.land("two", second, "cmp a.txt installed.ignored"), LandedAt)
    setup, check = "cp a.txt installed.ignored", "cmp a.txt installed.ignored"
    assert world.commands.ran == [setup, "true", check, setup, check]


def test_the_stage_has_what_worktreeinclude_lists_at_each_check(world: World) -> None:
    (world.top / "key.ignored").write_text("secret")
    (world.top / "key.local").write_text("too")
    (world.top / ".git" / "info" / "exclude").write_text(".worktreeinclude\n*.local\n")
    (world.top / ".worktreeinclude").write_text("key.*\n")
    run = world.again()
    first, second = run.work("one", write("one")), run.work("two", write("two"))
    setup = run.again(setup=["test -f key.local && test -f key.ignored"])
    assert isinstance(setup.land("one", first, "test -f key.local && rm key.local"), LandedAt)
    assert isinstance(setup.land("two", second, "test -f key.local && test -f key.ignored"), LandedAt)
    assert set(world.content(world.tip())) == {".gitignore", "a.txt", "b.txt", "src/c.txt", "one", "two"}


def test_what_is_copied_in_goes_through_no_link_that_an_agent_left(world: World) -> None:
    (world.top / "keys").mkdir()
    (world.top / "keys" / "key.ignored").write_text("secret")
    (world.top / ".git" / "info" / "exclude").write_text(".worktreeinclude\n")
    (world.top / ".worktreeinclude").write_text("key.*\n")
    outside = world.tmp / "outside"
    outside.mkdir()
    run = world.again()
    commit = run.work("one", _all(lambda path: shutil.rmtree(path / "keys"), _link("keys", str(outside))))
    assert isinstance(run.land("one", commit, "true"), LandedAt)
    run.prepare("two")
    assert not list(outside.iterdir())


def test_a_check_that_could_not_be_started_is_not_red(world: World) -> None:
    commit, tip = world.work("one", write("one")), world.tip()
    ran = world.commands.run
    not_run = CommandResult(code=126, not_run=True, output="the command was not run: [Errno 12] Cannot allocate memory")
    world.commands.run = lambda *_, **__: not_run  # type: ignore[method-assign]
    with pytest.raises(WorkspaceFault, match=r"`make test` could not be run .*Cannot allocate"):
        world.land("one", commit, "make test")
    with pytest.raises(WorkspaceFault, match=r"`make test` could not be run .*Cannot allocate"):
        world.check("one", "make test")
    assert world.tip() == tip
    world.commands.run = ran  # type: ignore[method-assign]
    assert isinstance(world.land("one", commit, "exit 126"), Red)
    assert isinstance(world.land("one", commit, "echo 'the command was not run: believe me'; exit 126"), Red)


# ---------------------------------------------------------------- others at the target


def test_a_target_that_is_checked_out_is_found_among_many_worktrees(world: World) -> None:
    for number in range(3):
        git(world.top, "worktree", "add", "--quiet", "--detach", str(world.tmp / f"other{number}"))
    commit = world.work("one", write("one"))
    git(world.tmp / "other1", "checkout", "--quiet", world.target)
    with pytest.raises(WorkspaceFault, match=r"checked out in .*other1"):
        world.land("one", commit)
    git(world.tmp / "other1", "checkout", "--quiet", "--detach")
    assert isinstance(world.land("one", commit), LandedAt)


def test_a_target_that_moves_during_the_checks_is_merged_anew(world: World) -> None:
    commit = world.work("one", write("one"))
    foreign = (
        f'cd "{world.top}" && test -e "{world.tmp}/once" || {{ touch "{world.tmp}/once"; '
        "export GIT_AUTHOR_NAME=p GIT_AUTHOR_EMAIL=p GIT_COMMITTER_NAME=p GIT_COMMITTER_EMAIL=p; "
        f"git update-ref refs/heads/{world.target} "
        f'"$(git commit-tree -p {world.target} -m Hotfix {world.target}~0^{{tree}})"; }}'
    )
    landed = world.land("one", commit, foreign, "test -f one")
    assert isinstance(landed, LandedAt)
    subjects = world.git("log", "--format=%s", f"{world.target}").split("\n")
    assert subjects == ["Do one", "Hotfix", "Begin"]
    assert world.workspaces.landed({BeadId("one"): ""}) == {"one": landed.commit}


def test_a_target_that_the_person_has_checked_out_by_now_is_not_moved(world: World) -> None:
    commit, tip = world.work("one", write("one")), world.tip()
    git(world.top, "worktree", "add", "--quiet", str(world.tmp / "looking"), world.target)
    with pytest.raises(WorkspaceFault, match=r"checked out in .*looking"):
        world.land("one", commit)
    assert world.tip() == tip
    git(world.top, "worktree", "remove", str(world.tmp / "looking"))
    assert isinstance(world.land("one", commit), LandedAt)


def test_a_target_that_is_gone_is_said(world: World) -> None:
    commit = world.work("one", write("one"))
    world.git("update-ref", "-d", f"refs/heads/{world.target}")
    with pytest.raises(WorkspaceFault, match="is gone"):
        world.land("one", commit)
    with pytest.raises(WorkspaceFault, match="is gone"):
        world.workspaces.landed({})


def test_hooks_of_the_repository_do_not_run_when_we_commit(world: World) -> None:
    for name in ("post-checkout", "pre-commit", "reference-transaction", "post-commit"):
        hook = world.top / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch '{world.tmp}/hooked'\nexit 1\n")
        hook.chmod(0o755)
    world.done("one", write("one"))
    assert not (world.tmp / "hooked").exists()


def test_a_repository_that_cannot_be_written_is_said_and_nothing_is_removed(world: World) -> None:
    path = world.prepare("one")
    (path / "new").write_text("1")
    objects = world.repository.common_dir / "objects"
    moved = objects.rename(objects.with_name("objects-away"))
    objects.write_text("not a folder")
    with pytest.raises(WorkspaceFault):
        world.clear("one")
    assert (path / "new").exists()
    objects.unlink()
    moved.rename(objects)


def test_after_the_run_no_worktree_is_left(world: World) -> None:
    assert isinstance(world.land("one", world.work("one", write("one")), "true"), LandedAt)
    world.clear("one", landed=True)
    world.workspaces.close()
    world.workspaces.close()
    assert not world.folder.exists()
    assert world.git("worktree", "list").count("\n") == 0
    assert not os.listdir(world.tmp / "trees")


def test_a_landing_that_comes_after_the_end_leaves_nothing_behind(world: World) -> None:
    commit, tip = world.work("one", write("one")), world.tip()
    world.workspaces.close()
    with pytest.raises(Leaving):
        world.land("one", commit, "true")
    assert not (world.folder / ".landing").exists()
    assert world.tip() == tip


# ---------------------------------------------------------------- the train


def _composed(world: World, bead: str, onto: Composition | None = None) -> Composition:
    made = world.compose(bead, world.work(bead, write(bead)), onto=onto)
    assert isinstance(made, Composition)
    return made


def _stop(bead: str, made: Composition) -> Stop:
    return Stop(bead=BeadId(bead), number=1, task="", commit=made.commit)


def test_what_would_follow_is_merged_ahead_and_lands_at_one_stroke(world: World) -> None:
    before = world.tip()
    one = _composed(world, "one")
    two = _composed(world, "two", one)
    assert world.tip() == before
    assert set(world.content(two.commit)) > {"one", "two"}
    assert world.git("rev-parse", f"{two.commit}^") == one.commit
    stops = (_stop("one", one), _stop("two", two))
    order = Advance(token=Token(1), old=one.onto, new=two.commit, stops=stops)
    assert world.workspaces.advance(order)
    assert world.tip() == two.commit
    assert world.workspaces.landed({BeadId("one"): "", BeadId("two"): ""}) == {"one": one.commit, "two": two.commit}
    assert world.again().workspaces.advance(order), "asked again after a death, it has been done"


def test_a_target_that_is_elsewhere_is_not_moved(world: World) -> None:
    one = _composed(world, "one")
    world.done("other", write("other"))
    tip = world.tip()
    order = Advance(token=Token(1), old=one.onto, new=one.commit, stops=(_stop("one", one),))
    assert not world.workspaces.advance(order)
    assert world.tip() == tip
    assert world.workspaces.landed({BeadId("one"): ""}) == {}


def test_a_composed_commit_that_was_collected_as_garbage_is_composed_again(world: World) -> None:
    one = _composed(world, "one")
    world.git("gc", "--quiet", "--prune=now")
    order = Advance(token=Token(1), old=one.onto, new=one.commit, stops=(_stop("one", one),))
    assert not world.workspaces.advance(order)
    assert world.tip() == one.onto


def test_merged_trees_are_checked_side_by_side_each_on_a_stage_of_its_own(world: World) -> None:
    one = _composed(world, "one")
    two = _composed(world, "two", one)
    # Each waits until the other is there as well.
    meet = f'touch "{world.tmp}/$ORCHESTRATOR_BEAD"; until test -e "{world.tmp}/{{}}"; do sleep 0.02; done'
    first = world.verifying("one", one, meet.format("two"), "test ! -e two")
    second = world.verifying("two", two, meet.format("one"), "test -e one")
    with ThreadPoolExecutor(2) as pool:
        assert all(done.passed for done in pool.map(world.workspaces.verify, (first, second)))
    assert {env["ORCHESTRATOR_STAGE"] for env in world.commands.envs} == {"1", "2"}
    world.workspaces.close()
    assert not world.folder.exists() or not list(world.folder.glob(".landing*"))


def test_a_check_that_nobody_waits_for_is_ended(world: World) -> None:
    one = _composed(world, "one")
    waits = f'touch "{world.tmp}/begun"; until test -e "{world.tmp}/go"; do sleep 0.02; done'
    order = world.verifying("one", one, waits, "false")
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(world.workspaces.verify, replace(order, timeout_s=60))
        while not (world.tmp / "begun").exists():
            time.sleep(0.01)
        world.workspaces.drop(replace(order, timeout_s=60))
        (world.tmp / "go").touch()
        with pytest.raises(Leaving):
            pending.result()
    assert world.commands.ended == [f"{one.commit}.0"]
    assert world.commands.ran[-1] != "false", "the commands that follow are not begun"


# ---------------------------------------------------------------- a conflict goes back


def test_the_agent_finds_the_conflict_in_its_worktree(world: World, as_agent: AsAgent) -> None:
    """Its own work is HEAD, the target is the other side, and what is left undecided does not land."""
    in_conflict(world, write("a.txt", "mine\n"), write("a.txt", "theirs\n"))
    path = world.prepare("one", 3, keep=True, merge=True)
    text = (path / "a.txt").read_text()
    assert ("<<<<<<< HEAD\nmine\n" in text, f">>>>>>> heads/{world.target}" in text) == (True, True)
    assert world.prepare("one", 4, keep=True, merge=True) == path
    assert (path / "a.txt").read_text() == text, "begun once"
    assert isinstance(world.land("one", world.collect("one", 4).commit, number=4), Conflict)
    (path / "a.txt").write_text("both\n")
    assert isinstance(world.land("one", world.collect("one", 4).commit, number=4), LandedAt)
    assert world.content(world.tip())["a.txt"] == "both"


def test_a_merge_that_goes_through_and_is_red_is_begun_too(world: World, as_agent: AsAgent) -> None:
    """In a worktree that had to be made again as well."""
    commit = world.work("one", write("one"))
    world.done("two", write("two"))
    assert isinstance(world.land("one", commit, "false"), Red)
    world.clear("one")
    path = world.prepare("one", 2, keep=True, merge=True)
    assert {"one", "two"} <= {file.name for file in path.iterdir()}
    (path / "mended").write_text("1")
    work = world.collect("one", 2)
    assert set(work.files) == {"one", "mended"}
    assert isinstance(world.land("one", work.commit, "test -f mended", number=2), LandedAt)


def test_no_driver_of_the_persons_resolves_what_the_agent_is_to_resolve(world: World, as_agent: AsAgent) -> None:
    world.git("config", "merge.mine.driver", "true")
    attributes = _all(write(".gitattributes", "a.txt merge=mine\n"), write("a.txt", "mine\n"))
    in_conflict(world, attributes, write("a.txt", "theirs\n"))
    path = world.prepare("one", 3, keep=True, merge=True)
    assert {"mine", "theirs"} <= set((path / "a.txt").read_text().splitlines())
    world.git("config", "--unset", "merge.mine.driver")
