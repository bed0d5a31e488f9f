"""Whether an agent that says nothing is at work: processor time of its tree, changed files in its worktree.

Knows where life shows when no event does. Does not know output: bytes are no life, a spinner writes them for ever. Nor
connections: a stalled agent keeps its own open.
"""

from __future__ import annotations

import os
import stat
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.sessions.processes import Row

SHARE = 0.01
"""Of one core, over a sample: less is an event loop that ticks."""
MOST_ENTRIES = 20_000
SKIPPED = frozenset({".git", "node_modules", ".venv", "venv", "__pycache__", ".tox", "target", ".cache"})
"""Folders too large to walk, in which nothing changes that does not show as processor time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    at: float
    """Monotonic."""
    cpu: dict[tuple[int, int], float]
    newest: float
    """The latest change in the worktree, as its file system tells; 0: it is empty or gone."""
    entries: int


class Watch:
    """Looks only while no sign comes: first a tenth of the silence allowed after the last one, then as often again."""

    def __init__(self, silence_s: float, worktree: Path, tree: Callable[[], Sequence[Row]], *, now: float) -> None:
        self._silence_s = silence_s if silence_s > 0 else float("inf")
        # Walking a worktree is not free, so not every few milliseconds of a long silence, whatever its tenth is.
        self._every_s = max(self._silence_s / 10, min(5.0, self._silence_s / 4))
        self._worktree = worktree
        self._tree = tree
        self._alive_at = now
        self._said_at = now
        self._last: Sample | None = None
        self.due = now + self._every_s

    def sign(self, now: float) -> None:
        """The agent gave a sign of life."""
        self._alive_at = self._said_at = now
        self._last = None
        self.due = now + self._every_s

    def look(self, now: float) -> str:
        """The evidence, if it has been silent for too long; else nothing."""
        if now < self.due:
            return ""
        before, sample = self._last, self._sample()
        self._last = sample
        grown = 0.0
        if before is not None:
            grown = sum(max(0.0, cpu - before.cpu.get(name, 0.0)) for name, cpu in sample.cpu.items())
            if grown >= SHARE * (sample.at - before.at) or sample.newest > before.newest:
                self._alive_at = self._said_at = now
        limit = self._said_at + self._silence_s
        self.due = min(now + self._every_s, limit) if now < limit else now + self._every_s
        if before is None or now < limit:
            return ""
        self._said_at = now
        return self._evidence(before, sample, grown, now)

    def _sample(self) -> Sample:
        cpu = {row.name: row.cpu_s for row in self._tree()}
        newest, entries = newest_change(self._worktree)
        return Sample(at=time.monotonic(), cpu=cpu, newest=newest, entries=entries)

    def _evidence(self, before: Sample, sample: Sample, grown: float, now: float) -> str:
        count = len(sample.cpu)
        bound = f"the first {sample.entries}" if sample.entries >= MOST_ENTRIES else f"{sample.entries}"
        return (
            f"for {now - self._alive_at:.0f} s no event; "
            f"{count} process{'' if count == 1 else 'es'} used {grown:.2f} s of processor time "
            f"in the last {sample.at - before.at:.0f} s; "
            f"none of {bound} files and folders in the worktree changed"
        )


def newest_change(root: Path, *, most: int = MOST_ENTRIES) -> tuple[float, int]:
    """The latest modification under a folder, and how many entries were looked at. Bounded; follows no links."""
    try:
        newest = root.stat().st_mtime
    except OSError:
        return 0.0, 0
    seen, folders = 0, deque([os.fspath(root)])
    while folders and seen < most:
        try:
            entries = os.scandir(folders.popleft())
        except OSError:
            continue  # removed or closed to us since it was listed: no evidence either way
        with entries:
            for entry in entries:
                seen += 1
                try:
                    about = entry.stat(follow_symlinks=False)
                except OSError:
                    continue  # as above
                newest = max(newest, about.st_mtime)
                if stat.S_ISDIR(about.st_mode) and entry.name not in SKIPPED:
                    folders.append(entry.path)
                if seen >= most:
                    break
    return newest, seen
