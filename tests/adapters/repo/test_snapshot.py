"""What differs between two trees, as a git that stays tells it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.repo.faults import GitRefused
from orchestrator.repo.objects import tree_named
from orchestrator.repo.plumbing import Git
from orchestrator.repo.repository import open_repository
from orchestrator.repo.snapshot import Change, changes
from tests.adapters.repo.conftest import git as run_git


@pytest.fixture
def git() -> Iterator[Git]:
    made = Git()
    yield made
    made.residents.close()


def told_by_a_git_of_its_own(top: Path, old: str, new: str) -> tuple[Change, ...]:
    fields = run_git(top, "diff-tree", "-r", "-z", "--raw", "--no-renames", old, new).split("\0")
    return tuple(
        Change(path=path.encode("utf-8", "surrogateescape"), kind=info.split(" ")[4][0], mode=info.split(" ")[1])
        for info, path in zip(fields[0::2], fields[1::2], strict=False)
    )


@pytest.mark.parametrize(
    "names",
    [
        ["plain", "ünï/cödé", " b "],
        ["end\n", "end\nwith more", "a\nend\n", "z/end\n"],
        ["last\nend"],
        [":100644 100644 a b M", "\x01"],
    ],
)
def test_every_path_is_told_of_whatever_it_is_called(top: Path, git: Git, names: list[str]) -> None:
    """Also one that looks like the end of what is told."""
    place = open_repository(top).place
    run_git(top, "rm", "-r", "--quiet", "--force", ".")
    for name in names:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text("x")
    run_git(top, "add", "--all")
    run_git(top, "commit", "--quiet", "--message", "names")
    (top / names[0]).chmod(0o755)
    (top / names[-1]).unlink()
    run_git(top, "add", "--all")
    run_git(top, "commit", "--quiet", "--allow-empty", "--message", "more")
    for old, new in (("HEAD~2", "HEAD~1"), ("HEAD~1", "HEAD"), ("HEAD", "HEAD~2"), ("HEAD~1^{tree}", "HEAD")):
        expected = told_by_a_git_of_its_own(top, old, new)
        assert expected
        assert changes(git, place, run_git(top, "rev-parse", old), run_git(top, "rev-parse", new)) == expected


def test_of_the_same_there_is_nothing_and_of_what_is_not_there_it_is_said(top: Path, git: Git) -> None:
    place, head = open_repository(top).place, run_git(top, "rev-parse", "HEAD")
    assert changes(git, place, head, head) == ()
    with pytest.raises(GitRefused):
        changes(git, place, head, "1" * 40)
    assert changes(git, place, head, head) == ()


def test_a_tree_that_has_gone_meanwhile_is_said(git: Git, top: Path) -> None:
    """As by an agent's `git gc --prune=now`: a git that stays still has it open, another one finds it no more."""
    run_git(top, "commit", "--all", "--quiet", "--message", "Second")
    run_git(top, "repack", "-a", "-d", "--quiet")
    place = open_repository(top).place
    old, new = (tree_named(git, place, name) for name in ("HEAD~1", "HEAD"))
    for pack in (top / ".git" / "objects" / "pack").iterdir():
        pack.unlink()
    with pytest.raises(GitRefused):
        changes(git, place, old, new)
