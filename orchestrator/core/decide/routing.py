"""Which route an attempt takes: the first of the bead's chain that lets it through now.

Two directions of the chain, never mixed: what was not to be had (limits, outages) goes to whatever else is to be
had; what was not up to it (failed checks, time run out) counts as a strike, and enough strikes put the route behind
the others of the chain. A chain is read anew at each start, so a bead comes back to its first choice when that is
healthy again.
"""

from __future__ import annotations

from orchestrator.core.decide.pools import has_room
from orchestrator.core.model import BeadId, BreakerState, RouteName
from orchestrator.core.ready import Barrier
from orchestrator.core.records import Account, Breaker
from orchestrator.core.state import State
from orchestrator.core.values import Struct


class Pick(Struct, frozen=True, kw_only=True):
    route: RouteName
    probe: bool = False


class Hopeless(Struct, frozen=True, kw_only=True):
    """Every route of the chain is shut for good."""

    reason: str


def pick(state: State, bead: BeadId, at: float) -> Pick | Hopeless | None:
    """The first route of the bead's chain that lets an attempt through now. None: one will, later."""
    shut: list[str] = []
    chain = state.chain(state.beads[bead], at)
    for route in chain:
        breaker, account = state.breakers[route], state.account_of(route)
        if _lets_through(breaker) and _lets_through(account) and has_room(state, route, at):
            probe = BreakerState.HALF_OPEN in (breaker.state, account.state)
            return Pick(route=route, probe=probe)
        if shut_for_good(state, route):
            shut.append(f"{route}: {breaker.reason}")
    every = state.beads[bead].spec.routes
    if len(shut) == len(chain) and all(shut_for_good(state, route) for route in every):
        return Hopeless(reason="no route is left: " + "; ".join(shut))
    return None


def barriers(state: State, bead: BeadId) -> tuple[Barrier, ...]:
    """All that may let it through one day."""
    kept_by: dict[Barrier, None] = {}
    for route in state.beads[bead].spec.routes:
        kept_by["route", route] = None
        kept_by["provider", state.traits_of(route).provider] = None
        for pool in state.pools_of(route):
            kept_by["pool", pool] = None
    return tuple(kept_by)


def shut_for_good(state: State, route: RouteName) -> bool:
    breaker = state.breakers[route]
    return breaker.state is BreakerState.OPEN and breaker.until is None


def _lets_through(breaker: Breaker | Account) -> bool:
    """A half-open one lets exactly one through."""
    if breaker.state is BreakerState.HALF_OPEN:
        return breaker.probe is None
    return breaker.state is BreakerState.CLOSED
