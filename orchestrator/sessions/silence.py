"""Whether an agent that says nothing is at work: processor time of its tree, changed files in its worktree, traffic on
its connections, a child that it started since it last spoke.

Knows where life shows when no event does. Does not know output: bytes are no life, a spinner writes them for ever. An
open connection alone is none either: a stalled agent keeps its own.
"""

from __future__ import annotations

import os
import stat
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from orchestrator.core.values import Struct
from orchestrator.sessions.connections import traffic
from orchestrator.sessions.processes import TICKS, Row

SHARE = 0.01
"""Of one core, over a sample: less is an event loop that ticks."""
LEAST_BYTES = 512
"""Over all connections and a sample: less are the pings by which idle connections are kept open."""
TABLE_S = 1.0
"""How old the table of processes may be that a sample is read from."""
LATE_S = 2.0
MOST_ENTRIES = 20_000
SKIPPED = frozenset({".git", "node_modules", ".venv", "venv", "__pycache__", ".tox", "target", ".cache"})
"""Folders too large to walk, in which nothing changes that does not show as processor time."""


class Sample(Struct, frozen=True, kw_only=True):
    at: float
    """Monotonic."""
    cpu: dict[tuple[int, int], float]
    children: dict[tuple[int, int], int]
    """Those that are not the leader, with the ticks of their starts."""
    bytes: Mapping[int, int] | None
    """Of each connection; None: it cannot be told."""
    newest: float
    """The latest change in the worktree, as its file system tells; 0: it is empty or gone."""
    entries: int


class Watch:
    """Looks only while no sign comes: first a tenth of the silence allowed after the last one, then as often again."""

    def __init__(self, silence_s: float, worktree: Path, tree: Callable[[], Sequence[Row]], *, now: float) -> None:
        self._silence_s = silence_s if silence_s > 0 else float("inf")
        # Walking a worktree is not free, so not every few milliseconds of a long silence, whatever its tenth is.
        self._every_s = max(self._silence_s / 10, min(5.0, self._silence_s / 4))
        self._signs: tuple[float | None, float] = (None, float("inf"))
        """The one before the last, and the last."""
        self._seen: dict[tuple[int, int], float] = {}
        """Children, and when a sample first had them."""
        self._worktree = worktree
        self._tree = tree
        self.alive_at = now
        """When there was evidence of life (monotonic)."""
        self.said_at = now
        """When it gave a sign (monotonic)."""
        self._said_at = now
        self._last: Sample | None = None
        self.due = now + self._every_s

    def sign(self, now: float) -> None:
        """The agent gave a sign of life."""
        last = self._signs[1]
        self._signs = (None if last == float("inf") else last, now)
        self._seen = {}
        self.alive_at = self.said_at = self._said_at = now
        self._last = None
        self.due = now + self._every_s

    def look(self, now: float) -> str:
        """The evidence, if it has been silent for too long; else nothing."""
        if now < self.due:
            return ""
        before, sample = self._last, self._sample()
        waits = self._waits_for_a_child(sample)
        self._last = sample
        grown = 0.0
        if before is not None:
            grown = sum(max(0.0, cpu - before.cpu.get(name, 0.0)) for name, cpu in sample.cpu.items())
            works = grown >= SHARE * (sample.at - before.at) or sample.newest > before.newest
            if works or _flowed(before, sample) >= LEAST_BYTES or waits:
                self.alive_at = self._said_at = now
        limit = self._said_at + self._silence_s
        self.due = min(now + self._every_s, limit) if now < limit else now + self._every_s
        if before is None or now < limit:
            return ""
        self._said_at = now
        return self._evidence(before, sample, grown, now)

    def _sample(self) -> Sample:
        rows = self._tree()
        newest, entries = newest_change(self._worktree)
        return Sample(
            at=time.monotonic(),
            cpu={row.name: row.cpu_s for row in rows},
            children={row.name: row.started for row in rows[1:]},
            bytes=traffic(row.pid for row in rows),
            newest=newest,
            entries=entries,
        )

    def _waits_for_a_child(self, sample: Sample) -> bool:
        """One that it started since it spoke goes on running: a test run, say, that sleeps.

        What it had started before that is its own furniture: servers of tools, a wrapped program. Its words reach us a
        little after they were written, so that a child may seem older than they are; than its words before, it is not.
        """
        self._seen = {name: self._seen.get(name, sample.at) for name in sample.children}
        before, last = self._signs
        since = max(before, last - LATE_S) if before is not None else last
        ticks = (since + time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()) * TICKS
        return any(
            started > ticks and sample.at - self._seen[name] > TABLE_S for name, started in sample.children.items()
        )

    def _evidence(self, before: Sample, sample: Sample, grown: float, now: float) -> str:
        count = len(sample.cpu)
        bound = f"the first {sample.entries}" if sample.entries >= MOST_ENTRIES else f"{sample.entries}"
        return (
            f"for {now - self.alive_at:.0f} s no event; "
            f"{count} process{'' if count == 1 else 'es'} used {grown:.2f} s of processor time "
            f"in the last {sample.at - before.at:.0f} s, none of them started since; "
            f"{_connections(before, sample)}; "
            f"none of {bound} files and folders in the worktree changed"
        )


def _flowed(before: Sample, sample: Sample) -> int:
    """Bytes over its connections, new ones included."""
    if before.bytes is None or sample.bytes is None:
        return 0
    return sum(count - before.bytes.get(inode, 0) for inode, count in sample.bytes.items())


def _connections(before: Sample, sample: Sample) -> str:
    if sample.bytes is None:
        return "its connections cannot be looked into"
    count = len(sample.bytes)
    return f"{count} connection{'' if count == 1 else 's'} moved {_flowed(before, sample)} bytes"


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
