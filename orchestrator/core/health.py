"""How a worker with a session is doing: a score from measured inputs, each part with its reason.

    score = 0.30 liveness + 0.25 activity + 0.20 (1 - error rate) + 0.15 resource efficiency + 0.10 velocity

The score is shown, logged, alerted on, and ranks victims; it restarts nothing: liveness alone, through silence, does.
A sixth dimension, limits of providers, is told beside it: a limit is nobody's bad health.
"""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.core.model import Ending, Host, Sample, WorkerId, WorkerState
from orchestrator.core.records import WorkerRecord
from orchestrator.core.standing import Standing
from orchestrator.core.values import Struct

FRESH_S = 30.0
STALE_S = 300.0
"""Activity falls from 1 to 0 between the two."""
SHARE = (0.5, 2.0)
"""Of what a worker may fairly have: below the first it is efficient, from the second on it is not at all."""
LIMITS = frozenset({Ending.RATE_LIMITED, Ending.USAGE_LIMITED, Ending.OVERLOADED, Ending.UNREACHABLE})
GOOD = frozenset({Ending.DELIVERED, Ending.NO_CHANGE_NEEDED})
NO_VERDICT = LIMITS | {
    Ending.STOPPED, Ending.CANCELLED, Ending.LOST, Ending.ASKED, Ending.UNAVAILABLE, Ending.OVER_BUDGET,
}  # fmt: skip
"""Endings that say nothing of the worker."""


class Part(Struct, frozen=True, kw_only=True):
    name: str
    weight: float
    """Of the score; 0: told beside it."""
    value: float
    """From 0 to 1."""
    reason: str
    inputs: Mapping[str, float]


class Health(Struct, frozen=True, kw_only=True):
    score: float
    parts: tuple[Part, ...]

    @property
    def weakest(self) -> Part:
        """The part that costs most."""
        return max(self.parts, key=lambda part: part.weight * (1.0 - part.value))


def health(state: Standing, worker: WorkerId, sample: Sample, host: Host) -> Health:
    """Of a worker whose session the sample is of."""
    record = state.workers[worker]
    spec = state.beads[state.attempts[sample.token].bead].spec
    parts = (
        _liveness(record, sample, spec.silence_s),
        _activity(sample),
        _errors(record),
        _resources(sample, host, len(state.workers)),
        _velocity(state, record),
        _limits(record),
    )
    return Health(score=round(sum(part.weight * part.value for part in parts), 3), parts=parts)


def _liveness(record: WorkerRecord, sample: Sample, silence_s: float) -> Part:
    running = sample.processes - sample.stopped
    inputs = {"processes": sample.processes, "stopped": sample.stopped, "quiet_s": sample.quiet_s}
    value, reason = max(0.0, 1.0 - sample.quiet_s / silence_s) if silence_s > 0 else 1.0, ""
    if record.state in (WorkerState.TIMEOUT, WorkerState.ERROR):
        value, reason = 0.0, "its session was given up"
    elif not sample.processes:
        value, reason = 0.0, "none of its processes is there"
    elif not running:
        value, reason = 0.0, "all of its processes are stopped"
    else:
        reason = f"{running} processes run, life was seen {sample.quiet_s:.0f} s ago"
    return Part(name="liveness", weight=0.30, value=round(value, 3), reason=reason, inputs=inputs)


def _activity(sample: Sample) -> Part:
    newest = min(sample.said_s, sample.quiet_s)
    value = _falling(newest, FRESH_S, STALE_S)
    reason = f"its last event was {sample.said_s:.0f} s ago, its last output {sample.wrote_s:.0f} s"
    inputs = {"said_s": sample.said_s, "wrote_s": sample.wrote_s, "quiet_s": sample.quiet_s, "cpu": sample.cpu_share}
    return Part(name="activity", weight=0.25, value=value, reason=reason, inputs=inputs)


def _errors(record: WorkerRecord) -> Part:
    counted = [ending for ending in record.outcomes if ending not in NO_VERDICT]
    failed = sum(ending not in GOOD for ending in counted)
    rate = failed / len(counted) if counted else 0.0
    spiral = f", the last {record.alike} alike" if record.alike > 1 else ""
    reason = f"{failed} of its last {len(counted)} attempts failed{spiral}" if counted else "none of its attempts ended"
    inputs = {"failed": failed, "ended": len(counted), "alike": record.alike}
    return Part(name="errors", weight=0.20, value=round(1.0 - rate, 3), reason=reason, inputs=inputs)


def _resources(sample: Sample, host: Host, workers: int) -> Part:
    """Against what it may fairly have: its share of the machine's memory, and its own limit of descriptors."""
    memory = sample.memory * workers / host.memory if host.memory else 0.0
    descriptors = sample.descriptors / host.descriptors if host.descriptors else 0.0
    worst, what = max((memory, "of its share of memory"), (2.0 * descriptors, "of its descriptors"))
    reason = f"{sample.memory / 2**20:.0f} MiB, {sample.descriptors} descriptors: {worst:.0%} {what}"
    inputs = {
        "memory": sample.memory, "cpu": sample.cpu_share, "cpu_s": sample.cpu_s, "descriptors": sample.descriptors,
        "read": sample.read, "written": sample.written,
    }  # fmt: skip
    return Part(name="resources", weight=0.15, value=_falling(worst, *SHARE), reason=reason, inputs=inputs)


def _velocity(state: Standing, record: WorkerRecord) -> Part:
    """Against the mean of all workers."""
    every = [worker for worker in state.workers.values() if worker.busy_s]
    hours = sum(worker.busy_s for worker in every) / 3600.0
    mean = sum(worker.delivered for worker in every) / hours if hours else 0.0
    own = record.delivered / (record.busy_s / 3600.0) if record.busy_s else 0.0
    known = bool(mean and record.busy_s)
    reason = f"{own:.1f} deliveries an hour, all workers {mean:.1f}" if known else "nothing to compare it with yet"
    value = round(min(1.0, own / mean), 3) if known else 1.0
    inputs = {"delivered": record.delivered, "busy_s": record.busy_s, "an_hour": own, "mean": mean}
    return Part(name="velocity", weight=0.10, value=value, reason=reason, inputs=inputs)


def _limits(record: WorkerRecord) -> Part:
    limited = sum(ending in LIMITS for ending in record.outcomes)
    ended = len(record.outcomes)
    reason = f"{limited} of its last {ended} attempts met a limit" if ended else "none of its attempts ended"
    value = 1.0 - limited / ended if ended else 1.0
    inputs = {"limited": limited, "ended": ended}
    return Part(name="limits", weight=0.0, value=round(value, 3), reason=reason, inputs=inputs)


def _falling(value: float, first: float, last: float) -> float:
    """1 up to `first`, 0 from `last` on."""
    return round(min(1.0, max(0.0, (last - value) / (last - first))), 3)
