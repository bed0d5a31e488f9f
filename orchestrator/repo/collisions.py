"""Unfinished work that does not merge: checkpoints against each other and against the target, in the object database.

A merge is made only where paths meet, once for each two commits; it writes to objects of its own, which are thrown away
after the look. Knows what git does not merge; does not know who is at work there, nor what becomes of it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import combinations
from pathlib import Path

from orchestrator.core.model import Commit
from orchestrator.core.values import replace
from orchestrator.repo.desk import Run
from orchestrator.repo.faults import GitRefused
from orchestrator.repo.merging import Clashes, merge
from orchestrator.repo.objects import name_at
from orchestrator.repo.plumbing import Git
from orchestrator.repo.resident import Residents
from orchestrator.repo.snapshot import changes
from orchestrator.repo.worktrees import TRASH
from orchestrator.runtime.ports import Look, Overlap

MOST = 20
"""Merges that are made in one look."""
Paths = frozenset[str]
NONE: Paths = frozenset()


class Finder:
    """Of one run. One call at a time."""

    def __init__(self, git: Git, run: Run) -> None:
        self._git, self._run = git, run
        self._own: dict[Commit, tuple[Commit, Paths]] = {}
        """Where each checkpoint left the target, and what it has changed since."""
        self._landed: dict[tuple[Commit, Commit], Paths] = {}
        """What the target has changed between two of its commits."""
        self._merged: dict[tuple[Commit, Commit], Paths] = {}
        """What did not merge of two commits."""
        self._told: set[tuple[Commit, Commit]] = set()

    def look(self, checkpoints: Sequence[Commit]) -> Look:
        """What is news among them and the target as it is now. Raises `GitRefused` and `OSError`."""
        tip = name_at(self._git, self._run.repository.place, self._run.target_ref)
        if tip is None:
            return Look()
        target = Commit(tip)
        self._forget({*checkpoints, target})
        due = [pair for pair in self._meeting(checkpoints, target) if pair not in self._told]
        if not due:
            return Look()
        with self._aside() as git:
            found = [overlap for pair in due[:MOST] if (overlap := self._overlap(git, pair, target))]
        self._told.update(due[:MOST])  # not before: where something failed, all of it is news still
        return Look(found=tuple(found), more=len(due) > MOST)

    def _forget(self, wanted: set[Commit]) -> None:
        self._own = {commit: known for commit, known in self._own.items() if commit in wanted}
        self._merged = {pair: paths for pair, paths in self._merged.items() if wanted.issuperset(pair)}
        self._landed = {pair: paths for pair, paths in self._landed.items() if pair[1] in wanted}
        self._told = {pair for pair in self._told if wanted.issuperset(pair)}

    def _meeting(self, checkpoints: Sequence[Commit], target: Commit) -> Iterator[tuple[Commit, Commit]]:
        """Those that have changed the same files: with the target first, then in the order of the checkpoints."""
        own = {commit: self._changed_by(commit, target) for commit in checkpoints}
        for commit, (base, paths) in own.items():
            if not paths.isdisjoint(self._since(base, target)):
                yield commit, target
        for one, other in combinations(own, 2):
            if not own[one][1].isdisjoint(own[other][1]):
                yield one, other

    def _overlap(self, git: Git, pair: tuple[Commit, Commit], target: Commit) -> Overlap | None:
        """What either does not merge with the target anyhow is no matter between the two."""
        paths = self._clashing(git, pair)
        if paths and pair[1] != target:
            for one in pair:
                base, own = self._own[one]
                if not own.isdisjoint(self._since(base, target)):
                    paths -= self._clashing(git, (one, target))
        return Overlap(one=pair[0], other=pair[1], paths=tuple(sorted(paths)), target=target) if paths else None

    def _clashing(self, git: Git, pair: tuple[Commit, Commit]) -> Paths:
        if pair not in self._merged:
            paths = NONE
            with suppress(GitRefused):  # of these two nothing is known, until one of them goes on
                merged = merge(git, self._run.repository.place, *pair)
                paths = frozenset(merged.paths) if isinstance(merged, Clashes) else NONE
            self._merged[pair] = paths
        return self._merged[pair]

    def _changed_by(self, commit: Commit, target: Commit) -> tuple[Commit, Paths]:
        """What it merged from the target itself is not its own. Without a common commit it cannot be told."""
        if commit not in self._own:
            met = self._git(self._run.repository.place, "merge-base", commit, target, codes=(0, 1))
            base = Commit(met.text.split("\n")[0]) if met.code == 0 else target
            self._own[commit] = base, self._between(base, commit) if met.code == 0 else NONE
        return self._own[commit]

    def _since(self, base: Commit, target: Commit) -> Paths:
        if (base, target) not in self._landed:
            self._landed[base, target] = self._between(base, target) if base != target else NONE
        return self._landed[base, target]

    def _between(self, one: Commit, other: Commit) -> Paths:
        found = changes(self._git, self._run.repository.place, one, other)
        return frozenset(each.path.decode("utf-8", "backslashreplace") for each in found)

    @contextmanager
    def _aside(self) -> Iterator[Git]:
        """A git that reads what is there, and writes to a folder that goes. After a death the next start removes it."""
        with tempfile.TemporaryDirectory(prefix=TRASH, dir=self._run.repository.state) as folder:
            objects = Path(folder)
            (objects / "info").mkdir()
            (objects / "info" / "alternates").write_text(f"{self._run.repository.common_dir / 'objects'}\n")
            git = replace(
                self._git,
                settings={**self._git.settings, "core.fsync": "none"},
                env={**self._git.env, "GIT_OBJECT_DIRECTORY": folder},
                residents=Residents(),
            )
            try:
                yield git
            finally:
                git.residents.close()
