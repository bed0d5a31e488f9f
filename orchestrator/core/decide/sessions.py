"""What an attempt's own signals lead to: its first sign, its progress, its silence, its time, its end."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core import messages as m
from orchestrator.core.decide import briefing, fences, questions
from orchestrator.core.decide.breakers import blame, probe_of, spoke, vindicated
from orchestrator.core.decide.endings import ANSWERS
from orchestrator.core.decide.money import passed_by
from orchestrator.core.decide.outcome import cancel, close_attempt, fail, given_up_by_a_person, send_back
from orchestrator.core.graph import backoff
from orchestrator.core.model import Ending, Token, Verdict, WorkerState
from orchestrator.core.records import Attempt
from orchestrator.core.state import State
from orchestrator.core.values import replace


def spawned(state: State, signal: m.Spawned) -> Iterator[m.Event]:
    attempt = _with_session(state, signal.token)
    if attempt and attempt.process is None:  # told twice, it would have its time anew
        yield m.SessionSpawned(at=signal.at, token=signal.token, process=signal.process, worktree=signal.worktree)


def gave_sign(state: State, signal: m.GaveSign) -> Iterator[m.Event]:
    attempt = state.live(signal.token)
    if attempt and state.worker_of(attempt).state is WorkerState.STARTING:
        seconds = round(signal.at - attempt.started, 3)
        yield m.AgentStarted(at=signal.at, token=signal.token, seconds=seconds, session=signal.session)


def progressed(state: State, signal: m.Progressed) -> Iterator[m.Event]:
    attempt = _with_session(state, signal.token)
    if not attempt:
        return
    yield m.AgentProgressed(
        at=signal.at, token=signal.token, note=signal.note, session=signal.session, usage=signal.usage
    )
    if attempt.probe and spoke(signal.usage):
        yield from vindicated(state, attempt, probe_of(state, attempt), signal.at)
    reason = passed_by(state, state.attempts[attempt.token], signal.at)
    if reason and state.worker_of(attempt).state is WorkerState.RUNNING:
        yield m.SessionGivenUp(at=signal.at, token=attempt.token, ending=Ending.OVER_BUDGET, reason=reason)


def checkpointed(state: State, signal: m.Checkpointed) -> Iterator[m.Event]:
    attempt = _with_session(state, signal.token)
    if attempt and signal.commit is not None:
        yield m.CheckpointMade(at=signal.at, token=signal.token, bead=attempt.bead, commit=signal.commit)
    elif attempt:
        yield m.CheckpointFailed(at=signal.at, token=signal.token, bead=attempt.bead, reason=signal.fault)


def went_silent(state: State, signal: m.WentSilent) -> Iterator[m.Event]:
    """It is spoken to once where its program can be, then given up. Who waits for a person may be silent."""
    attempt = state.live(signal.token)
    if (
        not attempt
        or attempt.question
        or attempt.suspended is not None
        or state.worker_of(attempt).state is not WorkerState.RUNNING
    ):
        return
    nudge = state.traits_of(attempt.route).nudge
    if nudge and not attempt.nudged and not attempt.typing:
        yield m.SessionNudged(at=signal.at, token=signal.token, text=nudge, evidence=signal.evidence)
    else:
        yield m.SessionGivenUp(at=signal.at, token=signal.token, ending=Ending.SILENT, reason=signal.evidence)


def start_overdue(state: State, token: Token, at: float) -> Iterator[m.Event]:
    reason = f"no sign of life within {state.policy.start_timeout_s:g} s of its start"
    yield m.SessionGivenUp(at=at, token=token, ending=Ending.NOT_STARTED, reason=reason)


def time_used_up(state: State, token: Token, at: float) -> Iterator[m.Event]:
    attempt = state.attempts[token]
    if reason := passed_by(state, attempt, at):
        yield m.SessionGivenUp(at=at, token=token, ending=Ending.OVER_BUDGET, reason=reason)
        return
    limit = state.beads[attempt.bead].spec.timeout_s
    yield m.SessionGivenUp(at=at, token=token, ending=Ending.TIMED_OUT, reason=f"not done within {limit:g} s")


def session_ended(state: State, signal: m.SessionEnded) -> Iterator[m.Event]:
    """Delivered work is collected, even from a session that we gave up meanwhile; all else is saved first."""
    attempt = _with_session(state, signal.token)
    if not attempt:
        return
    verdict = signal.verdict
    if verdict.ending in (Ending.DELIVERED, Ending.NO_CHANGE_NEEDED) and not given_up_by_a_person(attempt):
        yield from questions.settled(state, attempt, signal.at)
        yield m.WorkDelivered(at=signal.at, token=signal.token, verdict=verdict)
        return
    if attempt.given_up:
        ending, reason = attempt.given_up
        verdict = Verdict(ending=ending, reason=reason, session=verdict.session, usage=verdict.usage)
    yield m.SessionBroke(at=signal.at, token=signal.token, verdict=verdict, gone_at=signal.gone_at)
    yield from blame(state, attempt, verdict, signal.at)


def saved(state: State, signal: m.Saved) -> Iterator[m.Event]:
    """The broken attempt is booked, and its bead and its worker go their ways."""
    attempt = state.live(signal.token)
    if not attempt or state.worker_of(attempt).state is not WorkerState.RECOVERY:
        return
    assert attempt.verdict is not None
    yield from fences.crossed(state, attempt, signal.strays, signal.at)
    verdict, told = given_up_by_a_person(attempt) or attempt.verdict, ""
    if attempt.question and verdict.ending is Ending.OVER_BUDGET:
        yield from questions.settled(state, attempt, signal.at)
    elif attempt.question and verdict.ending is not Ending.CANCELLED:  # whatever ended it, the question stands
        verdict = replace(verdict, ending=Ending.ASKED, reason=attempt.question)
    # A limit or our own end stays what it is: nobody is asked to account for an attempt that is no try.
    if (answer := ANSWERS.get(verdict.ending)) and answer.tried and (strayed := fences.strayed(signal.strays)):
        verdict, told = strayed, briefing.strayed(strayed.reason)
    yield from close_attempt(state, attempt, verdict, signal.at, saved=signal.commit)
    if verdict.ending is Ending.ASKED:
        yield from questions.left_open(state, attempt, verdict, signal.at)
    elif verdict.ending is Ending.CANCELLED:
        yield from cancel(state, attempt.bead, verdict.reason, signal.at)
    elif verdict.ending is Ending.OVER_BUDGET:
        yield from fail(state, attempt.bead, verdict.reason, signal.at)
    else:
        yield from send_back(state, attempt, verdict, signal.at, told=told)
    if verdict.ending is Ending.NOT_STARTED:
        yield from rest(state, attempt, verdict.reason, signal.at)


def rest(state: State, attempt: Attempt, reason: str, at: float) -> Iterator[m.Event]:
    """A worker whose start failed waits; one that fails again and again is given up, unless it is the last."""
    worker, policy = state.workers.get(attempt.worker), state.policy
    if worker is None:
        return  # it was one too many
    failures = worker.failures + 1
    others = len(state.workers) - state.worker_counts[WorkerState.FAILED] - 1
    if failures >= policy.worker_failures and others >= policy.min_workers:
        yield m.WorkerFailed(at=at, worker=worker.id, reason=reason)
    else:
        wait = backoff(policy.backoff_s, failures, policy.backoff_max_s, attempt.token)
        yield m.WorkerBackedOff(at=at, worker=worker.id, until=at + wait, reason=reason)


def _with_session(state: State, token: Token) -> Attempt | None:
    """The attempt, while its session can still be spoken of."""
    attempt = state.live(token)
    alive = (WorkerState.STARTING, WorkerState.RUNNING, WorkerState.TIMEOUT)
    return attempt if attempt and state.worker_of(attempt).state in alive else None
