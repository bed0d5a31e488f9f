"""`workers: auto`: grows while that brings something, goes back where it does not, and stays within its bounds."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from orchestrator.core import messages as m
from orchestrator.core.decide.width import PER_CORE
from orchestrator.core.model import BeadState, Policy
from tests.simulation.growing import Growing


def steps(night: Growing) -> list[tuple[int, int]]:
    return [(event.before, event.workers) for event in night.log if isinstance(event, m.WorkersTuned)]


@pytest.mark.parametrize("each_s", [60.0, 300.0])
@pytest.mark.parametrize("bears", [6, 14, 25])
def test_most_of_the_night_is_worked_near_what_the_machine_bears(bears: int, each_s: float) -> None:
    night = Growing(bears=bears, loses=0.5, each_s=each_s, beads=60 * bears, dice=Random(bears))
    took = night.play()
    assert night.state.counts[BeadState.DONE] == 60 * bears
    late = [width for at, width in night.widths if at > took / 2]
    typical = sorted(late)[len(late) // 2]
    print(f"{bears} for {each_s:g} s: {typical}, {steps(night)}, {took:.0f} s, at best {60 * each_s:.0f}")
    assert bears / 1.7 <= typical <= bears * 1.7
    assert took <= 1.5 * 60 * each_s + 1800.0


@pytest.mark.parametrize("seed", range(3))
def test_where_more_bring_nothing_it_goes_back_and_rests(seed: int) -> None:
    night = Growing(bears=4, loses=1.0, each_s=60.0, beads=400, dice=Random(seed))
    night.play()
    found = steps(night)
    assert (4, 6) in found
    assert all(now == 4 for before, now in found if before == 6), found
    tuned = [event for event in night.log if isinstance(event, m.WorkersTuned)]
    for back, again in pairwise(tuned):
        if back.workers < back.before:
            assert again.at >= back.rest_until, "it tries again before it has rested"


def test_it_never_passes_its_bounds() -> None:
    """The manifest's, or what the cores allow; and never fewer than it began with."""
    for most, bound in ((None, 2 * PER_CORE), (7, 7)):
        night = Growing(bears=1000, loses=0.0, each_s=60.0, beads=900, dice=Random(1), most=most)
        night.play()
        widths = {width for _, width in night.widths}
        assert max(widths) == bound
        assert min(widths) == Policy().workers


def test_beads_that_take_hours_are_judged_by_what_their_agents_tell() -> None:
    """Nobody waits half a night for the first verdict."""
    night = Growing(bears=20, loses=0.5, each_s=7200.0, beads=80, dice=Random(3))
    night.play()
    first = next(event for event in night.log if isinstance(event, m.WorkersTuned))
    assert first.what == "tokens"
    assert first.at < 7200.0
    assert max(workers for _, workers in steps(night)) >= 12


def test_where_nobody_waits_for_a_worker_none_is_added() -> None:
    night = Growing(bears=50, loses=0.0, each_s=60.0, beads=4, dice=Random(1))
    night.play()
    assert not steps(night)


def test_what_was_found_out_outlives_our_death() -> None:
    night = Growing(bears=14, loses=0.5, each_s=60.0, beads=800, dice=Random(2), dies_at=1500.0)
    night.play()
    before = [width for at, width in night.widths if at < 1500.0][-1]
    after = next(width for at, width in night.widths if at > 1500.0)
    assert before == after
    assert before > Policy().workers
    assert night.state.counts[BeadState.DONE] == 800
