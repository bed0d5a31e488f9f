"""Files beyond those that a bead began with: taken, waited for, and who gives way where each waits for the next.

Asking for more while holding something is the only way to hold and wait: so the wait-for graph is looked at whenever
somebody begins to wait, or takes something while he waits, and no deadlock outlives that decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.core import messages as m
from orchestrator.core.claims import added, clash, lacking, of_files
from orchestrator.core.decide import briefing
from orchestrator.core.model import BeadId, BeadState, Claim, Ending, Token, Unasked, WorkerState
from orchestrator.core.patterns import covers
from orchestrator.core.records import Attempt
from orchestrator.core.state import State
from orchestrator.core.values import replace

FINISHED = frozenset({BeadState.VERIFYING, BeadState.MERGING})
AT_WORK = (WorkerState.STARTING, WorkerState.RUNNING)


def asked(state: State, signal: m.LocksAsked) -> Iterator[m.Event]:
    """An agent wants more. Free: taken, all or none. Held: it waits, or hands itself back, or is told who has it."""
    attempt = at_work(state, signal.token)
    if attempt is None:
        yield from _answer(signal.request, False, "this session is over: it holds no files any more", signal.at)
        return
    if not signal.genuine:
        words = "it does not prove that it comes from that session: only an agent asks for its own bead"
        yield from _answer(signal.request, False, words, signal.at)
        return
    if news := _untold(state, attempt, signal):
        told = m.CollisionTold(at=signal.at, token=signal.token, bead=attempt.bead)
        if signal.edits:
            yield told
            yield from _answer(signal.request, False, f"{news}\n\nAsk again, and it is not refused for this", signal.at)
            return
        for event in _asked(state, attempt, signal):
            if isinstance(event, m.RequestAnswered) and event.request == signal.request:
                yield told
                event = replace(event, text=f"{event.text}\n\n{news}")
            yield event
        return
    yield from _asked(state, attempt, signal)


def _untold(state: State, attempt: Attempt, signal: m.LocksAsked) -> str:
    """Of its collisions what its agent has not heard yet. A hook can only refuse: it tells of those files alone."""
    news = briefing.untold(attempt, state.manifest.target)
    if not news or not signal.edits:
        return news
    claims = of_files([path for each in attempt.collisions if not each.told for path in each.paths])
    return news if clash(signal.claims, claims) else ""


def _asked(state: State, attempt: Attempt, signal: m.LocksAsked) -> Iterator[m.Event]:
    bead = attempt.bead
    if signal.edits and state.policy.unasked is Unasked.IGNORE:
        yield from _answer(signal.request, True, "files beyond those that a bead names are not locked", signal.at)
        return
    more = lacking(signal.claims, state.locks.firm(bead))
    yield from _taken_over(state, bead, more, signal.at)
    holders = tuple(state.locks.against(bead, more))
    if not holders:
        if more:
            yield m.LocksTaken(at=signal.at, token=signal.token, bead=bead, claims=more)
            yield from _untangled(state, bead, signal.at)
        yield from _answer(signal.request, True, f"{_named(signal.claims)}: yours", signal.at)
        return
    held_by = f"held by {_of(holders)}"
    if not signal.hand_back and signal.wait_s <= 0.0:
        yield from _answer(signal.request, False, held_by, signal.at)
        return
    requests = () if signal.request is None else (signal.request,)
    yield _awaited(state, attempt, more, holders, signal.at, requests=requests, until=signal.at + signal.wait_s)
    if signal.hand_back:
        yield from put_back(state, bead, f"it needs {_named(more)}, {held_by}", signal.at)
    else:
        yield from _untangled(state, bead, signal.at)


def touched(state: State, signal: m.Touched) -> Iterator[m.Event]:
    """An agent that does not ask was seen to change files beyond its own."""
    attempt = at_work(state, signal.token)
    if attempt is not None:
        yield from _strayed(state, attempt, signal.files, signal.at)


def collected(state: State, attempt: Attempt, files: Sequence[str], at: float) -> Iterator[m.Event]:
    """The last look, at finished work: what others hold it waits for in the merge queue, where it keeps no worker."""
    yield from _strayed(state, attempt, files, at)
    void = state.locks.guesses.get(attempt.bead, ())
    if state.policy.unasked is Unasked.IGNORE:  # else what it touched is no guess any more
        void = tuple(claim for claim in void if not any(covers(claim.pattern, file) for file in files))
    if void:
        yield m.LocksYielded(at=at, token=attempt.token, bead=attempt.bead, claims=void)


def granted(state: State, at: float) -> Iterator[m.Event]:
    """Who waits for nobody any more takes what it waited for, the longest waiting first."""
    while (bead := state.locks.grantable()) is not None:
        wait = state.locks.waits[bead]
        yield m.LocksTaken(at=at, token=wait.token, bead=bead, claims=wait.claims, waited=True)
        merge = f"`git merge --no-edit {state.manifest.target}`"
        text = f"{_named(wait.claims)}: yours. Others may have changed them: commit what you have, then {merge} first"
        for request in wait.requests:
            yield from _answer(request, True, text, at)


def waited_enough(state: State, bead: BeadId, at: float) -> Iterator[m.Event]:
    yield from _stop_waiting(state, bead, f"still held by {_of(state.locks.blockers[bead])}", at)


def _strayed(state: State, attempt: Attempt, files: Sequence[str], at: float) -> Iterator[m.Event]:
    unasked, bead = state.policy.unasked, attempt.bead
    if unasked is Unasked.IGNORE:
        return
    waits = state.locks.waits.get(bead)
    more = lacking(of_files(files), (*state.locks.firm(bead), *(waits.claims if waits else ())))
    yield from _taken_over(state, bead, more, at)
    taken = [claim for claim in more if next(state.locks.against(bead, (claim,)), None) is None]
    others = tuple(claim for claim in more if claim not in taken)
    if state.beads[bead].state in FINISHED:
        # Finished work that meets finished work lands after it or before it: the merge queue sees to that.
        others = tuple(
            claim
            for claim in others
            if any(state.beads[each].state not in FINISHED for each in state.locks.against(bead, (claim,)))
        )
    if taken:
        yield m.LocksTaken(at=at, token=attempt.token, bead=bead, claims=tuple(taken), asked=False)
    if others:
        holders = tuple(state.locks.against(bead, others))
        yield _awaited(state, attempt, others, holders, at, asked=False)
        if unasked is Unasked.HAND_BACK and state.beads[bead].state is BeadState.RUNNING:
            reason = f"it has changed {_named(others)}, held by {_of(holders)}"
            yield from put_back(state, bead, reason, at)
    if more:
        yield from _untangled(state, bead, at)


def _taken_over(state: State, bead: BeadId, claims: tuple[Claim, ...], at: float) -> Iterator[m.Event]:
    """Who needs a file has it before one of whom it is only guessed that he will."""
    for holder in tuple(state.locks.against(bead, claims)):
        given = tuple(claim for claim in state.locks.guesses.get(holder, ()) if clash(claims, (claim,)))
        token = state.beads[holder].token
        if given and token is not None:
            yield m.LocksYielded(at=at, token=token, bead=holder, claims=given, to=bead)


def _awaited(
    state: State, attempt: Attempt, claims: tuple[Claim, ...], holders: tuple[BeadId, ...], at: float,
    *, asked: bool = True, requests: tuple[int, ...] = (), until: float | None = None,
) -> m.LocksAwaited:  # fmt: skip
    """Together with what it waits for already: it gets all of it or none."""
    before = state.locks.waits.get(attempt.bead)
    if before is not None:
        claims = added(before.claims, claims)
        holders = tuple(dict.fromkeys((*state.locks.blockers[attempt.bead], *holders)))
        requests = (*before.requests, *requests)
        until = until if asked else before.until
    return m.LocksAwaited(
        at=at, token=attempt.token, bead=attempt.bead, claims=claims, holders=holders, asked=asked,
        requests=requests, until=until,
    )  # fmt: skip


# ---------------------------------------------------------------- deadlocks


def _untangled(state: State, bead: BeadId, at: float) -> Iterator[m.Event]:
    """No deadlock through this bead is left. Finished work goes ahead; else who loses least is put back."""
    while cycle := state.locks.cycle(bead):
        finished = [each for each in cycle if state.beads[each].state in FINISHED]
        if finished:
            first = min(finished, key=state.graph.ranks.__getitem__)
            yield from _stop_waiting(state, first, "the others wait for it in turn, and it is done", at)
        else:
            victim = min(cycle, key=lambda each: _loss(state, each))
            ring = " → ".join([*cycle, cycle[0]])
            yield from put_back(state, victim, f"each waits for the next one's files: {ring}", at)


def _loss(state: State, bead: BeadId) -> tuple[bool, int, int, float]:
    """Who gave way often comes last; then priority, what was done, and age."""
    record = state.beads[bead]
    assert record.token is not None
    attempt = state.attempts[record.token]
    often = record.put_backs >= state.policy.put_back_first
    return often, -record.spec.priority, attempt.usage.tokens_out or 0, -attempt.started


def put_back(state: State, bead: BeadId, reason: str, at: float) -> Iterator[m.Event]:
    """It is ended, its work is saved, and it starts again when all that it needs is free."""
    wait = state.locks.waits.get(bead)
    for request in wait.requests if wait else ():
        yield from _answer(request, False, f"put back: {reason}", at)
    token = state.beads[bead].token
    assert token is not None
    yield m.SessionGivenUp(at=at, token=token, ending=Ending.PUT_BACK, reason=reason)


def _stop_waiting(state: State, bead: BeadId, reason: str, at: float) -> Iterator[m.Event]:
    wait = state.locks.waits[bead]
    for request in wait.requests:
        yield from _answer(request, False, reason, at)
    yield m.WaitEnded(at=at, token=wait.token, bead=bead, reason=reason)


def at_work(state: State, token: Token) -> Attempt | None:
    attempt = state.live(token)
    if attempt is None or state.beads[attempt.bead].state is not BeadState.RUNNING:
        return None  # over; or it waits for a person, and for nobody's files
    return attempt if state.worker_of(attempt).state in AT_WORK else None


def _answer(request: int | None, accepted: bool, text: str, at: float) -> Iterator[m.Event]:
    if request is not None:
        yield m.RequestAnswered(at=at, request=request, accepted=accepted, text=text)


def _of(beads: Sequence[BeadId] | dict[BeadId, None]) -> str:
    return ", ".join(beads)


def _named(claims: Sequence[Claim]) -> str:
    return briefing.some([claim.pattern for claim in claims])
