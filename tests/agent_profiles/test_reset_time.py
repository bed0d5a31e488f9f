"""When a provider lets us in again is read out of its words, in its zone, tomorrow's time included."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.agents.reset_time import reset_time

SATURDAY = datetime(2026, 11, 21, 14, 30, tzinfo=UTC)
NOW = SATURDAY.timestamp()
BERLIN = ZoneInfo("Europe/Berlin")


def when(text: str, local: ZoneInfo | None = None, at: float = NOW) -> str | None:
    found = reset_time(text, at, local=local or ZoneInfo("UTC"))
    return None if found is None else datetime.fromtimestamp(found, UTC).strftime("%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("You've hit your limit · resets 4:02pm (UTC)", "11-21 16:03:00"),
        ("You’ve hit your usage limit, or try again at 3:47 PM.", "11-21 15:48:00"),
        ("try again at 3:47\u202fPM.", "11-21 15:48:00"),
        ("usage limit reached. Resets 3am", "11-22 03:00:00"),
        ("limit resets at 12am", "11-22 00:00:00"),
        ("limit resets at 12pm", "11-22 12:00:00"),
        ("resets 16:05", "11-21 16:06:00"),
        ("resets 16:05:30", "11-21 16:05:30"),
        ("resets at 09:15 (UTC)", "11-22 09:16:00"),
        ("Your limit will reset at 4pm (America/New_York).", "11-21 21:00:00"),
        ("resets 9am (Europe/Berlin)", "11-22 08:00:00"),
        ("resets 4pm PST", "11-22 00:00:00"),
        ("resets 4pm (GMT+2)", "11-22 14:00:00"),
        ("resets 5pm (UTC-05:30)", "11-21 22:30:00"),
        ("resets Nov 23, 4pm (UTC)", "11-23 16:00:00"),
        ("resets Nov 23 at 4:30pm (UTC)", "11-23 16:31:00"),
        ("try again at Nov 23rd, 2026 3:47 PM.", "11-23 15:48:00"),
        ("resets Monday 9am", "11-23 09:00:00"),
        ("resets Sat 2pm", "11-28 14:00:00"),
        ("resets Jan 2, 1am", "01-02 01:00:00"),
        ("resets at 2026-11-22T03:04:05Z", "11-22 03:04:05"),
        ("available again at 2026-11-22 03:04 +0200", "11-22 01:04:00"),
        ("try again in 2 hours 5 minutes", "11-21 16:35:00"),
        ("Try again in 1h30m", "11-21 16:00:00"),
        ("try again in 3 days, 4 hours and 10 minutes.", "11-24 18:40:00"),
        ("Please try again in 1s.", "11-21 14:30:01"),
        ("Please retry in 31.5s", "11-21 14:30:31"),
        ("retry after 12s", "11-21 14:30:12"),
        ("Retry-After: 90", "11-21 14:31:30"),
        ("retry-after=5 minutes", "11-21 14:35:00"),
        ("try again in 500ms", "11-21 14:30:00"),
        ("Claude AI usage limit reached|1795285800", "11-21 18:30:00"),
        ("limit reached, resets at 1795285800", "11-21 18:30:00"),
        ("limit reached, resets at 1795285800000", "11-21 18:30:00"),
    ],
)
def test_the_time_that_is_named(text: str, time: str) -> None:
    assert when(text) == time


@pytest.mark.parametrize(
    "text",
    [
        "Please try again later.",
        "retried 5 times (total retry wait time: soon)",
        "You exceeded your current quota",
        "rate limit of 50,000 input tokens per minute",
        "try again at 25:99",
        "resets Feb 31, 4pm",
        "limit reached|1000000000",
        "the function resets 3 counters",
        "",
    ],
)
def test_no_time_is_made_up(text: str) -> None:
    assert when(text) is None


def test_without_a_zone_it_is_the_local_one() -> None:
    assert when("resets 4:02pm", BERLIN) == "11-21 15:03:00"


def test_a_zone_that_nobody_knows_is_the_local_one() -> None:
    assert when("resets 4:02pm (Middle/Earth)", BERLIN) == "11-21 15:03:00"


def test_a_minute_that_is_named_ends_before_it_is_over() -> None:
    """Programs leave the seconds out: who comes at its beginning is refused once more."""
    assert when("resets 2:30pm (UTC)", at=NOW + 20) == "11-21 14:31:00"


def test_what_has_just_passed_is_not_tomorrows() -> None:
    """A program may go on asking for minutes before it gives up and tells us; a day is not lost to that."""
    assert when("resets 2:30pm (UTC)", at=NOW + 120) == "11-21 14:32:00"
    assert when("resets 2pm (UTC)", at=NOW - 1210) == "11-21 14:09:50"
    assert when("resets 2:30pm (UTC)", at=NOW + 700) == "11-22 14:31:00"
    assert when("resets 2pm (UTC)", at=NOW) == "11-22 14:00:00"


def test_tomorrow_is_a_day_of_the_clock_not_of_24_hours() -> None:
    before_the_clocks_go_back = datetime(2026, 10, 24, 20, 0, tzinfo=UTC).timestamp()
    assert when("resets 9pm", BERLIN, before_the_clocks_go_back) == "10-25 20:00:00"


def test_a_date_that_passed_long_ago_is_next_years() -> None:
    assert reset_time("resets Jan 2, 1am (UTC)", NOW) == datetime(2027, 1, 2, 1, tzinfo=UTC).timestamp()


@given(st.text(max_size=60), st.sampled_from(["resets ", "try again in ", "retry-after: ", "|"]))
def test_no_text_breaks_it(text: str, before: str) -> None:
    found = reset_time(before + text, NOW, local=UTC)
    assert found is None or NOW <= found <= NOW + 401 * 86400
