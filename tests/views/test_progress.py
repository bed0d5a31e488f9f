"""Progress: plain lines where nothing can be redrawn, a display where it can."""

from __future__ import annotations

import io
import re
import threading

import pytest
from rich.console import Console

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, Ending, RouteName, WorkerId
from orchestrator.views.board import Board, board
from orchestrator.views.forecast import Forecast
from orchestrator.views.lines import Lines, workers_in_words
from orchestrator.views.panel import panel
from orchestrator.views.progress import Progress
from tests.views.nights import BEGAN, GPT, OPUS, Night, bead, failed_night


def said(night: Night) -> str:
    """The plain lines of all that happens from now on, once it has happened."""
    return "\n".join(_Heard.of(night).texts)


class _Heard:
    def __init__(self, night: Night) -> None:
        self._lines = Lines(night.state)
        self.texts: list[str] = []

    def heard(self, event: m.Event) -> None:
        line = self._lines.line(event)
        if line is not None:
            self.texts.append(line.text)

    @classmethod
    def of(cls, night: Night) -> _Heard:
        return next(each for each in night.listeners if isinstance(each, cls))


@pytest.fixture
def night() -> Night:
    night = Night(
        bead("health", routes=(OPUS, GPT)),
        bead("docs", "health", tries=1),
        bead("review", hold="look at the wording first"),
        bead("release", "docs"),
    )
    night.listeners.append(_Heard(night))
    return night


def test_a_night_in_plain_lines(night: Night) -> None:
    night.open().after(3.2).sign("health").after(60).deliver("health", usd=0.2).after(10).land("health")
    night.after(1).sign("docs").after(30).end("docs", Ending.CRASHED, "exit 1:\n  out of memory").clear()
    assert said(night) == (
        "22:00:00  run          opened  overnight → orchestrator/overnight  4 beads, 2 workers\n"
        "22:00:00  review       held  look at the wording first\n"
        "22:00:00  health       started  w1  claude:opus\n"
        "22:00:03  workers      1 of 1 started in 3.2 s\n"
        "22:01:03  health       verified  in the merge queue\n"
        "22:01:13  health       landed  a153837  claude:opus  1m13s\n"
        "22:01:13  docs         started  w1  claude:opus\n"
        "22:01:44  docs         failed  exit 1: out of memory (tried once)  claude:opus  31s\n"
        "22:01:44  release      blocked  needs docs\n"
        "22:01:44  run          finished"
    )


def test_a_limit_is_told_with_its_end_and_the_other_route(night: Night) -> None:
    night.open().after(2).sign("health").after(8)
    night.end("health", Ending.USAGE_LIMITED, "You've hit your limit", retry_at=night.now + 5 * 3600)
    assert said(night).splitlines()[-3:] == [
        "22:00:10  anthropic    parked until Sun 03:00  You've hit your limit",
        "22:00:10  health       sent back  You've hit your limit  claude:opus  10s",
        "22:00:10  health       started  w1  codex:gpt-5  attempt 2",
    ]


def test_what_a_person_asks_for_is_told(night: Night) -> None:
    night.open().ask(m.Verb.PAUSE).ask(m.Verb.RESUME).ask(m.Verb.STOP)
    assert said(night).splitlines()[-6:] == [
        "22:00:00  run          paused  ada asked for it",
        "22:00:00  request 1    accepted  nothing new starts; what runs may end",
        "22:00:00  run          resumed  ada asked for it",
        "22:00:00  request 1    accepted  goes on",
        "22:00:00  run          stopping  ada stopped it  sessions are ended, their work is kept",
        "22:00:00  request 1    accepted  its sessions are being ended, their work is kept",
    ]


def test_an_orchestrator_that_died_is_told(night: Night) -> None:
    night.open().sign("health").after(60).open(swept=2)
    assert said(night).splitlines()[-2:] == [
        "22:01:00  run          goes on  overnight → orchestrator/overnight  0 of 4 beads done",
        "22:01:00  run          ended  2 processes that an earlier orchestrator had left",
    ]


def test_a_run_that_another_run_came_before_is_opened_all_the_same(night: Night) -> None:
    """A repository's writers are counted through all of its runs."""
    night.epoch = 7
    night.open()
    assert said(night).splitlines()[0].endswith("opened  overnight → orchestrator/overnight  4 beads, 2 workers")


def test_a_run_that_is_told_of_a_moment_late_is_opened_all_the_same(night: Night) -> None:
    """Listeners hear in a quiet moment, when agents have been started."""
    night.open().sign("health")
    opened = next(event for event in night.events if isinstance(event, m.RunOpened))
    line = Lines(night.state).line(opened)
    assert line is not None
    assert "opened" in line.text
    night.after(60).open(swept=2)
    again = [event for event in night.events if isinstance(event, m.RunOpened)][-1]
    late = Lines(night.state).line(again)
    assert late is not None
    assert "goes on" in late.text


def test_workers_that_did_not_start_are_named_with_their_reasons() -> None:
    event = m.WorkersStarted(
        at=BEGAN, asked=16, started=14, seconds=3.21,
        missing=((WorkerId("w3"), "no sign of life within 30 s"), (WorkerId("w9"), "exit 127")),
    )  # fmt: skip
    assert workers_in_words(event) == (
        "14 of 16 started in 3.2 s; not started: w3 (no sign of life within 30 s), w9 (exit 127)"
    )


def test_a_very_long_reason_is_cut(night: Night) -> None:
    lines = Lines(night.state)
    line = lines.line(m.BeadHeld(at=BEGAN, bead=BeadId("docs"), reason="why " * 1000))
    assert line is not None
    assert len(line.text) < 240


# ---------------------------------------------------------------- the listener


class Turned:
    """A clock that stands."""

    def __call__(self) -> float:
        return BEGAN + 3600


def test_a_pipe_gets_plain_lines_in_order_and_the_last_word() -> None:
    out = io.StringIO()
    night = Night(bead("a"), bead("b"))
    progress = Progress(night.state, Console(file=out, width=80), clock=Turned())
    night.listeners.append(progress)
    night.open().after(3).sign("a", "b").after(60).deliver("a", usd=0.25, tokens_in=900, tokens_out=400)
    night.land("a").end("b", Ending.CRASHED, "exit 1")
    night.ask(m.Verb.ABORT, "b")
    progress.close()
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("22:00:00  run          opened")
    assert [line.split()[2] for line in lines if " a  " in line] == ["started", "verified", "landed"]
    assert lines[-2:] == [
        "1 of 2 beads landed; 1 was given up.",
        "1h00m, $0.25 known, 1 attempt said no cost, 1.3k tokens. All of it: orchestrator report",
    ]
    assert "\x1b" not in out.getvalue()


def test_lines_are_not_wrapped_in_a_pipe() -> None:
    out = io.StringIO()
    night = Night(bead("a"))
    progress = Progress(night.state, Console(file=out, width=40), clock=Turned())
    progress.heard(m.BeadHeld(at=BEGAN, bead=BeadId("a"), reason="a question " * 12))
    progress.close()
    assert len(out.getvalue().splitlines()) == 3


def test_a_reader_that_went_away_does_not_stop_the_run() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    class Quiet(Console):
        def on_broken_pipe(self) -> None:
            """As rich does, but it leaves the tests their standard output."""
            raise SystemExit(1)

    night = Night(bead("a"))
    progress = Progress(night.state, Quiet(file=Gone()), clock=Turned())
    night.listeners.append(progress)
    night.open().sign("a").deliver("a").land("a")
    progress.close()
    assert night.state.beads[BeadId("a")].state == "done"


def test_a_terminal_that_is_stuck_does_not_hold_up_the_run() -> None:
    stuck = threading.Event()

    class Stuck(io.StringIO):
        def write(self, text: str) -> int:
            stuck.wait()
            return len(text)

    night = Night(bead("a"))
    progress = Progress(night.state, Console(file=Stuck()), clock=Turned())
    night.listeners.append(progress)
    night.open().sign("a").deliver("a").land("a")
    assert night.state.run == "finished"
    stuck.set()
    progress.close()


def test_a_terminal_that_does_not_know_every_character_is_served() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="latin-1", write_through=True)
    night = Night(bead("a"))
    progress = Progress(night.state, Console(file=out, force_terminal=True, width=80), clock=Turned())
    night.listeners.append(progress)
    night.open()
    progress.close()
    assert b"overnight ? orchestrator/overnight" in raw.getvalue()


def test_a_terminal_shows_a_display_and_leaves_the_lines() -> None:
    out = io.StringIO()
    night = Night(bead("a"))
    console = Console(file=out, force_terminal=True, width=80, height=24, _environ={"TERM": "xterm"})
    progress = Progress(night.state, console, clock=Turned(), lively=True)
    night.listeners.append(progress)
    night.open().sign("a").deliver("a").land("a")
    progress.close()
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out.getvalue())
    assert "landed" in text
    assert "The only bead landed." in text


# ---------------------------------------------------------------- the display


def shown(night: Night, *, width: int = 80, height: int | None = None, over_at: float | None = None) -> list[str]:
    return drawn(board(night.state, over_at=over_at), night.now, width=width, height=height)


def drawn(taken: Board, now: float, *, width: int, height: int | None) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width).print(panel(taken, now, height=height))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_the_display_at_eighty_columns() -> None:
    night = Night(
        bead("health", title="Add a [bold]/health[/bold] endpoint to the API", routes=(OPUS,)),
        bead("billing", title="Port billing", routes=(GPT,), verify=("make test",)),
        bead("mail", routes=(OPUS,)),
        bead("later", "mail"),
        workers=3,
    )
    night.open().after(3).sign("health", "billing", "mail").after(60)
    night.progress("health", "editing src/api/health.py", usd=0.2).deliver("billing", usd=1.0)
    night.end("mail", Ending.USAGE_LIMITED, "resets 3am", retry_at=night.now + 5 * 3600)
    assert shown(night, over_at=night.now + 1200) == [
        "overnight  → orchestrator/overnight     1m03s  about 20m left  $1.20 + 1 unknown",
        "                                                                        0/4 done",
        "1 running  1 verifying  1 ready  1 waiting",
        "w2 health  Add a [bold]/h… claude:opus running    1m03s editing src/api/health.…",
        "w3 billing Port billing    codex:gpt-5 completing 1m03s its checks run",
        "claude:opus is shut until Sun 03:01 (in 5h00m): resets 3am",
    ]


def test_more_workers_than_lines_are_counted() -> None:
    night = Night(*(bead(f"b{n}") for n in range(100)), workers=100, policy={"max_starts": 100}).open()
    lines = shown(night, height=20)
    assert len(lines) <= 20
    assert "more workers are busy" in lines[-1]
    counted = re.search(r"and (\d+) more", lines[-1])
    assert counted is not None
    assert sum(line.startswith("w") for line in lines) + int(counted[1]) == 100


def test_no_line_is_wider_than_the_terminal() -> None:
    long = "x" * 300
    night = Night(bead(long, title=long, routes=(RouteName(f"claude:{long}"),)))
    night.open().sign(long).progress(long, long).ask(m.Verb.PAUSE, text=long)
    assert max(map(len, shown(night))) <= 80


def test_a_snapshot_is_cheap() -> None:
    """A hundred workers and five events a second must not be felt."""
    import timeit

    night = Night(*(bead(f"b{n}") for n in range(500)), workers=100, policy={"max_starts": 100}).open()
    forecast = Forecast(night.state)
    taken = min(timeit.repeat(lambda: board(night.state, over_at=forecast.end(night.now)), number=20, repeat=3)) / 20
    assert taken < 0.01


# ---------------------------------------------------------------- the forecast


def forecast_of(night: Night) -> Forecast:
    forecast = Forecast(night.state)
    night.listeners.append(_Hears(forecast))
    return forecast


class _Hears:
    def __init__(self, forecast: Forecast) -> None:
        self._forecast = forecast

    def heard(self, event: m.Event) -> None:
        self._forecast.hear(event)


def test_nothing_is_foretold_before_a_bead_is_done() -> None:
    night = Night(bead("a"), bead("b", "a"))
    forecast = forecast_of(night)
    night.open().sign("a").after(100)
    assert forecast.end(night.now) is None


def test_the_critical_path_bounds_the_guess_and_done_beads_scale_it() -> None:
    night = Night(bead("a"), bead("b", "a"), bead("c", "b"), workers=8)
    forecast = forecast_of(night)
    night.open().sign("a").after(100).deliver("a").land("a")
    assert forecast.end(night.now) == pytest.approx(night.now + 200)
    night.sign("b").after(40)
    assert forecast.end(night.now) == pytest.approx(night.now + 160)


def test_few_workers_bound_the_guess_too() -> None:
    night = Night(*(bead(f"b{n}") for n in range(5)), workers=1)
    forecast = forecast_of(night)
    night.open().sign("b0").after(100).deliver("b0").land("b0")
    assert forecast.end(night.now) == pytest.approx(night.now + 400)


def test_a_run_that_is_over_has_no_forecast() -> None:
    night = failed_night()
    assert Forecast(night.state).end(night.now) is None
