"""The stage: the run's own worktree in which merged trees are checked before they may land.

Holds nothing of worth: it is made, overwritten and taken away at will. Knows no target and no merge.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.core.messages import Land
from orchestrator.core.model import Commit, Tree
from orchestrator.repo import worktrees
from orchestrator.repo.desk import Run
from orchestrator.repo.faults import GitRefused
from orchestrator.repo.furnishing import Inclusions, initialise_submodules
from orchestrator.repo.plumbing import Git
from orchestrator.repo.refs import quoted
from orchestrator.repo.verification import PASSED, Runner
from orchestrator.repo.worktrees import Label, Worktree, reason_for
from orchestrator.runtime.ports import CheckResult, Leaving, WorkspaceFault

_FOLDER = ".landing"


@dataclass(slots=True, kw_only=True)
class Stage:
    git: Git
    run: Run
    runner: Runner
    inclusions: Inclusions
    setup: Sequence[str]
    set_up_on: Tree | None = field(default=None, init=False)
    """The tree on which this process has run the setup."""
    _in_use: threading.Lock = field(default_factory=threading.Lock, init=False)
    _closed: bool = field(default=False, init=False)

    @property
    def path(self) -> Path:
        return self.run.folder / _FOLDER

    def check(self, order: Land, commit: Commit, tree: Tree) -> CheckResult:
        """Run the order's commands on the tree of `commit`. A failure is believed only on a freshly set up tree."""
        if not order.commands:
            return PASSED
        with self._in_use:
            if self._closed:
                raise Leaving(order.commands[0])
            return self._check(order, commit, tree)

    def close(self) -> None:
        """Take it away for good. Waits for a check that is under way: whoever closes has ended its commands."""
        with self._in_use:
            self._closed = True
            self.clear()
            for found in list(worktrees.registered(self.run.repository)):
                # Of this run while it was started with another `--worktrees`.
                if found.is_for(self.run.name, "") and (worktrees.is_linked(found) or not found.path.exists()):
                    worktrees.remove(self.run.repository, found, found.path)

    def _check(self, order: Land, commit: Commit, tree: Tree) -> CheckResult:
        env = {
            "ORCHESTRATOR_RUN": self.run.name,
            "ORCHESTRATOR_BEAD": order.bead,
            "ORCHESTRATOR_ATTEMPT": str(order.number),
        }
        what = f"{quoted(order.bead)}.{order.number}.merged"

        def run(commands: Sequence[str], suffix: str = "") -> CheckResult:
            return self.runner.run(commands, what=f"{what}{suffix}", cwd=self.path, env=env, timeout_s=order.timeout_s)

        fresh = self._show(commit)
        if self.setup and fresh:
            if not (done := run(self.setup, ".setup")).passed:
                return done
            self.set_up_on = tree
        if fresh:
            self._complete(order)
        checked = run(order.commands)
        if checked.passed or not self.setup or self.set_up_on == tree:
            return checked
        # The merged tree may need what the setup of an earlier one did not bring: a new dependency, say.
        if not (done := run(self.setup, ".setup")).passed:
            return done
        self.set_up_on = tree
        return run(order.commands, ".again")

    def clear(self) -> None:
        """Take it away, and what was begun of it."""
        worktrees.remove(self.run.repository, self._ours(), self.path)

    def _show(self, commit: Commit) -> bool:
        """Have exactly the tree of `commit` there, beside what git ignores. True: the worktree was made just now."""
        found = self._ours()
        if found is not None and found.label is not None and self.path.is_dir():
            try:
                self._switch(found, commit)
            except GitRefused:
                # Whatever the last check did to it: a new one is cheaper than to find out.
                self.clear()
            else:
                return False
        else:
            self.clear()
        made = worktrees.add(self.git, self.run.repository, self.path, commit, reason=reason_for(self.run.name, ""))
        self._furnish(made)
        return True

    def _switch(self, found: Worktree, commit: Commit) -> None:
        worktrees.mend(found)
        self.git(found.place, "checkout", "--quiet", "--force", "--detach", commit)
        self.git(found.place, "clean", "-ffdq")
        self._furnish(found)

    def _furnish(self, worktree: Worktree) -> None:
        initialise_submodules(self.git, worktree)
        self.inclusions.copy_into(worktree.path)

    def _complete(self, order: Land) -> None:
        if found := self._ours():
            worktrees.mark(found, Label(run=self.run.name, bead="", number=order.number))

    def _ours(self) -> Worktree | None:
        found = worktrees.worktree_at(self.run.repository, self.path)
        if (found and not found.is_ours) or (found is None and self.path.exists() and any(self.path.iterdir())):
            raise WorkspaceFault(f"{self.path} is not ours, and is where merged trees are checked: move it away")
        return found
