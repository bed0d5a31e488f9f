"""From delivered work to the target: collected, checked, on the train, landed, or sent back with the evidence.

Which car is composed and checked next is read off the state (`core.train`), in the order of `core.order`. Here it is
decided what an answer means.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core import messages as m
from orchestrator.core import train
from orchestrator.core.decide import briefing, fences, following, locks
from orchestrator.core.decide.outcome import cancel, close_attempt, fail, given_up_by_a_person, send_back
from orchestrator.core.following import goes_first
from orchestrator.core.graph import backoff
from orchestrator.core.model import BeadId, Commit, Ending, Token, Verdict, WorkerState
from orchestrator.core.records import Attempt, Car
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


def composed(state: State, signal: m.Composed) -> Iterator[m.Event]:
    if bead := _expected(state, signal.token, signal.onto):
        yield m.CarComposed(
            at=signal.at,
            bead=bead,
            onto=signal.onto,
            onto_tree=signal.onto_tree,
            commit=signal.commit,
            tree=signal.tree,
        )


def not_composed(state: State, signal: m.NotComposed) -> Iterator[m.Event]:
    if expected := _expected(state, signal.token, signal.onto):
        yield m.CarSetAside(
            at=signal.at,
            bead=expected,
            onto=signal.onto,
            onto_tree=signal.onto_tree,
            ending=signal.ending,
            evidence=signal.evidence,
            beads=tuple(bead for bead in signal.beads if bead in state.beads and bead != expected),
        )


def verified(state: State, signal: m.Verified) -> Iterator[m.Event]:
    """What checks say of a tree that is on the train no more is remembered by the shell, where it is good."""
    if not signal.bead:
        yield from following.verified(state, signal)
        return
    car = state.train.get(signal.bead)
    if car is None or car.made is None or car.made.tree != signal.tree:
        return
    if not following.is_news(state, signal):
        return
    before = state.trials.get(signal.tree)
    yield m.CarChecked(
        at=signal.at,
        bead=signal.bead,
        tree=signal.tree,
        passed=signal.passed,
        command=signal.command,
        output=signal.output,
    )
    if signal.passed and before:
        yield m.CheckFlickered(
            at=signal.at, bead=signal.bead, tree=signal.tree, command=before.command, failures=before.failures
        )


def not_verified(state: State, signal: m.NotVerified) -> Iterator[m.Event]:
    """A stage that cannot be had is waited for."""
    if not signal.bead:
        yield from following.not_verified(state, signal)
        return
    asked = (each for each, stands in train.coupled(state) if stands in train.ASKED)
    if any(car.bead == signal.bead and car.made and car.made.tree == signal.tree for car in asked):
        yield from _delay(state, (signal.bead,), signal.evidence, signal.at)


def drive(state: State, at: float) -> Iterator[m.Event]:
    """Judge whatever is at the front, until something of it is not known yet; what is green begins to land."""
    yield from following.judged(state, at)
    while not state.landing and not goes_first(state) and not (state.stopping and state.stopping.now):
        if cars := train.arrived(state):
            beads = tuple(car.bead for car in cars)
            yield m.LandingStarted(at=at, bead=beads[-1], beads=beads)
            return
        car, stands = next(train.coupled(state), (None, None))
        if car is None:
            return
        match stands:
            case train.Standing.UNCOUPLED if car.refusal is Ending.NO_CHANGE_NEEDED:
                yield m.BeadDone(at=at, bead=car.bead, reason="the target has all of it already")
            case train.Standing.UNCOUPLED:
                yield from _conflicts(state, car, at)
            case train.Standing.RED:
                yield from _breaks(state, car, at)
            case _:
                return


def advanced(state: State, signal: m.Advanced) -> Iterator[m.Event]:
    if taken := following.arriving(state, signal.commit):
        yield from following.arrived(state, taken, signal.at)
        return
    if not state.landing or _arrival(state) != signal.commit:
        return
    for bead in state.landing:
        token, made = state.beads[bead].token, state.train[bead].made
        assert token is not None
        assert made is not None
        yield m.BeadLanded(
            at=signal.at,
            bead=bead,
            token=token,
            commit=made.commit,
            tree=made.tree,
            checks=train.passed(state, made.tree),
        )


def target_found(state: State, signal: m.TargetFound) -> Iterator[m.Event]:
    """Somebody else commits to the target: the train goes on from there, unless there is no end to it."""
    if following.arriving(state, signal.commit):
        yield from following.missed(state, signal.at)
        return
    if not state.landing or _arrival(state) != signal.commit:
        return
    if state.shoves < following.SHOVES:
        yield m.TargetMoved(at=signal.at, old=signal.old)
        return
    reason = (
        f"the target branch `{state.manifest.target}` moved {following.SHOVES} times while it was landing: something "
        "else commits to it; stop that, then retry"
    )
    yield from _delay(state, state.landing, reason, signal.at)


def landed(state: State, signal: m.Landed) -> Iterator[m.Event]:
    """It was found on the target."""
    bead = _composing(state, signal.token)
    if bead is not None:
        yield m.BeadLanded(
            at=signal.at,
            bead=bead,
            token=signal.token,
            commit=signal.commit,
            tree=signal.tree,
            checks=train.passed(state, signal.tree),
        )


def refused(state: State, signal: m.LandingRefused) -> Iterator[m.Event]:
    """A repository that cannot be written is waited for."""
    if following.arriving(state, signal.commit):
        yield from following.refused(state, signal.evidence, signal.at)
    elif signal.commit is None:
        bead = _composing(state, signal.token)
        yield from _delay(state, (bead,) if bead else (), signal.evidence, signal.at)
    elif state.landing and _arrival(state) == signal.commit:
        yield from _delay(state, state.landing, signal.evidence, signal.at)


def _delay(state: State, beads: tuple[BeadId, ...], evidence: str, at: float) -> Iterator[m.Event]:
    for bead in beads:
        record = state.beads[bead]
        assert record.token is not None
        if record.vain + 1 >= state.policy.starts_in_vain:
            yield from fail(state, bead, f"it could not be landed: {evidence}", at, tried=False)
        else:
            wait = backoff(state.policy.backoff_s, record.vain + 1, 300.0, record.token)
            yield m.LandingDelayed(at=at, bead=bead, until=at + wait, reason=_first_line(evidence))


def _conflicts(state: State, car: Car, at: float) -> Iterator[m.Event]:
    reason = "conflicts with what has landed: " + _first_line(car.evidence)
    verdict, told = Verdict(ending=Ending.CONFLICT, reason=reason), briefing.conflict(car.evidence)
    yield from send_back(state, _attempt(state, car.bead), verdict, at, told=told, evidence=car.evidence)


def _breaks(state: State, car: Car, at: float) -> Iterator[m.Event]:
    """Everything before it is on the target, and was green: it is the one that breaks it."""
    assert car.made is not None
    trial = state.trials[car.made.tree]
    evidence = f"{trial.command}\n{trial.output}"
    verdict = Verdict(ending=Ending.MERGED_RED, reason="the checks fail on the merged tree: " + _first_line(evidence))
    since = _attempt(state, car.bead).started
    landed = tuple(bead for bead, each in state.beads.items() if each.commit is not None and each.since >= since)
    told = briefing.merged_red(evidence, landed)
    yield from send_back(state, _attempt(state, car.bead), verdict, at, told=told, evidence=evidence)


def _completing(state: State, token: Token) -> Attempt | None:
    attempt = state.live(token)
    return attempt if attempt and state.worker_of(attempt).state is WorkerState.COMPLETING else None


def _composing(state: State, token: Token) -> BeadId | None:
    """The bead that is to be composed now, where it is this attempt's; all else said of a composition is void."""
    joint = train.joint(state)
    return joint.bead if joint and state.beads[joint.bead].token == token else None


def _expected(state: State, token: Token, onto: Commit) -> BeadId | None:
    """The same, on the ground that it was to be composed on."""
    joint = train.joint(state)
    if joint is None or state.beads[joint.bead].token != token:
        return None
    return joint.bead if joint.onto is None or joint.onto.commit == onto else None


def _arrival(state: State) -> Commit:
    """Where the landing that is under way takes the target."""
    made = state.train[state.landing[-1]].made
    assert made is not None
    return made.commit


def _attempt(state: State, bead: BeadId) -> Attempt:
    token = state.beads[bead].token
    assert token is not None
    return state.attempts[token]


def _first_line(text: str) -> str:
    return next((line.strip().removeprefix("- ") for line in text.splitlines() if line.strip()), "")[:300]
