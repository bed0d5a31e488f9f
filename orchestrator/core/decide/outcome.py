"""What becomes of a bead after an attempt at it: home, back into the queue, to a person, or failed."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core import messages as m
from orchestrator.core.decide import briefing, quarantine
from orchestrator.core.decide.breakers import probe_of, vindicated
from orchestrator.core.decide.endings import ANSWERED, ANSWERS, Answer, Blame
from orchestrator.core.decide.money import used_up
from orchestrator.core.decide.signatures import signature
from orchestrator.core.graph import backoff
from orchestrator.core.model import BeadId, BeadState, Commit, Ending, Verdict
from orchestrator.core.records import Attempt
from orchestrator.core.state import State

LOST_CAUSES = frozenset({BeadState.FAILED, BeadState.CANCELLED, BeadState.BLOCKED})
TOGETHER = frozenset({Ending.CONFLICT, Ending.MERGED_RED})
"""Right by itself, and not together with what has landed."""
REOPENABLE = LOST_CAUSES | {BeadState.HELD}


def close_attempt(
    state: State, attempt: Attempt, verdict: Verdict, at: float, saved: Commit | None = None
) -> Iterator[m.Event]:
    """The canonical last line of an attempt, and what it says of its route."""
    probe = probe_of(state, attempt)
    known = ANSWERS.get(verdict.ending)
    worked = known is None or not known.vain  # what never got to its work is not taken to have cost anything
    yield m.AttemptEnded(
        at=at,
        token=attempt.token,
        bead=attempt.bead,
        number=attempt.number,
        worker=attempt.worker,
        route=attempt.route,
        ending=verdict.ending,
        reason=verdict.reason,
        seconds=round(at - attempt.started, 3),
        usage=attempt.usage,
        files=attempt.files,
        saved=saved or attempt.commit,
        session=attempt.session,
        assumed_usd=attempt.reserved_usd if worked and attempt.usage.usd is None else 0.0,
        assumed_tokens=attempt.reserved_tokens if worked and attempt.usage.tokens is None else 0.0,
        answered=verdict.ending in ANSWERED,
    )
    if verdict.ending in ANSWERED:
        yield from vindicated(state, attempt, probe, at)
    yield from quarantine.looked_at(state, attempt.worker, at)


def send_back(
    state: State, attempt: Attempt, verdict: Verdict, at: float, told: str = "", evidence: str = ""
) -> Iterator[m.Event]:
    """The attempt did not bring the bead home: back into the queue, or failed when its tries are used up."""
    record = state.beads[attempt.bead]
    policy, ending = state.policy, verdict.ending
    answer = ANSWERS[ending]
    tries = record.tries + answer.tried
    if answer.tried and tries >= record.spec.tries:
        yield from _give_up(state, attempt, ending, f"{verdict.reason or ending} (tried {_times(tries)})", told, at)
        return
    seen = signature(verdict, evidence) if answer.tried else ""
    times = record.signatures.count(seen) + 1
    if seen and times >= policy.same_failures:
        reason = f"{verdict.reason or ending} (the very same failure {_times(times)})"
        yield from _give_up(state, attempt, ending, reason, told, at)
        return
    if spent := used_up(state, attempt.bead):  # an agent may say what it cost only at its end
        yield from fail(state, attempt.bead, f"{verdict.reason or ending} ({spent})", at)
        return
    if ending is Ending.NOTHING_DONE and attempt.briefing == told:
        yield from fail(state, attempt.bead, f"{verdict.reason} (told so once)", at)
        return
    # Who was to find out whether the provider is back, and was refused, says nothing of the bead: an outage may last.
    vain = answer.vain and not (attempt.probe and answer.blame in (Blame.PROVIDER_UNTIL, Blame.PROVIDER_OUTAGE))
    if vain and record.vain + 1 >= policy.starts_in_vain:
        yield from fail(
            state, attempt.bead, f"{verdict.reason or ending} (started {_times(record.vain + 1)} in vain)", at
        )
        return
    traits = state.traits_of(attempt.route)
    same_session = answer.keep and (answer.stay or not answer.tried)
    resume = attempt.session if same_session and traits.resumes else None
    # A command does its work anew on the newest state: nobody is there to mend what it did.
    apart = ending in TOGETHER or (ending is Ending.PUT_BACK and bool(attempt.collisions))
    merge = (apart or attempt.merge) and record.spec.command is None
    able = resume is not None or traits.continues
    # Begun anew, and over before its agent was there: what stands in the worktree is an earlier attempt's.
    own = attempt.keep or bool(attempt.worktree)
    keep = merge or (answer.keep and own and able and ending not in TOGETHER)
    if not told:
        told = briefing.interrupted(attempt, verdict) if keep else briefing.so_far(attempt)
    if keep and not merge and record.spec.command is None and state.base_taken_at > attempt.started:
        merge, told = True, briefing.base_taken(told)
    if ending not in TOGETHER:
        told = briefing.with_collisions(told, attempt, state.manifest.target, kept=keep, merged=merge)
    pause = backoff(policy.backoff_s, tries if answer.tried else record.vain + 1, policy.backoff_max_s, attempt.token)
    shun_until = max(verdict.retry_at or 0.0, at + pause)
    others = any(route != attempt.route for route in record.spec.routes)
    yield m.BeadReturned(
        at=at,
        bead=attempt.bead,
        reason=verdict.reason or ending.value,
        not_before=shun_until if answer.aside and not others else at + pause if answer.wait else 0.0,
        resume=resume,
        route=attempt.route if answer.stay and not _struck_out(state, attempt, answer) else None,
        keep=keep,
        merge=merge,
        briefing=told,
        tried=answer.tried,
        vain=vain,
        strike=attempt.route if answer.strike else None,
        shun=attempt.route if answer.aside and others else None,
        shun_until=shun_until if answer.aside and others else 0.0,
        signature=seen,
        handed_back=ending is Ending.PUT_BACK,
    )


def _give_up(state: State, attempt: Attempt, ending: Ending, reason: str, told: str, at: float) -> Iterator[m.Event]:
    """What is right by itself, and only does not go together with what others did, a person can still bring home."""
    if ending in TOGETHER:
        yield m.BeadHeld(at=at, bead=attempt.bead, reason=reason, briefing=told)
    else:
        yield from fail(state, attempt.bead, reason, at)


def fail(state: State, bead: BeadId, reason: str, at: float, *, tried: bool = True) -> Iterator[m.Event]:
    yield m.BeadFailed(at=at, bead=bead, reason=reason, tried=tried)
    yield from block_dependents(state, bead, at)


def cancel(state: State, bead: BeadId, reason: str, at: float) -> Iterator[m.Event]:
    yield m.BeadCancelled(at=at, bead=bead, reason=reason)
    yield from block_dependents(state, bead, at)


def given_up_by_a_person(attempt: Attempt) -> Verdict | None:
    """Set while something is still under way in its worktree: nothing that comes of it changes that."""
    if attempt.given_up is None or attempt.given_up[0] is not Ending.CANCELLED:
        return None
    return Verdict(ending=Ending.CANCELLED, reason=attempt.given_up[1])


def block_dependents(state: State, bead: BeadId, at: float) -> Iterator[m.Event]:
    """Whatever needs it, directly or through others, cannot be done."""
    todo = [bead]
    while todo:
        by = todo.pop()
        for dependent in state.graph.dependents(by):
            record = state.beads[dependent]  # one whose session asks has what it was begun with, whatever it needs now
            if record.state in (BeadState.WAITING, BeadState.HELD) and record.token is None:
                yield m.BeadBlocked(at=at, bead=dependent, by=by)
                todo.append(dependent)


def reopen(state: State, bead: BeadId, at: float, told: str = "") -> Iterator[m.Event]:
    """A person wants it tried again: with what keeps it from being done, and with what it alone had blocked."""
    todo = [bead]
    while todo:
        each = todo.pop()
        if state.beads[each].state in REOPENABLE and not state.beads[each].removed:
            yield m.BeadReopened(at=at, bead=each, briefing=told if each == bead else "")
            todo += [need for need in state.graph.needs(each) if state.beads[need].state in LOST_CAUSES]
            todo += [
                dependent
                for dependent in state.graph.dependents(each)
                if state.beads[dependent].state is BeadState.BLOCKED
                and not any(state.beads[need].state in LOST_CAUSES for need in state.graph.needs(dependent))
            ]


def _struck_out(state: State, attempt: Attempt, answer: Answer) -> bool:
    """The route has had its tries at this bead: the chain's next is asked."""
    strikes = state.beads[attempt.bead].strikes.count(attempt.route) + answer.strike
    return strikes >= state.policy.tries_per_route


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
