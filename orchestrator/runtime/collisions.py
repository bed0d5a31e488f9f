"""Looks for unfinished work that does not merge, when a worktree has a new checkpoint or the target has moved.

One thread for all of them, which rests between two looks: so a hundred workers cost no more at any moment than two.
Knows when to look, not what to make of it: policy does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from orchestrator.core.messages import Collided
from orchestrator.core.model import Commit, Token
from orchestrator.runtime.ports import Clock, Emit, Look, WorkspaceFault

REST_S = 5.0
"""From one look to the next at least."""


class Collisions:
    """`broke` hears what nobody foresaw."""

    def __init__(
        self, look: Callable[[Sequence[Commit]], Look], *, rest_s: float, clock: Clock, emit: Emit,
        broke: Callable[[BaseException], None],
    ) -> None:  # fmt: skip
        self._look = look
        self._rest_s = rest_s
        self._clock = clock
        self._emit = emit
        self._broke = broke
        self._changed = threading.Condition()
        self._commits: dict[Token, Commit] = {}
        """The newest checkpoint of each worktree with an agent in it; the newest of them last."""
        self._news = False
        self._closed = False
        self._thread: threading.Thread | None = None

    def checkpointed(self, token: Token, commit: Commit) -> None:
        with self._changed:
            self._commits.pop(token, None)
            self._commits[token] = commit
            self._wake()

    def target_moved(self) -> None:
        with self._changed:
            self._wake()

    def end(self, token: Token) -> None:
        """Its agent is gone: what it left is the merge queue's, or the next attempt's."""
        with self._changed:
            self._commits.pop(token, None)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _wake(self) -> None:
        self._news = True
        if self._thread is None and self._commits and not self._closed:
            self._thread = threading.Thread(target=self._run, name="collisions", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _run(self) -> None:
        try:
            while (tokens := self._next()) is not None:
                with suppress(WorkspaceFault):  # a disk that is full, say: the next checkpoint is another try
                    self._told(self._look(list(tokens)), tokens)
                with self._changed:
                    self._changed.wait_for(lambda: self._closed, self._rest_s)
        except BaseException as fault:  # whatever it is, the control thread must hear of it
            self._broke(fault)

    def _next(self) -> dict[Commit, Token] | None:
        """Whose each checkpoint is, the newest first, once there is something to look at. None: it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or (self._news and bool(self._commits)))
            self._news = False
            return None if self._closed else {commit: token for token, commit in reversed(self._commits.items())}

    def _told(self, look: Look, tokens: dict[Commit, Token]) -> None:
        for found in look.found:
            other = tokens[found.other] if found.other != found.target else None
            self._emit(
                Collided(
                    at=self._clock.now(), token=tokens[found.one], commit=found.one, other=other,
                    against=found.other, paths=found.paths,
                )
            )  # fmt: skip
        if look.more:
            with self._changed:
                self._news = True
