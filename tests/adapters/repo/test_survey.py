"""What git alone can say about a run."""

from __future__ import annotations

from orchestrator.core.model import Commit
from orchestrator.repo import survey
from tests.adapters.repo.conftest import World


def test_the_target_is_read_without_the_run(world: World) -> None:
    first = world.done("one", lambda path: (path / "x").write_text("1"))
    second = world.done("two", lambda path: (path / "y").write_text("1"))
    since = survey.start_of(world.repository, "night")
    assert since == world.repository.head
    found = survey.target_commits(world.repository, world.target, since)
    assert [(one.commit, one.tree, one.beads, one.subject) for one in found] == [
        (second.commit, second.tree, ("two",), "Do two"),
        (first.commit, first.tree, ("one",), "Do one"),
    ]
    assert found[0].parents == (first.commit,)
    assert survey.target_commits(world.repository, "no-such-branch", since) == ()
    assert survey.start_of(world.repository, "day") is None


def test_what_no_ref_holds_is_unreachable(world: World) -> None:
    (world.prepare("one") / "x").write_text("1")
    commit = world.save("one")
    assert commit is not None
    assert survey.unreachable(world.repository, [commit, Commit("f" * 40)]) == {"f" * 40}
