"""Preparing a worktree for a bead: the one that is there, a spare, or a new one; then its files and its setup.

What an earlier attempt has left is gone on with, or kept and taken away. Does not know who is to work there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orchestrator.core.messages import OpenSession
from orchestrator.core.model import Commit
from orchestrator.core.values import Struct, replace
from orchestrator.repo import refs, worktrees
from orchestrator.repo.attic import number_of
from orchestrator.repo.berths import environment
from orchestrator.repo.delivery import where_it_began
from orchestrator.repo.desk import Desk, Run, desk_of
from orchestrator.repo.furnishing import Furnishing
from orchestrator.repo.keeping import Keeping
from orchestrator.repo.merging import begin_merge
from orchestrator.repo.plumbing import Git
from orchestrator.repo.refs import Move, quoted
from orchestrator.repo.spares import Spares
from orchestrator.repo.target import tip_of
from orchestrator.repo.verification import Runner
from orchestrator.repo.worktrees import Label, Worktree
from orchestrator.runtime.ports import CheckResult, WorkspaceFault


class Preparing(Struct, frozen=True, kw_only=True):
    """Raises `WorkspaceFault`, `GitRefused` and `OSError`."""

    git: Git
    run: Run
    keeping: Keeping
    spares: Spares
    furnishing: Furnishing
    runner: Runner
    setup: Sequence[str]
    setup_timeout_s: float

    def prepare(self, order: OpenSession) -> Path:
        desk = desk_of(self.git, self.run, order.bead)
        target = desk.target or tip_of(self.git, self.run)
        self.keeping.refuse_strangers(desk)
        if order.keep and (ready := self._as_it_is(desk)):
            worktrees.mend(ready)
            worktrees.mark(ready, self._label(order))
            return ready.path
        held = self.keeping.retire(desk, _last_number(desk, order.number), goes_on=order.keep)
        cleared = desk if desk.is_bare else desk_of(self.git, self.run, order.bead)
        self.keeping.refuse_strangers(cleared)  # at the place where the worktree goes, if it was elsewhere
        branch = cleared.branch.commit if cleared.branch else None
        commit = (held or self._left_behind(desk, branch)) if order.keep else None
        begins = where_it_began(self.git, replace(desk, target=target), commit) if commit else target.commit
        return self._make(cleared, commit or target.commit, begins).path

    def set_up(self, made: Worktree, order: OpenSession) -> None:
        worktrees.fill(self.git, made)
        if order.merge:
            begin_merge(self.git, made, self.run.target)
        env, what = environment(self.run.repository, self.run.name, order), f"{quoted(order.bead)}.{order.number}"

        def run(commands: Sequence[str], step: str) -> CheckResult:
            limit = self.setup_timeout_s
            return self.runner.run(commands, what=f"{what}.{step}", cwd=made.path, env=env, timeout_s=limit)

        self.furnishing.bring(made, lambda commands: run(commands, "dependencies"))
        done = run(self.setup, "setup")
        if not done.passed:
            raise WorkspaceFault(f"setup failed in a fresh worktree: `{done.command}`\n{done.output}")
        worktrees.mark(made, self._label(order))

    def _as_it_is(self, desk: Desk) -> Worktree | None:
        """The worktree of the last attempt, if it is complete and git can read it."""
        found = desk.worktree
        if found is None or found.label is None or not desk.path.is_dir():
            return None
        # Reads HEAD, the index, and what they name.
        asked = ("status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all")
        return found if self.git(found.place, *asked, codes=(0, 128)).code == 0 else None

    def _left_behind(self, before: Desk, branch: Commit | None) -> Commit | None:
        """Where to go on when the worktree is gone: the bead's branch, or what was saved on top of it.

        Other runs keep work in the attic under the same bead's name. Ours is what the worktree's last attempt left,
        because no two attempts of a bead have the same number; and what contains a commit that our branch alone has.
        """
        label = before.worktree.label if before.worktree else None
        own = branch is not None and self._is_own(before, branch)
        saved = [one for one in before.attic.values() if own or (label and number_of(one.name) == label.number)]
        if saved and branch is not None:
            on_top = refs.read(self.git, before.place, refs.attic_of(before.bead), containing=branch)
            saved = [one for one in saved if one.name in on_top]
        return saved[-1].commit if saved else branch

    def _is_own(self, desk: Desk, branch: Commit) -> bool:
        """The branch has a commit that was made in this run: it is neither where the bead began nor on the target."""
        if desk.base is None or desk.target is None or branch == desk.base.commit:
            return False
        asked = ("merge-base", "--is-ancestor", branch, desk.target.commit)
        return self.git(desk.place, *asked, codes=(0, 1)).code == 1

    def _make(self, desk: Desk, commit: Commit, begins: Commit) -> Worktree:
        moves = (Move(name=desk.base_name, new=begins), Move(name=desk.branch_name, new=commit))
        refs.move(self.git, desk.place, moves, why="begin")
        reason = worktrees.reason_for(self.run.name, desk.bead)
        if taken := self.spares.take(desk.path, branch=desk.branch_name, reason=reason):
            return taken
        return worktrees.add(
            self.git, self.run.repository, desk.path, commit, branch=desk.branch_name, reason=reason, filled=False
        )

    def _label(self, order: OpenSession) -> Label:
        return Label(run=self.run.name, bead=order.bead, number=order.number)


def _last_number(desk: Desk, number: int) -> int:
    """The attempt that left what is on the desk: the one that the worktree was last prepared for."""
    label = desk.worktree.label if desk.worktree else None
    return label.number if label else max(number - 1, 0)
