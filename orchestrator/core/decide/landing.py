"""From delivered work to the target: collected, checked, queued, merged, or sent back with the evidence.

The order of the merge queue is the order of the graph: priority, then what waits for it longest, then its place in
the file (`TaskGraph.ranks`). One bead lands at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core import messages as m
from orchestrator.core.decide import briefing, fences, locks
from orchestrator.core.decide.outcome import cancel, close_attempt, fail, given_up_by_a_person, send_back
from orchestrator.core.graph import backoff
from orchestrator.core.model import BeadState, Ending, Token, Verdict, WorkerState
from orchestrator.core.records import Attempt
from orchestrator.core.state import State


def collected(state: State, signal: m.Collected) -> Iterator[m.Event]:
    attempt = _completing(state, signal.token)
    if not attempt or attempt.collected:
        return
    assert attempt.verdict is not None
    yield from fences.crossed(state, attempt, signal.strays, signal.at)
    if given_up := given_up_by_a_person(attempt):
        yield from close_attempt(state, attempt, given_up, signal.at, saved=signal.commit)
        yield from cancel(state, attempt.bead, given_up.reason, signal.at)
    elif strayed := fences.strayed(signal.strays):
        yield from close_attempt(state, attempt, strayed, signal.at, saved=signal.commit)
        yield from send_back(state, attempt, strayed, signal.at, told=briefing.strayed(strayed.reason))
    elif signal.fault:
        verdict = Verdict(ending=Ending.NOT_COLLECTED, reason=f"its work could not be collected: {signal.fault}")
        yield m.SessionBroke(at=signal.at, token=signal.token, verdict=verdict)
    elif signal.commit is None and attempt.verdict.ending is not Ending.NO_CHANGE_NEEDED:
        verdict = Verdict(ending=Ending.NOTHING_DONE, reason="it said that it was done, and no file had changed")
        yield from close_attempt(state, attempt, verdict, signal.at)
        yield from send_back(state, attempt, verdict, signal.at, told=briefing.nothing_done())
    else:
        yield m.WorkCollected(
            at=signal.at, token=signal.token, commit=signal.commit, tree=signal.tree, files=signal.files
        )
        yield from locks.collected(state, attempt, signal.files, signal.at)
        if not state.beads[attempt.bead].spec.verify:
            yield from _verified(state, state.attempts[signal.token], signal.at)


def checked(state: State, signal: m.Checked) -> Iterator[m.Event]:
    attempt = _completing(state, signal.token)
    if not attempt or not attempt.collected:
        return
    if given_up := given_up_by_a_person(attempt):
        yield from close_attempt(state, attempt, given_up, signal.at)
        yield from cancel(state, attempt.bead, given_up.reason, signal.at)
        return
    if signal.passed:
        yield from _verified(state, attempt, signal.at)
        return
    if signal.fault:
        verdict, told = Verdict(ending=Ending.NOT_COLLECTED, reason=f"it could not be checked: {signal.fault}"), ""
    else:
        verdict = Verdict(ending=Ending.CHECKS_FAILED, reason=f"`{signal.command}` failed")
        told = briefing.failed_check(signal.command, signal.output)
    yield from close_attempt(state, attempt, verdict, signal.at)
    yield from send_back(state, attempt, verdict, signal.at, told=told, evidence=signal.output)


def _verified(state: State, attempt: Attempt, at: float) -> Iterator[m.Event]:
    assert attempt.verdict is not None
    if attempt.commit is None:
        reason = attempt.verdict.reason or "the agent says that no change is needed"
        yield from close_attempt(state, attempt, Verdict(ending=Ending.NO_CHANGE_NEEDED, reason=reason), at)
        yield m.BeadDone(at=at, bead=attempt.bead, reason=reason)
    else:
        yield from close_attempt(state, attempt, Verdict(ending=Ending.DELIVERED, reason=attempt.verdict.reason), at)
        yield m.BeadQueued(at=at, bead=attempt.bead)


def next_landing(state: State, at: float) -> Iterator[m.Event]:
    """The first of the queue that is not to be left alone for a while, and waits for nobody's files."""
    if state.landing is None and state.merging and not (state.stopping and state.stopping.now):
        able = [bead for bead, until in state.merging.items() if until <= at and bead not in state.locks.waits]
        if able:
            yield m.LandingStarted(at=at, bead=min(able, key=state.graph.ranks.__getitem__))


def landed(state: State, signal: m.Landed) -> Iterator[m.Event]:
    attempt = _landing(state, signal.token)
    if attempt:
        yield m.BeadLanded(
            at=signal.at,
            bead=attempt.bead,
            token=signal.token,
            commit=signal.commit,
            tree=signal.tree,
            checks=state.manifest.verify,
        )


def nothing_to_land(state: State, signal: m.NothingToLand) -> Iterator[m.Event]:
    attempt = _landing(state, signal.token)
    if attempt:
        yield m.BeadDone(at=signal.at, bead=attempt.bead, reason="the target has all of it already")


def refused(state: State, signal: m.LandingRefused) -> Iterator[m.Event]:
    """Conflicts and red merges go back to work; a repository that cannot be written is waited for."""
    attempt = _landing(state, signal.token)
    if not attempt:
        return
    record = state.beads[attempt.bead]
    match signal.ending:
        case Ending.CONFLICT:
            reason = "conflicts with what has landed: " + _first_line(signal.evidence)
            told = briefing.conflict(signal.evidence)
            verdict = Verdict(ending=signal.ending, reason=reason)
            yield from send_back(state, attempt, verdict, signal.at, told=told, evidence=signal.evidence)
        case Ending.MERGED_RED:
            reason = "the checks fail on the merged tree: " + _first_line(signal.evidence)
            told = briefing.merged_red(signal.evidence)
            verdict = Verdict(ending=signal.ending, reason=reason)
            yield from send_back(state, attempt, verdict, signal.at, told=told, evidence=signal.evidence)
        case _ if record.vain + 1 >= state.policy.starts_in_vain:
            yield from fail(state, attempt.bead, f"it could not be landed: {signal.evidence}", signal.at, tried=False)
        case _:
            wait = backoff(state.policy.backoff_s, record.vain + 1, 300.0, attempt.token)
            yield m.LandingDelayed(
                at=signal.at, bead=attempt.bead, until=signal.at + wait, reason=_first_line(signal.evidence)
            )


def cleared(state: State, signal: m.Cleared) -> Iterator[m.Event]:
    if signal.bead in state.to_clear:
        yield m.BeadCleared(at=signal.at, bead=signal.bead, fault=signal.fault)


def _completing(state: State, token: Token) -> Attempt | None:
    attempt = state.live(token)
    return attempt if attempt and state.worker_of(attempt).state is WorkerState.COMPLETING else None


def _landing(state: State, token: Token) -> Attempt | None:
    """The attempt whose landing is under way; a landing that the state no longer asks for is void."""
    if state.landing is None:
        return None
    record = state.beads[state.landing]
    return state.attempts.get(token) if record.token == token and record.state is BeadState.MERGING else None


def _first_line(text: str) -> str:
    return next((line.strip().removeprefix("- ") for line in text.splitlines() if line.strip()), "")[:300]
