"""Whether the base's new commits are to be taken into the target now: a pure reading of the state.

They go before whatever else would land, so that a busy train does not keep them waiting; cars are composed on top of
them, and checked ahead, while it is not known yet whether they land.
"""

from __future__ import annotations

from orchestrator.core.records import Point
from orchestrator.core.state import ACTIVE, State


def is_due(state: State) -> bool:
    """They are to be merged. Not where nothing more will land: the target is whole as it is."""
    if not state.policy.follow_base or state.base_tip in (state.base_taken, state.base_refused):
        return False
    if state.base_rests and state.merging:  # one that moves all the time would keep all else from landing
        return False
    return state.following is None and not state.base_waits and any(state.counts[each] for each in ACTIVE)


def goes_first(state: State) -> bool:
    """Nothing else lands before it is known what becomes of them."""
    return state.following is not None or is_due(state)


def ground(state: State) -> Point | None:
    """What the first car stands on; None: the target's tip, which is not known yet."""
    return state.following.made if state.following is not None else state.tip


def turn(state: State) -> int:
    """Another one is another order: the target has moved since."""
    return state.landings + state.shoves
