"""Who holds which files, and who waits for whom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from orchestrator.core.model import BeadId, Claim
from orchestrator.core.state import State
from orchestrator.views.times import rfc3339, span


def locks(state: State) -> dict[str, Any]:
    """`orchestrator locks --json`, but for whether anybody is at work."""
    return {
        "run": state.manifest.name,
        "held": [
            {
                "bead": bead,
                "state": state.beads[bead].state,
                "token": state.beads[bead].token,
                "worker": _worker(state, bead),
                "files": _patterns(held),
                "predicted": _patterns(state.locks.guesses.get(bead, ())),
            }
            for bead, held in state.locks.held.items()
        ],
        "waits": [
            {
                "bead": bead,
                "state": state.beads[bead].state,
                "token": wait.token,
                "files": _patterns(wait.claims),
                "for": list(state.locks.blockers[bead]),
                "since": rfc3339(wait.since),
                "until": None if wait.until is None else rfc3339(wait.until),
            }
            for bead, wait in state.locks.waits.items()
        ],
        "first": list(state.entitled),
    }


def as_text(state: State, now: float, *, live: bool) -> str:
    lines = []
    for bead, held in state.locks.held.items():
        guesses = state.locks.guesses.get(bead, ())
        said = ((_patterns([claim])[0], " (predicted)" if claim in guesses else "") for claim in held)
        files = ", ".join(pattern + how for pattern, how in said) or "no files"
        lines.append(f"{bead} ({state.beads[bead].state}) holds {files}")
    for bead, wait in state.locks.waits.items():
        blockers = ", ".join(state.locks.blockers[bead])
        lines.append(
            f"{bead} ({state.beads[bead].state}) waits for {', '.join(_patterns(wait.claims))}, held by {blockers}, "
            f"for {span(now - wait.since)}"
        )
    lines += [
        f"{bead} gave way, or was overtaken, often: it takes all of its files before others start on them"
        for bead in state.entitled
    ]
    if not lines:
        lines = ["no files are held"]
    elif not live and state.ended_at is None:
        lines.append("nobody is at work on the run: it was interrupted, and what it holds keeps nobody else out")
    return "\n".join(lines)


def _patterns(claims: Iterable[Claim]) -> list[str]:
    """As a manifest would say them."""
    return [("read:" if claim.shared else "") + claim.pattern for claim in claims]


def _worker(state: State, bead: BeadId) -> str | None:
    token = state.beads[bead].token
    attempt = state.attempts.get(token) if token is not None else None
    return attempt.worker if attempt is not None and state.has_worker(attempt) else None
