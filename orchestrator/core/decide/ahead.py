"""How far the train checks ahead, as the machine has room: never more than is set, and the front car always.

A check that runs ahead is a guess. On a machine that is busy it delays what is certain, and short of memory it may end
it. So at each look the train becomes one place shorter while the load is high, and one longer once it has fallen well
below that; short of memory it waits for the front alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestrator.core import messages as m
from orchestrator.core.decide.host import UNKNOWN_NEED, spoken_for
from orchestrator.core.model import Room, Token
from orchestrator.core.state import State
from orchestrator.core.train import places

CALM = 0.75
"""The share of the load set, below which the train grows again: near it, it stays as it is."""


def weighed(state: State, room: Room, used: Mapping[Token, int], at: float) -> Iterator[m.Event]:
    """Only where somebody waits behind the front. `used`: memory of live sessions."""
    now = places(state)
    if not state.policy.heed_host:
        wanted, reason = state.policy.train, ""
    elif len(state.merging) < 2:
        return
    else:
        wanted, reason = _wanted(state, room, used, now)
    if wanted != now:
        yield m.TrainSized(at=at, places=wanted, reason=reason)


def _wanted(state: State, room: Room, used: Mapping[Token, int], now: int) -> tuple[int, str]:
    policy = state.policy
    if room.memory is not None:
        free = room.memory - spoken_for(state, used) - policy.memory_floor
        if free < UNKNOWN_NEED:
            return 1, f"{max(free, 0) / 2**20:,.0f} MiB of memory are free for checks"
    if room.load is None or not policy.train_load:
        return policy.train, ""
    most = policy.train_load * room.cores
    told = f"the load is {room.load:.1f} on {room.cores} cores"
    if room.load >= most:
        return max(now - 1, 1), told
    if room.load < CALM * most:
        return min(now + 1, policy.train), told
    return now, ""
