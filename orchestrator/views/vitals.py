"""The health of workers, from their newest samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.core.health import Health, health
from orchestrator.core.messages import Sampled
from orchestrator.core.model import Sample, WorkerId
from orchestrator.core.state import State

Healths = Mapping[WorkerId, tuple[Health, Sample]]


def healths(state: State, told: Sampled | None) -> Healths:
    """Of each worker with a session that was measured."""
    found: dict[WorkerId, tuple[Health, Sample]] = {}
    for sample in told.samples if told else ():
        attempt = state.live(sample.token)
        if told and attempt is not None:
            found[attempt.worker] = health(state, attempt.worker, sample, told.host), sample
    return found


def as_dict(found: Health) -> dict[str, Any]:
    return {
        part.name: {
            "weight": part.weight,
            "value": part.value,
            "reason": part.reason,
            "inputs": dict(part.inputs),
        }
        for part in found.parts
    }
