"""What a session is kept from: folders, the rest of the machine, more than its share of it.

Plain values. Who makes walls and sandboxes of them is `sessions`; who says which, `repo` and the agent's profile.
"""

from __future__ import annotations

from pathlib import Path

from orchestrator.core.values import Struct


class Walls(Struct, frozen=True, kw_only=True):
    """What a session may write of the disk."""

    mounts: tuple[tuple[Path, bool], ...]
    """Folders, and whether they can be written: a later one counts for what is below it. All else can."""


class Sandbox(Struct, frozen=True, kw_only=True):
    """A machine of a session's own: of this one's disk it can write what its walls leave it, and reads the rest.

    It sees no other process, and an empty /tmp.
    """

    network: bool = True
    write: tuple[Path, ...] = ()
    """What else it can write, as far as it is there."""
    hide: tuple[Path, ...] = ()
    """What it cannot even read."""


class Limits(Struct, frozen=True, kw_only=True):
    """Of every process of a session; None: as much as this user may."""

    memory: int | None = None
    """Bytes of its own data."""
    processes: int | None = None
    """All of this user's together; where the kernel counts name spaces apart, of the sandbox."""
    file_size: int | None = None
    """Bytes."""
    cpu_s: int | None = None
    """Processor time."""
