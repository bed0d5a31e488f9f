"""What a session tells the control loop of its agent's signs: started, progressed.

Knows signs and signals, and how often is too often: each signal becomes an event in the store. Reads no output.
"""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.core.messages import GaveSign, Progressed
from orchestrator.core.model import Token, Usage
from orchestrator.runtime.ports import Clock, Emit, Sign

EVERY_S = 5.0


class Telling:
    """The signs of one session. A session id and the final sign are told at once, the rest at most every 5 s:
    the newest note, and the newest of each figure of the usage, which agents give as sums so far."""

    def __init__(self, token: Token, clock: Clock, emit: Emit, hide: Callable[[str], str] = str) -> None:
        """`hide` takes the secrets out of a note."""
        self._token = token
        self._hide = hide
        self._clock = clock
        self._emit = emit
        self._told_at = float("-inf")
        self._waiting = False
        self._note = ""
        self.usage = Usage()
        self.session: str | None = None
        self.started = False

    def start(self) -> None:
        """The agent's first sign of life, once."""
        if not self.started:
            self.started = True
            self._emit(GaveSign(at=self._clock.now(), token=self._token, session=self.session))

    def take(self, sign: Sign, now: float) -> None:
        """`now` is monotonic."""
        known = self.session
        self.session = sign.session or known
        if sign.started:
            if not self.started:
                known = self.session  # told with the start
            self.start()
        if sign.note or sign.final or sign.usage != Usage() or self.session != known:
            self._waiting = True
            self._note = sign.note or self._note
            self.usage = _newest(self.usage, sign.usage)
            if sign.final or self.session != known or now >= self._told_at + EVERY_S:
                self.flush(now)

    @property
    def due(self) -> float:
        """When what waits may be told (monotonic)."""
        return self._told_at + EVERY_S if self._waiting else float("inf")

    def note(self, text: str) -> None:
        """Something of our own that a person should know."""
        note = self._hide(text)
        self._emit(Progressed(at=self._clock.now(), token=self._token, note=note, session=self.session))

    def flush(self, now: float) -> None:
        """Tell what waits."""
        if self._waiting:
            self._waiting = False
            self._told_at = now
            note, self._note = self._hide(self._note), ""
            self._emit(
                Progressed(at=self._clock.now(), token=self._token, note=note, session=self.session, usage=self.usage)
            )


def _newest(before: Usage, after: Usage) -> Usage:
    return Usage(
        usd=before.usd if after.usd is None else after.usd,
        tokens_in=before.tokens_in if after.tokens_in is None else after.tokens_in,
        tokens_out=before.tokens_out if after.tokens_out is None else after.tokens_out,
    )
