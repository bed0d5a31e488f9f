"""Workers come, go, and change their state."""

from __future__ import annotations

from typing import Any

from orchestrator.core import machines
from orchestrator.core import messages as m
from orchestrator.core.model import WorkerId, WorkerState
from orchestrator.core.records import WorkerRecord
from orchestrator.core.standing import Standing
from orchestrator.core.values import replace


def staff(state: Standing, at: float) -> None:
    """The workers that the policy and a person want; one too many goes once it has nothing to do."""
    planned = (WorkerId(f"w{n}") for n in range(1, (state.width or state.policy.workers) + 1))
    wanted = [worker for worker in dict.fromkeys((*planned, *state.added)) if worker not in state.released]
    for worker in wanted:
        if worker not in state.workers:
            state.workers[worker] = WorkerRecord(id=worker, since=at)
            state.worker_counts[WorkerState.IDLE] += 1
    for worker in [each for each in state.workers if each not in set(wanted)]:
        if state.workers[worker].token is None:
            _dismiss(state, worker)
    state.surplus = len(state.workers) - len(wanted)


def _dismiss(state: Standing, worker: WorkerId) -> None:
    state.worker_counts[state.workers[worker].state] -= 1
    state.deadlines.drop(("worker", worker))
    del state.workers[worker]


def move_worker(state: Standing, worker: WorkerId, event: m.Event, **changes: Any) -> WorkerRecord:
    before = state.workers[worker]
    after = machines.after(machines.WORKER, before.state, type(event), f"worker {worker}")
    since = event.at if after is not before.state else before.since
    record = replace(before, state=after, since=since, **changes)
    state.workers[worker] = record
    state.worker_counts[before.state] -= 1
    state.worker_counts[after] += 1
    return record
