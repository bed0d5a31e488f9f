"""The evidence for a proof: gathered from git, the process table and the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.app.looking import Reading
from orchestrator.core import messages as m

if TYPE_CHECKING:
    from orchestrator.runtime.proof import Evidence, Finding


def prove(read: Reading, *, own: bool = False) -> list[Finding]:
    """Hold a run's claims against git and the process table. `own`: the writer is this process, and about to leave."""
    from orchestrator.runtime.proof import prove

    return prove(read.state, _evidence(read, own=own))


def _evidence(read: Reading, *, own: bool) -> Evidence:
    from orchestrator.repo import survey
    from orchestrator.repo.verification import Verified
    from orchestrator.runtime.proof import Evidence, Shown
    from orchestrator.sessions.processes import Census, command_of

    state, repository = read.state, read.repository
    manifest = state.manifest
    passed = Verified(repository.state / "verified.jsonl")
    on_target = survey.target_commits(repository, manifest.target, state.target_base)
    ours = survey.landings(repository, manifest.target)
    saved = [(event.bead, event.saved) for event in read.events if isinstance(event, m.AttemptEnded) and event.saved]
    lost = survey.unreachable(repository, [commit for _, commit in saved])
    mark = str(repository.state)
    marked = Census().table(newer_than=0).marked(mark, older=True)
    holder = None if own else read.database.holder()
    return Evidence(
        target=manifest.target,
        landed=tuple(
            Shown(commit=each.commit, tree=each.tree, what=ours.get(each.commit), subject=each.subject)
            for each in on_target
        ),
        verified=frozenset(
            bead
            for bead, record in state.beads.items()
            if record.tree is not None and passed.has(record.tree, record.checks)
        ),
        unreachable=tuple((bead, commit) for bead, commit in saved if commit in lost),
        worktrees=tuple(
            str(each.path)
            for each in survey.own_worktrees(repository)
            if each.label is None or each.label.run == manifest.name
        ),
        processes=tuple(f"{row.pid} {command_of(row.pid)}" for rows in marked.values() for row in rows),
        leases=read.database.leases(read.row.id),
        writer=f"pid {holder.process.pid} on {holder.host}" if holder else "",
    )
