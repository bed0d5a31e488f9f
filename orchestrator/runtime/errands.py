"""What is done for an effect in the world, and the signal that says what came of it.

What goes wrong out there is part of the answer, because policy has to decide about it. Knows neither when nor on which
thread (`lanes`); each errand may be run again.
"""

from __future__ import annotations

import time

from orchestrator.core import messages as m
from orchestrator.core.model import Ending, Ground, Stray
from orchestrator.runtime.ports import (
    Clock,
    Composition,
    Conflict,
    Empty,
    InDoubt,
    LandedAt,
    Letter,
    Predictor,
    WorkspaceFault,
    Workspaces,
)


class Errands:
    def __init__(self, workspaces: Workspaces, predictor: Predictor, clock: Clock) -> None:
        self._workspaces = workspaces
        self._predictor = predictor
        self._clock = clock

    def save(self, effect: m.Save) -> m.Signal:
        try:
            commit, fault = self._workspaces.save(effect), ""
        except WorkspaceFault as refused:
            commit, fault = None, str(refused)
        strays = self._strays(effect)
        return m.Saved(at=self._clock.now(), token=effect.token, commit=commit, fault=fault, strays=strays)

    def _strays(self, effect: m.Save | m.Collect) -> tuple[Stray, ...]:
        """What could not be compared or put back is no fault of the work: it is said in its place."""
        try:
            return tuple(self._workspaces.strays(effect))
        except WorkspaceFault as refused:
            return (Stray(ground=Ground.REF, what="the fences", how=str(refused), shown=False),)

    def collect(self, effect: m.Collect) -> m.Signal:
        now = self._clock.now
        try:
            work = self._workspaces.collect(effect)
        except WorkspaceFault as refused:
            strays = self._strays(effect)
            return m.Collected(at=now(), token=effect.token, commit=None, fault=str(refused), strays=strays)
        strays = self._strays(effect)
        return m.Collected(
            at=now(), token=effect.token, commit=work.commit, tree=work.tree, files=work.files, strays=strays
        )

    def check(self, effect: m.Check) -> m.Signal:
        try:
            result = self._workspaces.check(effect)
        except WorkspaceFault as refused:
            return m.Checked(at=self._clock.now(), token=effect.token, passed=False, fault=str(refused))
        return m.Checked(
            at=self._clock.now(),
            token=effect.token,
            passed=result.passed,
            command=result.command,
            output=result.output,
        )

    def compose(self, effect: m.Compose) -> m.Signal:
        token = effect.token
        try:
            answer = self._workspaces.compose(effect)
        except WorkspaceFault as refused:
            return m.LandingRefused(at=self._clock.now(), token=token, evidence=str(refused))
        at = self._clock.now()
        match answer:
            case Composition(onto=onto, onto_tree=onto_tree, commit=commit, tree=tree):
                return m.Composed(at=at, token=token, onto=onto, onto_tree=onto_tree, commit=commit, tree=tree)
            case LandedAt(commit=commit, tree=tree):
                return m.Landed(at=at, token=token, commit=commit, tree=tree)
            case Conflict(onto=onto, onto_tree=onto_tree, evidence=evidence, beads=beads):
                return m.NotComposed(
                    at=at,
                    token=token,
                    onto=onto,
                    onto_tree=onto_tree,
                    ending=Ending.CONFLICT,
                    evidence=evidence,
                    beads=beads,
                )
            case Empty(onto=onto, onto_tree=onto_tree):
                return m.NotComposed(at=at, token=token, onto=onto, onto_tree=onto_tree, ending=Ending.NO_CHANGE_NEEDED)

    def follow(self, effect: m.Follow) -> m.Signal:
        try:
            answer = self._workspaces.follow(effect)
        except WorkspaceFault as refused:
            at = self._clock.now()
            return m.NotFollowed(at=at, base=effect.base, turn=effect.turn, fault=str(refused))
        at = self._clock.now()
        match answer:
            case Composition(onto=onto, onto_tree=onto_tree, commit=commit, tree=tree):
                return m.Followed(
                    at=at,
                    base=effect.base,
                    turn=effect.turn,
                    onto=onto,
                    onto_tree=onto_tree,
                    commit=commit,
                    tree=tree,
                )
            case Conflict(evidence=evidence):
                return m.NotFollowed(at=at, base=effect.base, turn=effect.turn, conflict=evidence)
            case Empty():
                return m.NotFollowed(at=at, base=effect.base, turn=effect.turn)

    def verify(self, effect: m.Verify) -> m.Signal:
        try:
            result = self._workspaces.verify(effect)
        except WorkspaceFault as refused:
            return m.NotVerified(at=self._clock.now(), bead=effect.bead, tree=effect.tree, evidence=str(refused))
        return m.Verified(
            at=self._clock.now(),
            bead=effect.bead,
            tree=effect.tree,
            round=effect.round,
            commands=effect.commands,
            passed=result.passed,
            command=result.command,
            output=result.output,
        )

    def advance(self, effect: m.Advance) -> m.Signal:
        try:
            arrived = self._workspaces.advance(effect)
        except WorkspaceFault as refused:
            return m.LandingRefused(at=self._clock.now(), token=effect.token, evidence=str(refused), commit=effect.new)
        at = self._clock.now()
        if arrived:
            return m.Advanced(at=at, commit=effect.new)
        return m.TargetFound(at=at, old=effect.old, commit=effect.new)

    def push(self, effect: m.Push) -> m.Signal:
        try:
            commit = self._workspaces.push(effect)
        except WorkspaceFault as refused:
            return m.NotPushed(at=self._clock.now(), turn=effect.turn, round=effect.round, evidence=str(refused))
        return m.Pushed(at=self._clock.now(), turn=effect.turn, commit=commit)

    def propose(self, effect: m.Propose, letter: Letter) -> m.Signal:
        try:
            brought = self._workspaces.propose(effect, letter)
        except (WorkspaceFault, InDoubt) as refused:
            return m.NotProposed(
                at=self._clock.now(),
                bead=effect.bead,
                turn=effect.turn,
                round=effect.round,
                evidence=str(refused),
                doubt=isinstance(refused, InDoubt),
            )
        return m.Proposed(
            at=self._clock.now(),
            bead=effect.bead,
            turn=effect.turn,
            url=brought.url,
            branch=brought.branch,
            commit=brought.commit,
            found=brought.found,
        )

    def foresee(self, effect: m.Foresee) -> m.Signal:
        began = time.monotonic()
        try:
            guesses = self._predictor.foresee(effect)
        except WorkspaceFault as refused:
            return m.NotForeseen(at=self._clock.now(), round=effect.round, evidence=str(refused))
        seconds = time.monotonic() - began
        return m.Foreseen(at=self._clock.now(), round=effect.round, guesses=guesses, seconds=seconds)

    def clear(self, effect: m.Clear) -> m.Signal:
        try:
            self._workspaces.clear(effect)
        except WorkspaceFault as refused:
            return m.Cleared(at=self._clock.now(), bead=effect.bead, fault=str(refused))
        return m.Cleared(at=self._clock.now(), bead=effect.bead)
