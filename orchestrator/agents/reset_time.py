"""When a provider lets us in again, as its messages say it.

Knows how programs word a time: an epoch, a date, a time of day with or without a zone, a duration. Does not know
whether the message is about a limit at all, and reads no clock: the present is given.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

FARTHEST_S = 400 * 86400.0
"""A time farther away than this is a misreading."""
LATE_S = 600.0
"""A time of day that passed so recently is not tomorrow's: its program went on asking before it told us."""

_AGAIN = (
    r"(?:resets?|resetting|try(?:ing)? again|retry(?:[- ]?after)?|available(?: again)?"
    r"|wait|until|renews?|regain access)"
)

_EPOCH = re.compile(r"\|\s*(\d{10}|\d{13})\b|" + _AGAIN + r"\D{0,20}?\b(1\d{9}|1\d{12}|2\d{9})\b", re.I)

_ISO = re.compile(
    _AGAIN + r".{0,20}?\b(\d{4}-\d\d-\d\d)(?:T| | at )(\d\d:\d\d(?::\d\d)?)(?:\.\d+)?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?",
    re.I,
)

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_CLOCK = re.compile(
    _AGAIN + r"\W{0,3}(?:\s*(?:at|on|by)\b)?\s*"
    r"(?:(?P<weekday>mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+(?:at\s+)?)?"
    r"(?:(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?"
    r"(?:,?\s+(?P<year>20\d\d))?(?:,|\s+at)?\s+(?:at\s+)?)?"
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d\d)(?::(?P<second>\d\d))?)?\s*(?P<half>[ap]\.?m\b\.?)?"
    r"(?:\s*\(?(?P<zone>[A-Za-z]+(?:/[A-Za-z_+\-0-9]+)+|(?:UTC|GMT)\s*[+-]\d{1,2}(?::?\d\d)?|[A-Z]{2,5})\b\)?)?",
    re.I,
)

_UNIT = r"(?:ms|milliseconds?|d|days?|h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?)"
_DURATION = re.compile(
    _AGAIN + r"(?:\s+(?:in|after|for|about|another)\b|\W){0,4}\s*"
    r"(?P<parts>(?:\d+(?:\.\d+)?\s*" + _UNIT + r"(?![a-z])[\s,]*(?:and\s+)?)+)",
    re.I,
)
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)", re.I)
_SOON = re.compile(_AGAIN + r" in (?:less than )?(?:a|one) minute\b", re.I)
_BARE = re.compile(r"retry[- ]?after\W{1,4}(\d+(?:\.\d+)?)\b(?!\s*:\d)", re.I)

_SECONDS = {"ms": 0.001, "milli": 0.001, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}

_ZONES = {
    "utc": 0.0, "gmt": 0.0, "z": 0.0,
    "est": -5.0, "edt": -4.0, "cst": -6.0, "cdt": -5.0, "mst": -7.0, "mdt": -6.0, "pst": -8.0, "pdt": -7.0,
    "wet": 0.0, "west": 1.0, "cet": 1.0, "cest": 2.0, "eet": 2.0, "eest": 3.0, "bst": 1.0, "jst": 9.0, "kst": 9.0,
    "aest": 10.0, "aedt": 11.0,
}  # fmt: skip
"""Hours east of Greenwich, of the abbreviations that mean one thing."""


def reset_time(text: str, at: float, *, local: tzinfo | None = None) -> float | None:
    """Seconds since the epoch, never before `at`; None: the text names no time.

    A time of day without a zone is in `local` (None: this machine's), and tomorrow's if it has passed today, by more
    than `LATE_S`. Where it names the minute only, it is the end of that minute: programs leave the seconds out.
    """
    text = text.replace("’", "'").replace("\u202f", " ").replace("\xa0", " ")
    for read in (_epoch, _iso, _clock, _duration):
        found = read(text, at, local)
        if found is not None and found - at <= FARTHEST_S:
            return max(found, at)
    return None


def _epoch(text: str, at: float, local: tzinfo | None) -> float | None:
    for found in _EPOCH.finditer(text):
        digits = found[1] or found[2]
        seconds = int(digits) / (1000 if len(digits) == 13 else 1)
        if abs(seconds - at) <= FARTHEST_S:
            return seconds
    return None


def _iso(text: str, at: float, local: tzinfo | None) -> float | None:
    if (found := _ISO.search(text)) is None:
        return None
    try:
        when = datetime.fromisoformat(f"{found[1]}T{found[2]}")
    except ValueError:
        return None
    zone = _zone(found[3], local) if found[3] and found[3][0] not in "+-" else _offset(found[3], local)
    return when.replace(tzinfo=zone).timestamp()


def _clock(text: str, at: float, local: tzinfo | None) -> float | None:
    for found in _CLOCK.finditer(text):
        if not (found["half"] or found["minute"]):
            continue  # "try again in 5 minutes", "retry 3": a bare number is no time of day
        try:
            when = _time_of_day(found)
            return _next(when, found, at, _zone(found["zone"], local))
        except (ValueError, OverflowError):
            continue
    return None


def _time_of_day(found: re.Match[str]) -> time:
    hour = int(found["hour"])
    if half := found["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(found[0])
        hour = hour % 12 + (12 if half[0] in "pP" else 0)
    return time(hour, int(found["minute"] or 0), int(found["second"] or 0))


def _next(when: time, found: re.Match[str], at: float, zone: tzinfo | None) -> float:
    """The next moment at which a clock of that zone shows this no more; or the last one, if it has just passed."""
    now = datetime.fromtimestamp(at, zone)  # without a zone: what this machine's clock shows
    unsaid_s = 60.0 if found["minute"] and not found["second"] else 0.0
    passed = (now - timedelta(seconds=unsaid_s + LATE_S)).replace(tzinfo=None)

    def moment(day: date) -> datetime:
        return datetime.combine(day, when)

    today = now.date()
    if found["month"]:
        month = _MONTHS.index(found["month"].lower()) + 1
        candidate = moment(date(int(found["year"] or today.year), month, int(found["day"])))
        if not found["year"] and candidate < passed - timedelta(days=180):
            candidate = candidate.replace(year=today.year + 1)
    elif found["weekday"]:
        ahead = (_DAYS.index(found["weekday"].lower()[:3]) - today.weekday()) % 7
        candidate = moment(today + timedelta(days=ahead))
        if candidate <= passed:
            candidate = moment(today + timedelta(days=ahead + 7))
    else:
        candidate = moment(today)
        if candidate <= passed:
            candidate = moment(today + timedelta(days=1))
    return (candidate.replace(tzinfo=zone) if zone is not None else candidate).timestamp() + unsaid_s


def _duration(text: str, at: float, local: tzinfo | None) -> float | None:
    if found := _DURATION.search(text):
        return at + sum(
            float(number) * next(size for unit, size in _SECONDS.items() if name.lower().startswith(unit))
            for number, name in _PART.findall(found["parts"])
        )
    if _SOON.search(text):
        return at + 60.0
    if found := _BARE.search(text):
        return at + float(found[1])
    return None


def _zone(name: str | None, local: tzinfo | None) -> tzinfo | None:
    """The zone of that name; the local one for no name, and for one that nobody knows."""
    if not name:
        return local
    if "/" in name:
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):  # unknown, or this machine has no zone data
            return local
    folded = name.lower().replace(" ", "")
    if folded in _ZONES:
        return UTC if _ZONES[folded] == 0 and folded != "wet" else timezone(timedelta(hours=_ZONES[folded]))
    if folded.startswith(("utc", "gmt")):
        return _offset(folded[3:], local)
    return local


def _offset(text: str | None, local: tzinfo | None) -> tzinfo | None:
    if not text:
        return local
    found = re.fullmatch(r"([+-])(\d{1,2}):?(\d\d)?", text)
    if found is None:
        return local
    east = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return timezone(east if found[1] == "+" else -east)
