"""What a run has cost so far, as far as agents said. What nobody said is unknown, which is not zero."""

from __future__ import annotations

from orchestrator.core.state import State
from orchestrator.core.values import Struct


class Spending(Struct, frozen=True, kw_only=True):
    usd: float | None
    """Of ended attempts and of those under way; None: no cost is known."""
    tokens: int | None
    unpriced: int
    """Ended attempts whose cost nobody knows."""
    computed_usd: float = 0.0
    """The part of `usd` that was computed from tokens; the rest agents said themselves."""
    minutes: float = 0.0
    """Of agents of ended attempts."""


def spending(state: State) -> Spending:
    live = [
        attempt.usage for attempt in state.attempts.values() if state.workers[attempt.worker].token == attempt.token
    ]
    prices = [usage.usd for usage in live if usage.usd is not None]
    counts = [usage.tokens for usage in live if usage.tokens is not None]
    priced = bool(prices) or any(record.usd is not None for record in state.beads.values())
    counted = bool(counts) or any(record.tokens is not None for record in state.beads.values())
    computed = state.totals.computed_usd + sum(usage.usd or 0.0 for usage in live if usage.computed)
    return Spending(
        usd=round(state.totals.usd + sum(prices), 6) if priced else None,
        tokens=state.totals.tokens + sum(counts) if counted else None,
        unpriced=state.totals.unpriced,
        computed_usd=round(computed, 6),
        minutes=round(state.totals.minutes, 3),
    )


def cost_in_words(known: Spending) -> str:
    """`$1.20`; `$1.20, of which $0.40 computed from tokens`; `$1.20 known, 3 attempts said no cost`; `cost unknown`."""
    if known.usd is None:
        return "cost unknown" if known.unpriced else ""
    said = f"${known.usd:.2f}" + (" known" if known.unpriced else "")
    if known.computed_usd >= known.usd > 0:
        said += ", computed from tokens"
    elif known.computed_usd:
        said += f", of which ${known.computed_usd:.2f} computed from tokens"
    if known.unpriced:
        attempts = "1 attempt" if known.unpriced == 1 else f"{known.unpriced} attempts"
        said += f", {attempts} said no cost"
    return said


def cost_in_short(known: Spending) -> str:
    """`$1.20`; `$1.20 + 3 unknown`; `cost unknown`; empty where nothing ended yet."""
    if known.usd is None:
        return cost_in_words(known)
    return f"${known.usd:.2f}" + (f" + {known.unpriced} unknown" if known.unpriced else "")


def tokens_in_words(tokens: int) -> str:
    """`812 tokens`, `12.3k tokens`, `4.5M tokens`."""
    if tokens < 1000:
        return f"{tokens} tokens"
    return f"{tokens / 1000:.1f}k tokens" if tokens < 999_950 else f"{tokens / 1e6:.1f}M tokens"
