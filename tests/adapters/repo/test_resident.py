"""Gits that stay: one process for many questions, a new one where it has gone, and nothing half-done when it goes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from orchestrator.core.model import Commit
from orchestrator.repo import refs
from orchestrator.repo.faults import GitRefused, RefMoved
from orchestrator.repo.objects import stored
from orchestrator.repo.plumbing import Git, Place
from orchestrator.repo.refs import NOTHING, Move
from orchestrator.repo.repository import Repository, open_repository
from tests.adapters.repo.conftest import git as run_git


@pytest.fixture
def repository(top: Path) -> Repository:
    return open_repository(top)


def gits_that_stay(place: Place) -> list[int]:
    """Children of this process that were started to stay on this repository."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        if parent == os.getpid() and f"--git-dir={place.git_dir}".encode() in words and b"defunct" not in words:
            found.append(int(folder.name))
    return found


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # gone, and left for its owner to find


def test_many_questions_cost_one_process(repository: Repository) -> None:
    git, place, head = Git(), repository.place, repository.head
    before = set(gits_that_stay(place))
    for _ in range(3):
        found = stored(git, place, head)
        assert found is not None
        assert found.commit == head
    assert len(set(gits_that_stay(place)) - before) == 1
    git.residents.close()
    assert set(gits_that_stay(place)) == before


def test_it_sees_what_has_changed_since_it_was_started(repository: Repository) -> None:
    git, place = Git(), repository.place
    assert stored(git, place, "refs/heads/later") is None
    run_git(repository.git_dir.parent, "branch", "later")
    run_git(repository.git_dir.parent, "commit", "--allow-empty", "--quiet", "--message", "Another")
    run_git(repository.git_dir.parent, "branch", "--force", "latest")
    run_git(repository.git_dir.parent, "pack-refs", "--all")
    run_git(repository.git_dir.parent, "repack", "-adq")
    latest, later = stored(git, place, "refs/heads/latest"), stored(git, place, "refs/heads/later")
    assert latest is not None
    assert later is not None
    assert latest.parents == (later.commit,)
    assert later.author.name == run_git(repository.git_dir.parent, "log", "-1", "--format=%an", "later")
    assert f"{later.author.date}" == run_git(
        repository.git_dir.parent, "log", "-1", "--date=raw", "--format=%ad", "later"
    )


def test_one_that_was_killed_is_replaced(repository: Repository) -> None:
    git, place, head = Git(), repository.place, repository.head
    before = set(gits_that_stay(place))
    assert stored(git, place, head)
    (pid,) = set(gits_that_stay(place)) - before
    kill(pid)
    assert stored(git, place, head)
    assert pid not in gits_that_stay(place)


def test_one_that_goes_in_the_middle_says_so_and_the_next_answers(repository: Repository) -> None:
    git, place, head = Git(), repository.place, repository.head
    before = set(gits_that_stay(place))

    def interrupted(said: IO[bytes]) -> bytes:
        (pid,) = set(gits_that_stay(place)) - before
        kill(pid)
        return answer_of(said)

    def answer_of(said: IO[bytes]) -> bytes:
        if not (line := said.readline()):
            raise EOFError
        return line

    def ask(answer: Callable[[IO[bytes]], bytes], words: bytes) -> bytes:
        return git.ask(place, "cat-file", "--batch-check", words=words, answer=answer)

    with pytest.raises(GitRefused):
        ask(interrupted, b"")
    assert ask(answer_of, f"{head}\n".encode()).startswith(head.encode())


def test_a_refused_move_moves_nothing_and_the_next_one_goes(repository: Repository) -> None:
    git, place, tip = Git(), repository.place, repository.head
    moves = [
        Move(name="refs/heads/fine", new=tip, old=NOTHING),
        Move(name="refs/heads/wrong", new=tip, old=Commit("1" * 40)),
    ]
    with pytest.raises(RefMoved):
        refs.move(git, place, moves, why="test")
    assert stored(git, place, "refs/heads/fine") is None
    refs.move(git, place, moves[:1], why="test")
    assert stored(git, place, "refs/heads/fine") is not None
    assert "orchestrator: test" in run_git(repository.git_dir.parent, "reflog", "show", "-1", "fine")


def test_what_was_not_said_to_its_end_is_not_done(repository: Repository) -> None:
    """As when we are killed in the middle: git finds its input closed."""
    git, place, tip = Git(), repository.place, repository.head

    def begun(said: IO[bytes]) -> None:
        assert said.readline() == b"start: ok\n"

    words = f"start\0create refs/heads/half\0{tip}\0".encode()
    git.ask(place, "update-ref", "--stdin", "-z", words=words, answer=begun)
    git.residents.close()
    assert stored(git, place, "refs/heads/half") is None
    assert not list((repository.common_dir / "refs" / "heads").rglob("*.lock"))


def test_warnings_that_nobody_reads_block_nothing(repository: Repository) -> None:
    git, place = Git(), repository.place
    run_git(repository.git_dir.parent, "branch", "same")
    run_git(repository.git_dir.parent, "tag", "same")
    for _ in range(2000):  # some 40 bytes each: more than a pipe holds
        assert stored(git, place, "same") is not None


def test_what_is_no_commit_is_refused(repository: Repository) -> None:
    git, place = Git(), repository.place
    tree = run_git(repository.git_dir.parent, "rev-parse", "HEAD^{tree}")
    with pytest.raises(GitRefused, match="is a tree"):
        stored(git, place, tree)
