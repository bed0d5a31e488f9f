"""Durations, money and priorities as people write them.

Knows spellings and units. Does not know which keys take them, nor sensible ranges.
"""

from __future__ import annotations

import re

from orchestrator.manifest.faults import Unfit

DURATION = "a duration such as 90s, 45m, 1h30m or 2d; a number alone is seconds"
MONEY = "an amount in US dollars such as 50 or $2.50"
SHARE = "a share such as 50% or 0.5: more than 0, at most 1"
PRIORITY = "P0 (most urgent) to P4, or 0 to 4"

_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_NUMBER = r"\d+(?:\.\d+)?"
_BARE = re.compile(_NUMBER, re.ASCII)
_DURATION = re.compile(r"\s*".join(rf"(?:(?P<{unit}>{_NUMBER})\s*{unit}(?![a-z]))?" for unit in _SECONDS), re.ASCII)
_MONEY = re.compile(rf"\$?\s*({_NUMBER})", re.ASCII)
_SHARE = re.compile(rf"({_NUMBER})\s*(%?)", re.ASCII)
_PRIORITY = re.compile(r"[Pp]?([0-4])", re.ASCII)


def parse_duration(text: str) -> float:
    """Seconds. Units go from large to small, each at most once: `1d12h`, `1h 30m`, `1.5h`, `500ms`."""
    text = text.strip()
    if _BARE.fullmatch(text):
        return float(text)
    if text and (found := _DURATION.fullmatch(text)):
        parts = found.groupdict()
        return sum(float(parts[unit]) * seconds for unit, seconds in _SECONDS.items() if parts[unit])
    raise Unfit(f"'{text}' is not a duration", expected=DURATION)


def parse_money(text: str) -> float:
    """US dollars."""
    if found := _MONEY.fullmatch(text.strip()):
        return float(found[1])
    raise Unfit(f"'{text}' is not an amount of money", expected=MONEY)


def parse_share(text: str) -> float:
    """A part of one."""
    if found := _SHARE.fullmatch(text.strip()):
        share = float(found[1]) / (100.0 if found[2] else 1.0)
        if 0.0 < share <= 1.0:
            return share
    raise Unfit(f"'{text}' is no share", expected=SHARE)


def parse_priority(text: str) -> int:
    if found := _PRIORITY.fullmatch(text.strip()):
        return int(found[1])
    raise Unfit(f"'{text}' is not a priority", expected=PRIORITY)


def parse_size(text: str) -> float:
    """Bytes: `500MB`, `2GiB`, `0`."""
    if found := _SIZE.fullmatch(text.strip()):
        return float(found[1]) * float(_UNITS[(found[2] or "B").upper()])
    raise Unfit(f"'{text}' is not a size", expected=SIZE)


_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]i?B|B)?", re.I)
_UNITS = {"B": 1} | {
    f"{letter}{binary}B".upper(): (1024 if binary else 1000) ** power
    for power, letter in enumerate("KMGT", 1)
    for binary in ("", "i")
}
SIZE = "a size such as 500MB or 2GiB"
