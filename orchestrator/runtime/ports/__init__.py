"""What the control loop needs of the world, as Protocols: each has a real adapter and one for tests.

Knows no git, no terminal, no database. Adapters raise nothing across these borders but what is named here:
what goes wrong in the world is an answer, because policy has to decide about it.
"""

from orchestrator.runtime.ports.agents import (
    AgentMissing,
    Agents,
    Dialog,
    EventFile,
    Exit,
    Launch,
    Reader,
    ScreenRules,
    Sign,
)
from orchestrator.runtime.ports.commands import CommandResult, Commands
from orchestrator.runtime.ports.landing import Brought, CheckResult, Composition, Conflict, Empty, LandedAt, Letter
from orchestrator.runtime.ports.sessions import Session, Sessions, SpawnFailed
from orchestrator.runtime.ports.store import (
    Holder,
    Request,
    Store,
    StoreDamaged,
    StoreFault,
    StoreFull,
    StoreReadOnly,
    StoreTaken,
    StoreTooNew,
)
from orchestrator.runtime.ports.workspaces import (
    Broken,
    InDoubt,
    Look,
    Overlap,
    Place,
    Predictor,
    Work,
    WorkspaceFault,
    Workspaces,
)
from orchestrator.runtime.ports.world import Clock, Emit, Leaving, Listener, Marks

__all__ = [
    "AgentMissing",
    "Agents",
    "Broken",
    "Brought",
    "CheckResult",
    "Clock",
    "CommandResult",
    "Commands",
    "Composition",
    "Conflict",
    "Dialog",
    "Emit",
    "Empty",
    "EventFile",
    "Exit",
    "Holder",
    "InDoubt",
    "LandedAt",
    "Launch",
    "Leaving",
    "Letter",
    "Listener",
    "Look",
    "Marks",
    "Overlap",
    "Place",
    "Predictor",
    "Reader",
    "Request",
    "ScreenRules",
    "Session",
    "Sessions",
    "Sign",
    "SpawnFailed",
    "Store",
    "StoreDamaged",
    "StoreFault",
    "StoreFull",
    "StoreReadOnly",
    "StoreTaken",
    "StoreTooNew",
    "Work",
    "WorkspaceFault",
    "Workspaces",
]
