"""Hours of the week, the times that they are, and the nights on which clocks are changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from orchestrator.manifest import Loaded, ManifestFaults
from orchestrator.manifest.faults import Unfit
from orchestrator.manifest.hours import closed, parse_hours

Load = Callable[..., Loaded]
BERLIN = ZoneInfo("Europe/Berlin")


def spans(curfew: str = "", active: str = "", *, now: datetime) -> list[tuple[str, str]]:
    """What is closed, in Berlin's time, of the next days."""
    found = closed([parse_hours(curfew)] if curfew else [], [parse_hours(active)] if active else [], now)
    return [
        (
            f"{datetime.fromtimestamp(begin, BERLIN):%a %d %H:%M%z}",
            f"{datetime.fromtimestamp(end, BERLIN):%a %d %H:%M%z}",
        )
        for begin, end in found
    ]


def test_a_curfew_is_closed_and_nothing_else_is() -> None:
    now = datetime(2026, 6, 3, 12, tzinfo=BERLIN)
    assert spans("mon-fri 08:00-18:00 Europe/Berlin", now=now)[:3] == [
        ("Wed 03 08:00+0200", "Wed 03 18:00+0200"),
        ("Thu 04 08:00+0200", "Thu 04 18:00+0200"),
        ("Fri 05 08:00+0200", "Fri 05 18:00+0200"),
    ]
    assert spans("mon-fri 08:00-18:00 Europe/Berlin", now=now)[3][0].startswith("Mon 08")


def test_outside_of_active_hours_it_is_closed() -> None:
    now = datetime(2026, 6, 3, 12, tzinfo=BERLIN)
    assert spans(active="22:00-06:30 Europe/Berlin", now=now)[0] == ("Wed 03 06:30+0200", "Wed 03 22:00+0200")


def test_active_hours_that_touch_leave_nothing_closed() -> None:
    now = datetime(2026, 6, 3, 12, tzinfo=BERLIN)
    assert spans(active="00:00-24:00 Europe/Berlin", now=now) == []


def test_the_clock_on_the_wall_counts_on_the_day_that_it_is_changed() -> None:
    """The night of 25 October 2026 has an hour more, that of 29 March 2026 one less."""
    autumn = spans("22:00-06:00 Europe/Berlin", now=datetime(2026, 10, 24, 12, tzinfo=BERLIN))
    assert autumn[0] == ("Sat 24 22:00+0200", "Sun 25 06:00+0100")
    spring = closed([parse_hours("22:00-06:00 Europe/Berlin")], [], datetime(2026, 3, 28, 12, tzinfo=BERLIN))
    assert [timedelta(seconds=end - begin).seconds // 3600 for begin, end in spring[:2]] == [7, 8]


def test_of_an_hour_that_is_there_twice_the_side_is_taken_on_which_less_starts() -> None:
    """02:30 happens twice on 25 October: a curfew lasts to the second, active hours begin with it."""
    now = datetime(2026, 10, 25, 0, 30, tzinfo=BERLIN)
    assert spans("00:00-02:30 Europe/Berlin", now=now)[0][1] == "Sun 25 02:30+0100"
    assert spans(active="02:30-05:00 Europe/Berlin", now=now)[0][1] == "Sun 25 02:30+0100"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("8-18", "'8-18' are no hours"),
        ("08:00-25:00", "'25:00' is no time of day"),
        ("08:00-18:00 Mars/Base", "'Mars/Base' is no time zone of this machine"),
        ("moo-fri 08:00-18:00", "'moo-fri' are no days"),
    ],
)
def test_what_are_no_hours_is_said(text: str, said: str) -> None:
    with pytest.raises(Unfit) as raised:
        parse_hours(text)
    assert raised.value.message == said


def test_days_may_go_over_the_weekend() -> None:
    assert sorted(parse_hours("sat-mon 01:00-02:00").days) == [0, 5, 6]
    assert sorted(parse_hours("mon,wed 01:00-02:00").days) == [0, 2]


def test_faults_of_limits_and_hours_are_said_at_their_places(load_text: Load) -> None:
    with pytest.raises(ManifestFaults) as raised:
        load_text(
            "routes: [claude]\nlimits:\n  claud: {sessions: 2}\n  claude: {sessions: 0, speed: 3}\n"
            "curfew: noon\nbreaker: {rate: 150%}\nbeads: [{id: a, prompt: x}]\n"
        )
    said = [(fault.line, fault.message) for fault in raised.value.faults]
    assert (3, "limits: nothing here is called 'claud'") in said
    assert (4, "sessions: '0' does not fit") in said
    assert (4, "unknown key 'speed' in a limit") in said
    assert (5, "curfew: 'noon' are no hours") in said
    assert (6, "rate: '150%' is no share") in said
    assert next(f for f in raised.value.faults if f.line == 3).hint == "claude"
