"""How fast failures were known and mended, from events alone."""

from __future__ import annotations

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, Ending, RouteName, Token, Verdict, WorkerId
from orchestrator.views.recoveries import percentiles, recoveries

W1 = WorkerId("w1")


def started(at: float, token: int) -> list[m.Event]:
    attempt = m.AttemptStarted(
        at=at, token=Token(token), bead=BeadId("a"), number=token, worker=W1, route=RouteName("x")
    )
    return [attempt, m.AgentStarted(at=at + 1.0, token=Token(token), seconds=1.0)]


def broke(at: float, token: int, ending: Ending, gone_at: float | None = None) -> m.SessionBroke:
    return m.SessionBroke(at=at, token=Token(token), verdict=Verdict(ending=ending), gone_at=gone_at)


def test_a_crash_is_known_from_the_end_of_its_process_and_mended_by_the_next_agent() -> None:
    found = recoveries([*started(0, 1), broke(100.5, 1, Ending.CRASHED, 100.0), *started(103, 2)])
    assert (found.failures, found.known_s, found.back_s) == (1, (0.5,), (3.5,))


def test_a_worker_that_hangs_is_known_by_its_health_or_by_its_end_whichever_came_first() -> None:
    fell = m.HealthFell(
        at=60, worker=W1, bead=BeadId("a"), token=Token(1), score=0.4, floor=0.5, reason="stopped", since=40
    )
    given_up = m.SessionGivenUp(at=90, token=Token(1), ending=Ending.SILENT, reason="quiet")
    ended = broke(91, 1, Ending.SILENT)
    assert recoveries([*started(0, 1), fell, given_up, ended]).known_s == (20.0,)
    assert recoveries([*started(0, 1), given_up, ended]).known_s == (89.0,), "since its first sign, at 1"


def test_limits_and_our_own_deaths_are_no_failures_of_workers() -> None:
    found = recoveries([*started(0, 1), broke(5, 1, Ending.USAGE_LIMITED), broke(5, 1, Ending.LOST)])
    assert (found.failures, found.known_s, found.back_s) == (0, (), ())


def test_percentiles_are_of_what_was_measured() -> None:
    assert percentiles([]) is None
    assert percentiles([float(n) for n in range(1, 101)]) == {"p50": 50.0, "p90": 90.0, "p95": 95.0, "p100": 100.0}
    assert percentiles([7.0]) == {"p50": 7.0, "p90": 7.0, "p95": 7.0, "p100": 7.0}
