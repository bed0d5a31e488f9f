"""Squash, merge, rebase: the same tree on the target, the authors kept, and one commit that says which bead it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.core.model import Commit, Style
from orchestrator.repo import survey
from orchestrator.runtime.ports import Conflict
from tests.adapters.repo.conftest import LandedAt, World

AsAgent = Callable[..., str]
DATE = "--date=2020-02-02T02:02:02+0200"


def commit(as_agent: AsAgent, path: Path, name: str, message: str, *, who: str, text: str = "1\n") -> str:
    (path / name).write_text(text)
    as_agent(path, "add", ".", who=who)
    as_agent(path, "commit", "--quiet", "--message", message, DATE, who=who)
    return as_agent(path, "rev-parse", "HEAD")


def three(world: World, as_agent: AsAgent, bead: str = "one") -> Commit | None:
    """Two commits of two people, one of which claims to have landed, and what was left for us to commit."""
    path = world.prepare(bead)
    commit(as_agent, path, "x", "First\n\nWhy.\n\nBead: two\nReviewed-by: R <r@x>", who="First")
    commit(as_agent, path, "y", "Second\n\nCo-authored-by: Model <model@example.org>", who="Second")
    (path / "z").write_text("1\n")
    return world.collect(bead, title="Left over").commit


def named(world: World, *, line: bool = False) -> list[str]:
    """What `Bead:` trailers the commits of the target have, newest first."""
    base = survey.start_of(world.repository, "night")
    only = ("--first-parent",) if line else ()
    form = "%(trailers:key=Bead,valueonly,separator=%x2c)"
    return world.git("log", *only, "--topo-order", f"--format={form}", f"{base}..{world.target}").split("\n")


@pytest.mark.parametrize("style", list(Style))
def test_one_commit_says_which_bead_it_is_and_has_the_tree_that_was_checked(
    world: World, as_agent: AsAgent, style: Style
) -> None:
    first = three(world, as_agent)
    world.done("other", lambda path: (path / "other").write_text("1"))
    landed = world.land("one", first, "test -e x && test -e y && test -e z && test -e other", style=style)
    assert isinstance(landed, LandedAt)
    assert landed.commit == world.tip()
    assert landed.tree == world.git("rev-parse", f"{landed.commit}^{{tree}}")
    assert sorted(filter(None, named(world))) == ["one", "other"]
    assert named(world)[0] == "one"
    assert world.land("one", first, style=style) == LandedAt(landed.commit, landed.tree, found=True)


def test_a_squash_names_who_is_named(world: World, as_agent: AsAgent) -> None:
    world.land("one", three(world, as_agent), message="feat: one\n\nWhy it is so.\n\nSigned-off-by: A <a@x>")
    assert world.git("log", "-1", "--format=%an%n%B", world.target).split("\n") == [
        "Second",
        "feat: one",
        "",
        "Why it is so.",
        "",
        "Signed-off-by: A <a@x>",
        "Bead: one",
        "Attempt: 1",
        "Route: mine:big",
        "Co-authored-by: First <first@example.org>",
        "Co-authored-by: Model <model@example.org>",
        "",
    ]


def test_a_merge_has_the_work_as_it_is(world: World, as_agent: AsAgent) -> None:
    """What claims to be a bead is written anew; all else about it stays."""
    path = world.prepare("plain")
    own = commit(as_agent, path, "p", "Plain\n\nCo-authored-by: Model <model@example.org>", who="First")
    world.land("plain", world.collect("plain").commit, style=Style.MERGE)
    assert world.git("rev-parse", f"{world.target}^2") == own
    before = world.tip()
    world.land("one", three(world, as_agent), style=Style.MERGE)
    assert world.git("rev-parse", f"{world.target}^1") == before
    shown = world.git("log", "--topo-order", "--format=%an %ad %s|%(trailers:unfold,separator=%x2c)", "--date=short",
                      f"{before}..{world.target}^2").split("\n")  # fmt: skip
    assert shown[1:] == [
        "Second 2020-02-02 Second|Co-authored-by: Model <model@example.org>",
        "First 2020-02-02 First|Reviewed-by: R <r@x>",
    ]
    assert shown[0].endswith("Left over|")
    assert named(world, line=True) == ["one", "plain"]


def test_a_rebase_keeps_messages_authors_and_dates(world: World, as_agent: AsAgent) -> None:
    work = three(world, as_agent)
    world.done("other", lambda path: (path / "other").write_text("1"))
    before = world.tip()
    world.land("one", work, style=Style.REBASE, message="feat: the rest")
    shown = world.git("log", "--format=%an %s|%(trailers:unfold,separator=%x2c)", f"{before}..{world.target}")
    assert shown.split("\n") == [
        "orchestrator feat: the rest|Bead: one,Attempt: 1,Route: mine:big",
        "Second Second|Co-authored-by: Model <model@example.org>",
        "First First|Reviewed-by: R <r@x>",
    ]
    assert world.git("log", "-1", "--format=%ad", "--date=short", f"{world.target}^") == "2020-02-02"
    assert world.git("rev-list", "--merges", world.target) == ""


def test_what_does_not_go_through_one_by_one_is_squashed(world: World, as_agent: AsAgent) -> None:
    """A commit that conflicts with what has landed, and a later one that takes it back: the whole merges."""
    path = world.prepare("one")
    commit(as_agent, path, "a", "Begin", who="First")
    (path / "shared").write_text("mine\n")
    commit(as_agent, path, "b", "Detour", who="Second")
    (path / "shared").unlink()
    commit(as_agent, path, "c", "Back", who="Third")
    work = world.collect("one").commit
    world.done("other", lambda there: (there / "shared").write_text("theirs\n"))
    before = world.tip()
    landed = world.land("one", work, style=Style.REBASE)
    assert isinstance(landed, LandedAt)
    assert world.content(world.target).items() >= {"shared": "theirs", "a": "1", "b": "1", "c": "1"}.items()
    assert world.git("log", "--format=%an %s", f"{before}..{world.target}") == "Third Do one\nFirst Begin"
    credited = world.git("log", "-1", "--format=%(trailers:key=Co-authored-by,valueonly)", world.target)
    assert credited == "Second <second@example.org>\n"


def test_a_rebase_is_known_as_ours_from_its_first_commit_on(world: World, as_agent: AsAgent) -> None:
    before = world.tip()
    world.land("one", three(world, as_agent), style=Style.REBASE)
    assert survey.grounds(world.repository, world.target) == {("one", ""): before}
    world.done("squashed", lambda path: (path / "s").write_text("1"))
    assert survey.grounds(world.repository, world.target) == {("one", ""): before}


@pytest.mark.parametrize("style", list(Style))
def test_a_conflict_names_the_bead_whatever_the_style(world: World, as_agent: AsAgent, style: Style) -> None:
    path = world.prepare("first")
    commit(as_agent, path, "same", "One", who="First", text="first\n")
    commit(as_agent, path, "else", "Two", who="First")
    work, mine = world.collect("first").commit, world.work("late", lambda there: (there / "same").write_text("late\n"))
    world.land("first", work, style=style)
    refused = world.compose("late", mine, style=style)
    assert isinstance(refused, Conflict)
    assert refused.beads == ("first",), refused.evidence
