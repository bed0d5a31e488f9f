"""What is measured and found: of processes, of the machine, of an attempt."""

from __future__ import annotations

from enum import StrEnum

from orchestrator.core.model.names import Token
from orchestrator.core.model.states import Ending
from orchestrator.core.values import Struct, field


class Usage(Struct, frozen=True, kw_only=True):
    """What an attempt used, as far as its agent said. None is unknown, which is not zero."""

    usd: float | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    computed: bool = False
    """`usd` was computed from the tokens, by a list of prices; else the agent said it."""

    @property
    def tokens(self) -> int | None:
        if self.tokens_in is None and self.tokens_out is None:
            return None
        return (self.tokens_in or 0) + (self.tokens_out or 0)


class ProcessName(Struct, frozen=True, kw_only=True):
    """A process beyond doubt: a pid alone may be another's by now."""

    pid: int
    started: float
    """Its creation time, seconds since the epoch, as the kernel tells."""


class Sample(Struct, frozen=True, kw_only=True):
    """What the processes of one session used, and when it last showed life. Bytes, and seconds before the sample."""

    token: Token
    processes: int
    stopped: int
    """Of these, how many somebody has stopped (SIGSTOP)."""
    cpu_share: float
    """Of one core, since the sample before."""
    cpu_s: float
    memory: int
    descriptors: int
    read: int
    written: int
    """From and to the disk."""
    said_s: float
    """Since its last event."""
    wrote_s: float
    """Since it last wrote to its terminal, whatever that was."""
    quiet_s: float
    """Since any evidence of life: an event, processor time, written files."""


class Host(Struct, frozen=True, kw_only=True):
    """What the machine has for all workers together. 0: unknown."""

    memory: int = 0
    descriptors: int = 0
    """That one process may have open."""


class Room(Struct, frozen=True, kw_only=True):
    """What the machine has left for more sessions. None: it cannot be told, or there is no limit."""

    memory: int | None = None
    """Bytes, within the control group that we run in."""
    load: float | None = None
    """Processes that run or wait for a core, over the last minute."""
    cores: int = 1
    """Physical ones."""
    descriptors: int | None = None
    """That we may still open."""
    processes: int | None = None
    """That may still be started."""


class Ground(StrEnum):
    """What an agent can get at although it is not its own."""

    REF = "ref"
    """A branch, a tag, or a ref of ours."""
    NEW_REF = "new ref"
    """A branch or a tag that was not there before."""
    REMOTE_REF = "remote ref"
    """What `git fetch` moves."""
    CHECKOUT = "checkout"
    """Which branch a checkout or another bead's worktree is on."""
    FILE = "file"
    """In the person's checkout, or in another bead's worktree."""
    SETTING = "setting"
    """Of the shared repository, harmless by its nature."""
    TRAP = "trap"
    """What has git run a program: a hook, or a setting that names one."""
    LINK = "link"
    """In its own worktree, leading out of it."""


class Stray(Struct, frozen=True, kw_only=True):
    """Something beyond an agent's own ground that has changed while it was at work."""

    ground: Ground
    what: str
    """The ref, the path or the setting."""
    how: str
    """What became of it, and what was done about it: one phrase."""
    shown: bool
    """There is evidence that it was this agent. Else it was left as it is, and may well be a person's doing."""


class Verdict(Struct, frozen=True, kw_only=True):
    """What an ended session amounts to, read from the agent's events, exit and last words."""

    ending: Ending
    reason: str = ""
    """In the agent's own words where it has any; one line."""
    session: str | None = None
    """The id by which the agent can resume it."""
    usage: Usage = field(default_factory=Usage)
    retry_at: float | None = None
    """When the provider lets us in again, where it said so."""
