"""The target branch: where it begins, what has landed on it, and that nobody has it checked out.

Moves nothing but to create it. A bead has landed when a ref of ours says so, and its commit is on the target: git alone
knows, no database. A `Bead:` trailer is for people: anybody can write one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from orchestrator.core.model import BeadId, Commit, Tree
from orchestrator.core.values import Struct
from orchestrator.repo import refs, worktrees
from orchestrator.repo.desk import Run
from orchestrator.repo.faults import GitRefused, RefMoved, RepositoryFault
from orchestrator.repo.objects import stored
from orchestrator.repo.plumbing import Git, Place
from orchestrator.repo.refs import NOTHING, Move, Ref
from orchestrator.repo.repository import Repository, commit_named, main_checkout
from orchestrator.runtime.ports import WorkspaceFault


class TargetCommit(Struct, frozen=True, kw_only=True):
    """A commit of the target, newest first where there are several."""

    commit: Commit
    tree: Tree
    parents: tuple[Commit, ...]
    author: str
    subject: str
    beads: tuple[BeadId, ...]
    """What its `Bead:` trailers name; one that we made has exactly one. No evidence that we made it."""
    attempt: str = ""
    route: str = ""


def begin(git: Git, run: Run, base: str | None) -> Commit:
    """Create the target where it is not there yet; where the target began, in any case.

    Where it began is kept by a ref from the first run on: the base may well have moved when the run goes on, or have
    the target merged into it. Raises `RepositoryFault`.
    """
    repository, start = run.repository, refs.start_of(run.name)
    _refuse_folder(repository, run.folder)
    checked = git(repository.place, "check-ref-format", "--branch", run.target, codes=(0, 1, 128))
    if checked.code or checked.text != run.target:
        raise RepositoryFault(f"target: `{run.target}` cannot be a branch's name: choose another `target:`")
    if occupant := worktrees.occupant_of(repository, run.target_ref):
        raise RepositoryFault(
            f"target: `{run.target}` is checked out in {occupant}, and would move under your feet: "
            f"`git -C '{occupant}' switch <another branch>`, or choose another `target:`"
        )
    found = refs.read(git, repository.place, run.target_ref, start)
    if run.target_ref in found and start in found and found[start].commit:
        return found[start].commit
    commit = commit_named(repository, git, base)
    moves = [Move(name=start, new=commit)]
    if run.target_ref not in found:
        moves.append(Move(name=run.target_ref, new=commit, old=NOTHING))
    try:
        refs.move(git, repository.place, moves, why="begin")
    except RefMoved as refusal:
        raise RepositoryFault(f"target: `{run.target}` was made by somebody else just now: start again") from refusal
    except GitRefused as refusal:
        if "cannot lock ref" in str(refusal) and "exists; cannot create" in str(refusal):
            raise RepositoryFault(
                f"target: `{run.target}` cannot be made, because a branch has a part of that name: "
                f"choose another `target:`, or rename the branch ({refusal})"
            ) from refusal
        raise
    return commit


def commits(git: Git, place: Place, since: Commit | None, tip: Commit, *limits: str) -> Iterator[TargetCommit]:
    """The target's own line beyond where it began, newest first. What was merged into it stands beside it."""
    trailers = (f"%(trailers:key={key},valueonly,separator=%x1d)" for key in ("Bead", "Attempt", "Route"))
    form = ("%H", "%T", "%P", "%an <%ae>", "%s", *trailers)
    span = [f"{since}..{tip}"] if since else [tip]
    for row in log(git, place, form, "--first-parent", *span, *limits):
        commit, tree, parents, author, subject, beads, attempt, route = row
        yield TargetCommit(
            commit=Commit(commit),
            tree=Tree(tree),
            parents=tuple(Commit(parent) for parent in parents.split()),
            author=author,
            subject=subject,
            beads=tuple(BeadId(bead.strip()) for bead in beads.split("\x1d") if bead.strip()),
            attempt=attempt,
            route=route,
        )


def log(git: Git, place: Place, form: Sequence[str], *words: str) -> Iterator[tuple[str, ...]]:
    """The fields of each commit, as `git log --format` writes them."""
    fields = git(place, "log", "-z", f"--format={'%x00'.join(form)}", *words).out.split(b"\0")
    text = [field.decode("utf-8", "backslashreplace") for field in fields]
    yield from zip(*(text[start :: len(form)] for start in range(len(form))), strict=False)


def landings(git: Git, place: Place, target: str, tip: Commit) -> Mapping[str, Ref]:
    """The `landed` refs of this target that hold: those whose commit is on it. It may have been put back since."""
    return refs.read(git, place, refs.landed_on(target), within=tip)


def standing(git: Git, run: Run, bead: BeadId, task: str) -> tuple[Ref, Ref | None]:
    """The target's tip, and as what this bead with this very task stands on it; None: it does not."""
    tip = tip_of(git, run)
    name = refs.landed_as(run.target, bead, task)
    found = stored(git, run.repository.place, name)
    if found is None:
        return tip, None
    noted = Ref(name=name, commit=found.commit, tree=found.tree, parents=found.parents)
    if noted.commit == tip.commit:
        return tip, noted
    asked = git(run.repository.place, "merge-base", "--is-ancestor", noted.commit, tip.commit, codes=(0, 1))
    return tip, noted if asked.code == 0 else None


def tip_of(git: Git, run: Run) -> Ref:
    found = stored(git, run.repository.place, run.target_ref)
    if found is None:
        raise WorkspaceFault(
            f"the target branch `{run.target}` is gone: make it again where it was "
            f"(`git reflog`, or `git for-each-ref {refs.landed_on(run.target)}`), then retry"
        )
    return Ref(name=run.target_ref, commit=found.commit, tree=found.tree, parents=found.parents)


def refuse_occupied(run: Run) -> None:
    """Raises `WorkspaceFault` when somebody has the target checked out by now."""
    if occupant := worktrees.occupant_of(run.repository, run.target_ref):
        raise WorkspaceFault(
            f"the target branch `{run.target}` is checked out in {occupant}, and would move under your feet: "
            f"`git -C '{occupant}' switch <another branch>`, then retry"
        )


def _refuse_folder(repository: Repository, folder: Path) -> None:
    checkouts = [found.path for found in worktrees.persons(repository)]
    checkouts += [repository.common_dir, main_checkout(repository)]
    for checkout in checkouts:
        if folder.is_relative_to(checkout):
            raise RepositoryFault(
                f"worktrees: {folder} is inside {checkout}: agents that write through absolute paths would write "
                "into that checkout: choose a folder outside of it with `--worktrees`"
            )
