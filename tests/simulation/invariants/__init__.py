"""What must hold after every step, and at the end of a night: a function each.

Each takes the whole world, raises `AssertionError`, and counts again from the records what the state keeps counted.
What must hold before an event stands in `beforehand`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.simulation.invariants.books import (
    asking_twice_is_the_same,
    blocked_means_blocked,
    counts_are_right,
    side_views_are_right,
    the_log_is_the_state,
)
from tests.simulation.invariants.endings import (
    everything_has_settled,
    nothing_is_left_over,
    what_is_done_has_landed,
    who_strayed_does_not_land,
)
from tests.simulation.invariants.landings import (
    nothing_is_lost,
    pull_requests_are_opened_once,
    the_base_is_taken_in_green_or_not_at_all,
    the_target_only_grows,
    the_train_is_of_verified_beads,
    what_is_said_to_be_pushed_is_there,
)
from tests.simulation.invariants.waiting import (
    everything_waits_for_something,
    nobody_waits_in_a_ring,
    nobody_waits_in_vain,
)
from tests.simulation.invariants.work import (
    budget_is_kept,
    files_are_held_by_one,
    one_worker_one_bead,
    questions_are_with_a_person,
    starts_are_bounded,
    who_stands_still_is_known,
    workers_are_as_many_as_are_wanted,
)

if TYPE_CHECKING:
    from tests.simulation.world import World


AFTER_EVERY_STEP: tuple[Callable[[World], None], ...] = (
    files_are_held_by_one,
    nobody_waits_in_a_ring,
    one_worker_one_bead,
    questions_are_with_a_person,
    starts_are_bounded,
    workers_are_as_many_as_are_wanted,
    who_stands_still_is_known,
    budget_is_kept,
    counts_are_right,
    side_views_are_right,
    blocked_means_blocked,
    asking_twice_is_the_same,
    everything_waits_for_something,
    nobody_waits_in_vain,
    the_train_is_of_verified_beads,
    the_target_only_grows,
    what_is_said_to_be_pushed_is_there,
    pull_requests_are_opened_once,
    the_base_is_taken_in_green_or_not_at_all,
    nothing_is_lost,
    the_log_is_the_state,
)

AT_THE_END: tuple[Callable[[World], None], ...] = (
    everything_has_settled,
    nothing_is_left_over,
    what_is_done_has_landed,
    who_strayed_does_not_land,
)
