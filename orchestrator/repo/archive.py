"""What is in the attic: looking at it, taking it out again, and letting go of what is old.

Only a person lets go of anything, and what goes is written down first, so that a proof knows of it. Does not know
which beads of which runs still need theirs.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from orchestrator.core.model import BeadId, Commit
from orchestrator.core.values import Struct
from orchestrator.repo import refs
from orchestrator.repo.attic import number_of
from orchestrator.repo.faults import RefMoved, RepositoryFault
from orchestrator.repo.plumbing import Git, Place
from orchestrator.repo.refs import NOTHING, Move
from orchestrator.repo.repository import Repository
from orchestrator.repo.snapshot import changes
from orchestrator.repo.target import log

PRUNED = "pruned.jsonl"


class AtticRef(Struct, frozen=True, kw_only=True):
    """What one attempt left."""

    name: str
    """Of the ref, in full."""
    bead: BeadId
    number: int
    """Of the attempt that left it."""
    commit: Commit
    at: float
    """When it was committed, seconds since the epoch."""
    subject: str

    @property
    def short(self) -> str:
        return self.name.removeprefix(refs.ATTIC)


class Content(Struct, frozen=True, kw_only=True):
    """What is in one."""

    began: Commit | None
    """The newest commit of it that a branch of the person's, or a target, has too. None: there is none."""
    commits: tuple[tuple[Commit, str], ...]
    """What it has beyond that, newest first, with their subjects."""
    files: tuple[tuple[str, str], ...]
    """What it changed since then: `A`, `M`, `D` or `T`, and the path."""


def attic(repository: Repository) -> Sequence[AtticRef]:
    """In the order of their names, which are those of the beads."""
    form = "%(refname)%00%(objectname)%00%(committerdate:unix)%00%(contents:subject)"
    rows = Git()(repository.place, "for-each-ref", f"--format={form}", refs.ATTIC).text.split("\n")
    found = []
    for name, commit, at, subject in (row.split("\0") for row in rows if row):
        found.append(
            AtticRef(
                name=name,
                bead=BeadId(refs.unquoted(name.removeprefix(refs.ATTIC).partition("/")[0])),
                number=number_of(name),
                commit=Commit(commit),
                at=float(at or 0),
                subject=subject,
            )
        )
    return tuple(found)


def named(repository: Repository, name: str) -> AtticRef:
    """By `<bead>/<attempt>`, or by the bead alone: its newest. Raises `RepositoryFault`, with what there is."""
    there = attic(repository)
    wanted = name.removeprefix(refs.ATTIC)
    for one in there:
        if wanted in (one.short, f"{one.bead}/{one.short.rpartition('/')[2]}"):
            return one
    of_bead = [one for one in there if one.bead == name]
    if of_bead:
        return max(of_bead, key=lambda one: (one.number, one.at))
    raise RepositoryFault(f"the attic has no {name!r}: `orchestrator attic list` shows what there is")


def content(repository: Repository, one: AtticRef) -> Content:
    git = Git()
    elsewhere = ("--not", f"--exclude={refs.WORK.removeprefix('refs/heads/')}*", "--branches", "--remotes", "--tags")
    rows = git(repository.place, "rev-list", "--boundary", "--topo-order", one.commit, *elsewhere).text.split()
    met = [Commit(row[1:]) for row in rows if row.startswith("-")]
    began = met[0] if met else None if rows else one.commit
    span = [f"{began}..{one.commit}"] if began else [one.commit]
    commits = tuple((Commit(commit), subject) for commit, subject in log(git, repository.place, ("%H", "%s"), *span))
    empty = git(repository.place, "hash-object", "-t", "tree", "--stdin").text
    changed = changes(git, repository.place, began or empty, one.commit)
    return Content(began=began, commits=commits, files=tuple((change.kind, change.shown) for change in changed))


def difference(repository: Repository, one: AtticRef) -> str:
    """As a patch, from where it began."""
    git, began = Git(), content(repository, one).began
    asked = (
        ("diff", "--no-ext-diff", "--no-textconv", began, one.commit) if began else ("show", "--format=", one.commit)
    )
    return git(repository.place, *asked).out.decode("utf-8", "backslashreplace")


def restore_branch(repository: Repository, one: AtticRef, branch: str) -> None:
    """As a new branch of the person's. Raises `RepositoryFault`; nothing is then written."""
    git = Git()
    checked = git(repository.place, "check-ref-format", "--branch", branch, codes=(0, 1, 128))
    if checked.code or checked.text != branch:
        raise RepositoryFault(f"`{branch}` cannot be a branch's name: choose another one")
    try:
        moved = Move(name=f"refs/heads/{branch}", new=one.commit, old=NOTHING)
        refs.move(git, repository.place, [moved], why=f"restore {one.short}")
    except RefMoved as refusal:
        raise RepositoryFault(f"there is a branch `{branch}` already: choose another name") from refusal


def restore_folder(repository: Repository, one: AtticRef, folder: Path) -> None:
    """Its files, in a new folder. Raises `RepositoryFault`; nothing is then written."""
    folder = folder.expanduser().absolute()
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise RepositoryFault(f"{folder} is there already: choose a folder that is new, or empty")
    folder.mkdir(parents=True, exist_ok=True)
    repository.state.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="orchestrator-", dir=repository.state) as scratch:
        place = Place(git_dir=repository.common_dir, work_tree=folder, index=Path(scratch) / "index")
        git = Git()
        git(place, "read-tree", one.commit)
        git(place, "checkout-index", "--all", "--force", "--quiet")


def prune(repository: Repository, gone: Sequence[AtticRef], *, by: str) -> None:
    """Let go of these. What no other ref holds then is written down first. Raises `RefMoved`; nothing then goes."""
    if not gone:
        return
    git = Git()
    names = {one.name for one in gone}
    kept = [one.commit for one in attic(repository) if one.name not in names]
    others = ("--branches", "--tags", "--remotes", "--exclude=refs/orchestrator/attic/*", "--glob=refs/orchestrator/*")
    asked = "\n".join([*(one.commit for one in gone), *(f"^{commit}" for commit in kept)]).encode()
    lost = git(repository.place, "rev-list", "--stdin", "--not", *others, stdin=asked).text.split()
    line = {"at": time.time(), "by": by, "refs": {one.name: one.commit for one in gone}, "commits": lost}
    repository.state.mkdir(exist_ok=True)
    with (repository.state / PRUNED).open("a") as out:
        out.write(f"\n{json.dumps(line)}\n")  # in front, too: a death may have cut the last line short
        out.flush()
        os.fsync(out.fileno())
    refs.move(git, repository.place, [Move(name=one.name, new=None, old=one.commit) for one in gone], why="prune")


def pruned(repository: Repository) -> frozenset[Commit]:
    """Commits that a person has let go of."""
    file = repository.state / PRUNED
    found: set[Commit] = set()
    for line in file.read_text().splitlines() if file.exists() else ():
        try:
            found.update(Commit(commit) for commit in json.loads(line)["commits"])
        except (ValueError, KeyError, TypeError):
            continue  # a death cut it short: then nothing was removed
    return frozenset(found)
