"""What a profile's `sandbox` table says: what an agent may not do to the machine, and how much of it it may use.

Knows spellings, and which paths hold secrets by custom. Does not know how a sandbox is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from orchestrator.agents import fields
from orchestrator.agents.fields import Table, Wrong
from orchestrator.core.values import Struct, field
from orchestrator.runtime.confinement import Limits, Sandbox

SECRETS = (
    "~/.ssh", "~/.gnupg", "~/.netrc", "~/.git-credentials", "~/.aws", "~/.azure", "~/.config/gcloud", "~/.kube",
    "~/.docker", "~/.password-store", "~/.local/share/keyrings", "~/.mozilla", "~/.config/google-chrome",
)  # fmt: skip
"""Hidden unless the profile says otherwise: no agent needs them for its work."""


class Disk(StrEnum):
    WORKTREE = "worktree"
    """It writes what is its own, and reads the rest."""
    OPEN = "open"
    """As without a sandbox: for limits alone."""


class OwnHome(StrEnum):
    OWN = "own"
    USER = "user"


class Confinement(Struct, frozen=True, kw_only=True):
    disk: Disk = Disk.WORKTREE
    network: bool = True
    home: OwnHome = OwnHome.OWN
    """`user`: the person's, to read; sign-ins are found there, and sessions can be gone on with."""
    write: tuple[str, ...] = ()
    hide: tuple[str, ...] = SECRETS
    limits: Limits = field(default_factory=Limits)

    def sandbox(self, environ: Mapping[str, str], *own: Path) -> Sandbox | None:
        """`own`: what else it writes of its own. None: it is only limited."""
        if self.disk is Disk.OPEN:
            return None
        home = Path(environ.get("HOME", "/nonexistent"))
        return Sandbox(
            network=self.network,
            write=(*own, *(_at(home, path) for path in self.write)),
            hide=tuple(_at(home, path) for path in self.hide),
        )


def confinement(table: Table) -> Confinement:
    network, hide = table.get("network", fields.flag), table.get("hide", _places)
    return Confinement(
        disk=table.get("disk", fields.one_of(Disk)) or Disk.WORKTREE,
        network=True if network is None else network,
        home=table.get("home", fields.one_of(OwnHome)) or OwnHome.OWN,
        write=table.get("write", _places) or (),
        hide=SECRETS if hide is None else hide,
        limits=Limits(
            memory=table.get("memory", _size),
            processes=table.get("processes", fields.count),
            file_size=table.get("file_size", _size),
            cpu_s=table.get("cpu", _seconds),
        ),
    )


def _at(home: Path, path: str) -> Path:
    return home / path[2:] if path.startswith("~/") else home if path == "~" else Path(path)


def _places(value: Any) -> tuple[str, ...]:
    paths = fields.argv(value)
    for path in paths:
        if not path.startswith(("/", "~/")) and path != "~":
            raise Wrong(f"has '{path}': it must be an absolute path, or begin with '~/'")
    return paths


def _measured(units: Mapping[str, int], example: str) -> Callable[[Any], int]:
    pattern = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", re.I | re.A)

    def read(value: Any) -> int:
        found = pattern.fullmatch(str(value)) if not isinstance(value, bool) else None
        unit = units.get(found[2].lower()) if found else None
        amount = round(float(found[1]) * unit) if found and unit else 0
        if amount < 1:
            raise Wrong(f"must be {example}, not {value!r}")
        return amount

    return read


_POWERS = {letter: power for power, letter in enumerate("kmgt", 1)}
_size = _measured(
    {"": 1, "b": 1}
    | {f"{letter}b": 1000**power for letter, power in _POWERS.items()}
    | {f"{letter}ib": 1024**power for letter, power in _POWERS.items()},
    "a size such as 500MB or 4GiB",
)
_seconds = _measured({"": 1, "s": 1, "m": 60, "h": 3600}, "a time such as 90s, 45m or 2h")
