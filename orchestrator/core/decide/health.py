"""When a worker's health is worth an event: as it falls below the floor, and as it rises clear of it again."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core import messages as m
from orchestrator.core.health import health
from orchestrator.core.model import Ending, Sample, WorkerState
from orchestrator.core.records import WorkerRecord
from orchestrator.core.state import State

CLEAR = 0.1
"""So far above the floor it must rise: a score that hangs about there is said once."""

STOPPED_S = 60.0
"""How long all processes of an agent may be stopped (SIGSTOP) before it is given up."""


def sampled(state: State, signal: m.Sampled) -> Iterator[m.Event]:
    floor = state.policy.health_floor
    for sample in signal.samples:
        attempt = state.live(sample.token)
        if attempt is None:
            continue
        worker = state.worker_of(attempt)
        if attempt.question or attempt.suspended is not None:
            continue  # it waits, in good health: for a person, or for the machine
        found = health(state, worker.id, sample, signal.host)
        ill = found.score < floor or not _runs(sample)
        if worker.unwell_at is None and ill:
            yield m.HealthFell(
                at=signal.at,
                worker=worker.id,
                bead=attempt.bead,
                token=attempt.token,
                score=found.score,
                floor=floor,
                reason=f"{found.weakest.name}: {found.weakest.reason}",
                since=signal.at - sample.quiet_s,
            )
        elif worker.unwell_at is not None and not ill and found.score >= floor + CLEAR:
            yield m.HealthRose(
                at=signal.at, worker=worker.id, bead=attempt.bead, token=attempt.token, score=found.score
            )
        elif worker.unwell_at is not None and _may_be_ended(state, worker, sample, signal.at):
            reason = f"all of its {sample.processes} processes are stopped, for {STOPPED_S:g} s or more"
            yield m.SessionGivenUp(at=signal.at, token=attempt.token, ending=Ending.SILENT, reason=reason)


def _runs(sample: Sample) -> bool:
    return sample.processes > sample.stopped


def _may_be_ended(state: State, worker: WorkerRecord, sample: Sample, at: float) -> bool:
    """What is stopped does nothing until somebody lets it go on, and nobody does."""
    assert worker.unwell_at is not None
    halted = sample.processes > 0 and not _runs(sample) and sample.quiet_s >= STOPPED_S
    return halted and worker.state is WorkerState.RUNNING and at >= worker.unwell_at + STOPPED_S
