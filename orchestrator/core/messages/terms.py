"""What may be another at each start of the same run, and what a person may change while it is under way."""

from __future__ import annotations

from orchestrator.core.model import AgentName, BeadId, Budget, Commit, Manifest, Policy, Room, Token
from orchestrator.core.values import Struct, field


class Terms(Struct, frozen=True, kw_only=True):
    """What may be another at each start of the same run."""

    policy: Policy
    budget: Budget
    token: Token
    """The highest fencing token that this repository has used by now: other runs use them too."""
    numbers: dict[BeadId, int] = field(default_factory=dict)
    """The highest attempt number that this repository has used by now, per bead."""
    options: dict[str, str] = field(default_factory=dict)
    """What the command line said, for whoever goes on without saying it again."""
    needs: dict[AgentName, int] = field(default_factory=dict)
    """Memory that sessions of each agent were measured to need, over all runs."""
    room: Room | None = None
    """What the machine has left at the start; None: not measured."""


class Settings(Struct, frozen=True, kw_only=True):
    """How a run is to be carried out from now on, while it is at work."""

    policy: Policy
    budget: Budget
    names: dict[str, str] = field(default_factory=dict)
    """What a person calls each field of the policy: the key that it comes from."""


class Revision(Struct, frozen=True, kw_only=True):
    """Another manifest for a run that has begun, and what the repository knows of its beads."""

    manifest: Manifest
    tasks: dict[BeadId, str] = field(default_factory=dict)
    """A digest of what each bead asks for."""
    landed: dict[BeadId, Commit] = field(default_factory=dict)
    """Beads whose commit stands on the target already."""
    numbers: dict[BeadId, int] = field(default_factory=dict)
    """The highest attempt number that this repository has already used, per bead."""
    source: str = ""
    """The file that it comes from."""
