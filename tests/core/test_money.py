"""Budgets in dollars, tokens and minutes; of a bead, of the run, of a day."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.core import messages as m
from orchestrator.core.decide.money import committed
from orchestrator.core.model import BeadState, Budget, Ending, ProcessName, RunState, Usage
from orchestrator.core.owed import owed
from orchestrator.core.values import replace
from tests.core.scene import Scene, bead, cost, none, only


def scene_with(count: int, routes: str = "red", **budget: Any) -> Scene:
    scene = Scene(*(bead(f"b{n}", routes=routes) for n in range(count)), opened=False, workers=count, max_starts=count)
    terms = m.Terms(policy=scene.state.policy, budget=Budget(**budget), token=scene.state.token)
    scene.hear(m.Opened, epoch=1, process=ProcessName(pid=1, started=1.0), host="here", terms=terms)
    scene.sweep()
    return scene


def used(tokens: int) -> Usage:
    return Usage(usd=0.0, tokens_in=tokens - 1, tokens_out=1)


def test_tokens_are_reserved_before_the_start() -> None:
    """As dollars are."""
    scene = scene_with(8, tokens=1000, bead_tokens=300)
    assert len(scene.running()) == 3
    money = committed(scene.state, "run", "tokens", scene.now)
    assert (money.spent, money.reserved) == (0.0, 900.0)


def test_minutes_are_reserved_and_a_bead_that_takes_its_own_is_over() -> None:
    """Its session is ended when they are used up, also over several attempts."""
    scene = scene_with(3, minutes=60, bead_minutes=25)
    assert scene.running() == ["b0", "b1"]
    scene.sign("b0")
    scene.now += 600.0
    scene.breaks("b0", Ending.LOST)
    scene.sign("b0")
    events = scene.wait(900.0)
    given_up = only(events, m.SessionGivenUp)
    assert (given_up.ending, given_up.reason) == (
        Ending.OVER_BUDGET,
        "it has taken 25.0 minutes, and a bead may take 25.0 minutes",
    )


def test_a_bead_that_used_its_tokens_is_over() -> None:
    """As soon as it says so."""
    scene = scene_with(1, bead_tokens=100)
    scene.sign("b0")
    events = scene.hear(m.Progressed, token=scene.token("b0"), usage=used(101))
    assert only(events, m.SessionGivenUp).reason == "it has used 101 tokens, and a bead may use 100 tokens"


def test_without_a_beads_own_limit_what_beads_cost_so_far_is_reserved() -> None:
    """Nothing is known of the first ones."""
    scene = scene_with(6, usd=10.0)
    assert len(scene.running()) == 6
    scene = Scene(*(bead(f"b{n}") for n in range(6)), workers=2, usd=10.0)
    for name in ("b0", "b1"):
        scene.sign(name)
        scene.deliver(name, usage=cost(3.0))
    assert scene.running() == ["b2"]
    assert scene.attempt("b2").reserved_usd == 3.0


def test_unknown_is_not_zero() -> None:
    """What was reserved for an attempt that told no cost stays taken; one that never got to its work cost nothing."""
    scene = scene_with(5, usd=10.0, bead_usd=4.0)
    assert scene.running() == ["b0", "b1"]
    scene.sign("b0", "b1")
    scene.deliver("b0")
    assert committed(scene.state, "run", "usd", scene.now).spent == 4.0
    assert scene.state.totals.usd == 0.0
    assert scene.state.totals.unpriced == 1
    scene.breaks("b1", Ending.RATE_LIMITED)
    assert scene.state.totals.assumed_usd == 4.0


def test_a_person_is_warned_once_when_a_limit_is_near_and_once_when_it_is_reached() -> None:
    """Of the run and of each bead."""
    scene = scene_with(1, usd=10.0, hard=False, warn=0.5)
    scene.sign("b0")
    warned = []
    for spent in (4.0, 5.0, 6.0, 10.0, 11.0):
        warned += scene.hear(m.Progressed, token=scene.token("b0"), usage=cost(spent))
    said = [(e.scope, e.what, e.spent, e.limit, e.reached) for e in warned if isinstance(e, m.BudgetWarned)]
    assert said == [("run", "usd", 5.0, 10.0, False), ("run", "usd", 10.0, 10.0, True)]


def test_a_budget_that_is_not_hard_stops_nothing() -> None:
    """It warns."""
    scene = scene_with(3, usd=1.0, bead_usd=1.0, hard=False)
    assert len(scene.running()) == 3
    scene.sign("b0")
    assert none(scene.hear(m.Progressed, token=scene.token("b0"), usage=cost(5.0)), m.SessionGivenUp)


def test_what_runs_may_finish_at_the_limit_or_is_ended() -> None:
    """As the manifest says; either way nothing new starts, and the run pauses."""
    for stop in (False, True):
        scene = scene_with(3, usd=10.0, stop=stop)
        scene.sign("b0", "b1", "b2")
        events = scene.hear(m.Progressed, token=scene.token("b0"), usage=cost(10.0))
        assert sum(isinstance(event, m.SessionGivenUp) for event in events) == (3 if stop else 0)
        if stop:
            assert scene.state.run is RunState.PAUSED
            assert scene.state.run_reason == "the budget is $10.00, and $10.00 are spent"
            scene.breaks("b1", Ending.CRASHED)
            assert scene.is_at("b1") is BeadState.READY
            assert scene.record("b1").tries == 0


def test_the_limit_of_a_day_is_that_of_any_24_hours() -> None:
    """What was spent before is spent, and does not count any more."""
    scene = scene_with(2, day_usd=10.0, bead_usd=6.0)
    assert scene.running() == ["b0"]
    scene.sign("b0")
    scene.deliver("b0", usage=cost(5.0))
    assert scene.state.run is RunState.PAUSED
    assert scene.state.run_reason.startswith("the budget of a day is $10.00")
    scene.ask(m.Verb.RESUME)
    assert scene.running() == []
    scene.now += 26 * 3600.0
    scene.ask(m.Verb.RESUME)
    assert scene.running() == ["b1"]


def test_resume_with_another_budget_goes_on_with_that() -> None:
    """Also after our death: it was said later than the manifest."""
    scene = Scene(bead("a"), bead("b"), workers=1, usd=5.0, bead_usd=4.0)
    scene.sign("a")
    scene.deliver("a", usage=cost(3.0))
    assert scene.state.run is RunState.PAUSED
    assert scene.ask(m.Verb.RESUME, text="20").text == "goes on, and may cost $20.00"
    assert scene.running() == ["b"]
    scene.die()
    terms = m.Terms(policy=scene.state.policy, budget=Budget(usd=5.0, bead_usd=4.0), token=scene.state.token)
    scene.hear(m.Opened, epoch=9, process=ProcessName(pid=1, started=1.0), host="here", terms=terms)
    assert scene.state.budget == Budget(usd=20.0, bead_usd=4.0)


@pytest.mark.parametrize("text", ["", "much", "-1", "nan", "inf"])
def test_a_word_that_is_no_amount_changes_no_budget(text: str) -> None:
    """It resumes."""
    scene = Scene(bead("a"), workers=1, usd=5.0)
    scene.ask(m.Verb.PAUSE)
    scene.ask(m.Verb.RESUME, text=text)
    assert scene.state.budget == Budget(usd=5.0)


def test_a_session_that_is_taken_up_again_brings_what_it_has_used() -> None:
    """Over all its attempts and our own deaths, so that what it says in all is not counted twice."""
    scene = Scene(bead("a"), workers=1)
    for tokens in (100, 50):
        scene.sign("a", session="s1")
        scene.hear(m.Progressed, token=scene.token("a"), usage=Usage(tokens_in=tokens, tokens_out=1))
        scene.die()
        scene.open()
        scene.sweep()
        scene.hear(m.Saved, token=scene.token("a"), commit=None)
    [order] = [effect for effect in owed(scene.state) if isinstance(effect, m.OpenSession)]
    assert (order.resume, order.used) == ("s1", Usage(tokens_in=150, tokens_out=2))
    assert scene.state.totals.tokens == 152


def test_a_computed_cost_is_known_to_be_one() -> None:
    """The agent's own word replaces it."""
    scene = Scene(bead("a"), bead("b"), workers=2)
    scene.sign("a", "b")
    computed = Usage(usd=2.0, tokens_in=1, tokens_out=1, computed=True)
    scene.hear(m.Progressed, token=scene.token("b"), usage=computed)
    scene.deliver("a", usage=computed)
    scene.land("a")
    scene.deliver("b", usage=cost(1.0))
    assert (scene.state.totals.usd, scene.state.totals.computed_usd) == (3.0, 2.0)
    assert replace(scene.state.totals, usd=0.0).attempts == 2
