"""What the train asks for: a pure reading of the state, the same for whoever decides and for what is owed.

    target ── A ── B ── C          each car is merged onto the one before it, and checked as that very tree
              │    │    └ checked ahead, on target+A+B
              │    └ checked ahead, on target+A
              └ the front: only what stands on the target itself is judged

A car that cannot be coupled (it conflicts, has nothing to add, or failed its checks) stands aside: it keeps its place,
and those behind it are coupled past it. What becomes of it is decided when it is at the front. So nothing is concluded
from a commit that may never be on the target, and the first red prefix names the culprit.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from itertools import takewhile

from orchestrator.core.following import ground
from orchestrator.core.model import BeadId, Tree
from orchestrator.core.records import Car, Point
from orchestrator.core.state import State
from orchestrator.core.values import Struct


class Standing(Enum):
    """What is known of a composed car."""

    UNKNOWN = auto()
    GREEN = auto()
    SUSPECT = auto()
    """It failed, and is checked again."""
    RED = auto()
    UNCOUPLED = auto()
    """Nothing could be composed of it."""


ASKED = frozenset({Standing.UNKNOWN, Standing.SUSPECT})
"""Checks are due."""
JOINED = frozenset({Standing.UNKNOWN, Standing.GREEN})
"""The next car is merged onto this one: what is unknown is hoped for, what has failed once is not."""


class Joint(Struct, frozen=True, kw_only=True):
    """The next car to compose."""

    bead: BeadId
    onto: Point | None
    """None: on the target's tip, which is not known yet."""


def standing(state: State, car: Car) -> Standing:
    return Standing.UNCOUPLED if car.made is None else verdict(state, car.made.tree)


def verdict(state: State, tree: Tree) -> Standing:
    if not state.manifest.verify:
        return Standing.GREEN
    trial = state.trials.get(tree)
    if trial is None:
        return Standing.UNKNOWN
    if trial.passed:
        return Standing.GREEN
    return Standing.SUSPECT if trial.failures < state.policy.check_tries else Standing.RED


def passed(state: State, tree: Tree) -> tuple[str, ...]:
    """The checks that this very tree has passed: in a batch, only that of the last one need have."""
    trial = state.trials.get(tree)
    return state.manifest.verify if trial is not None and trial.passed else ()


def coupled(state: State) -> Iterator[tuple[Car, Standing]]:
    """The cars in their order, as far as each stands on what is before it now."""
    at = ground(state)
    for car in state.train.values():
        if at is None or car.onto != at:
            return
        known = standing(state, car)
        yield car, known
        if car.made is not None and known in JOINED:
            at = car.made


def due(state: State) -> Iterator[Car]:
    """The cars whose trees are to be checked now: every one of them, or, in batches, every `batch`th and the last.

    Where one is red, and nothing is known of those before it, the middle one of them is checked: so the shortest red
    prefix is found by halves.
    """
    batch, run = state.policy.batch, list[Car]()
    for car, stands in coupled(state):
        match stands:
            case Standing.SUSPECT:
                yield car
            case Standing.GREEN:
                run = []
            case Standing.UNKNOWN:
                run.append(car)
                if len(run) % batch == 0:
                    yield car
            case Standing.RED if len(run) % batch:
                yield run[(len(run) - 1) // 2]
            case Standing.UNCOUPLED if len(run) % batch:
                yield run[-1]  # nothing lands past a car that is not judged yet
    if len(run) % batch and joint(state) is None:
        yield run[-1]


def arrived(state: State) -> tuple[Car, ...]:
    """The cars from the front on that may land: each is green, or, in batches, stands below one that is."""
    cars = list(takewhile(lambda one: one[1] in JOINED, coupled(state)))
    if state.policy.batch == 1:
        cars = list(takewhile(lambda one: one[1] is Standing.GREEN, cars))
    green = [place for place, (_, stands) in enumerate(cars, start=1) if stands is Standing.GREEN]
    return tuple(car for car, _ in cars[: green[-1]]) if green else ()


def places(state: State) -> int:
    """Of the train: what was composed already is not taken back where there are fewer by now."""
    most = state.policy.train
    return most if state.places is None else min(state.places, most)


def joint(state: State) -> Joint | None:
    """What is to be composed next: a car whose ground has changed, else the next to board, while there is room."""
    at, taken, known = ground(state), 0, set()
    for car, stands in coupled(state):
        known.add(car.bead)
        taken += stands in JOINED | ASKED
        if car.made is not None and stands in JOINED:
            at = car.made
    for bead in state.train:
        if bead not in known:
            return Joint(bead=bead, onto=at)
    if taken >= places(state) * state.policy.batch:
        return None
    able = (each for each in state.landing_order() if each not in state.train and not _is_kept(state, each))
    for bead in able:
        return Joint(bead=bead, onto=at)
    return None


def _is_kept(state: State, bead: BeadId) -> bool:
    """It is to be left alone for a while, or waits for somebody's files."""
    return bool(state.merging[bead]) or bead in state.locks.waits
