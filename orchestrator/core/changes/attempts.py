"""What the events of attempts change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.core import messages as m
from orchestrator.core.changes.moving import move_bead, stop_clocks, stop_waiting, update_attempt
from orchestrator.core.changes.pools import session_asked_for, session_over
from orchestrator.core.changes.queueing import overtake
from orchestrator.core.changes.routes import note_answer
from orchestrator.core.changes.staffing import move_worker, staff
from orchestrator.core.changes.workers import tells_of_worker
from orchestrator.core.claims import added, lacking
from orchestrator.core.model import (
    BreakerState,
    Ending,
    Token,
    Usage,
    Verdict,
    WorkerState,
)
from orchestrator.core.records import Attempt, Spent, Totals
from orchestrator.core.standing import Standing
from orchestrator.core.values import replace


def attempt_started(state: Standing, event: m.AttemptStarted) -> None:
    state.token = event.token
    record = state.beads[event.bead]
    move_bead(
        state, event.bead, event,
        number=event.number, attempts=record.attempts + 1, token=event.token, route=event.route, occupies=True,
        resume=None, stay=None, keep=False, merge=False, briefing="", overtaken=0,
    )  # fmt: skip
    move_worker(state, event.worker, event, token=event.token)
    state.attempts[event.token] = Attempt(
        token=event.token, bead=event.bead, number=event.number, worker=event.worker, route=event.route,
        started=event.at, resume=event.resume, keep=event.keep, merge=event.merge, briefing=event.briefing,
        probe=event.probe, reserved_usd=event.reserved_usd, reserved_tokens=event.reserved_tokens,
        reserved_minutes=event.reserved_minutes,
    )  # fmt: skip
    if state.fits:
        state.fits -= 1
    session_asked_for(state, event.route, event.at)
    claims = record.spec.files if event.claims is None else event.claims
    state.locks.hold(event.bead, claims)
    overtake(state, event.bead, claims, event.at)
    if record.predicted:
        state.locks.guess(event.bead, lacking(record.predicted, added(record.spec.files, record.found)))
    if event.probe:
        breaker, account = state.breakers[event.route], state.account_of(event.route)
        if breaker.state is BreakerState.HALF_OPEN:
            state.breakers[event.route] = replace(breaker, probe=event.token)
        if account.state is BreakerState.HALF_OPEN:
            state.accounts[account.provider] = replace(account, probe=event.token)
    if state.mustering:
        state.muster.setdefault(event.worker, None)


def session_spawned(state: Standing, event: m.SessionSpawned) -> None:
    """Its time runs from here: making the worktree and setting it up is not the agent's time."""
    attempt = update_attempt(state, event.token, process=event.process, worktree=event.worktree)
    worker = state.workers[attempt.worker].state
    if worker is WorkerState.STARTING:
        state.deadlines.set(("start", event.token), event.at + state.policy.start_timeout_s)
    if attempt.question or attempt.suspended is not None:  # it came late
        update_attempt(state, event.token, time_left=state.beads[attempt.bead].spec.timeout_s)
    elif worker in (WorkerState.STARTING, WorkerState.RUNNING):
        state.deadlines.set(("bead", event.token), _latest_end(state, attempt, event.at))


def _latest_end(state: Standing, attempt: Attempt, spawned: float) -> float:
    """Its time-out, or the end of its bead's minutes."""
    record, budget = state.beads[attempt.bead], state.budget
    end = spawned + record.spec.timeout_s
    if budget.bead_minutes is None or not budget.hard or record.spec.command:
        return end
    return min(end, max(attempt.started + 60.0 * (budget.bead_minutes - record.minutes), spawned))


def agent_started(state: Standing, event: m.AgentStarted) -> None:
    attempt = update_attempt(state, event.token, signed=event.at)
    if event.session:
        update_attempt(state, event.token, session=event.session)
    move_worker(state, attempt.worker, event, failures=0, reason="")
    _sign(state, attempt)


def checkpoint_made(state: Standing, event: m.CheckpointMade) -> None:
    update_attempt(state, event.token, checkpoint=event.commit, checkpointed=event.at)


def checkpoint_failed(state: Standing, event: m.CheckpointFailed) -> None:
    """Said, and nothing else: the next beat tries again."""


def agent_progressed(state: Standing, event: m.AgentProgressed) -> None:
    attempt = state.attempts[event.token]
    update_attempt(
        state,
        event.token,
        note=event.note or attempt.note,
        session=event.session or attempt.session,
        usage=newer(attempt.usage, event.usage),
    )


def condensed(one: m.AgentProgressed, other: m.AgentProgressed) -> m.AgentProgressed | None:
    """The event that changes what the two, in this order, change. None: there is none."""
    if one.session and one.session != other.session:
        return None  # others may have told of a session in between
    return replace(other, note=other.note or one.note, usage=newer(one.usage, other.usage))


def question_raised(state: Standing, event: m.QuestionRaised) -> None:
    """Its time stands still while a person is asked."""
    ends = state.deadlines.at(("bead", event.token))
    left = state.beads[event.bead].spec.timeout_s if ends is None else max(ends - event.at, 0.0)
    if state.attempts[event.token].suspended is not None:  # it asked just before
        left = state.attempts[event.token].time_left
    asked = (*state.attempts[event.token].asked, event.question)
    update_attempt(state, event.token, question=event.question, asked=asked, time_left=left)
    move_bead(state, event.bead, event, reason=event.question)
    stop_waiting(state, event.bead)
    state.deadlines.drop(("bead", event.token))
    state.deadlines.set(("question", event.token), event.until)


def question_settled(state: Standing, event: m.QuestionSettled) -> None:
    attempt = state.attempts[event.token]
    answers = (*attempt.answers, event.answer) if event.answer else attempt.answers
    attempt = update_attempt(state, event.token, question="", answers=answers)
    move_bead(state, event.bead, event, reason="")
    state.deadlines.drop(("question", event.token))
    if state.workers[attempt.worker].state is WorkerState.RUNNING:
        if attempt.suspended is None:
            state.deadlines.set(("bead", event.token), event.at + attempt.time_left)
        if event.answer:
            owe(state, attempt, event.answer)


def session_nudged(state: Standing, event: m.SessionNudged) -> None:
    owe(state, update_attempt(state, event.token, nudged=True), event.text)


def text_typed(state: Standing, event: m.TextTyped) -> None:
    """What it was to be told of collisions and did not take, it is told in another way."""
    collisions = state.attempts[event.token].collisions
    if event.fault:
        collisions = tuple(replace(each, told=False) for each in collisions)
    update_attempt(state, event.token, typing="", collisions=collisions)


def owe(state: Standing, attempt: Attempt, text: str) -> None:
    update_attempt(state, attempt.token, typing=text, turn=attempt.turn + 1)


def session_given_up(state: Standing, event: m.SessionGivenUp) -> None:
    attempt = update_attempt(state, event.token, given_up=(event.ending, event.reason))
    move_worker(state, attempt.worker, event, reason=event.reason)
    stop_clocks(state, event.token)
    stop_waiting(state, attempt.bead)


def session_broke(state: Standing, event: m.SessionBroke) -> None:
    attempt = _over(state, event.token, event.verdict, event.at)
    move_worker(state, attempt.worker, event)
    if attempt.signed is None and state.muster.get(attempt.worker, "") is None:
        if event.verdict.ending is Ending.NOT_STARTED:
            state.muster[attempt.worker] = event.verdict.reason
        else:
            del state.muster[attempt.worker]  # the route's or our own fault, not this worker's: it starts again


def work_delivered(state: Standing, event: m.WorkDelivered) -> None:
    attempt = _over(state, event.token, event.verdict, event.at)
    move_worker(state, attempt.worker, event, failures=0, reason="")
    _sign(state, attempt)


def work_collected(state: Standing, event: m.WorkCollected) -> None:
    attempt = update_attempt(
        state, event.token, collected=True, commit=event.commit, tree=event.tree, files=event.files
    )
    move_worker(state, attempt.worker, event)
    move_bead(state, attempt.bead, event)


def fence_crossed(state: Standing, event: m.FenceCrossed) -> None:
    """Told to people; what it means for the attempt is in how that ends."""


def attempt_ended(state: Standing, event: m.AttemptEnded) -> None:
    move_worker(state, event.worker, event, token=None, **_weighed(state, event))
    if state.surplus:
        staff(state, event.at)
    if not state.beads[event.bead].spec.command:
        _book(state, event)
    breaker = state.breakers.get(event.route)
    if breaker and breaker.probe == event.token:
        state.breakers[event.route] = replace(breaker, probe=None)
        state.ready.release(("route", event.route))
    account = state.account_of(event.route)
    if account.probe == event.token:
        state.accounts[account.provider] = replace(account, probe=None)
        state.ready.release(("provider", account.provider))
    if event.answered and state.policy.breaker_rate is not None:
        note_answer(state, event.route, event.at)


def _weighed(state: Standing, event: m.AttemptEnded) -> dict[str, Any]:
    """What its worker's health is judged by later."""
    worker, attempt = state.workers[event.worker], state.attempts[event.token]
    delivered, how = event.ending in (Ending.DELIVERED, Ending.NO_CHANGE_NEEDED), f"{event.ending} {event.reason}"
    again = 0 if delivered else worker.alike + 1 if how == worker.last else 1
    return {
        "outcomes": (*worker.outcomes, event.ending)[-10:],
        "alike": again,
        "last": how,
        "delivered": worker.delivered + delivered,
        "busy_s": worker.busy_s + max((attempt.agent_ended or event.at) - attempt.started, 0.0),
        "unwell_at": None,
        "row": () if delivered else (*worker.row, event.bead)[-10:] if tells_of_worker(event.ending) else worker.row,
        "renewed": worker.renewed and not delivered,
    }


def _book(state: Standing, event: m.AttemptEnded) -> None:
    """What it cost, as far as is known; and the session's own sum, for whoever takes it up again."""
    usage, record, attempt, totals = event.usage, state.beads[event.bead], state.attempts[event.token], state.totals
    minutes = ((attempt.agent_ended or event.at) - attempt.started) / 60.0
    usd, tokens = usage.usd or 0.0, usage.tokens or 0
    state.totals = Totals(
        usd=totals.usd + usd,
        computed_usd=totals.computed_usd + (usd if usage.computed else 0.0),
        assumed_usd=totals.assumed_usd + event.assumed_usd,
        tokens=totals.tokens + tokens,
        assumed_tokens=totals.assumed_tokens + event.assumed_tokens,
        minutes=totals.minutes + minutes,
        attempts=totals.attempts + 1,
        unpriced=totals.unpriced + (usage.usd is None),
        uncounted=totals.uncounted + (usage.tokens is None),
    )
    hour = int(event.at // 3600)
    state.spent_by_hour = {each: spent for each, spent in state.spent_by_hour.items() if each > hour - 26}
    spent = state.spent_by_hour.get(hour, Spent())
    state.spent_by_hour[hour] = Spent(
        usd=spent.usd + usd + event.assumed_usd,
        tokens=spent.tokens + tokens + event.assumed_tokens,
        minutes=spent.minutes + minutes,
    )
    before = record.used[1] if record.used is not None and record.used[0] == event.session else Usage()
    state.beads[event.bead] = replace(
        record,
        usd=record.usd if usage.usd is None else (record.usd or 0.0) + usage.usd,
        tokens=record.tokens if usage.tokens is None else (record.tokens or 0) + usage.tokens,
        minutes=record.minutes + minutes,
        used=(event.session, _sum(before, usage)) if event.session else record.used,
    )


def _sum(one: Usage, other: Usage) -> Usage:
    """Of what is known."""
    return Usage(
        usd=one.usd if other.usd is None else (one.usd or 0.0) + other.usd,
        tokens_in=one.tokens_in if other.tokens_in is None else (one.tokens_in or 0) + other.tokens_in,
        tokens_out=one.tokens_out if other.tokens_out is None else (one.tokens_out or 0) + other.tokens_out,
    )


def _sign(state: Standing, attempt: Attempt) -> None:
    state.ever_started = True
    state.deadlines.drop(("start", attempt.token))
    if state.mustering and attempt.worker in state.muster:
        state.muster[attempt.worker] = ""


def _over(state: Standing, token: Token, verdict: Verdict, at: float) -> Attempt:
    attempt = state.attempts[token]
    first = attempt.agent_ended is None
    stop_clocks(state, token)
    stop_waiting(state, attempt.bead)
    state.suspended.pop(token, None)
    attempt = update_attempt(
        state,
        token,
        suspended=None,
        verdict=verdict,
        agent_ended=at,
        session=verdict.session or attempt.session,
        usage=newer(attempt.usage, verdict.usage),
    )
    if first:  # what was delivered and could not be collected ends a second time
        session_over(state, attempt, at)
    return attempt


def newer(known: Usage, told: Usage) -> Usage:
    """What an agent told last stands; what it did not tell is kept."""
    return Usage(
        usd=known.usd if told.usd is None else told.usd,
        tokens_in=known.tokens_in if told.tokens_in is None else told.tokens_in,
        tokens_out=known.tokens_out if told.tokens_out is None else told.tokens_out,
        computed=known.computed if told.usd is None else told.computed,
    )


CHANGES: dict[type[m.Event], Callable[[Standing, Any], None]] = {
    m.AttemptStarted: attempt_started,
    m.SessionSpawned: session_spawned,
    m.AgentStarted: agent_started,
    m.AgentProgressed: agent_progressed,
    m.CheckpointMade: checkpoint_made,
    m.CheckpointFailed: checkpoint_failed,
    m.QuestionRaised: question_raised,
    m.QuestionSettled: question_settled,
    m.SessionNudged: session_nudged,
    m.TextTyped: text_typed,
    m.SessionGivenUp: session_given_up,
    m.SessionBroke: session_broke,
    m.WorkDelivered: work_delivered,
    m.WorkCollected: work_collected,
    m.FenceCrossed: fence_crossed,
    m.AttemptEnded: attempt_ended,
}
