"""Agents that misbehave, and `kill -9` every few seconds: a smaller one of `scripts/storm`."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.storm import MOST, misdeeds, storm

BEADS, SEED = 32, 5


def test_what_can_land_lands_once_whatever_agents_do_and_whenever_it_is_killed(tmp_path: Path) -> None:
    """Nothing lost, done twice or left over; every failure recovered; each agent did just what the seed says, whenever
    the kills fell: otherwise it is a fault."""
    seen = storm(tmp_path / "night", seed=SEED, beads=BEADS, workers=8, kills=3)
    assert seen.faults == ()
    assert seen.kills >= 1, "it was over before the first kill"
    assert seen.landed == BEADS
    assert seen.recovered == seen.failures > 0


def test_a_seed_draws_the_same_misdeeds_each_time_and_another_one_others() -> None:
    """About three of ten beads begin with one, and few can never land."""
    names = [f"b{number:03}" for number in range(500)]
    first = misdeeds(1, names)
    assert first == misdeeds(1, names)
    assert first != misdeeds(2, names)
    assert 0.2 < sum(bool(deeds) for deeds in first.values()) / len(names) < 0.4
    assert sum(len(deeds) > MOST for deeds in first.values()) == 5
