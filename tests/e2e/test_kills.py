"""`kill -9` of the orchestrator, here a few times; `scripts/kill-nights` does it a hundred times."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.e2e.kills import one_full_train, one_night


@pytest.mark.parametrize("seed", [1, 2])
def test_a_run_that_is_killed_again_and_again_lands_every_bead_once(tmp_path: Path, seed: int) -> None:
    """Twelve beads, five kills at random instants: nothing lost, done twice, or left over."""
    survived = one_night(tmp_path / "night", random.Random(seed), 5)
    assert survived.kills > 0
    assert survived.faults == ()


def test_a_run_that_is_killed_while_its_train_is_full_lands_every_bead_once(tmp_path: Path) -> None:
    """In the order of the function, green at every commit, no tree checked twice; four kills."""
    survived = one_full_train(tmp_path / "night", random.Random(3), 4)
    assert survived.kills > 0
    assert survived.faults == ()
