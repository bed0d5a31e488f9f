"""What git alone can say about a run, for whoever wants proof of it. Moves no ref, and writes into no worktree.

Says what is there; does not know what should be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.core.model import BeadId, Commit
from orchestrator.core.values import replace
from orchestrator.repo import refs, worktrees
from orchestrator.repo import target as targets
from orchestrator.repo.desk import Run, desk_of, files_of, head_of
from orchestrator.repo.plumbing import Git
from orchestrator.repo.pushing import NOBODY, remote_of
from orchestrator.repo.repository import Repository
from orchestrator.repo.snapshot import changes
from orchestrator.repo.target import TargetCommit, commits
from orchestrator.repo.worktrees import Worktree


def start_of(repository: Repository, run: str) -> Commit | None:
    """Where the target of this run began; None: it never did."""
    name = refs.start_of(run)
    found = refs.read(Git(), repository.place, name)
    return found[name].commit if name in found else None


def target_commits(repository: Repository, target: str, since: Commit | None) -> Sequence[TargetCommit]:
    """The target's own line beyond `since`, newest first; nothing where there is no such branch."""
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


def followed(repository: Repository, target: str) -> frozenset[Commit]:
    """The merges of the base branch that we made on the target."""
    return frozenset(ref.commit for ref in refs.read(Git(), repository.place, refs.followed_on(target)).values())


def grounds(repository: Repository, target: str) -> Mapping[tuple[BeadId, str], Commit]:
    """Of what landed as several commits, the one on which the first of them stands."""
    found = refs.read(Git(), repository.place, f"{refs.GROUND}{refs.quoted(target)}/")
    return {refs.what_landed(ref.name): ref.commit for ref in found.values()}


def heads_of(repository: Repository, remote: str, within_s: float = 30.0) -> Mapping[str, Commit]:
    """The branches that a remote has. Raises `GitRefused` where it does not answer in time, and `RepositoryFault`."""
    git = Git()
    far = remote_of(git, repository, remote)
    asked = ("ls-remote", "--heads", "--", far.url)
    rows = git(repository.place, *asked, env=NOBODY, cwd=far.cwd, within_s=within_s).text.split("\n")
    found = (row.split("\t") for row in rows if row)
    return {name.removeprefix("refs/heads/"): Commit(commit) for commit, name in found}


def own_worktrees(repository: Repository) -> Sequence[Worktree]:
    """Those that we made, wherever they are; in a copied repository, not those of the original."""
    found = (one for one in worktrees.registered(repository) if one.is_ours)
    ours = (one for one in found if not worktrees.is_anothers(repository, one))
    return tuple(sorted(ours, key=lambda one: one.path))


def checkpoints(repository: Repository, run: str = "") -> Sequence[tuple[str, BeadId]]:
    """Those of a run, or of every run, that are there: its name and the bead."""
    under = refs.CHECKPOINTS + (f"{refs.quoted(run)}/" if run else "")
    names = (name.removeprefix(refs.CHECKPOINTS).split("/") for name in refs.read(Git(), repository.place, under))
    return tuple((refs.unquoted(parts[0]), BeadId(refs.unquoted(parts[-1]))) for parts in names)


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


def locks(repository: Repository, target: str) -> Sequence[Path]:
    """Lock files on refs that nobody but us and our agents writes, and on the target."""
    heads = repository.common_dir / "refs" / "heads"
    found = [
        *(heads / "orchestrator-work").rglob("*.lock"),
        *(repository.common_dir / "refs/orchestrator").rglob("*.lock"),
    ]
    return sorted((*found, *(lock for lock in [heads / f"{target}.lock"] if lock.exists())))


def temporary(repository: Repository, folder: Path) -> Sequence[Path]:
    """What we make for a moment only, and what was thrown away but not deleted; and `folder`, a run's for worktrees."""
    state, registry = repository.state, repository.common_dir / "worktrees"
    patterns = {
        state: ("*.new", "*.orchestrator", ".trash-*", "orchestrator-*"),
        state / "fingerprints": ("*.orchestrator",),
        folder: (".trash-*",),
        registry: ("*/orchestrator-*", "*/*.orchestrator"),
    }
    found = [path for where, names in patterns.items() for name in names for path in where.glob(name)]
    return sorted((*found, *([folder] if folder.is_dir() else [])))


def unkept(repository: Repository, worktree: Worktree, target: str) -> Sequence[str]:
    """Files of a bead's worktree whose content is in no commit of the bead's. Only while nobody works there.

    Raises `GitRefused` where it cannot be read.
    """
    label = worktree.label
    if label is None or not label.bead or not worktree.path.is_dir():
        return ()  # half-made, for merged trees, or gone: nobody has worked there
    git = Git()
    run = Run(repository=repository, name=label.run, target=target, folder=worktree.path.parent)
    desk = replace(desk_of(git, run, BeadId(label.bead)), worktree=worktree)
    kept = [ref for ref in (desk.branch, desk.base, *desk.attic.values()) if ref is not None]
    with files_of(git, desk) as made:
        if any(ref.tree == made.tree for ref in kept):
            return ()
        head = head_of(git, desk)
        nearest = kept[-1].commit if kept else head
        if nearest is None:
            return (str(worktree.path),)
        return tuple(change.shown for change in changes(git, desk.place, nearest, made.tree))
