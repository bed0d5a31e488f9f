"""The evidence for a proof: gathered from git, the process table and the disk. The database is the list of claims."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from orchestrator.app.loading import workspace_of
from orchestrator.app.looking import Reading
from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, Commit
from orchestrator.repo import survey
from orchestrator.repo.archive import pruned
from orchestrator.repo.faults import GitRefused, RepositoryFault
from orchestrator.repo.fingerprint import person
from orchestrator.repo.refs import quoted
from orchestrator.repo.repository import Repository, worktrees_folder
from orchestrator.repo.target import TargetCommit
from orchestrator.repo.verification import Verified
from orchestrator.repo.worktrees import Worktree
from orchestrator.runtime import proof
from orchestrator.runtime.findings import Finding
from orchestrator.runtime.proof import Evidence, Shown
from orchestrator.sessions.processes import Census, command_of


def prove(read: Reading, *, own: bool = False) -> list[Finding]:
    """Hold a run's claims against git and the process table. `own`: the writer is this process, and about to leave."""
    return proof.prove(read.state, _evidence(read, own=own))


def _evidence(read: Reading, *, own: bool) -> Evidence:
    state, repository = read.state, read.repository
    manifest = state.manifest
    passed = Verified(repository.state / "verified.jsonl")
    on_target = survey.target_commits(repository, manifest.target, state.target_base)
    ours = survey.landings(repository, manifest.target)
    followed = survey.followed(repository, manifest.target)
    work = list(dict.fromkeys(_work(read)))
    lost = survey.unreachable(repository, [commit for _, commit in work])
    let_go = lost & pruned(repository)
    mark = str(repository.state)
    marked = Census().table(newer_than=0).marked(mark, older=True)
    holder = None if own else read.database.holder()
    worktrees = [
        each for each in survey.own_worktrees(repository) if each.label is None or each.label.run == manifest.name
    ]
    asked = Path(state.options["worktrees"]) if "worktrees" in state.options else None
    folder = worktrees_folder(repository, workspace_of(Path(state.source)) if state.source else None, asked)
    targets = read.database.targets() | {manifest.target}
    return Evidence(
        target=manifest.target,
        landed=tuple(
            Shown(
                commit=each.commit,
                tree=each.tree,
                what=what,
                subject=each.subject,
                named=each.beads,
                of_base=each.commit in followed,
            )
            for each, what in _landed(on_target, ours, survey.grounds(repository, manifest.target))
        ),
        verified=frozenset(
            bead
            for bead, record in state.beads.items()
            if record.tree is not None and passed.ever(record.tree, record.checks)
        ),
        bases=frozenset(commit for commit, (tree, checks) in state.bases.items() if passed.ever(tree, checks)),
        unreachable=tuple((bead, commit) for bead, commit in work if commit in lost - let_go),
        let_go=len(let_go),
        unkept=() if holder else _unkept(read, repository, worktrees),
        worktrees=tuple(str(each.path) for each in worktrees),
        processes=tuple(f"{row.pid} {command_of(row.pid)}" for rows in marked.values() for row in rows),
        leases=read.database.leases(read.row.id),
        locks=tuple(map(str, survey.locks(repository, manifest.target))),
        checkpoints=tuple(bead for _, bead in survey.checkpoints(repository, manifest.name)),
        temporary=tuple(map(str, survey.temporary(repository, folder / quoted(manifest.name)))),
        proposed=_proposed(read),
        person=person(repository, manifest.name, targets, state.target_base, manifest.target),
        mark=mark,
        writer=f"pid {holder.process.pid} on {holder.host}" if holder else "",
    )


def _proposed(read: Reading) -> Mapping[str, Commit] | None:
    """Asked of the remote, where pull requests are open."""
    if not any(request.turn for request in read.state.requests.values()):
        return None
    try:
        return survey.heads_of(read.repository, read.state.policy.push_to)
    except (GitRefused, RepositoryFault):
        return None


def _landed(
    line: Sequence[TargetCommit],
    ours: Mapping[Commit, tuple[BeadId, str]],
    grounds: Mapping[tuple[BeadId, str], Commit],
) -> Iterator[tuple[TargetCommit, tuple[BeadId, str] | None]]:
    """Each commit of the target's line, newest first, with what landed with it, as one commit or as several."""
    what, ground = None, None
    for each in line:
        if each.commit in ours:
            what = ours[each.commit]
            ground = grounds.get(what)
        elif ground is None or each.commit == ground:
            what, ground = None, None
        yield each, what


def _work(read: Reading) -> Iterator[tuple[BeadId, Commit]]:
    """What attempts delivered, and what was saved of them."""
    beads: dict[int, BeadId] = {}
    for event in read.events:
        match event:
            case m.AttemptStarted():
                beads[event.token] = event.bead
            case m.WorkCollected(commit=str() as commit):
                yield beads[event.token], commit
            case m.AttemptEnded(saved=str() as saved):
                yield event.bead, saved


def _unkept(
    read: Reading, repository: Repository, worktrees: list[Worktree]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    def look(worktree: Worktree) -> tuple[str, ...]:
        try:
            return tuple(survey.unkept(repository, worktree, read.state.manifest.target))
        except GitRefused as refusal:
            return (f"cannot be read: {refusal}",)

    with ThreadPoolExecutor(max_workers=4) as pool:
        found = zip(worktrees, pool.map(look, worktrees), strict=True)
        return tuple((str(worktree.path), files) for worktree, files in found if files)
