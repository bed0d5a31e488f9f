"""Stages: the run's own worktrees in which merged trees are checked before they may land, several at once.

They hold nothing of worth: they are made, overwritten and taken away at will. Know no target and no merge.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.core.messages import Verify
from orchestrator.core.model import Commit, Tree
from orchestrator.repo import worktrees
from orchestrator.repo.desk import Run
from orchestrator.repo.faults import GitRefused
from orchestrator.repo.furnishing import Furnishing
from orchestrator.repo.plumbing import Git
from orchestrator.repo.refs import quoted
from orchestrator.repo.templates import Make
from orchestrator.repo.verification import PASSED, Runner
from orchestrator.repo.worktrees import Label, Worktree, reason_for
from orchestrator.runtime.ports import CheckResult, Leaving, WorkspaceFault

_FOLDER = ".landing"


def name_of(order: Verify) -> str:
    """By which its commands are known while they run."""
    return f"{order.commit}.{order.round}"


@dataclass(slots=True, kw_only=True)
class Stages:
    """Any number of checks at once, each on a stage of its own; a stage that was set up is used again."""

    git: Git
    run: Run
    runner: Runner
    furnishing: Furnishing
    setup: Sequence[str]
    _all: list[Stage] = field(default_factory=list, init=False)
    _changed: threading.Condition = field(default_factory=threading.Condition, init=False)
    _dropped: set[Verify] = field(default_factory=set, init=False)
    _under_way: set[Verify] = field(default_factory=set, init=False)
    _closed: bool = field(default=False, init=False)

    def check(self, order: Verify) -> CheckResult:
        """Run the order's commands on its tree. A failure is believed only on a freshly set up tree.

        Raises `Leaving`: also for one that was dropped.
        """
        if not order.commands:
            return PASSED
        with self._changed:
            if self._closed:
                raise Leaving(order.commands[0])
            stage = next((each for each in self._all if not each.in_use), None) or self._another()
            stage.in_use = True
            self._under_way.add(order)
        try:
            return stage.check(order, lambda: order in self._dropped)
        finally:
            with self._changed:
                stage.in_use = False
                self._under_way.discard(order)
                self._dropped.discard(order)
                self._changed.notify_all()

    def drop(self, order: Verify) -> None:
        with self._changed:
            if order in self._under_way:
                self._dropped.add(order)
                self.runner.commands.end(name_of(order))

    def close(self) -> None:
        """Take them away for good. Waits for checks that are under way: whoever closes has ended their commands."""
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: not self._under_way)
        # Also of this run while it was started with another `--worktrees`, or with a longer train.
        ours = [found for found in worktrees.registered(self.run.repository) if found.is_for(self.run.name, "")]
        gone = [found for found in ours if worktrees.is_linked(found) or not found.path.exists()]
        worktrees.remove_all(self.run.repository, gone)

    def _another(self) -> Stage:
        number = len(self._all) + 1
        path = self.run.folder / (_FOLDER if number == 1 else f"{_FOLDER}-{number}")
        stage = Stage(
            git=self.git,
            run=self.run,
            runner=self.runner,
            furnishing=self.furnishing,
            setup=self.setup,
            path=path,
            number=number,
        )
        self._all.append(stage)
        return stage


@dataclass(slots=True, kw_only=True)
class Stage:
    git: Git
    run: Run
    runner: Runner
    furnishing: Furnishing
    setup: Sequence[str]
    path: Path
    number: int
    in_use: bool = False
    set_up_on: Tree | None = field(default=None, init=False)
    """The tree on which this process has run the setup."""

    def check(self, order: Verify, is_dropped: Callable[[], bool]) -> CheckResult:
        tree = order.tree
        env = {
            "ORCHESTRATOR_RUN": self.run.name,
            "ORCHESTRATOR_BEAD": order.bead,
            "ORCHESTRATOR_ATTEMPT": str(order.number),
            "ORCHESTRATOR_STAGE": str(self.number),
        }
        what = (
            f"{quoted(order.bead) if order.bead else 'base'}.{order.number}.merged"  # no bead: what is new on the base
        )

        def run(commands: Sequence[str], suffix: str = "") -> CheckResult:
            return self.runner.run(
                commands,
                what=f"{what}{suffix}",
                cwd=self.path,
                env=env,
                timeout_s=order.timeout_s,
                name=name_of(order),
                is_dropped=is_dropped,
            )

        fresh = self._show(order.commit, lambda commands: run(commands, ".dependencies"))
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

    def _show(self, commit: Commit, make: Make) -> bool:
        """Have exactly the tree of `commit` there, beside what git ignores. True: the worktree was made just now."""
        found = self._ours()
        if found is not None and found.label is not None and self.path.is_dir():
            try:
                self._switch(found, commit, make)
            except GitRefused:
                # Whatever the last check did to it: a new one is cheaper than to find out.
                self.clear()
            else:
                return False
        else:
            self.clear()
        made = worktrees.add(self.git, self.run.repository, self.path, commit, reason=reason_for(self.run.name, ""))
        self.furnishing.bring(made, make)
        return True

    def _switch(self, found: Worktree, commit: Commit, make: Make) -> None:
        worktrees.mend(found)
        self.git(found.place, "checkout", "--quiet", "--force", "--detach", commit)
        self.git(found.place, "clean", "-ffdq")
        self.furnishing.bring(found, make)

    def _complete(self, order: Verify) -> None:
        if found := self._ours():
            worktrees.mark(found, Label(run=self.run.name, bead="", number=order.number))

    def _ours(self) -> Worktree | None:
        found = worktrees.worktree_at(self.run.repository, self.path)
        if (found and not found.is_ours) or (found is None and self.path.exists() and any(self.path.iterdir())):
            raise WorkspaceFault(f"{self.path} is not ours, and is where merged trees are checked: move it away")
        return found
