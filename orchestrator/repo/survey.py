"""What git alone can say about a run, for whoever wants proof of it. Only reads.

Says what is there; does not know what should be.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.core.model import BeadId, Commit
from orchestrator.repo import refs, worktrees
from orchestrator.repo import target as targets
from orchestrator.repo.attic import number_of
from orchestrator.repo.plumbing import Git, Place
from orchestrator.repo.repository import Repository
from orchestrator.repo.target import TargetCommit, commits
from orchestrator.repo.worktrees import Worktree


@dataclass(frozen=True, slots=True, kw_only=True)
class AtticRef:
    name: str
    bead: BeadId
    number: int
    """Of the attempt that left it."""
    commit: Commit


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """Everything of the person's that we must not change. Two of them are equal, or something was touched."""

    head: str
    """The HEAD file, and the commit that it comes to."""
    index: str
    status: str
    stash: tuple[str, ...]
    config: str
    refs: Mapping[str, str]
    """All but the target and what is ours."""


def start_of(repository: Repository, run: str) -> Commit | None:
    """Where the target of this run began; None: it never did."""
    name = refs.start_of(run)
    found = refs.read(Git(), repository.place, name)
    return found[name].commit if name in found else None


def target_commits(repository: Repository, target: str, since: Commit | None) -> Sequence[TargetCommit]:
    """What is on the target beyond `since`, newest first; nothing where there is no such branch."""
    git, name = Git(), f"refs/heads/{target}"
    found = refs.read(git, repository.place, name)
    return tuple(commits(git, repository.place, since, found[name].commit)) if name in found else ()


def landings(repository: Repository, target: str) -> Mapping[Commit, tuple[BeadId, str]]:
    """The commits on the target that we put there, each with its bead and task. Any other one there is not ours."""
    git, name = Git(), f"refs/heads/{target}"
    found = refs.read(git, repository.place, name)
    if name not in found:
        return {}
    held = targets.landings(git, repository.place, target, found[name].commit)
    return {ref.commit: refs.what_landed(ref.name) for ref in held.values()}


def own_worktrees(repository: Repository) -> Sequence[Worktree]:
    """Those that we made, wherever they are."""
    found = (one for one in worktrees.registered(repository) if one.is_ours)
    return tuple(sorted(found, key=lambda one: one.path))


def attic(repository: Repository) -> Sequence[AtticRef]:
    found = []
    for ref in refs.read(Git(), repository.place, refs.ATTIC).values():
        bead = ref.name.removeprefix(refs.ATTIC).partition("/")[0]
        found.append(
            AtticRef(
                name=ref.name,
                bead=BeadId(refs.unquoted(bead)),
                number=number_of(ref.name),
                commit=ref.commit,
            )
        )
    return tuple(found)


def branches(repository: Repository, run: str) -> Mapping[BeadId, Commit]:
    """The beads' branches that a run has left."""
    prefix = f"{refs.WORK}{refs.quoted(run)}/"
    found = refs.read(Git(), repository.place, prefix)
    return {BeadId(refs.unquoted(name.removeprefix(prefix))): ref.commit for name, ref in found.items()}


def is_reachable(repository: Repository, commit: Commit, *names: str) -> bool:
    """Whether a ref that is, or is below, one of `names` contains the commit; without names: any ref."""
    patterns = names or ("refs/",)
    asked = ("--count=1", "--format=x", f"--contains={commit}")
    found = Git()(repository.place, "for-each-ref", *asked, *patterns, codes=(0, 128, 129))
    return found.code == 0 and bool(found.text)


def unreachable(repository: Repository, commits: Sequence[Commit]) -> frozenset[Commit]:
    """Those of them that no branch and no ref of ours holds, or that are not in the repository at all."""
    git, wanted = Git(), sorted(set(commits))
    if not wanted:
        return frozenset()
    there = git(repository.place, "cat-file", "--batch-check=%(objectname)", stdin="\n".join(wanted).encode()).text
    present = {Commit(name) for name in there.splitlines() if not name.endswith(" missing")}
    asked = ("--stdin", "--not", "--branches", "--glob=refs/orchestrator")
    loose = git(repository.place, "rev-list", *asked, stdin="\n".join(sorted(present)).encode()) if present else None
    return frozenset((set(wanted) - present) | (present & set(loose.text.split() if loose else ())))


def fingerprint(repository: Repository, target: str) -> Fingerprint:
    git = Git()
    place = Place(git_dir=repository.git_dir, work_tree=repository.checkout)
    status = b""
    if repository.checkout is not None:
        status = git(place, "status", "--porcelain=v2", "-z", "--untracked-files=all").out
    listed = git(place, "for-each-ref", "--format=%(refname) %(objectname)").text.split("\n")
    named = dict(row.split(" ") for row in listed if row)
    ours = (refs.WORK, refs.OURS)
    head = git(place, "rev-parse", "--verify", "--quiet", "HEAD", codes=(0, 1, 128)).text
    return Fingerprint(
        head=f"{(repository.git_dir / 'HEAD').read_text().strip()} {head}",
        index=_digest(repository.git_dir / "index"),
        status=hashlib.sha256(status).hexdigest(),
        stash=tuple(git(place, "stash", "list", "--format=%H", codes=(0, 1, 128)).text.split()),
        config=_digest(repository.common_dir / "config"),
        refs={name: at for name, at in named.items() if name != f"refs/heads/{target}" and not name.startswith(ours)},
    )


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else ""
