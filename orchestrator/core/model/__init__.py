"""The nouns: beads, attempts, workers, routes, breakers, and what a manifest says of them.

Knows no transitions (`machines`), no messages (`messages`) and no policy (`decide`). Times are seconds since
the epoch (UTC), durations are seconds, money is US dollars.
"""

from orchestrator.core.model.findings import Ground, Host, ProcessName, Room, Sample, Stray, Usage, Verdict
from orchestrator.core.model.manifest import Manifest
from orchestrator.core.model.names import (
    ANSWER,
    AUTO,
    FAIL,
    HOLD,
    SHELL_ROUTE,
    AgentName,
    BeadId,
    Commit,
    RouteName,
    Token,
    Tree,
    WorkerId,
)
from orchestrator.core.model.settings import (
    Budget,
    Collisions,
    Limit,
    Per,
    Policy,
    Predict,
    PullRequests,
    PushWhen,
    Style,
    Unasked,
)
from orchestrator.core.model.states import BeadState, BreakerState, Ending, RunState, WorkerState
from orchestrator.core.model.work import AgentTraits, Bead, Claim, Guess, Skipped

__all__ = [
    "ANSWER",
    "AUTO",
    "FAIL",
    "HOLD",
    "SHELL_ROUTE",
    "AgentName",
    "AgentTraits",
    "Bead",
    "BeadId",
    "BeadState",
    "BreakerState",
    "Budget",
    "Claim",
    "Collisions",
    "Commit",
    "Ending",
    "Ground",
    "Guess",
    "Host",
    "Limit",
    "Manifest",
    "Per",
    "Policy",
    "Predict",
    "ProcessName",
    "PullRequests",
    "PushWhen",
    "Room",
    "RouteName",
    "RunState",
    "Sample",
    "Skipped",
    "Stray",
    "Style",
    "Token",
    "Tree",
    "Unasked",
    "Usage",
    "Verdict",
    "WorkerId",
    "WorkerState",
]
