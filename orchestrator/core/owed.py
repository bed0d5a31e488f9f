"""What a state asks of the shell. Derived from where things stand, never from how they got there.

So recovery after a death is no special code: load the state, compute what it owes, do that. Each effect is asked
for as long as it is owed; the shell does it once at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core import clearing, following, pushing, train
from orchestrator.core import messages as m
from orchestrator.core.commit_message import message
from orchestrator.core.model import BeadId, BeadState, Token, Usage, WorkerState
from orchestrator.core.records import Attempt
from orchestrator.core.state import State


def owed(state: State) -> Iterator[m.Effect]:
    if not state.swept:
        yield m.Sweep(epoch=state.epoch)
        return
    if _leaving(state):
        yield m.Leave(epoch=state.epoch)
    for worker in state.workers.values():
        if worker.token is None:
            continue
        attempt = state.attempts[worker.token]
        if attempt.suspended is not None:
            yield m.Suspend(token=attempt.token)
        if worker.state is not WorkerState.RUNNING:
            yield from _owed_to_session(state, worker.state, attempt)
        elif attempt.typing and attempt.suspended is None:
            yield m.Type(token=attempt.token, turn=attempt.turn, text=attempt.typing)
    if not _leaving(state):
        yield from _owed_to_train(state)
        if pushing.is_due(state):
            yield m.Push(remote=state.policy.push_to, turn=state.landings, round=state.push_failures)
        yield from _owed_to_pull_requests(state)
    if state.unforeseen and not _leaving(state):
        asks = tuple(m.Ask.of(state.beads[bead].spec) for bead in state.unforeseen)
        yield m.Foresee(round=state.foresights, asks=asks)
    for bead in clearing.due(state):
        record = state.beads[bead]
        yield m.Clear(bead=bead, number=record.number, landed=record.state is BeadState.DONE)


def _owed_to_pull_requests(state: State) -> Iterator[m.Effect]:
    bead = state.proposing
    if bead is None or state.policy.requests is None:
        return
    request = state.requests[bead]
    assert request.under_way is not None
    yield m.Propose(
        bead=bead,
        turn=request.under_way,
        round=request.failures,
        base=request.base,
        commit=state.beads[bead].commit if bead else None,
        task=state.tasks.get(bead, "") if bead else "",
        grounds=request.grounds,
        url=request.url,
        only_push=bool(request.doubt),
    )


def _leaving(state: State) -> bool:
    """What would take long is left for the next start."""
    return state.stopping is not None and state.stopping.now


def _owed_to_session(state: State, worker: WorkerState, attempt: Attempt) -> Iterator[m.Effect]:
    spec = state.beads[attempt.bead].spec
    policy = state.policy
    match worker:
        case WorkerState.STARTING:
            yield m.OpenSession(
                token=attempt.token,
                bead=attempt.bead,
                number=attempt.number,
                worker=attempt.worker,
                route=attempt.route,
                prompt=_prompt(state, attempt),
                resume=attempt.resume,
                keep=attempt.keep,
                merge=attempt.merge,
                silence_s=spec.silence_s,
                grace_s=policy.grace_s,
                linger_s=policy.linger_s,
                used=_used(state, attempt),
            )
        case WorkerState.TIMEOUT:
            yield m.EndSession(
                token=attempt.token,
                worker=attempt.worker,
                reason=attempt.given_up[1] if attempt.given_up else "",
                grace_s=policy.grace_s,
            )
        case WorkerState.RECOVERY:
            yield m.Save(token=attempt.token, bead=attempt.bead, number=attempt.number)
        case WorkerState.COMPLETING if not attempt.collected:
            yield m.Collect(token=attempt.token, bead=attempt.bead, number=attempt.number, title=spec.title)
        case WorkerState.COMPLETING if not _leaving(state):
            yield m.Check(
                token=attempt.token,
                bead=attempt.bead,
                number=attempt.number,
                worker=attempt.worker,
                tree=attempt.tree,
                commands=spec.verify,
                timeout_s=policy.check_timeout_s,
            )


def _used(state: State, attempt: Attempt) -> Usage:
    used = state.beads[attempt.bead].used
    return used[1] if used is not None and used[0] == attempt.resume else Usage()


def _prompt(state: State, attempt: Attempt) -> str:
    """A resumed session knows its bead already; it is told only what is new."""
    spec = state.beads[attempt.bead].spec
    if spec.command is not None:
        return spec.command
    if attempt.resume and attempt.briefing:
        return attempt.briefing
    if attempt.briefing:
        return f"{spec.prompt}\n\n---\n\n{attempt.briefing}"
    return spec.prompt or spec.title


def _owed_to_train(state: State) -> Iterator[m.Effect]:
    """The move of the target that is under way, the checks that are due, and the next car; before them, the base."""
    yield from _owed_to_base(state)
    if state.landing:
        cars = [(state.train[bead], _merging(state, bead)) for bead in state.landing]
        made = [car.made for car, _ in cars if car.made is not None]
        yield m.Advance(
            token=cars[-1][1].token,
            old=cars[0][0].onto.commit,
            new=made[-1].commit,
            stops=tuple(
                m.Stop(
                    bead=a.bead,
                    number=a.number,
                    task=state.tasks.get(a.bead, ""),
                    commit=at.commit,
                    onto=car.onto.commit,
                )
                for (car, a), at in zip(cars, made, strict=True)
            ),
        )
    for car in dict.fromkeys(train.due(state)):
        assert car.made is not None
        trial = state.trials.get(car.made.tree)
        yield m.Verify(
            bead=car.bead,
            number=_merging(state, car.bead).number,
            commit=car.made.commit,
            tree=car.made.tree,
            commands=state.manifest.verify,
            timeout_s=state.policy.check_timeout_s,
            round=trial.failures if trial else 0,
        )
    joint = train.joint(state)
    if joint is not None:
        attempt, record = _merging(state, joint.bead), state.beads[joint.bead]
        assert attempt.commit is not None
        yield m.Compose(
            token=attempt.token,
            bead=attempt.bead,
            number=attempt.number,
            route=attempt.route,
            title=record.spec.title,
            commit=attempt.commit,
            onto=joint.onto.commit if joint.onto else None,
            onto_tree=joint.onto.tree if joint.onto else None,
            turn=record.vain,
            task=state.tasks.get(attempt.bead, ""),
            style=state.policy.landing,
            message=message(state, attempt),
        )


def _owed_to_base(state: State) -> Iterator[m.Effect]:
    taken = state.following
    if taken is None:
        if following.is_due(state) and not state.landing:
            yield m.Follow(base=state.base_tip, turn=following.turn(state))
        return
    stands = train.verdict(state, taken.made.tree)
    if stands is train.Standing.GREEN:
        yield m.Advance(token=Token(0), old=taken.onto.commit, new=taken.made.commit, stops=(), base=taken.base)
    elif stands in train.ASKED:
        trial = state.trials.get(taken.made.tree)
        yield m.Verify(
            bead=BeadId(""),
            number=0,
            commit=taken.made.commit,
            tree=taken.made.tree,
            commands=state.manifest.verify,
            timeout_s=state.policy.check_timeout_s,
            round=trial.failures if trial else 0,
        )


def _merging(state: State, bead: BeadId) -> Attempt:
    token = state.beads[bead].token
    assert token is not None
    return state.attempts[token]
