"""What is read of a bead's desk without a process is what git would have told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.core.model import BeadId
from orchestrator.repo import refs
from orchestrator.repo.desk import Run, desk_of
from orchestrator.repo.plumbing import Git
from orchestrator.repo.repository import Repository, open_repository
from tests.adapters.repo.conftest import git as run_git

BEAD = BeadId("a bead")


@pytest.fixture
def repository(top: Path) -> Repository:
    return open_repository(top)


@pytest.fixture
def git() -> Iterator[Git]:
    made = Git()
    yield made
    made.residents.close()


@pytest.fixture
def run(repository: Repository, tmp_path: Path) -> Run:
    return Run(repository=repository, name="night", target="main", folder=tmp_path / "worktrees")


def processes(git: Git, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Those that are started from now on, of gits that do not stay."""
    started: list[str] = []
    before = Git.__call__

    def told(self: Git, place: object, *argv: str, **how: object) -> object:
        started.append(argv[0])
        return before(self, place, *argv, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(Git, "__call__", told)
    return started


def test_a_bead_of_which_nothing_is_kept_costs_no_process(git: Git, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    top = run.repository.git_dir.parent
    run_git(top, "branch", refs.branch_of("night", BEAD).removeprefix("refs/heads/"))
    run_git(top, "commit", "--allow-empty", "--message", "the target moves")
    run_git(top, "update-ref", refs.base_of("night", BEAD), "HEAD~1")
    wanted = refs.read(git, run.repository.place, "refs/heads", refs.base_of("night", BEAD))
    started = processes(git, monkeypatch)
    desk = desk_of(git, run, BEAD)
    assert started == []
    assert (desk.branch, desk.base) == (wanted[desk.branch_name], wanted[desk.base_name])
    assert (desk.target, desk.checkpoint, desk.attic) == (wanted["refs/heads/main"], None, {})
    run_git(top, "branch", "--force", desk.branch_name.removeprefix("refs/heads/"), "HEAD")
    assert desk_of(git, run, BEAD).branch == refs.read(git, run.repository.place, desk.branch_name)[desk.branch_name]


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_kept_of_it_is_found(git: Git, run: Run, packed: bool) -> None:
    top = run.repository.git_dir.parent
    kept = f"{refs.attic_of(BEAD)}1"
    run_git(top, "update-ref", kept, "HEAD")
    if packed:
        run_git(top, "pack-refs", "--all")
        assert not (run.repository.git_dir / kept).exists()
    assert list(desk_of(git, run, BEAD).attic) == [kept]
    run_git(top, "update-ref", "-d", kept)
    assert desk_of(git, run, BEAD).attic == {}


def test_a_branch_that_is_no_commit_is_none(git: Git, run: Run) -> None:
    """An agent may have put anything there."""
    top = run.repository.git_dir.parent
    blob = run_git(top, "hash-object", "-w", "--stdin")
    branch = refs.branch_of("night", BEAD)
    file = run.repository.git_dir / branch
    file.parent.mkdir(parents=True)
    file.write_text(f"{blob}\n")
    assert desk_of(git, run, BEAD).branch is None
    assert desk_of(git, run, BEAD).target is not None
