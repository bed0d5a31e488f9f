"""Where the repository's refs stand, as far as we know: our own moves, and what was seen and accepted.

So that a ref that somebody else moved is told from one that we moved ourselves a moment ago. Knows nobody's reasons.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from orchestrator.core.model import Commit


class Ledger:
    def __init__(self, common_dir: Path) -> None:
        self.common_dir = common_dir
        self.known: dict[str, Commit] = {}
        """By full name. Only while `held`."""
        self._lock = threading.RLock()

    @contextmanager
    def held(self) -> Iterator[Ledger]:
        """While refs are read and put back, none of ours moves."""
        with self._lock:
            yield self

    @contextmanager
    def moving(self, git_dir: Path, moves: Mapping[str, Commit | None]) -> Iterator[None]:
        """Around a move of ours; of another repository, it is none of its business. None: the ref goes."""
        if git_dir != self.common_dir:
            yield
            return
        with self._lock:
            yield
            for name, commit in moves.items():
                if commit is None:
                    self.known.pop(name, None)
                else:
                    self.known[name] = commit
