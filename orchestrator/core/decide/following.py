"""The base branch moves while the night is at work: what is new on it goes into the target, or is said not to.

The target's every commit is green: so what comes from the base is checked like a bead's work, and lands by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core import following, train
from orchestrator.core import messages as m
from orchestrator.core.decide.pushing import MOST_S
from orchestrator.core.graph import backoff
from orchestrator.core.model import Commit
from orchestrator.core.records import Following
from orchestrator.core.state import State

SHOVES = 10
"""How often somebody else may move the target under one landing before we say so."""


def seen(state: State, signal: m.BaseSeen) -> Iterator[m.Event]:
    if signal.commit != state.base_tip:
        yield m.BaseMoved(at=signal.at, old=state.base_tip, new=signal.commit)


def followed(state: State, signal: m.Followed) -> Iterator[m.Event]:
    if _expects(state, signal):
        yield m.BaseComposed(
            at=signal.at,
            base=signal.base,
            onto=signal.onto,
            onto_tree=signal.onto_tree,
            commit=signal.commit,
            tree=signal.tree,
        )


def not_followed(state: State, signal: m.NotFollowed) -> Iterator[m.Event]:
    if not _expects(state, signal):
        return
    if signal.fault:
        yield _delayed(state, signal.fault, signal.at)
    elif signal.conflict:
        reason = "what is new on it conflicts with what has landed"
        yield m.BaseRefused(at=signal.at, base=signal.base, reason=reason, evidence=signal.conflict)
    else:
        yield m.BaseTaken(at=signal.at, base=signal.base)


def verified(state: State, signal: m.Verified) -> Iterator[m.Event]:
    taken = state.following
    if taken is not None and taken.made.tree == signal.tree and is_news(state, signal):
        yield m.BaseChecked(
            at=signal.at, tree=signal.tree, passed=signal.passed, command=signal.command, output=signal.output
        )


def is_news(state: State, signal: m.Verified) -> bool:
    """It is of the checks as they are, and the answer to the last time that they were asked for."""
    before = state.trials.get(signal.tree)
    failures, passed = (before.failures, before.passed) if before else (0, False)
    return signal.commands in (None, state.manifest.verify) and failures == signal.round and not passed


def not_verified(state: State, signal: m.NotVerified) -> Iterator[m.Event]:
    if state.following is not None and state.following.made.tree == signal.tree:
        yield _delayed(state, signal.evidence, signal.at)


def judged(state: State, at: float) -> Iterator[m.Event]:
    """Red, it is left out, and said; what was composed on top of it is composed anew without it."""
    taken = state.following
    if taken is None or train.verdict(state, taken.made.tree) is not train.Standing.RED:
        return
    trial = state.trials[taken.made.tree]
    yield m.BaseRefused(
        at=at,
        base=taken.base,
        reason=f"`{trial.command}` fails on what is new on it together with what has landed",
        evidence=trial.output,
    )


def arriving(state: State, commit: Commit | None) -> Following | None:
    """What is on its way to the target with this commit."""
    taken = state.following
    return taken if taken is not None and taken.made.commit == commit else None


def arrived(state: State, taken: Following, at: float) -> Iterator[m.Event]:
    yield m.BaseTaken(
        at=at,
        base=taken.base,
        commit=taken.made.commit,
        tree=taken.made.tree,
        checks=train.passed(state, taken.made.tree),
    )


def missed(state: State, at: float) -> Iterator[m.Event]:
    """The target was elsewhere: it is merged anew from there, unless there is no end to it."""
    assert state.following is not None
    if state.shoves < SHOVES:
        yield m.TargetMoved(at=at, old=state.following.onto.commit)
    else:
        yield _delayed(state, f"the target branch `{state.manifest.target}` is moved by somebody else", at)


def refused(state: State, evidence: str, at: float) -> Iterator[m.Event]:
    yield _delayed(state, evidence, at)


def _delayed(state: State, reason: str, at: float) -> m.BaseDelayed:
    return m.BaseDelayed(at=at, reason=reason, until=at + backoff(state.policy.backoff_s, 3, MOST_S, 0))


def _expects(state: State, signal: m.Followed | m.NotFollowed) -> bool:
    """Of this very base, on the target as it is."""
    wanted = following.is_due(state) and not state.landing
    return wanted and (signal.base, signal.turn) == (state.base_tip, following.turn(state))
