"""Every legal transition of bead, worker and breaker, as tables.

Knows which event leads from which state to which; does not know when an event is due (that is `decide`). The
pictures in `docs/states.md` are generated from these tables. One place raises: `after`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from orchestrator.core import messages as m
from orchestrator.core.model import BeadState as B
from orchestrator.core.model import BreakerState as R
from orchestrator.core.model import RunState
from orchestrator.core.model import WorkerState as W

S = TypeVar("S", bound=StrEnum)
Table = Mapping[S, Mapping[type[m.Event], S]]


class IllegalTransition(Exception):
    """An event that the table does not allow here. Our own fault, always: signals that come late are dropped before."""

    def __init__(self, what: str, state: StrEnum, event: type[m.Event], legal: list[str]) -> None:
        super().__init__(f"{what} is {state}: {event.__name__} is not legal; legal are {', '.join(legal) or 'none'}")


def after(table: Table[S], state: S, event: type[m.Event], what: str) -> S:
    """The state that follows. Raises `IllegalTransition`, which names what would have been legal."""
    row = table[state]
    if event not in row:
        raise IllegalTransition(what, state, event, sorted(e.__name__ for e in row))
    return row[event]


_GIVEN_UP_BY_A_PERSON: Mapping[type[m.Event], B] = {m.BeadCancelled: B.CANCELLED}

BEAD: Table[B] = {
    B.WAITING: {
        m.BeadReadied: B.READY,
        m.BeadHeld: B.HELD,
        m.BeadBlocked: B.BLOCKED,
        **_GIVEN_UP_BY_A_PERSON,
    },
    B.READY: {
        m.BeadReplanned: B.WAITING,
        m.AttemptStarted: B.RUNNING,
        m.BeadWoke: B.READY,
        m.BeadHeld: B.HELD,
        m.BeadFailed: B.FAILED,
        **_GIVEN_UP_BY_A_PERSON,
    },
    B.RUNNING: {
        m.QuestionRaised: B.HELD,
        m.WorkCollected: B.VERIFYING,
        m.BeadReturned: B.READY,
        m.BeadHeld: B.HELD,
        m.BeadFailed: B.FAILED,
        **_GIVEN_UP_BY_A_PERSON,
    },
    B.VERIFYING: {
        m.BeadQueued: B.MERGING,
        m.BeadDone: B.DONE,
        m.BeadReturned: B.READY,
        m.BeadFailed: B.FAILED,
        **_GIVEN_UP_BY_A_PERSON,
    },
    B.MERGING: {
        m.CarComposed: B.MERGING,
        m.CarSetAside: B.MERGING,
        m.CarChecked: B.MERGING,
        m.LandingStarted: B.MERGING,
        m.LandingDelayed: B.MERGING,
        m.BeadWoke: B.MERGING,
        m.BeadLanded: B.DONE,
        m.BeadDone: B.DONE,
        m.BeadReturned: B.READY,
        m.BeadHeld: B.HELD,
        m.BeadFailed: B.FAILED,
        **_GIVEN_UP_BY_A_PERSON,
    },
    B.DONE: {},
    B.FAILED: {m.BeadReopened: B.WAITING},
    B.BLOCKED: {m.BeadReopened: B.WAITING, m.BeadReplanned: B.WAITING, **_GIVEN_UP_BY_A_PERSON},
    B.HELD: {
        m.BeadReopened: B.WAITING,
        m.BeadReplanned: B.WAITING,
        m.BeadBlocked: B.BLOCKED,
        m.QuestionSettled: B.RUNNING,
        m.BeadHeld: B.HELD,  # the session that asked is over, and the question stands
        **_GIVEN_UP_BY_A_PERSON,
    },
    B.CANCELLED: {m.BeadReopened: B.WAITING},
}

WORKER: Table[W] = {
    W.IDLE: {
        m.AttemptStarted: W.STARTING,
        m.WorkerBackedOff: W.BACKOFF,
        m.WorkerFailed: W.FAILED,
        m.WorkerRenewed: W.IDLE,
        m.WorkerQuarantined: W.FAILED,
    },
    W.STARTING: {
        m.AgentStarted: W.RUNNING,
        m.WorkDelivered: W.COMPLETING,
        m.SessionGivenUp: W.TIMEOUT,
        m.SessionBroke: W.RECOVERY,
        m.RunOpened: W.ERROR,
    },
    W.RUNNING: {
        m.WorkDelivered: W.COMPLETING,
        m.SessionGivenUp: W.TIMEOUT,
        m.SessionBroke: W.RECOVERY,
        m.RunOpened: W.ERROR,
    },
    W.TIMEOUT: {
        m.WorkDelivered: W.COMPLETING,  # it finished while we gave it up: its result is not refused
        m.SessionGivenUp: W.TIMEOUT,
        m.SessionBroke: W.RECOVERY,
        m.RunOpened: W.ERROR,
    },
    W.ERROR: {
        m.RunOpened: W.ERROR,
        m.SessionGivenUp: W.ERROR,
        m.SessionBroke: W.RECOVERY,
    },
    W.RECOVERY: {m.SessionGivenUp: W.RECOVERY, m.AttemptEnded: W.IDLE},
    W.COMPLETING: {
        m.WorkCollected: W.COMPLETING,
        m.SessionGivenUp: W.COMPLETING,  # a person gave the bead up: it goes when its worktree is at rest
        m.AttemptEnded: W.IDLE,
        m.SessionBroke: W.RECOVERY,
    },
    W.BACKOFF: {m.WorkerWoke: W.IDLE},
    W.FAILED: {m.WorkerWoke: W.IDLE},
}

BREAKER: Table[R] = {
    R.CLOSED: {m.BreakerOpened: R.OPEN},
    R.OPEN: {m.BreakerOpened: R.OPEN, m.BreakerHalfOpened: R.HALF_OPEN, m.BreakerClosed: R.CLOSED},
    R.HALF_OPEN: {m.BreakerOpened: R.OPEN, m.BreakerClosed: R.CLOSED},
}

PROVIDER: Table[R] = {
    R.CLOSED: {m.ProviderParked: R.OPEN},
    R.OPEN: {m.ProviderParked: R.OPEN, m.ProviderHalfOpened: R.HALF_OPEN, m.ProviderRecovered: R.CLOSED},
    R.HALF_OPEN: {m.ProviderParked: R.OPEN, m.ProviderRecovered: R.CLOSED},
}

RUN: Table[RunState] = {
    RunState.RUNNING: {
        m.RunOpened: RunState.RUNNING,
        m.RunPaused: RunState.PAUSED,
        m.RunResumed: RunState.RUNNING,
        m.RunStopped: RunState.STOPPED,
        m.RunFinished: RunState.FINISHED,
    },
    RunState.PAUSED: {
        m.RunOpened: RunState.RUNNING,
        m.RunPaused: RunState.PAUSED,
        m.RunResumed: RunState.RUNNING,
        m.RunStopped: RunState.STOPPED,
        m.RunFinished: RunState.FINISHED,
    },
    RunState.STOPPED: {m.RunOpened: RunState.RUNNING},
    RunState.FINISHED: {m.RunOpened: RunState.RUNNING},
}
