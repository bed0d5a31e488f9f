"""A question that no rule answers: with a person while its session lives, and after that."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, BeadState, Ending, WorkerState
from tests.core.scene import Scene, bead, cost, none, only

QUESTION = "Which file?\n> 1. this\n  2. that"


def asking(**policy: Any) -> Scene:
    """A bead whose live session asks, 100 s after it gave its first sign."""
    scene = Scene(bead("a", timeout_s=1000.0), bead("b", "a"), workers=1, **policy)
    scene.sign("a")
    scene.now += 100.0
    scene.hear(m.Questioned, token=scene.token("a"), question=QUESTION)
    return scene


def test_a_question_holds_the_bead_and_keeps_its_session() -> None:
    """Its screen is the reason, its worker and its files stay its own, and the run is not over."""
    scene = asking()
    assert (scene.is_at("a"), scene.record("a").reason) == (BeadState.HELD, QUESTION)
    assert scene.works("w1") is WorkerState.RUNNING
    assert scene.all_owed() == []
    assert scene.state.ended_at is None


def test_an_answer_is_typed_into_the_live_session_once() -> None:
    """It is owed until it is typed, and what the agent then delivers counts."""
    scene = asking()
    assert scene.ask(m.Verb.ANSWER, "a", "this").text == "typed into its session"
    (order,) = scene.owed(m.Type)
    assert (order.text, order.token) == ("this", scene.token("a"))
    assert (scene.is_at("a"), scene.record("a").reason) == (BeadState.RUNNING, "")
    scene.hear(m.Typed, token=order.token, turn=order.turn + 1)
    assert scene.owed(m.Type) == [order], "another text was typed, not this one"
    scene.hear(m.Typed, token=order.token, turn=order.turn)
    assert scene.owed(m.Type) == []
    scene.deliver("a")
    scene.land("a")
    assert scene.is_at("a") is BeadState.DONE


def test_its_time_stands_still_while_a_person_is_asked() -> None:
    """Of 1,000 s it had used 100 when it asked: 900 are left, however long the answer takes."""
    scene = asking(question_wait_s=100_000.0)
    scene.wait(50_000.0)
    scene.ask(m.Verb.ANSWER, "a", "this")
    assert none(scene.wait(899.0), m.SessionGivenUp)
    assert only(scene.wait(2.0), m.SessionGivenUp).ending is Ending.TIMED_OUT


def test_nobody_answers_in_time() -> None:
    """The session ends, its worker is free, the bead stays held, and the answer resumes the session."""
    scene = asking(question_wait_s=600.0)
    assert none(scene.wait(599.0), m.SessionGivenUp)
    given_up = only(scene.wait(1.0), m.SessionGivenUp)
    assert (given_up.ending, given_up.reason) == (Ending.ASKED, QUESTION)
    assert not scene.ask(m.Verb.ANSWER, "a", "this").accepted
    scene.breaks("a", Ending.CRASHED)
    assert (scene.is_at("a"), scene.record("a").reason) == (BeadState.HELD, QUESTION)
    assert scene.works("w1") is WorkerState.IDLE
    scene.clear("a")
    scene.open()
    scene.ask(m.Verb.ANSWER, "a", "this")
    scene.sweep()
    attempt = scene.attempt("a")
    assert (attempt.resume, attempt.keep) == ("session of a", True)
    assert "this" in attempt.briefing


def test_who_waits_for_a_person_may_be_silent() -> None:
    """Silence is what waiting looks like."""
    scene = asking()
    assert scene.hear(m.WentSilent, token=scene.token("a"), evidence="nothing") == []


def test_a_session_that_goes_on_by_itself_has_its_bead_back() -> None:
    """Its screen no longer asks, or it delivers."""
    scene = asking()
    scene.hear(m.Questioned, token=scene.token("a"), question="")
    assert scene.is_at("a") is BeadState.RUNNING
    again = asking()
    again.deliver("a")
    again.land("a")
    assert again.is_at("a") is BeadState.DONE


def test_a_question_outlives_our_death() -> None:
    """The session is swept; the question stands, and its answer resumes the session."""
    scene = asking()
    scene.die()
    scene.open()
    scene.sweep()
    scene.hear(m.Saved, token=scene.token("a"), commit=None)
    assert (scene.is_at("a"), scene.record("a").reason) == (BeadState.HELD, QUESTION)
    scene.ask(m.Verb.ANSWER, "a", "this")
    assert scene.attempt("a").resume == "session of a"


def test_an_answer_that_was_not_typed_before_we_died_is_told_to_the_resumed_session() -> None:
    """Nobody asks a person twice."""
    scene = asking()
    scene.ask(m.Verb.ANSWER, "a", "this")
    scene.die()
    scene.open()
    scene.sweep()
    scene.hear(m.Saved, token=scene.token("a"), commit=None)
    (order,) = scene.owed(m.OpenSession)
    assert order.resume == "session of a"
    assert "A person answers:\n\nthis" in order.prompt


def test_a_retry_does_not_take_a_live_session_away() -> None:
    """A held bead whose session lives is answered, or given up."""
    scene = asking()
    assert not scene.ask(m.Verb.RETRY, "a").accepted
    scene.hear(m.Asked, verb=m.Verb.ABORT, bead=BeadId("a"))
    scene.breaks("a", Ending.CRASHED)
    assert scene.is_at("a") is BeadState.CANCELLED


def test_a_bead_that_asks_and_costs_too_much_has_failed() -> None:
    """Its budget is its budget."""
    scene = Scene(bead("a"), workers=1, bead_usd=2.0)
    scene.sign("a")
    scene.hear(m.Questioned, token=scene.token("a"), question=QUESTION)
    only(scene.hear(m.Progressed, token=scene.token("a"), usage=cost(3.0)), m.SessionGivenUp)
    scene.breaks("a", Ending.CRASHED)
    assert scene.is_at("a") is BeadState.FAILED


def test_a_stop_leaves_the_question_standing() -> None:
    """The next start shows it again, and the answer resumes the session."""
    scene = asking()
    scene.ask(m.Verb.STOP)
    scene.breaks("a", Ending.CRASHED)
    assert scene.is_at("a") is BeadState.HELD


def test_nights_without_anybody_fail_what_asks() -> None:
    """`on_question: fail`, for a live session and for one that is over."""
    scene = asking(on_question="fail")
    assert scene.is_at("a") is BeadState.RUNNING
    scene.breaks("a", Ending.CRASHED)
    assert (scene.is_at("a"), scene.is_at("b")) == (BeadState.FAILED, BeadState.BLOCKED)
    over = Scene(bead("a"), on_question="fail")
    over.sign("a")
    over.breaks("a", Ending.ASKED)
    assert over.is_at("a") is BeadState.FAILED


def test_nights_without_anybody_answer_what_asks_but_not_twice_the_same() -> None:
    """`on_question: answer:TEXT`. Who asks the same again was not helped by it: that is for a person."""
    scene = asking(on_question="answer:do as you like")
    (order,) = scene.owed(m.Type)
    assert order.text == "do as you like"
    scene.hear(m.Typed, token=order.token, turn=order.turn)
    scene.hear(m.Questioned, token=order.token, question="Another one?")
    assert scene.owed(m.Type)[0].turn == order.turn + 1
    scene.hear(m.Typed, token=order.token, turn=order.turn + 1)
    scene.hear(m.Questioned, token=order.token, question=QUESTION)
    assert scene.is_at("a") is BeadState.HELD


def test_a_session_that_is_over_is_resumed_with_the_standing_answer_but_not_twice_for_the_same() -> None:
    """As for a live one."""
    scene = Scene(bead("a"), on_question="answer:do as you like")
    scene.sign("a", session="s1")
    scene.breaks("a", Ending.ASKED)
    assert (scene.attempt("a").resume, "do as you like" in scene.attempt("a").briefing) == ("s1", True)
    scene.sign("a", session="s1")
    scene.breaks("a", Ending.ASKED)
    assert scene.is_at("a") is BeadState.HELD


def test_who_asks_before_its_first_sign_is_up() -> None:
    """A question is a sign of life."""
    scene = Scene(bead("a"), workers=1)
    scene.spawn("a")
    only(scene.hear(m.Questioned, token=scene.token("a"), question=QUESTION), m.AgentStarted)
    assert scene.is_at("a") is BeadState.HELD


@pytest.mark.parametrize("route", ["red", "talks"])
def test_silence_is_spoken_to_once_where_it_can_be(route: str) -> None:
    """Then the session is given up, with what was measured."""
    scene = Scene(bead("a", routes=route), workers=1)
    scene.sign("a")
    token = scene.token("a")
    if route == "talks":
        only(scene.hear(m.WentSilent, token=token, evidence="nothing moved"), m.SessionNudged)
        (order,) = scene.owed(m.Type)
        assert order.text == "Go on."
        scene.hear(m.Typed, token=token, turn=order.turn)
    given_up = only(scene.hear(m.WentSilent, token=token, evidence="nothing moved"), m.SessionGivenUp)
    assert (given_up.ending, given_up.reason) == (Ending.SILENT, "nothing moved")
