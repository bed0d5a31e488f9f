"""How many more sessions the machine has room for. With none, nothing new starts; it goes on by itself once there is.

What one needs is learned from the peaks of its agent's own sessions. Those that are young will still grow to that: it
is set aside for them. An allowance is told where it matters only: while fewer fit than may start between two looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestrator.core import messages as m
from orchestrator.core.model import AgentName, BeadState, Room, Token, WorkerState
from orchestrator.core.state import State

UNKNOWN_NEED = 256 * 2**20
"""Bytes of memory, of an agent that was never measured."""
GROWTH = 1.1
"""A peak must be so much higher than the known one to be told: a night has few of those."""
DESCRIPTORS = 8
"""Of ours, for one session: its terminal, its recording, what wakes its thread."""
SPARE_DESCRIPTORS = 64
PROCESSES = 32
"""And threads, of one session."""


def learned(state: State, signal: m.Sampled) -> Iterator[m.Event]:
    """What an agent was measured to need."""
    for sample in signal.samples:
        attempt = state.live(sample.token)
        if attempt is not None:
            agent = state.traits_of(attempt.route).name
            if sample.memory > GROWTH * state.needs.get(agent, 0):
                yield m.AgentMeasured(at=signal.at, agent=agent, memory=sample.memory)


def weighed(state: State, room: Room, used: Mapping[Token, int], at: float) -> Iterator[m.Event]:
    """`used`: memory of live sessions."""
    if not state.policy.heed_host:
        if state.fits is not None:
            yield m.HostFreed(at=at)
        return
    fits, reason = _fits(state, room, used)
    if fits >= state.policy.max_starts:
        if state.fits is not None:
            yield m.HostFreed(at=at)
    elif state.fits is None or _matters(state, fits):
        yield m.HostTightened(at=at, fits=fits, reason=reason)


def _matters(state: State, fits: int) -> bool:
    """It differs, and somebody waits to start, or soon none could."""
    waits = state.counts[BeadState.READY] and state.worker_counts[WorkerState.IDLE]
    return fits != state.fits and bool(waits or state.fits == 0)


def _fits(state: State, room: Room, used: Mapping[Token, int]) -> tuple[int, str]:
    """How many sessions more, at least 0, and what the bound is."""
    policy, bounds = state.policy, []
    if room.memory is not None:
        need, promised = _next_need(state), spoken_for(state, used)
        free = room.memory - promised - policy.memory_floor
        said = f"{room.memory / 2**20:,.0f} MiB of memory are free"
        if promised:
            said += f", {promised / 2**20:,.0f} MiB of them for agents that have just started"
        said += f"; an agent needs {need / 2**20:,.0f} MiB, and {policy.memory_floor / 2**20:,.0f} MiB stay free"
        bounds.append((int(free // need), said))
    if room.load is not None and policy.max_load:
        told = f"the load is {room.load:.1f} on {room.cores} cores, and at most {policy.max_load:g} for each"
        bounds.append((policy.max_starts if room.load < policy.max_load * room.cores else 0, told))
    if room.descriptors is not None:
        fit = (room.descriptors - SPARE_DESCRIPTORS) // DESCRIPTORS
        bounds.append((fit, f"{room.descriptors} file descriptors are left to the orchestrator (`ulimit -n`)"))
    if room.processes is not None:
        bounds.append((room.processes // PROCESSES, f"{room.processes} more processes may be started"))
    fits, reason = min(bounds, default=(policy.max_starts, ""))
    return max(fits, 0), reason


def _next_need(state: State) -> float:
    """Of the neediest agent that is asked first by a bead that is ready."""
    ready = (record.spec.routes[:1] for record in state.beads.values() if record.state is BeadState.READY)
    agents = {state.traits_of(route).name for routes in ready for route in routes}
    return max((_need(state, agent) for agent in agents), default=UNKNOWN_NEED)


def _need(state: State, agent: AgentName) -> float:
    return float(state.needs.get(agent, UNKNOWN_NEED))


def spoken_for(state: State, used: Mapping[Token, int]) -> float:
    """Memory that agents which have just started will still take."""
    live = (WorkerState.STARTING, WorkerState.RUNNING)
    tokens = (worker.token for worker in state.workers.values() if worker.state in live and worker.token is not None)
    attempts = (state.attempts[token] for token in tokens)
    return sum(
        max(_need(state, state.traits_of(attempt.route).name) - used.get(attempt.token, 0), 0.0) for attempt in attempts
    )
