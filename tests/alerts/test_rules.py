"""What is said of which events, how often, and when it is kept back."""

from __future__ import annotations

import pytest

from orchestrator.alerts.rules import BUILT_IN, Level, Rule, Watch, on
from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, Ending, RouteName, Token, Usage, WorkerId

ROUTE = RouteName("claude:opus")


def ended(at: float, ending: Ending, reason: str = "", bead: str = "a") -> m.AttemptEnded:
    return m.AttemptEnded(
        at=at,
        token=Token(1),
        bead=BeadId(bead),
        number=1,
        worker=WorkerId("w1"),
        route=ROUTE,
        ending=ending,
        reason=reason,
        seconds=1.0,
        usage=Usage(),
    )


def told(*events: m.Event) -> list[tuple[str, Level]]:
    watch = Watch(BUILT_IN)
    return [(alert.rule, alert.level) for event in events for alert in watch.hear(event)]


@pytest.mark.parametrize(
    ("event", "rule", "level"),
    [
        (m.BeadHeld(at=0, bead=BeadId("a"), reason="which port?"), "held", Level.ERROR),
        (m.BeadFailed(at=0, bead=BeadId("a"), reason="no way"), "failed", Level.WARNING),
        (
            m.HealthFell(
                at=0, worker=WorkerId("w1"), bead=BeadId("a"), token=Token(1), score=0.4, floor=0.5, reason="", since=0
            ),
            "unhealthy",
            Level.WARNING,
        ),
        (m.WorkerQuarantined(at=0, worker=WorkerId("w1"), reason="a, b"), "worker-down", Level.ERROR),
        (m.WorkerFailed(at=0, worker=WorkerId("w1"), reason="no terminal"), "worker-down", Level.ERROR),
        (m.BreakerOpened(at=0, route=ROUTE, until=None, reason="bad key"), "route-shut", Level.ERROR),
        (m.BreakerOpened(at=0, route=ROUTE, until=600, reason="limit"), "route-resting", Level.WARNING),
        (m.ProviderParked(at=0, provider="p", until=600, reason="limit"), "route-resting", Level.WARNING),
        (m.BudgetWarned(at=0, scope="run", what="usd", spent=8, limit=10, reached=False), "budget", Level.WARNING),
        (m.RunPaused(at=0, reason="no money"), "paused", Level.ERROR),
        (m.RunStopped(at=0, reason="asked to"), "ended", Level.WARNING),
        (m.RunFinished(at=0, reason=""), "ended", Level.INFO),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, m.Event) else "",
)
def test_each_rule_speaks_of_its_event(event: m.Event, rule: str, level: Level) -> None:
    assert told(event) == [(rule, level)]


def test_the_same_failure_again_and_again_is_a_spiral() -> None:
    """Told once, at the fifth within the window, whatever numbers are in its words."""
    alike = [ended(at, Ending.CRASHED, f"exit 1 in line {at}", bead=f"b{at}") for at in range(9)]
    assert told(*alike) == [("spiral", Level.WARNING)]


def test_failures_far_apart_or_of_different_kinds_are_no_spiral() -> None:
    assert told(*(ended(at * 1000.0, Ending.CRASHED, "exit 1") for at in range(9))) == []
    assert told(*(ended(at, ending, "x") for at, ending in enumerate(list(Ending)))) == []


def test_what_is_nobodys_failure_is_no_spiral() -> None:
    assert told(*(ended(at, Ending.DELIVERED) for at in range(9))) == []


def test_a_subject_that_was_spoken_of_rests_and_is_counted() -> None:
    """The next alert after the cool-down says how many were kept back; another subject does not wait for it."""
    watch = Watch([Rule(name="mine", says=on(m.LandingDelayed), cooldown_s=100)])

    def delayed(at: float, bead: str = "a") -> m.LandingDelayed:
        return m.LandingDelayed(at=at, bead=BeadId(bead), until=at + 1, reason="busy")

    said = [alert for at in (0.0, 10.0, 20.0, 100.0) for alert in watch.hear(delayed(at))]
    assert [(alert.at, alert.kept_back) for alert in said] == [(0.0, 0), (100.0, 2)]
    assert [alert.text for alert in watch.hear(delayed(101.0, "b"))] == ["b landing.delayed busy"]


def test_events_that_leave_the_window_count_no_more() -> None:
    watch = Watch([Rule(name="mine", says=on(m.BeadFailed), threshold=3, window_s=10)])

    def failed(at: float) -> m.BeadFailed:
        return m.BeadFailed(at=at, bead=BeadId("a"), reason="x")

    assert [len(list(watch.hear(failed(at)))) for at in (0.0, 8.0, 11.0, 12.0)] == [0, 0, 0, 1]
