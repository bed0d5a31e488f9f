"""Holding what the state claims against what git and the process table show.

The database is only the list of claims; the evidence is gathered elsewhere and handed in. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from orchestrator.core.model import BeadId, BeadState, Commit, RunState, Tree
from orchestrator.core.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A commit on the target that was not in its base."""

    commit: Commit
    tree: Tree
    what: tuple[BeadId, str] | None
    """The bead, and the digest of its task, that we landed with it; None: it is not ours, whatever its message says."""
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    target: str
    landed: tuple[Shown, ...]
    verified: frozenset[BeadId]
    """Beads whose landed tree has passed its checks, by the record that was written when it did."""
    unreachable: tuple[tuple[BeadId, Commit], ...]
    """Work that attempts left behind and that no branch or attic ref holds."""
    worktrees: tuple[str, ...]
    processes: tuple[str, ...]
    """What still runs with our mark, as `pid command`."""
    leases: tuple[BeadId, ...]
    writer: str = ""
    """Who has the state open for writing now; empty: nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    holds: bool
    claim: str
    detail: str = ""
    command: str = ""
    """What shows it."""


def prove(state: State, evidence: Evidence) -> list[Finding]:
    """Each promise with whether it was kept."""
    log = f"git log --format='%h %s%n  %(trailers:key=Bead)' {state.target_base[:12]}..{evidence.target}"
    findings = list(_landings(state, evidence, log))
    kept = [f"{bead} ({commit[:12]})" for bead, commit in evidence.unreachable]
    findings.append(
        _finding(
            "the work of every attempt is in a branch or in the attic",
            kept,
            "git for-each-ref refs/orchestrator/attic",
        )
    )
    if evidence.writer:
        findings.append(Finding(holds=True, claim="it is at work now", detail=evidence.writer))
        return findings
    findings.append(_finding("no process is left over", list(evidence.processes), "ps -ef"))
    if state.run is RunState.FINISHED:
        findings.append(_finding("no lock is left over", sorted(evidence.leases), "orchestrator status"))
        findings.append(_finding("no worktree is left over", list(evidence.worktrees), "git worktree list"))
    return findings


def _landings(state: State, evidence: Evidence, log: str) -> Iterator[Finding]:
    seen: dict[BeadId, list[Shown]] = {}
    for shown in evidence.landed:
        if shown.what is not None and state.tasks.get(shown.what[0], "") == shown.what[1]:
            seen.setdefault(shown.what[0], []).append(shown)
    foreign = [f"{shown.commit[:12]} {shown.subject}" for shown in evidence.landed if shown.what is None]
    yield _finding("every commit on the target was put there by a landing of ours", foreign, log)
    claimed = {bead: record for bead, record in state.beads.items() if record.commit is not None}
    missing = [f"{bead}" for bead in claimed if bead not in seen]
    yield _finding("each bead said to have landed is on the target", missing, log)
    twice = [f"{bead} ({len(commits)} times)" for bead, commits in seen.items() if len(commits) > 1]
    yield _finding("none is there twice", twice, log)
    other = [
        f"{bead} (said {record.commit[:12]})"
        for bead, record in claimed.items()
        if record.commit is not None and bead in seen and seen[bead][0].commit != record.commit
    ]
    yield _finding("each is there as the very commit that was said", other, log)
    if state.manifest.verify:
        unverified = list(_unverified(state, seen, evidence))
        yield _finding("each landed tree passed the manifest's checks", unverified, log)
    unsaid = [
        f"{bead}" for bead in seen if bead in state.beads and state.beads[bead].commit is None and state.landing != bead
    ]
    yield _finding("nothing has landed that is not said to have", unsaid, log)
    done = [
        bead
        for bead, record in state.beads.items()
        if record.state is BeadState.DONE
        and any(state.beads[need].state is not BeadState.DONE for need in record.spec.needs)
    ]
    yield _finding("nothing is done before what it needs", [str(bead) for bead in done], "orchestrator status")


def _unverified(state: State, seen: Mapping[BeadId, list[Shown]], evidence: Evidence) -> Iterator[str]:
    for bead, record in state.beads.items():
        if record.tree is not None and bead in seen:
            shown = seen[bead][0]
            if shown.tree != record.tree or bead not in evidence.verified:
                yield f"{bead} ({shown.commit[:12]})"


def _finding(claim: str, against: list[str], command: str) -> Finding:
    return Finding(holds=not against, claim=claim, detail=", ".join(against), command=command)
