"""Keeping the work of beads: what an attempt leaves in its worktree is saved, collected, and put to safety.

A worktree goes only when git has proved that all of it is kept elsewhere. Does not know when an attempt is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from orchestrator.core.messages import Clear, Collect, OpenSession, Save
from orchestrator.core.model import BeadId, Commit, Tree
from orchestrator.repo import checkpoints, refs, worktrees
from orchestrator.repo.attic import keep_all, prove_kept, state_of
from orchestrator.repo.delivery import deliver
from orchestrator.repo.desk import Desk, Run, desk_of, head_of, worktree_of
from orchestrator.repo.nested import rescue
from orchestrator.repo.plumbing import Git
from orchestrator.repo.refs import NOTHING, Move
from orchestrator.repo.spares import Spares
from orchestrator.runtime.ports import Work, WorkspaceFault


@dataclass(slots=True, kw_only=True)
class Keeping:
    """Raises `WorkspaceFault`, `GitRefused` and `OSError`."""

    git: Git
    run: Run
    spares: Spares
    _checkpointed: dict[BeadId, Tree] = field(default_factory=dict, init=False)
    """What each worktree held at its last checkpoint, while its agent is at work."""
    _half_merged: dict[BeadId, Commit] = field(default_factory=dict, init=False)
    """Those of these checkpoints that were taken in the middle of a merge."""

    def checkpoint(self, bead: BeadId, number: int) -> Commit | None:
        last, person = self._checkpointed.get(bead), self.run.repository.person
        merging = self._is_merging(bead)
        tree, commit = checkpoints.take(self.git, self.run, bead, number, last, person=person)
        if tree is not None:
            self._checkpointed[bead] = tree
        if commit is not None:
            self._half_merged.pop(bead, None)
            if merging or self._is_merging(bead):
                self._half_merged[bead] = commit
        return commit

    def own_work(self, commits: Sequence[Commit]) -> list[Commit]:
        """Without checkpoints that have what is being merged into them, and are no children of it yet."""
        half_merged = list(self._half_merged.values())
        return [commit for commit in commits if commit not in half_merged]

    def _is_merging(self, bead: BeadId) -> bool:
        found = worktree_of(self.run, bead)
        return found is not None and (found.admin / "MERGE_HEAD").exists()

    def save(self, order: Save) -> Commit | None:
        desk = desk_of(self.git, self.run, order.bead)
        if rescued := checkpoints.restore(self.git, desk, order.number):
            return rescued
        kept = keep_all(self.git, desk, order.number, person=self.run.repository.person)
        self._release(desk, order.number, kept.tree)
        return kept.commit if kept.differs else None

    def collect(self, order: Collect) -> Work:
        desk = desk_of(self.git, self.run, order.bead)
        self.refuse_strangers(desk)
        work = deliver(self.git, desk, order.number, order.title, person=self.run.repository.person)
        self._release(desk, order.number, work.tree)
        return work

    def commit(self, order: OpenSession) -> None:
        """What an earlier attempt has left uncommitted: else git would not merge anything into those files."""
        desk = desk_of(self.git, self.run, order.bead)
        if desk.worktree is None or (desk.worktree.admin / "MERGE_HEAD").exists():
            return
        title, number = f"Work so far on {order.bead}", max(order.number - 1, 0)
        deliver(self.git, desk, number, title, person=self.run.repository.person)

    def clear(self, order: Clear) -> None:
        desk = desk_of(self.git, self.run, order.bead)
        self.refuse_strangers(desk)
        self.retire(desk, order.number, goes_on=not order.landed)
        if order.landed:
            gone = [ref for ref in (desk.branch, desk.base) if ref]
            moves = [Move(name=ref.name, new=None, old=ref.commit) for ref in gone]
            refs.move(self.git, desk.place, moves, why="clear")

    def retire(self, desk: Desk, number: int, *, goes_on: bool) -> Commit | None:
        """Keep all that is on a desk, have git prove it, and only then take the worktree away.

        `goes_on`: the bead's branch is moved there before that, so that it is found again after a death in between.
        Returns what an agent's files came to, on top of all else that was there; None: there were none.
        """
        if desk.is_bare:
            return None
        worked_in = desk.worktree is None or desk.worktree.label is not None  # not half-made, with half of its files
        held = worked_in and desk.has_files
        kept = keep_all(self.git, desk, number, person=self.run.repository.person)
        siblings = list(worktrees.below(desk.run.repository, desk.path))
        person = self.run.repository.person
        inside = [state_of(self.git, desk, number, found, person=person) for found in siblings]
        prove_kept(self.git, desk, number, (*kept.held, kept.commit, *inside))
        self._release(desk, number, kept.tree if held else None)
        rescue(self.git, desk, number, kept)
        branch = desk.branch.commit if desk.branch else None
        if goes_on and worked_in and kept.commit and kept.differs and kept.commit != branch:
            moved = Move(name=desk.branch_name, new=kept.commit, old=branch or NOTHING)
            refs.move(self.git, desk.place, [moved], why="keep")
        for found in siblings:  # an agent made them, inside its own
            worktrees.remove(self.run.repository, found, found.path)
        if siblings or kept.nested or not self._is_put_by(desk):
            worktrees.remove(self.run.repository, desk.worktree, desk.path)
        if desk.path.parent != self.run.folder:
            with suppress(OSError):  # not empty, or gone
                desk.path.parent.rmdir()
        return kept.commit if held else None

    def _is_put_by(self, desk: Desk) -> bool:
        if desk.worktree is None or not desk.path.is_dir():
            return False
        head = head_of(self.git, desk)
        return head is not None and self.spares.put_by(self.git, desk.worktree, head)

    def refuse_strangers(self, desk: Desk) -> None:
        """Raises `WorkspaceFault` where somebody else's folder or worktree is at the bead's place."""
        found, path = desk.worktree, desk.path
        if found is not None:
            ours = found.is_ours or found.branch == desk.branch_name
        elif path.is_symlink() or (path.exists() and not path.is_dir()):
            ours = False
        else:
            # A worktree whose registration is gone still says in its `.git` where it belongs.
            link = path / ".git"
            said = link.read_text(errors="replace") if link.is_file() else ""
            registry = f"gitdir: {self.run.repository.common_dir / 'worktrees'}/"
            ours = not path.exists() or not any(path.iterdir()) or said.startswith(registry)
        if not ours:
            raise WorkspaceFault(
                f"{path} is there already, and we did not make it: move it away, or choose another folder with "
                "`--worktrees`"
            )

    def _release(self, desk: Desk, number: int, tree: Tree | None) -> None:
        self._checkpointed.pop(desk.bead, None)
        self._half_merged.pop(desk.bead, None)
        checkpoints.release(self.git, desk, number, tree)
