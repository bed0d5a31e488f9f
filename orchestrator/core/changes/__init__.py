"""What each event changes, a file per concern. Nothing here decides: an event is true already."""

from __future__ import annotations

from orchestrator.core.changes import (
    attempts,
    beads,
    collisions,
    following,
    locks,
    pools,
    prediction,
    pull_requests,
    revision,
    routes,
    run,
    workers,
)

CHANGES = {
    **run.CHANGES,
    **beads.CHANGES,
    **attempts.CHANGES,
    **locks.CHANGES,
    **collisions.CHANGES,
    **prediction.CHANGES,
    **routes.CHANGES,
    **pools.CHANGES,
    **revision.CHANGES,
    **workers.CHANGES,
    **pull_requests.CHANGES,
    **following.CHANGES,
}
