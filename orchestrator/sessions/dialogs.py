"""What a screen at rest asks for: keys by rule, a person's answer, or nothing.

Knows the patterns that a launch brings. Does not know whose they are, nor the terminal.
"""

from __future__ import annotations

import re

from orchestrator.core.values import Struct
from orchestrator.runtime.ports import ScreenRules

MOST_ANSWERS = 20
"""By rule, in one session: a dialog that comes back for ever is a question for a person."""
MOST_TEXT = 4_000
"""Characters of a question; the end of a screen is where it asks."""


class Seen(Struct, frozen=True, kw_only=True):
    """What to do about a screen."""

    ready: bool = False
    """It shows the prompt's place: the agent is up."""
    keys: str = ""
    """To be typed, because a rule says so."""
    rule: str = ""
    """Which one, for people."""
    question: str | None = None
    """A question that no rule answers; empty: the last one is gone. None: nothing new."""


class Dialogs:
    def __init__(self, rules: ScreenRules) -> None:
        self._rules = rules
        self._answered = 0
        self._asking = ""

    def asks(self, text: str) -> bool:
        return self._rules.asks is not None and self._rules.asks.search(text) is not None

    def look(self, text: str) -> Seen:
        for dialog in self._rules.dialogs:
            found = dialog.shows.search(text)
            if found is not None and self._answered < MOST_ANSWERS:
                self._answered += 1
                return Seen(keys=dialog.keys, rule=" ".join(found[0].split())[:80], question=self._now(""))
        asks = self.asks(text)
        ready = self._rules.ready is not None and self._rules.ready.search(text) is not None
        return Seen(ready=ready and not asks, question=self._now(question_in(text) if asks else ""))

    def _now(self, question: str) -> str | None:
        """What of it is news. A question that is drawn a little differently is still the same one."""
        before, self._asking = self._asking, question
        return question if bool(question) != bool(before) else None


def question_in(text: str) -> str:
    """The screen without rulers and frames."""
    lines = [re.sub(r"[─━═╌│┃╭╮╰╯┌┐└┘├┤]+", " ", line).rstrip() for line in text.splitlines()]
    return "\n".join(line for line in lines if line.strip())[-MOST_TEXT:]
