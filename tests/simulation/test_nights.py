"""Nights with dice and lightning: whatever happens, what must hold holds, and the run comes to its end.

`ORCHESTRATOR_HISTORIES` sets how many random nights are played. A failure names the seed that plays it again:
`World(*night_of(seed)).run()`.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, note, settings

from orchestrator.core import messages as m
from orchestrator.core.model import Manifest
from tests.simulation.graphs import Weather, night_of, nights
from tests.simulation.world import World

HISTORIES = int(os.environ.get("ORCHESTRATOR_HISTORIES", "300"))
HOUSE = Path(__file__).parents[2]


def played(seed: int) -> list[m.Event]:
    return World(*night_of(seed)).run()


def print_of(history: list[m.Event]) -> str:
    return hashlib.sha256("\n".join(map(repr, history)).encode()).hexdigest()


@pytest.mark.parametrize("first", range(0, HISTORIES // 2, 10))
def test_a_night_by_its_seed_ends_with_all_in_order(first: int) -> None:
    """Ten nights, each from a fixed seed: every invariant holds after every step and at the end."""
    for seed in range(first, first + 10):
        try:
            played(seed)
        except Exception as fault:
            fault.add_note(f"the night of seed {seed}")
            raise


@settings(
    max_examples=max(HISTORIES // 2, 1),
    deadline=None,
    print_blob=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(nights())
def test_a_random_night_ends_with_all_in_order(night: tuple[Manifest, Weather]) -> None:
    """A graph and a weather that hypothesis draws, and makes smaller when something does not hold."""
    manifest, weather = night
    note(f"World({manifest!r}, {weather!r}).run()")
    World(manifest, weather).run()


@pytest.mark.parametrize("seed", [3, 17, 58])
def test_the_same_seed_gives_the_same_history(seed: int) -> None:
    """Twice in one process: event by event the same."""
    assert print_of(played(seed)) == print_of(played(seed))


def test_no_history_depends_on_how_strings_are_hashed() -> None:
    """In processes that order their sets differently: event by event the same."""
    program = (
        "from tests.simulation.test_nights import played, print_of\n"
        "print(*(print_of(played(seed)) for seed in (3, 17, 58)))"
    )
    prints = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hashed, "PYTHONPATH": str(HOUSE)},
            cwd=HOUSE,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hashed in ("0", "1", "2024")
    }
    assert len(prints) == 1


def test_the_dice_reach_every_kind_of_event() -> None:
    """Nights in which nothing goes wrong prove little: between them they hold every event that there is."""
    missing = {kind.__name__ for kind in m.Event.__subclasses__()}
    for seed in range(200):
        missing -= {type(event).__name__ for event in played(seed)}
        if not missing:
            break
    assert not missing
