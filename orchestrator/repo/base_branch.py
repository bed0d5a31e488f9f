"""The branch that a run begins on: it is followed, and pull requests go there."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.core.model import Commit, PullRequests
from orchestrator.core.pull_requests import short
from orchestrator.repo.faults import RepositoryFault
from orchestrator.repo.objects import stored
from orchestrator.repo.plumbing import Git
from orchestrator.repo.repository import Repository


@dataclass(slots=True, kw_only=True)
class BaseBranch:
    follow: bool
    requests: PullRequests | None
    name: str = ""
    """As a full ref; empty: the run did not begin on a branch."""

    @property
    def short(self) -> str:
        return short(self.name)

    @property
    def of_requests(self) -> str:
        """Where pull requests go, by its short name."""
        assert self.requests is not None
        return self.requests.base or self.short

    def refuse_none(self, target: str) -> None:
        """Raises `RepositoryFault` where one is needed, and there is none, or it is the target."""
        if self.follow and not self.name:
            raise RepositoryFault(
                "follow_base: the target does not begin on a branch: say with `base:` which one it is to follow"
            )
        if self.requests is None:
            return
        base = self.of_requests
        if not base:
            raise RepositoryFault(
                "pull_request: the target does not begin on a branch: say with `pull_request.base` into which they are "
                "to go"
            )
        if base == target:
            raise RepositoryFault(f"pull_request: `{base}` is the target itself: choose another `target:` or `base:`")

    def commit(self, git: Git, repository: Repository) -> Commit | None:
        """Where it is now. Raises `GitRefused`."""
        found = stored(git, repository.place, self.name) if self.name else None
        return found.commit if found else None
