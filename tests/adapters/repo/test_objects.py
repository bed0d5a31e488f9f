"""Commits that a git that stays writes for us are the very commits that `git commit-tree` makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.core.model import Commit, Tree
from orchestrator.repo.faults import GitRefused
from orchestrator.repo.merging import merge
from orchestrator.repo.objects import commit_tree, stored, write
from orchestrator.repo.plumbing import Git
from orchestrator.repo.repository import Person, Repository, open_repository

ANN = Person(name="Ann Ögren (she)", mail="ann@localhost")
BOB = Person(name="Bob O'Neil", mail="bob+x@example.org")
DATE = "@1700000000 +0545"


@pytest.fixture
def repository(top: Path) -> Repository:
    return open_repository(top)


def tree_of(git: Git, repository: Repository) -> Tree:
    return Tree(git(repository.place, "rev-parse", "HEAD^{tree}").text)


@pytest.mark.parametrize("message", ["One line", "Ünï\n\nbody\n\nBead: a", "ends\n", ""])
@pytest.mark.parametrize("parents", [0, 1])
def test_it_is_what_commit_tree_makes(repository: Repository, message: str, parents: int) -> None:
    git = Git()
    tree, above = tree_of(git, repository), [repository.head] * parents
    ours = write(git, repository.place, tree, above, message, ANN, BOB, DATE)
    theirs = commit_tree(git, repository.place, tree, above, message, ANN, BOB, DATE)
    one, other = stored(git, repository.place, ours), stored(git, repository.place, theirs)
    assert one is not None
    assert other is not None
    assert (one.tree, one.parents, one.author, one.message) == (other.tree, other.parents, other.author, other.message)
    assert (one.committer.name, one.committer.mail) == (other.committer.name, other.committer.mail)
    assert one.committer.date.split()[1] == other.committer.date.split()[1]
    git(repository.place, "fsck", "--strict", "--no-dangling", ours)
    git.residents.close()


@pytest.mark.parametrize(
    ("author", "date", "message"),
    [
        (Person(name="<Ann>", mail="ann@localhost"), DATE, "x"),
        (Person(name="Ann.", mail="ann@localhost"), DATE, "x"),
        (Person(name="", mail="ann@localhost"), DATE, "x"),
        (Person(name="Ann", mail=""), DATE, "x"),
        (ANN, "yesterday", "x"),
        (ANN, DATE, "\udc80"),
        (ANN, DATE, "a\0b"),
    ],
)
def test_what_git_would_change_or_refuse_is_left_to_git(
    repository: Repository, author: Person, date: str, message: str
) -> None:
    git = Git()

    def outcome(make: Callable[..., Commit]) -> object:
        try:
            made = stored(git, repository.place, make(git, repository.place, tree, [], message, author, BOB, date))
        except (GitRefused, ValueError) as refused:
            return type(refused)
        assert made is not None
        return made.author.name, made.author.mail, made.message

    tree = tree_of(git, repository)
    assert outcome(write) == outcome(commit_tree)
    git.residents.close()


def test_a_merge_after_one_that_shares_no_commit_goes_through(repository: Repository) -> None:
    """The git that stays ends over it; the next question starts another."""
    git = Git()
    tree, head = tree_of(git, repository), repository.head
    stranger = commit_tree(git, repository.place, tree, [], "A stranger", ANN, ANN)
    assert not isinstance(merge(git, repository.place, head, stranger), str)
    assert merge(git, repository.place, head, Commit(head)) == tree
    git.residents.close()
