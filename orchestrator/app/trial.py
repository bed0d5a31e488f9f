"""A bead of one line in a repository that is thrown away: whether an agent program really works here.

Knows what is asked of it. It is a run like any other: what it starts, checks and lands is `run`'s.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

from orchestrator.app.loading import load
from orchestrator.app.night import run
from orchestrator.app.orders import Order
from orchestrator.core.messages import Event
from orchestrator.core.model import BeadId, BeadState
from orchestrator.core.values import Struct

BEAD = BeadId("try")
PROMPT = "Create a file named hello.txt that holds one line: hello. Do nothing else."
TIMEOUT = "5m"


class Trial(Struct, frozen=True, kw_only=True):
    """What became of it."""

    route: str
    landed: bool
    reason: str
    """Why it did not land, as far as that is known."""
    seconds: float
    usd: float | None
    """None: it did not say."""


def try_out(route: str, manifest: Path | None) -> Trial:
    """One attempt, with the person's own sign-in and settings: it may cost something.

    `manifest` brings agents of one's own. Raises `Refused`, `ManifestFaults` and `RepositoryFault`.
    """
    from orchestrator.repo.throwaway import make_repository

    own: dict[str, Any] = {}
    if manifest is not None:
        loaded, _ = load(manifest, require_routes=False)
        own = {name: dict(override) for name, override in loaded.agents.items()}
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="orchestrator-try-") as folder:
        make_repository(repository := Path(folder) / "repository")
        written = {
            "version": 1,
            "name": "try",
            "repo": str(repository),
            "workers": 1,
            "starts_in_vain": 1,
            "routes": [route],
            "agents": own,
            "beads": [
                {
                    "id": BEAD,
                    "prompt": PROMPT,
                    "verify": "grep -qi hello hello.txt",
                    "timeout": TIMEOUT,
                    "tries": 1,
                }
            ],
        }
        path = Path(folder) / "try.json"
        path.write_text(json.dumps(_absolute(written, manifest)), encoding="utf-8")
        outcome = run(Order(manifest=path, worktrees=Path(folder) / "worktrees"), lambda _: Nobody())
    record = outcome.state.beads[BEAD]
    return Trial(
        route=route,
        landed=record.state is BeadState.DONE,
        reason=record.reason,
        seconds=round(time.monotonic() - began, 1),
        usd=record.usd,
    )


class Nobody:
    """A listener: the run is too small, or too short, to be watched."""

    def heard(self, event: Event) -> None:
        pass

    def close(self) -> None:
        pass


def _absolute(written: dict[str, Any], manifest: Path | None) -> dict[str, Any]:
    """With programs that lie beside the manifest named by their whole path."""
    if manifest is None:
        return written
    for override in written["agents"].values():
        for key in ("command", "resume"):
            argv = override.get(key)
            if isinstance(argv, list) and argv and isinstance(argv[0], str) and "/" in argv[0]:
                beside = manifest.absolute().parent / argv[0]
                override[key] = [str(beside) if beside.exists() else argv[0], *argv[1:]]
    return written
