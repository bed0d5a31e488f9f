"""What becomes of a question that no rule of its agent's profile answers.

A person answers it, or `on_question` does. While somebody may, the session is kept open and the answer is typed into
it; a session that is over is resumed with the answer.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core import messages as m
from orchestrator.core.decide import briefing
from orchestrator.core.decide.outcome import fail, send_back
from orchestrator.core.model import ANSWER, FAIL, Ending, Token, Verdict, WorkerState
from orchestrator.core.records import Attempt
from orchestrator.core.state import State


def questioned(state: State, signal: m.Questioned) -> Iterator[m.Event]:
    """Of a live session. A screen that no longer asks has been answered by somebody else, or by itself."""
    attempt = state.live(signal.token)
    if not attempt or state.worker_of(attempt).state not in (WorkerState.STARTING, WorkerState.RUNNING):
        return
    if not signal.question:
        yield from settled(state, attempt, signal.at)
        return
    if attempt.question or attempt.typing:
        return
    if state.worker_of(attempt).state is WorkerState.STARTING:  # who asks is up
        seconds = round(signal.at - attempt.started, 3)
        yield m.AgentStarted(at=signal.at, token=signal.token, seconds=seconds)
    if state.policy.on_question == FAIL:
        yield m.SessionGivenUp(at=signal.at, token=signal.token, ending=Ending.ASKED, reason=signal.question)
        return
    again = signal.question in attempt.asked
    yield m.QuestionRaised(
        at=signal.at,
        token=signal.token,
        bead=attempt.bead,
        question=signal.question,
        until=signal.at + state.policy.question_wait_s,
    )
    answer = _standing_answer(state)
    if answer and not again:
        yield from settled(state, state.attempts[signal.token], signal.at, answer=answer, by="on_question")


def settled(state: State, attempt: Attempt, at: float, *, answer: str = "", by: str = "") -> Iterator[m.Event]:
    """The bead is its session's again."""
    if attempt.question:
        yield m.QuestionSettled(at=at, token=attempt.token, bead=attempt.bead, answer=answer, by=by)


def waits_for_an_answer(state: State, attempt: Attempt) -> bool:
    """An answer can still be typed into its session."""
    return bool(attempt.question) and state.worker_of(attempt).state is WorkerState.RUNNING


def overdue(state: State, token: Token, at: float) -> Iterator[m.Event]:
    """Nobody answered in time: the session ends, the question stands."""
    yield m.SessionGivenUp(at=at, token=token, ending=Ending.ASKED, reason=state.attempts[token].question)


def typed(state: State, signal: m.Typed) -> Iterator[m.Event]:
    attempt = state.live(signal.token)
    if attempt and attempt.typing and attempt.turn == signal.turn:
        yield m.TextTyped(at=signal.at, token=signal.token, fault=signal.fault)


def left_open(state: State, attempt: Attempt, verdict: Verdict, at: float) -> Iterator[m.Event]:
    """Its session is over, and its question was not answered."""
    answer = _standing_answer(state)
    if state.policy.on_question == FAIL:
        yield from settled(state, attempt, at)
        yield from fail(state, attempt.bead, f"it asked: {verdict.reason}", at)
    elif answer and not attempt.question and state.beads[attempt.bead].reason != verdict.reason:
        yield from send_back(state, attempt, verdict, at, told=briefing.answered(answer))
    else:
        yield m.BeadHeld(at=at, bead=attempt.bead, reason=verdict.reason)


def _standing_answer(state: State) -> str:
    """What `on_question` says to every question; empty: nothing."""
    wish = state.policy.on_question
    return wish.removeprefix(ANSWER) if wish.startswith(ANSWER) else ""
