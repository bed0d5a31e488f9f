"""How a figure is said: what, how much, what is asked of it, and whether that is kept."""

from __future__ import annotations

import sys


class Figures:
    def __init__(self, title: str) -> None:
        self.missed = 0
        print(f"\n{title}", flush=True)

    def tell(self, what: str, value: str) -> None:
        print(f"  {what:<58} {value}", flush=True)

    def ask(
        self, what: str, value: float, unit: str, *, at_most: float | None = None, at_least: float | None = None
    ) -> None:
        """A figure that must be within a bound."""
        kept = (at_most is None or value <= at_most) and (at_least is None or value >= at_least)
        bound = f"at most {at_most:g}" if at_most is not None else f"at least {at_least:g}"
        self.missed += not kept
        self.tell(what, f"{value:8.2f} {unit:<4} ({bound}: {'kept' if kept else 'MISSED'})")

    def end(self) -> None:
        sys.exit(1 if self.missed else 0)
