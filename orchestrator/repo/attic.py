"""The attic: refs that keep what attempts left, so that nothing has to be in a worktree or a branch to be safe.

Adds only: an attic ref, once made, is never moved and never removed by us. Knows how a worktree's whole state becomes
a commit, and how it is proved that something is kept. Does not know when that is due.
"""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.core.model import BeadId, Commit, Tree
from orchestrator.core.values import Struct, replace
from orchestrator.repo import refs
from orchestrator.repo.desk import Desk, commit_at, desk_of, files_of, head_of, independent, tree_of
from orchestrator.repo.faults import GitRefused, RefMoved
from orchestrator.repo.hidden import hidden
from orchestrator.repo.index_file import may_link
from orchestrator.repo.objects import name_at, write
from orchestrator.repo.plumbing import Git
from orchestrator.repo.refs import NOTHING, Move, Ref
from orchestrator.repo.repository import OURSELVES, Person
from orchestrator.repo.snapshot import Fallback, changes, known_nested, snapshot
from orchestrator.repo.status import status
from orchestrator.repo.worktrees import SPARE, Worktree


class Kept(Struct, frozen=True, kw_only=True):
    """All that a desk held, as one commit. It is kept by a ref unless it is where the bead began."""

    held: tuple[Commit, ...]
    """HEAD and the bead's branch, as they were found."""
    commit: Commit | None
    """Contains HEAD, the bead's branch and the state of the files. None: the desk held nothing at all."""
    tree: Tree | None
    differs: bool
    """Its files differ from where the bead began."""
    nested: tuple[bytes, ...] = ()
    """Repositories in the worktree whose files are kept, but not their own history."""


def keep_all(git: Git, desk: Desk, number: int, *, person: Person) -> Kept:
    """Put everything that is on a desk under attic refs: HEAD, the branch, and files that nobody committed."""
    head = head_of(git, desk)
    held = tuple(commit for commit in (head, desk.branch and desk.branch.commit) if commit)
    parents = independent(git, desk, held)
    if not desk.has_files:
        # No files: not even the deletion of all of them, which nobody means by taking a worktree away.
        for parent in parents:
            if all(ref.commit != parent for ref in desk.attic.values()):
                keep(git, desk, number, parent)
        commit = parents[0] if parents else None
        tree = tree_of(git, desk, commit) if commit else None
        return Kept(held=held, commit=commit, tree=tree, differs=bool(desk.base and tree and tree != desk.base.tree))
    if head is not None and _is_collected(git, desk, head):
        tree = tree_of(git, desk, head)
        return Kept(held=held, commit=head, tree=tree, differs=desk.base is None or tree != desk.base.tree)
    with files_of(git, desk, whole=True) as made:
        parents = parents or tuple(ref.commit for ref in (desk.base, desk.target) if ref)[:1]
        if _is_half_made(git, desk, head, made.tree):
            return Kept(held=held, commit=head, tree=made.tree, differs=False)
        if len(parents) == 1 and made.tree == tree_of(git, desk, parents[0]):
            commit = parents[0]
        else:
            commit = _same(desk, made.tree, parents) or write(
                git, desk.place, made.tree, parents, f"Left by attempt {number} of {desk.bead}", person, OURSELVES
            )
        keep(git, desk, number, commit)
        differs = desk.base is None or made.tree != desk.base.tree
        known = known_nested(desk.worktree.admin) if desk.worktree else ()
        nested = tuple(dict.fromkeys((*made.nested, *known)))
        return Kept(held=held, commit=commit, tree=made.tree, differs=differs, nested=nested)


def state_of(git: Git, desk: Desk, number: int, sibling: Worktree, *, person: Person) -> Commit | None:
    """One commit of all that a worktree holds which an agent made inside its own; nothing keeps it yet.

    The desk's own snapshot has its files only where git does not ignore the folder that it is in.
    """
    head = commit_at(git, sibling.admin)
    if not sibling.path.is_dir():
        return head
    parents = (head,) if head else ()
    fallback = Fallback(git_dir=desk.place.git_dir, commit=head)
    with snapshot(git, sibling.place, siblings=False, whole=True, fallback=fallback) as made:
        if head and made.tree == tree_of(git, desk, head):
            return head
        message = f"Left by attempt {number} of {desk.bead} in a worktree of its own"
        return _same(desk, made.tree, parents) or write(git, desk.place, made.tree, parents, message, person, OURSELVES)


def keep(git: Git, desk: Desk, number: int, commit: Commit) -> None:
    """See to it that an attic ref of this attempt is at `commit`; where the bead began needs none."""
    if desk.base is not None and commit == desk.base.commit:
        return
    known = dict(desk.attic)
    while (name := attic_name(known, desk.bead, number, commit)) not in known:
        try:
            refs.move(git, desk.place, [Move(name=name, new=commit, old=NOTHING)], why="keep")
        except RefMoved:
            # Somebody took the name since we looked: the next one is found in what is there now.
            known.update(desk_of(git, desk.run, desk.bead).attic)
            if name not in known:
                raise
        else:
            return


def attic_name(known: dict[str, Ref], bead: BeadId, number: int, commit: Commit) -> str:
    """The name under which this attempt has `commit` already, or else the first free one."""
    first = f"{refs.attic_of(bead)}{number}"
    suffix, name = 1, first
    while name in known and known[name].commit != commit:
        suffix += 1
        name = f"{first}.{suffix}"
    return name


def number_of(name: str) -> int:
    """Of the attempt that left what this attic ref keeps."""
    first = name.rsplit("/", 1)[-1].split(".")[0]
    return int(first) if first.isdigit() else 0


def prove_kept(git: Git, desk: Desk, number: int, commits: Iterable[Commit | None]) -> None:
    """Have git itself say that each commit is reachable from the attic or the target; what is not is put there.

    Raises `RefMoved` where that could not be brought about: then nothing may be removed.
    """
    wanted = tuple(dict.fromkeys(commit for commit in commits if commit))
    if not _loose(git, desk, wanted):
        return
    now = replace(desk_of(git, desk.run, desk.bead), base=None)  # where it began is no longer safe elsewhere
    for commit in wanted:
        keep(git, now, number, commit)
    if loose := _loose(git, desk, wanted):
        raise RefMoved(("rev-list",), 1, f"{loose} is in no attic ref of {desk.bead}, though it was put there")


def _is_collected(git: Git, desk: Desk, head: Commit) -> bool:
    """All that its worktree holds is one commit, which the attic has, and the bead's branch is there: asked of one git,
    where a snapshot asks several."""
    worktree = desk.worktree
    if worktree is None or worktree.label is None or desk.branch is None or desk.branch.commit != head:
        return False
    if all(ref.commit != head for ref in desk.attic.values()):
        return False
    if may_link(worktree.admin / "index") or known_nested(worktree.admin):
        return False  # a snapshot knows what they are
    try:
        if hidden(git, worktree.place):
            return False
        seen = status(git, worktree.place)
    except GitRefused:
        return False  # a snapshot can do without its index and its HEAD
    return seen.head == head and seen.is_clean


def _loose(git: Git, desk: Desk, commits: tuple[Commit, ...]) -> str:
    named = {ref.commit: name for name, ref in desk.attic.items()}
    commits = tuple(one for one in commits if one not in named or name_at(git, desk.place, named[one]) != one)
    if not commits:
        return ""
    keepers = [f"--glob={refs.attic_of(desk.bead)}*", *([desk.target.commit] if desk.target else [])]
    return git(desk.place, "rev-list", "--max-count=1", *commits, "--not", *keepers).text


def _same(desk: Desk, tree: Tree, parents: tuple[Commit, ...]) -> Commit | None:
    """The commit of an earlier look at the very same state: asked twice, we answer the same."""
    return next((ref.commit for ref in desk.attic.values() if ref.tree == tree and ref.parents == parents), None)


def _is_half_made(git: Git, desk: Desk, head: Commit | None, tree: Tree) -> bool:
    """A worktree that was never handed to an agent, and holds nothing but a part of what git was writing into it."""
    if desk.worktree is None or desk.worktree.label is not None or desk.base is None:
        return False
    if (desk.worktree.admin / SPARE).exists():
        return True  # its files are another bead's, and kept
    return all(change.kind == "D" for change in changes(git, desk.place, head or desk.base.commit, tree))
