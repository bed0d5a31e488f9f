"""What a session is made of, before there is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from orchestrator.core.messages import OpenSession
from orchestrator.core.model import ProcessName
from orchestrator.core.values import Struct
from orchestrator.runtime.ports import Clock, Emit, Launch, Reader
from orchestrator.sessions.pasting import Pace
from orchestrator.sessions.terminal import Terminal
from orchestrator.sessions.transcript import Transcript
from orchestrator.sessions.tree import Tree

if TYPE_CHECKING:
    from orchestrator.sessions.screen import Screen


class Parts(Struct, frozen=True, kw_only=True):
    """What a session is made of."""

    order: OpenSession
    launch: Launch
    process: ProcessName
    terminal: Terminal
    tree: Tree
    transcript: Transcript
    reader: Reader
    clock: Clock
    emit: Emit
    at_spawn: bool
    """Being spawned is this agent's first sign."""
    pace: Pace
    screen: Screen | None
    """None: nobody need see it."""
    start_token: str
    """Given to this session and to nobody else."""
    hide: Callable[[str], str]
    """Takes the secrets of the agent's environment out of what is told: it ends in the store and in the report."""


def recording_of(order: OpenSession) -> str:
    """The name of its file."""
    return f"{order.bead}.{order.number}.cast"
