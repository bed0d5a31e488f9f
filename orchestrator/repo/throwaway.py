"""A repository of one empty commit, for something that is tried out and thrown away.

Knows how one begins. Does not know what is tried in it.
"""

from __future__ import annotations

from pathlib import Path

from orchestrator.repo.faults import GitRefused, RepositoryFault, explained
from orchestrator.repo.plumbing import Git

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
