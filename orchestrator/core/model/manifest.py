"""A night as it was written down."""

from __future__ import annotations

from orchestrator.core.model.settings import Budget, Policy
from orchestrator.core.model.work import AgentTraits, Bead, Skipped
from orchestrator.core.values import Struct, field


class Manifest(Struct, frozen=True, kw_only=True):
    """A validated task graph with its settings: acyclic, ids unique, every need known."""

    name: str
    base: str | None
    """A revision; None: what the repository's HEAD is at."""
    target: str
    beads: tuple[Bead, ...]
    agents: tuple[AgentTraits, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    setup: tuple[str, ...] = ()
    verify: tuple[str, ...] = ()
    budget: Budget = field(default_factory=Budget)
    policy: Policy = field(default_factory=Policy)
