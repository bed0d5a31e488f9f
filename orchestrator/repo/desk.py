"""A bead's desk: its worktree, its branch, where it began, and what of it is kept in the attic already.

Only reads. Does not know what may be done with any of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from orchestrator.core.model import BeadId, Commit, Tree
from orchestrator.core.values import Struct
from orchestrator.repo import objects, refs, worktrees
from orchestrator.repo.faults import GitRefused
from orchestrator.repo.plumbing import Git, Place
from orchestrator.repo.refs import Ref
from orchestrator.repo.repository import Repository
from orchestrator.repo.snapshot import Fallback, Snapshot, snapshot
from orchestrator.repo.worktrees import Worktree


class Run(Struct, frozen=True, kw_only=True):
    """What names everything of one run in a repository."""

    repository: Repository
    name: str
    target: str
    """The target branch's short name."""
    folder: Path
    """Where its worktrees are."""

    @property
    def target_ref(self) -> str:
        return f"refs/heads/{self.target}"

    def path_of(self, bead: BeadId) -> Path:
        """Where a worktree is made; one that was made under another `--worktrees` is where it was."""
        return self.folder / refs.quoted(bead)


class Desk(Struct, frozen=True, kw_only=True):
    run: Run
    bead: BeadId
    worktree: Worktree | None
    branch: Ref | None
    base: Ref | None
    target: Ref | None
    attic: Mapping[str, Ref]
    """By name, oldest attempt first."""
    checkpoint: Ref | None = None
    """What its worktree held while an agent worked there."""

    @property
    def path(self) -> Path:
        return self.worktree.path if self.worktree else self.run.path_of(self.bead)

    @property
    def has_files(self) -> bool:
        return self.path.is_dir() and any(self.path.iterdir())

    @property
    def fallback(self) -> Fallback:
        """For when its own index or HEAD cannot be read: what its files were checked out from, as far as we know."""
        known = next((ref.commit for ref in (self.branch, self.base, self.target) if ref), None)
        return Fallback(git_dir=self.place.git_dir, commit=known)

    @property
    def branch_name(self) -> str:
        return refs.branch_of(self.run.name, self.bead)

    @property
    def base_name(self) -> str:
        return refs.base_of(self.run.name, self.bead)

    @property
    def place(self) -> Place:
        """For commands that need no worktree."""
        return self.run.repository.place

    @property
    def is_bare(self) -> bool:
        """There is nothing on it."""
        return self.worktree is None and self.branch is None and self.checkpoint is None and not self.path.exists()


def desk_of(git: Git, run: Run, bead: BeadId) -> Desk:
    checkpoint = refs.checkpoint_of(run.name, bead)
    names = (refs.branch_of(run.name, bead), refs.base_of(run.name, bead), run.target_ref, checkpoint)
    attic = refs.attic_of(bead)
    found = _first_time(git, run, names, attic)
    if found is None:
        found = refs.read(git, run.repository.place, *names, attic)
    kept = sorted((name for name in found if name.startswith(attic)), key=_age)
    return Desk(
        run=run,
        bead=bead,
        worktree=worktree_of(run, bead),
        branch=found.get(names[0]),
        base=found.get(names[1]),
        target=found.get(names[2]),
        attic={name: found[name] for name in kept},
        checkpoint=found.get(checkpoint),
    )


def _first_time(git: Git, run: Run, names: Iterable[str], attic: str) -> Mapping[str, Ref] | None:
    """The same without a process, for a bead of which nothing was kept yet: then all names are known. None: it was, or
    something is out of the ordinary."""
    place = run.repository.place
    if not refs.none_below(place.git_dir, attic):
        return None
    try:
        stored = {name: objects.stored(git, place, name) for name in names}
    except GitRefused:
        return None
    return {
        name: Ref(name=name, commit=each.commit, tree=each.tree, parents=each.parents)
        for name, each in stored.items()
        if each is not None
    }


def worktree_of(run: Run, bead: BeadId) -> Worktree | None:
    """What is registered for the bead in the run's folder; where nothing is there, what we made for it elsewhere.

    Known by what we wrote into the registration, not by its branch: an agent, or the person, can check out any branch.
    """
    path = run.path_of(bead)
    if found := worktrees.worktree_at(run.repository, path):
        return found
    if path.is_symlink() or (path.exists() and (not path.is_dir() or any(path.iterdir()))):
        return None
    elsewhere = (one for one in worktrees.registered(run.repository) if one.is_for(run.name, bead))
    return next((one for one in elsewhere if worktrees.is_linked(one) or not one.path.exists()), None)


def head_of(git: Git, desk: Desk) -> Commit | None:
    """Where the worktree's HEAD is; None: on a branch without a commit, or on nothing that git can read."""
    if desk.worktree is None:
        return None
    if desk.branch is not None and desk.worktree.branch == desk.branch_name:
        return desk.branch.commit
    return commit_at(git, desk.worktree.admin)


def commit_at(git: Git, admin: Path) -> Commit | None:
    """What the HEAD of a worktree comes to."""
    place = Place(git_dir=admin)
    found = git(place, "rev-parse", "--verify", "--quiet", "HEAD^{commit}", codes=(0, 1, 128))
    return Commit(found.text) if found.code == 0 else None


@contextmanager
def files_of(git: Git, desk: Desk, *, siblings: bool = True, whole: bool = False) -> Iterator[Snapshot]:
    """The state of a desk's files, also of a folder whose registration is gone, or whose index or HEAD is damaged."""
    if desk.worktree is not None:
        place, scratch = desk.worktree.place, None
    else:
        place, scratch = Place(git_dir=desk.place.git_dir, work_tree=desk.path), desk.run.repository.state
        scratch.mkdir(parents=True, exist_ok=True)
    with snapshot(git, place, siblings=siblings, whole=whole, scratch=scratch, fallback=desk.fallback) as made:
        yield made


def tree_of(git: Git, desk: Desk, commit: Commit) -> Tree:
    for known in (desk.branch, desk.base, desk.target, *desk.attic.values()):
        if known is not None and known.commit == commit:
            return known.tree
    return objects.tree_named(git, desk.place, commit)


def independent(git: Git, desk: Desk, commits: Iterable[Commit | None]) -> tuple[Commit, ...]:
    """Those of the commits that no other one of them contains, in the order given."""
    several = tuple(dict.fromkeys(commit for commit in commits if commit))
    if len(several) < 2:
        return several
    left = git(desk.place, "merge-base", "--independent", *several).text.split()
    return tuple(commit for commit in several if commit in left)


def _age(name: str) -> tuple[list[int], str]:
    """`1.0` comes before `1`, which is its `1.1`, and that before `1.2`."""
    parts = name.rsplit("/", 1)[-1].split(".")
    return [int(part) if part.isdigit() else 0 for part in (*parts, "1")[:2]], name
