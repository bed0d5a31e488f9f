"""Typing a prompt into an interactive agent: what to type when, and whether it was taken.

Knows times and terminal input. Does not know the terminal, nor any agent's screen.

Interactive agents read a paste in one piece between two escapes and ignore an Enter that comes at its heels
(for about 120 ms), so the Enter waits. It is pressed again only if nothing at all answered it: an Enter too many
could confirm a dialog that the first one opened.
"""

from __future__ import annotations

from enum import Enum, auto

from orchestrator.core.values import Struct

ENTER = "\r"


class Pace(Struct, frozen=True, kw_only=True):
    """Seconds."""

    pause_s: float = 0.3
    """Without output, before the paste and between it and Enter: then the screen is at rest."""
    patience_s: float = 3.0
    """How long a screen that does not come to rest is waited for."""
    proof_s: float = 5.0
    """How long an answer may take before Enter is pressed again."""
    enters: int = 3


DEFAULT = Pace()


def pasted(text: str) -> str:
    """As a terminal sends a paste. Escapes are left out: one of them would end the paste in its middle."""
    return "\x1b[200~" + text.replace("\x1b", "").replace("\r\n", "\n") + "\x1b[201~"


def keys(text: str) -> str:
    """As a person types it. Each end of a line would be an Enter, so that it is one line."""
    return " ".join(text.replace("\x1b", "").split("\n")).replace("\r", "")


class Phase(Enum):
    """What the prompt waits for."""

    COMING_UP = auto()
    """the agent's first sign"""
    SETTLING = auto()
    """the screen to come to rest"""
    PASTED = auto()
    """the screen to come to rest again"""
    ENTERED = auto()
    """proof that Enter was taken"""
    TAKEN = auto()
    """nothing"""
    GIVEN_UP = auto()
    """nothing: Enter was pressed often enough"""


class Paste:
    """One prompt on its way. Proof that Enter was taken is a sign, or output from a screen that was at rest before.

    Every `now` is monotonic.
    """

    def __init__(self, text: str, pace: Pace = DEFAULT, *, by_events: bool = False) -> None:
        """`by_events`: the agent tells when it took a prompt, so nothing else is proof."""
        self._by_events = by_events
        self.phase = Phase.COMING_UP
        self.due = float("inf")
        """When `next` wants to be called."""
        self._text = text
        self._pace = pace
        self._enters = 0
        self._since = 0.0
        """When this phase began."""
        self._heard_at = 0.0
        self._rested = False

    def up(self, now: float) -> None:
        """The agent gave its first sign."""
        if self.phase is Phase.COMING_UP:
            self._enter(Phase.SETTLING, now)

    def heard(self, now: float, *, sign: bool) -> None:
        """The agent wrote something; `sign`: its reader made sense of it."""
        self._heard_at = now
        if self.phase in (Phase.SETTLING, Phase.PASTED):
            self.due = min(now + self._pace.pause_s, self._since + self._pace.patience_s)
        elif self.phase is Phase.ENTERED and (sign or (self._rested and not self._by_events)):
            self.phase, self.due = Phase.TAKEN, float("inf")

    def take(self) -> None:
        """It was taken without an Enter: some dialogs want a key only."""
        self.phase, self.due = Phase.TAKEN, float("inf")

    def next(self, now: float, *, plain: bool = False) -> str:
        """What is to be typed now, if anything. `plain`: as keys, for programs that know no pastes, and for dialogs."""
        if now < self.due:
            return ""
        if self.phase is Phase.SETTLING:
            self._enter(Phase.PASTED, now)
            return keys(self._text) if plain else pasted(self._text)
        if self._enters == self._pace.enters:
            self.phase, self.due = Phase.GIVEN_UP, float("inf")
            return ""
        self._rested = now - self._heard_at >= self._pace.pause_s
        self._enters += 1
        self.phase, self.due = Phase.ENTERED, now + self._pace.proof_s
        return ENTER

    def _enter(self, phase: Phase, now: float) -> None:
        self.phase, self._since, self.due = phase, now, now + self._pace.pause_s
