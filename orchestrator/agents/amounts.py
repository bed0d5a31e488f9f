"""What was used, in dollars and tokens: reading single figures, and putting them together.

Knows that an unknown figure is not zero. Does not know where figures stand.
"""

from __future__ import annotations

import math
import re
from typing import Any

from orchestrator.core.model import Usage

NOTHING = Usage()


def amount(value: Any) -> float | None:
    """A number that can be an amount of something; None for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def written(text: str | None) -> float | None:
    """`1,234`, `1.2k`, `$0.03`."""
    if not text or not (found := re.fullmatch(r"\$?([\d,]*\.?\d+)\s*([kKmM]?)", text.strip())):
        return None
    return float(found[1].replace(",", "")) * {"": 1, "k": 1000, "m": 1_000_000}[found[2].lower()]


def whole(number: float | None) -> int | None:
    return None if number is None else int(number)


def merged(old: Usage, new: Usage) -> Usage:
    """The new figures, and the old where there is no new one."""
    return Usage(
        usd=old.usd if new.usd is None else new.usd,
        tokens_in=old.tokens_in if new.tokens_in is None else new.tokens_in,
        tokens_out=old.tokens_out if new.tokens_out is None else new.tokens_out,
    )


def summed(one: Usage, other: Usage) -> Usage:
    def both(one: Any, other: Any) -> Any:
        return one if other is None else other if one is None else one + other

    return Usage(
        usd=both(one.usd, other.usd),
        tokens_in=both(one.tokens_in, other.tokens_in),
        tokens_out=both(one.tokens_out, other.tokens_out),
    )


def less(total: Usage, before: Usage) -> Usage:
    """What was used since: never below zero."""

    def rest(total: Any, before: Any) -> Any:
        return None if total is None else max(0, total - (before or 0))

    return Usage(
        usd=rest(total.usd, before.usd),
        tokens_in=rest(total.tokens_in, before.tokens_in),
        tokens_out=rest(total.tokens_out, before.tokens_out),
    )
