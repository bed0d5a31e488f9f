"""A repository for something that is tried out and thrown away: of one empty commit, or a copy of another.

Knows how one begins. Does not know what is tried in it.
"""

from __future__ import annotations

from pathlib import Path

from orchestrator.repo.faults import GitRefused, RepositoryFault, explained
from orchestrator.repo.plumbing import Git
from orchestrator.repo.repository import Repository

_AUTHOR = {"user.name": "orchestrator", "user.email": "orchestrator@localhost"}


def make_repository(path: Path) -> None:
    """Whoever commits in it has a name. Raises `RepositoryFault`."""
    git = Git(settings=_AUTHOR)
    path.mkdir(parents=True)
    try:
        git(None, "init", "--quiet", cwd=path)
        for name, value in _AUTHOR.items():
            git(None, "config", name, value, cwd=path)
        git(None, "commit", "--quiet", "--allow-empty", "--message", "Begin", cwd=path)
    except GitRefused as refusal:
        raise RepositoryFault(explained(refusal.said)) from refusal


def copy_repository(of: Repository, path: Path, *, without: str) -> None:
    """Its branches and tags, but for one branch, in a bare repository without remotes: nothing goes back from there.

    Raises `RepositoryFault`.
    """
    git = Git(settings=_AUTHOR)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        git(None, "clone", "--quiet", "--bare", "--no-hardlinks", str(of.common_dir), str(path), cwd=path.parent)
        git(None, "remote", "remove", "origin", cwd=path)
        git(None, "update-ref", "-d", f"refs/heads/{without}", cwd=path)
        git(None, "update-ref", "--no-deref", "HEAD", of.head, cwd=path)
        for name, value in (("user.name", of.person.name), ("user.email", of.person.mail)):
            git(None, "config", name, value, cwd=path)
    except GitRefused as refusal:
        raise RepositoryFault(explained(refusal.said)) from refusal
