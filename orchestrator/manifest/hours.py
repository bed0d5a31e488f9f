"""Hours of the week as people write them, and the times that they are.

Knows spellings, time zones and the days on which clocks are changed: `08:00` is eight o'clock there, in summer and in
winter. Where a time is there twice, or not at all, the side is taken on which less is started.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from orchestrator.core.values import Struct
from orchestrator.manifest.faults import Unfit

HOURS = "hours such as '22:00-06:30', 'mon-fri 08:00-18:00' or '09:00-17:00 Europe/Berlin'"
AHEAD_DAYS = 60
"""How far hours are told to a run ahead; each start of it tells them anew."""

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(
    r"(?:(?P<days>[a-z]{3}(?:[-,][a-z]{3})*)\s+)?(?P<begin>\d{1,2}:\d\d)\s*-\s*(?P<end>\d{1,2}:\d\d)(?:\s+(?P<zone>\S+))?",
    re.IGNORECASE | re.ASCII,
)
Span = tuple[float, float]
"""From and until, seconds since the epoch."""


class Hours(Struct, frozen=True, kw_only=True):
    """Some hours of some days of the week. An end that is not after the begin is on the next day."""

    days: frozenset[int]
    """0 is Monday; the day that they begin on."""
    begin: time
    end: time
    zone: tzinfo | None
    """None: this machine's."""

    def spans(self, first: date, days: int, *, rest: bool) -> Iterable[Span]:
        """`rest`: nothing starts in them; else things start only in them."""
        for day in (first + timedelta(days=n) for n in range(days)):
            if day.weekday() in self.days:
                last = day if self.end > self.begin else day + timedelta(days=1)
                yield self._at(day, self.begin, later=not rest), self._at(last, self.end, later=rest)

    def _at(self, day: date, clock: time, *, later: bool) -> float:
        return datetime.combine(day, clock, tzinfo=self.zone).replace(fold=int(later)).timestamp()


def parse_hours(text: str) -> Hours:
    found = _HOURS.fullmatch(text.strip())
    if found is None:
        raise Unfit(f"'{text}' are no hours", expected=HOURS)
    return Hours(
        days=_days(found["days"]), begin=_clock(found["begin"]), end=_clock(found["end"]), zone=_zone(found["zone"])
    )


def closed(curfew: Iterable[Hours], active: Iterable[Hours], now: datetime) -> tuple[Span, ...]:
    """When nothing new starts: in the curfew, and, where active hours are named, outside of them."""
    first, days = now.date() - timedelta(days=2), AHEAD_DAYS + 4
    spans = [span for hours in curfew for span in hours.spans(first, days, rest=True)]
    open_spans = [span for hours in active for span in hours.spans(first, days, rest=False)]
    if open_spans:
        spans += _between(_merged(open_spans), now.timestamp() + AHEAD_DAYS * 86400.0)
    return tuple(span for span in _merged(spans) if span[1] > now.timestamp())


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif begin < end:
            merged.append((begin, end))
    return merged


def _between(spans: list[Span], horizon: float) -> list[Span]:
    return [(one[1], other[0]) for one, other in pairwise(spans) if one[1] < horizon]


def _days(text: str | None) -> frozenset[int]:
    if text is None:
        return frozenset(range(7))
    days: set[int] = set()
    for part in text.lower().split(","):
        ends = [_DAYS.index(name) if name in _DAYS else -1 for name in part.split("-")]
        if -1 in ends or len(ends) > 2:
            raise Unfit(f"'{part}' are no days", expected=", ".join(_DAYS) + ", or a range such as mon-fri")
        days |= {(ends[0] + n) % 7 for n in range((ends[-1] - ends[0]) % 7 + 1)}
    return frozenset(days)


def _clock(text: str) -> time:
    hour, minute = map(int, text.split(":"))
    if (hour, minute) == (24, 0):
        return time(0)
    if hour > 23 or minute > 59:
        raise Unfit(f"'{text}' is no time of day", expected="00:00 to 24:00")
    return time(hour, minute)


def _zone(name: str | None) -> tzinfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Unfit(f"'{name}' is no time zone of this machine", expected="a name such as Europe/Berlin") from None
