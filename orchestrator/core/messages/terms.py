"""What may be another at each start of the same run."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.core.model import BeadId, Budget, Policy, Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What may be another at each start of the same run."""

    policy: Policy
    budget: Budget
    token: Token
    """The highest fencing token that this repository has used by now: other runs use them too."""
    numbers: dict[BeadId, int] = field(default_factory=dict)
    """The highest attempt number that this repository has used by now, per bead."""
    options: dict[str, str] = field(default_factory=dict)
    """What the command line said, for whoever goes on without saying it again."""
