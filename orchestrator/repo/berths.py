"""A berth for each worker: ports and a name for containers that no other worker uses; and what its commands find.

Knows no worktree. The same worker of the same repository has the same berth every night.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping

from orchestrator.core.messages import Check, OpenSession
from orchestrator.core.model import WorkerId
from orchestrator.repo.repository import Repository

FIRST, LAST, EACH = 10_000, 32_000, 100
"""Ports from `FIRST` on, below those that the kernel gives to outgoing connections; `EACH` for a worker."""


def berth(repository: Repository, run: str, worker: WorkerId) -> Mapping[str, str]:
    """`PORT_BASE`, the first of its ports, and `COMPOSE_PROJECT_NAME`, as `docker compose` takes it."""
    number = int(re.sub(r"\D", "", worker) or 0)
    # Two repositories at once begin at different places; the workers of one never share.
    offset = zlib.crc32(str(repository.common_dir).encode())
    block = (offset + number) % ((LAST - FIRST) // EACH)
    name = re.sub(r"[^a-z0-9_-]+", "-", f"{repository.name}-{run}-{worker}".lower()).strip("-_")
    return {"PORT_BASE": str(FIRST + EACH * block), "COMPOSE_PROJECT_NAME": name or "orchestrator"}


def environment(repository: Repository, run: str, order: OpenSession | Check) -> Mapping[str, str]:
    """What setup and checks find in their environment."""
    return {
        "ORCHESTRATOR_RUN": run,
        "ORCHESTRATOR_BEAD": order.bead,
        "ORCHESTRATOR_ATTEMPT": str(order.number),
        "ORCHESTRATOR_WORKER": order.worker,
        **berth(repository, run, order.worker),
    }
