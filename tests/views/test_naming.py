"""Events get their outside names by rule, a level, and flat fields."""

from __future__ import annotations

import inspect
import json
import re

import pytest

from orchestrator.core import messages as m
from orchestrator.core.messages import name_of
from orchestrator.core.model import BeadId, Commit, Ending, RouteName, Token, Usage, Verdict, WorkerId
from orchestrator.views.naming import Level, fields_of, level_of
from tests.views.nights import BEGAN, bead, failed_night, manifest

EVENTS = [
    kind for _, kind in inspect.getmembers(m, inspect.isclass) if issubclass(kind, m.Event) and kind is not m.Event
]


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_every_event_has_a_name_of_a_noun_and_what_happened(kind: type[m.Event]) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z_]+", name_of(kind))


def test_names_are_distinct() -> None:
    assert len({name_of(kind) for kind in EVENTS}) == len(EVENTS)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (m.BeadLanded, "bead.landed"),
        (m.BreakerOpened, "breaker.opened"),
        (m.BreakerHalfOpened, "breaker.half_opened"),
        (m.AttemptEnded, "attempt.ended"),
        (m.RunOpened, "run.opened"),
        (m.AgentStarted, "agent.started"),
        (m.SessionGivenUp, "session.given_up"),
    ],
)
def test_names_follow_from_classes(kind: type[m.Event], name: str) -> None:
    assert name_of(kind) == name


def test_what_waits_for_a_person_is_an_error() -> None:
    route = RouteName("claude:opus")
    assert level_of(m.BeadFailed(at=0, bead=BeadId("a"), reason="")) is Level.ERROR
    assert level_of(m.BreakerOpened(at=0, route=route, until=None, reason="401")) is Level.ERROR
    assert level_of(m.BreakerOpened(at=0, route=route, until=9.0, reason="429")) is Level.WARNING
    assert level_of(m.WorkersStarted(at=0, asked=2, started=2, seconds=1)) is Level.INFO
    assert (
        level_of(m.WorkersStarted(at=0, asked=2, started=1, seconds=1, missing=((WorkerId("w2"), "no"),))) == "warning"
    )


def test_a_session_that_a_person_ended_is_no_warning() -> None:
    given_up = m.SessionGivenUp(at=0, token=Token(1), ending=Ending.STOPPED, reason="^C")
    assert level_of(given_up) is Level.INFO


def test_the_end_of_an_attempt_is_one_flat_line() -> None:
    ended = m.AttemptEnded(
        at=BEGAN, token=Token(7), bead=BeadId("a"), number=2, worker=WorkerId("w1"), route=RouteName("claude:opus"),
        ending=Ending.CHECKS_FAILED, reason="`make` failed", seconds=12.5,
        usage=Usage(usd=0.25, tokens_in=10, tokens_out=5), files=("a.py",), saved=Commit("c" * 40),
    )  # fmt: skip
    assert fields_of(ended) == {
        "token": 7, "bead": "a", "attempt": 2, "worker": "w1", "route": "claude:opus",
        "outcome": "checks-failed", "reason": "`make` failed", "seconds": 12.5,
        "usd": 0.25, "tokens": 15, "tokens_in": 10, "tokens_out": 5,
        "files": ["a.py"], "saved": "c" * 40, "answered": False, "session": None,
            "usd_computed": False, "assumed_usd": 0.0, "assumed_tokens": 0.0,
    }  # fmt: skip


def test_a_verdict_is_laid_flat_with_its_time_as_text() -> None:
    verdict = Verdict(ending=Ending.USAGE_LIMITED, reason="resets 3am", retry_at=BEGAN + 3600)
    flat = fields_of(m.SessionBroke(at=BEGAN, token=Token(1), verdict=verdict))
    assert flat["outcome"] == "usage-limited"
    assert flat["retry_at"] == "2026-11-21T23:00:00.000Z"


def test_the_plan_is_logged_as_a_summary() -> None:
    plan = manifest(bead("a"), bead("b", "a"), workers=3)
    planned = m.RunPlanned(at=BEGAN, manifest=plan, target_base=Commit("b" * 40), token=Token(0))
    flat = fields_of(planned)
    assert (flat["beads"], flat["workers"], flat["verify"]) == (2, 3, ["make test"])
    assert "Please do" not in json.dumps(flat)


def test_every_event_of_a_night_is_flat_json() -> None:
    for event in failed_night().events:
        for value in fields_of(event).values():
            assert isinstance(value, str | int | float | bool | list | dict | None)
        json.dumps(fields_of(event), allow_nan=False)
