"""One commit of what an agent delivered, on the bead's branch.

What the worktree shows is what counts, whatever the agent did to branches and HEAD on the way; what counts no longer
is kept in the attic. Does not know whether the work is any good.
"""

from __future__ import annotations

from orchestrator.core.model import BeadId, Commit
from orchestrator.repo import refs, worktrees
from orchestrator.repo.attic import keep
from orchestrator.repo.desk import Desk, Run, files_of, head_of, independent, tree_of, worktree_of
from orchestrator.repo.faults import GitRefused
from orchestrator.repo.objects import stored, write
from orchestrator.repo.plumbing import Git, Place
from orchestrator.repo.refs import NOTHING, Move
from orchestrator.repo.repository import OURSELVES, Person
from orchestrator.repo.snapshot import changes, use_index
from orchestrator.repo.status import Status, status
from orchestrator.repo.unfinished import Unfinished, conclude, unfinished
from orchestrator.runtime.ports import Work, WorkspaceFault


def deliver(git: Git, desk: Desk, number: int, title: str, *, person: Person) -> Work:
    """Commit what is uncommitted, move the bead's branch there, and put the agent back on it.

    Only while no agent lives in the worktree. Raises `WorkspaceFault` and `GitRefused`.
    """
    worktree = desk.worktree
    if not desk.has_files:
        raise WorkspaceFault(
            f"the worktree {desk.path} is gone: what was saved of it is below {refs.attic_of(desk.bead)}"
        )
    head = head_of(git, desk)
    began = where_it_began(git, desk, head or (desk.branch.commit if desk.branch else None))
    with files_of(git, desk, siblings=False) as made:
        branch = desk.branch.commit if desk.branch else None
        open_ends = unfinished(git, worktree.place, is_index_lost=made.rebuilt) if worktree else Unfinished()
        parent = head or branch or began
        if open_ends.undecided:
            # On top of what was there before: merged with the target, it is the conflict that it still is.
            parent = (branch if open_ends.rebasing else None) or parent
        merged = () if open_ends.undecided else open_ends.merging
        if made.tree == tree_of(git, desk, parent) and not merged:
            commit = parent
        else:
            commit = write(git, desk.place, made.tree, [parent, *merged], one_line(title), person, OURSELVES)
        if merged:
            began = where_it_began(git, desk, commit)
        changed = changes(git, desk.place, began, made.tree)
        keep(git, desk, number, commit)
        if not changed:
            return Work(commit=None, tree=made.tree)
        work = Work(commit=commit, tree=made.tree, files=tuple(change.shown for change in changed))
        if open_ends.undecided:
            return work  # the agent finds its merge or rebase as it left it
        if branch and branch != parent and branch in independent(git, desk, (commit, branch)):
            keep(git, desk, number, branch)
        if branch != commit:
            moved = Move(name=desk.branch_name, new=commit, old=branch or NOTHING)
            refs.move(git, desk.place, [moved], why="collect")
        if worktree is None:
            return work
        if head != commit or worktree.branch != desk.branch_name or made.rebuilt:
            if worktree.branch != desk.branch_name:
                worktrees.set_head(worktree, desk.branch_name)
            use_index(worktree.place, made)
        if merged:
            conclude(worktree.place)
    return work


def touched(git: Git, run: Run, bead: BeadId) -> tuple[str, ...]:
    """Files that differ from where the bead began, and new ones: a look that writes nothing, while an agent works.

    One process for a worktree without commits of the agent's own, because it is looked at again and again.
    """
    worktree = worktree_of(run, bead)
    if worktree is None:
        return ()
    seen = status(git, worktree.place)
    head, paths = seen.head, {entry.path for entry in seen.entries} - _brought_in(git, worktree.place, seen)
    names = (refs.base_of(run.name, bead), run.target_ref)
    base, target = (found.commit if (found := stored(git, run.repository.place, name)) else None for name in names)
    began = _where_it_began(git, run, base, target, head)
    if head is not None and began is not None and head != began:
        committed = git(run.repository.place, "diff-tree", "-r", "-z", "--name-only", "--no-renames", began, head).out
        paths |= set(committed.split(b"\0"))
    return tuple(path.decode("utf-8", "backslashreplace") for path in sorted(paths) if path)


def _brought_in(git: Git, place: Place, seen: Status) -> frozenset[bytes]:
    """By a merge that is begun and not committed, as it is on the other side: nobody at work here has changed it."""
    if not (place.git_dir / "MERGE_HEAD").exists():
        return frozenset()
    staged = {entry.path for entry in seen.entries if entry.kind == b"1" and entry.about[0].endswith(b".")}
    theirs = git(place, "diff-index", "--cached", "-z", "--name-only", "--no-renames", "MERGE_HEAD", codes=(0, 128))
    return frozenset(staged.difference(theirs.out.split(b"\0"))) if theirs.code == 0 else frozenset()


def where_it_began(git: Git, desk: Desk, head: Commit | None) -> Commit:
    """The commit against which the work is seen: what the agent has itself merged from the target is not its work."""
    base, target = (ref.commit if ref else None for ref in (desk.base, desk.target))
    if found := _where_it_began(git, desk.run, base, target, head):
        return found
    raise GitRefused(("merge-base",), 1, f"nothing says where {desk.branch_name} began")


def _where_it_began(
    git: Git, run: Run, base: Commit | None, target: Commit | None, head: Commit | None
) -> Commit | None:
    if head and target and base not in (target, head):
        met = git(run.repository.place, "merge-base", head, target, codes=(0, 1))
        if met.code == 0:
            return Commit(met.text.splitlines()[0])
    return base or target


def one_line(title: str) -> str:
    return " ".join(title.split()) or "Work without a title"
