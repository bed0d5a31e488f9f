"""When the target is to be brought to a remote: a pure reading of the state."""

from __future__ import annotations

from orchestrator.core import clearing
from orchestrator.core.model import PushWhen, WorkerState
from orchestrator.core.state import ACTIVE, State


def is_due(state: State) -> bool:
    """It is owed now. A push that failed waits for its time; one at the end, for everything else."""
    if not is_behind(state) or state.push_waits:
        return False
    return state.policy.push_when is PushWhen.EACH or is_all_else_done(state)


def is_behind(state: State) -> bool:
    """More has landed than the remote is known to have. Where there are pull requests, those bring it there."""
    return bool(state.policy.push_to) and state.policy.requests is None and state.landings > state.pushed


def holds_the_end(state: State) -> bool:
    """All else is done, and the run waits for the push: not for ever."""
    return is_behind(state) and state.push_failures < state.policy.push_tries and is_all_else_done(state)


def is_all_else_done(state: State) -> bool:
    """Nothing more will land in this run as it stands."""
    if state.attempts or clearing.holds_the_end(state):
        return False
    if not any(state.counts[each] for each in ACTIVE):
        return True
    return state.stopping is not None or state.worker_counts[WorkerState.FAILED] == len(state.workers)
