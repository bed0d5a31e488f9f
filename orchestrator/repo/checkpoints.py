"""Checkpoints: what a worktree holds while an agent works in it, as a commit under a ref of its own.

They touch neither index nor HEAD nor files. Knows how one is taken, what it is good for when a worktree is lost, and
when it may go. Does not know how often one is due.
"""

from __future__ import annotations

from pathlib import Path

from orchestrator.core.model import BeadId, Commit, Tree
from orchestrator.repo import refs
from orchestrator.repo.attic import keep
from orchestrator.repo.desk import Desk, Run, desk_of, files_of, head_of, independent, tree_of, worktree_of
from orchestrator.repo.faults import GitRefused
from orchestrator.repo.objects import write
from orchestrator.repo.plumbing import Git
from orchestrator.repo.refs import NOTHING, Move
from orchestrator.repo.repository import OURSELVES, Person
from orchestrator.repo.snapshot import changes, snapshot


def take(
    git: Git, run: Run, bead: BeadId, number: int, last: Tree | None, *, person: Person
) -> tuple[Tree | None, Commit | None]:
    """The tree that the worktree has now, and the commit to which the checkpoint moved; None: it did not.

    Where the tree is still `last` it costs two processes of git. An empty folder is no state of anybody's work. Raises
    `GitRefused`, as when an agent takes a file away while it is read: then the one before stands.
    """
    found = worktree_of(run, bead)
    if found is None or found.label is None or not _has_files(found.path):
        return last, None
    try:
        with snapshot(git, found.place) as made:
            tree = made.tree
    except GitRefused:  # its index or HEAD is damaged, or it was written to just then
        with files_of(git, desk_of(git, run, bead)) as made:
            tree = made.tree
    if tree == last:
        return last, None
    desk = desk_of(git, run, bead)
    known = [ref.commit for ref in (desk.branch, desk.base) if ref]
    parents = independent(git, desk, (head_of(git, desk), *known))
    if desk.checkpoint is None and parents and tree == tree_of(git, desk, parents[0]):
        return tree, None  # its branch or its base holds it
    if desk.checkpoint is not None and desk.checkpoint.tree == tree:
        return tree, None
    message = f"Checkpoint of attempt {number} of {bead}"
    commit = write(git, desk.place, tree, parents, message, person, OURSELVES)
    name = refs.checkpoint_of(run.name, bead)
    old = desk.checkpoint.commit if desk.checkpoint else NOTHING
    refs.move(git, desk.place, [Move(name=name, new=commit, old=old)], why="checkpoint")
    return tree, commit


def restore(git: Git, desk: Desk, number: int) -> Commit | None:
    """The worktree is gone, and its checkpoint is what is left: kept, and the bead's branch goes on from it."""
    checkpoint = desk.checkpoint
    if checkpoint is None or desk.has_files:
        return None
    keep(git, desk, number, checkpoint.commit)
    branch = desk.branch.commit if desk.branch else None
    moves = [Move(name=checkpoint.name, new=None, old=checkpoint.commit)]
    if branch is None or independent(git, desk, (checkpoint.commit, branch)) == (checkpoint.commit,):
        moves.append(Move(name=desk.branch_name, new=checkpoint.commit, old=branch or NOTHING))
    refs.move(git, desk.place, moves, why="restore")
    return checkpoint.commit


def release(git: Git, desk: Desk, number: int, tree: Tree | None) -> None:
    """The attempt is over, and `tree`, all that its worktree held at its end, is kept: its checkpoint goes.

    What that has and the end has no more (an agent that cleans up as it dies) is kept first, as `<number>.0`.
    """
    checkpoint = desk.checkpoint
    if checkpoint is None:
        return
    if tree is None or _vanished(git, desk, checkpoint.tree, tree):
        name = f"{refs.attic_of(desk.bead)}{number}.0"
        if name in desk.attic:
            keep(git, desk, number, checkpoint.commit)
        else:
            refs.move(git, desk.place, [Move(name=name, new=checkpoint.commit, old=NOTHING)], why="keep")
    refs.move(git, desk.place, [Move(name=checkpoint.name, new=None, old=checkpoint.commit)], why="release")


def _vanished(git: Git, desk: Desk, before: Tree, after: Tree) -> bool:
    """Whether files are gone that were written in this attempt."""
    gone = {change.path for change in changes(git, desk.place, before, after) if change.kind == "D"}
    if not gone or desk.base is None:
        return bool(gone)
    return any(change.path in gone for change in changes(git, desk.place, desk.base.tree, before))


def _has_files(path: Path) -> bool:
    return path.is_dir() and any(path.iterdir())
