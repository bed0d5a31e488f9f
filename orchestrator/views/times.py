"""Moments and durations as text: RFC 3339 in UTC for programs, local time and short spans for people."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(at: float | None) -> str | None:
    """To the millisecond, with `Z`. None for no time, and for one that no calendar has."""
    if at is None:
        return None
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return None


def seconds_of(text: str) -> float:
    """The reverse of `rfc3339`. Raises `ValueError`."""
    return datetime.fromisoformat(text).timestamp()


def clock_time(at: float) -> str:
    """Local time of day: `12:03:11`."""
    return datetime.fromtimestamp(at).strftime("%H:%M:%S")


def moment(at: float, now: float | None = None) -> str:
    """Local time to the minute; with the day where that is not today: `03:00`, `Tue 03:00`, `2026-11-21 03:00`."""
    when = datetime.fromtimestamp(at)
    if now is None:
        return when.strftime("%Y-%m-%d %H:%M")
    days = (when.date() - datetime.fromtimestamp(now).date()).days
    if days == 0:
        return when.strftime("%H:%M")
    return when.strftime("%a %H:%M" if abs(days) < 7 else "%Y-%m-%d %H:%M")


def span(seconds: float) -> str:
    """`0.4s`, `42s`, `2m10s`, `1h04m`, `2d03h`."""
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    minutes = round(seconds / 60)
    if minutes < 48 * 60:
        return f"{minutes // 60}h{minutes % 60:02d}m"
    hours = round(seconds / 3600)
    return f"{hours // 24}d{hours % 24:02d}h"


def rough(seconds: float) -> str:
    """For guesses: `under a minute`, `about 4m`, `about 1h20m`."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "under a minute"
    return f"about {minutes}m" if minutes < 60 else f"about {span(minutes * 60)}"
