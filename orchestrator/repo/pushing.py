"""Bringing the target to a remote: by its own line, never by force, with nobody to ask.

Where that is, is read once, when the run begins: what an agent configures later leads nowhere else.
Does not know when a push is due, nor what becomes of one that failed.
"""

from __future__ import annotations

import re
from pathlib import Path

from orchestrator.core.model import Commit
from orchestrator.core.values import Struct
from orchestrator.repo.desk import Run
from orchestrator.repo.faults import GitRefused, RepositoryFault
from orchestrator.repo.plumbing import Git, Place
from orchestrator.repo.repository import Repository
from orchestrator.repo.target import tip_of
from orchestrator.runtime.ports import WorkspaceFault

NOBODY = {"SSH_ASKPASS_REQUIRE": "never", "GIT_ASKPASS": "true", "SSH_ASKPASS": "true"}
"""There is nobody to ask."""
_REFUSED = re.compile(r"non-fast-forward|fetch first|stale info", re.I)
_SECRET = re.compile(r"(?<=://)[^/\s@]+@")


class Remote(Struct, frozen=True, kw_only=True):
    name: str
    url: str
    cwd: Path
    """What a relative URL starts from."""


def remote_of(git: Git, repository: Repository, name: str) -> Remote:
    """By the name of a remote, or a URL, which a path is too. Raises `RepositoryFault`."""
    place = Place(git_dir=repository.git_dir)
    cwd = repository.checkout or repository.common_dir
    for key in (f"remote.{name}.pushurl", f"remote.{name}.url"):
        found = git(place, "config", "--get", key, codes=(0, 1, 2))
        if found.code == 0 and found.text:
            return Remote(name=name, url=found.text, cwd=cwd)
    if "/" in name or ":" in name:
        return Remote(name=without_secrets(name), url=name, cwd=cwd)
    known = git(place, "remote").text.split()
    hint = f"there are {', '.join(known)}" if known else "there are none: `git remote add`, or give a URL"
    raise RepositoryFault(f"push: the repository has no remote `{name}`: {hint}")


def push(git: Git, run: Run, remote: Remote, *, within_s: float) -> Commit:
    """The target's tip, once the remote has it. Raises `WorkspaceFault` where it does not."""
    tip = tip_of(git, run)
    why = "are not on the target here: nothing there is overwritten. Rename or remove that branch, or merge it into the"
    _push(git, run, remote, tip.commit, run.target, f"{why} target", within_s=within_s)
    return tip.commit


def push_new(git: Git, run: Run, remote: Remote, commit: Commit, branch: str, *, within_s: float) -> None:
    """A branch that the remote does not have yet, or has at this very commit. Raises `WorkspaceFault`."""
    why = "are not ours: nothing there is overwritten. Rename or remove that branch"
    lease = f"--force-with-lease=refs/heads/{branch}:"
    _push(git, run, remote, commit, branch, why, lease, within_s=within_s)


def _push(
    git: Git, run: Run, remote: Remote, commit: Commit, branch: str, refused: str, *words: str, within_s: float
) -> None:
    asked = ("push", "--quiet", "--no-verify", "--recurse-submodules=no", *words, "--", remote.url)
    there = f"{commit}:refs/heads/{branch}"
    try:
        git(run.repository.place, *asked, there, env=NOBODY, cwd=remote.cwd, within_s=within_s)
    except GitRefused as refusal:
        said = without_secrets(refusal.said)
        if _REFUSED.search(said):
            raise WorkspaceFault(f"`{remote.name}` has commits on `{branch}` that {refused}: {said}") from refusal
        raise WorkspaceFault(f"`{branch}` could not be pushed to `{remote.name}`: {said}") from refusal


def without_secrets(text: str) -> str:
    """Without what stands before the host of a URL."""
    return _SECRET.sub("", text)
