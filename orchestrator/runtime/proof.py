"""Holding what the state claims against what git and the process table show.

The database is only the list of claims; the evidence is gathered elsewhere and handed in. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from orchestrator.core.model import BeadId, BeadState, Commit, RunState, Tree
from orchestrator.core.state import State
from orchestrator.core.values import Struct, replace
from orchestrator.runtime.findings import Finding, found
from orchestrator.runtime.person import Person, touched


class Shown(Struct, frozen=True, kw_only=True):
    """A commit on the target that was not in its base."""

    commit: Commit
    tree: Tree
    what: tuple[BeadId, str] | None
    """The bead, and the digest of its task, that we landed with it; None: it is not ours, whatever its message says."""
    subject: str = ""
    named: tuple[BeadId, ...] = ()
    """What its `Bead:` trailers say."""
    of_base: bool = False
    """A merge of the base branch that we made."""


class Evidence(Struct, frozen=True, kw_only=True):
    target: str
    landed: tuple[Shown, ...]
    verified: frozenset[BeadId]
    """Beads whose landed tree has passed its checks, by the record that was written when it did."""
    bases: frozenset[Commit] = frozenset()
    """Merges of the base branch whose tree has passed its checks, likewise."""
    unreachable: tuple[tuple[BeadId, Commit], ...]
    """Work that attempts delivered or left behind, and that no branch or attic ref holds."""
    let_go: int = 0
    """How many more a person has pruned from the attic."""
    worktrees: tuple[str, ...]
    processes: tuple[str, ...]
    """What still runs with our mark, as `pid command`."""
    leases: tuple[BeadId, ...]
    unkept: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Worktrees with files in them that are in no commit, and those files; looked for while nobody is at work."""
    locks: tuple[str, ...] = ()
    """Lock files of git on what is ours."""
    checkpoints: tuple[BeadId, ...] = ()
    """Beads of which a checkpoint is there."""
    temporary: tuple[str, ...] = ()
    """Files and folders that we make for a moment only."""
    proposed: Mapping[str, Commit] | None = None
    """Where the remote has the branches that pull requests are open for; None: not asked, or it did not answer."""
    person: Person | None = None
    mark: str = ""
    """What our processes have in their environment."""
    writer: str = ""
    """Who has the state open for writing now; empty: nobody."""


def prove(state: State, evidence: Evidence) -> list[Finding]:
    """Each promise with whether it was kept."""
    log = f"git log --format='%h %s%n  %(trailers:key=Bead)' {state.target_base[:12]}..{evidence.target}"
    findings = list(_landings(state, evidence, log))
    lost = [f"{bead} ({commit[:12]})" for bead, commit in evidence.unreachable]
    if any(request.turn for request in state.requests.values()):
        findings.append(_proposals(state, evidence))
    attic = "git for-each-ref refs/orchestrator/attic"
    pruned = [f"but for {evidence.let_go} that you have pruned"] if evidence.let_go else []
    findings.append(found("the work of every attempt is in a branch or in the attic", lost, attic, said=pruned))
    if evidence.writer:
        findings += touched(evidence.person)
        findings.append(Finding(holds=True, claim="it is at work now", detail=evidence.writer, command="ps -ef"))
        return findings
    loose = [f"{path}: {', '.join(files[:5])}{' and more' if files[5:] else ''}" for path, files in evidence.unkept]
    findings.append(
        found("every file in a worktree of ours is in a commit, too", loose, "git worktree list; git -C PATH status")
    )
    findings += touched(evidence.person)
    environ = f"grep -lz ORCHESTRATOR_MARK={evidence.mark} /proc/[0-9]*/environ"
    findings.append(found("no process is left over", evidence.processes, environ))
    if state.run is RunState.FINISHED:
        git_dir = '"$(git rev-parse --git-common-dir)'
        held = [*(f"the files of {bead}" for bead in sorted(evidence.leases)), *evidence.locks]
        findings.append(found("no lock is left over", held, f"find {git_dir}\" -name '*.lock'"))
        findings.append(found("no worktree is left over", evidence.worktrees, "git worktree list"))
        refs = "git for-each-ref refs/orchestrator/checkpoints"
        findings.append(found("no checkpoint is left over", [f"of {bead}" for bead in evidence.checkpoints], refs))
        findings.append(found("no temporary file is left over", evidence.temporary, f'ls -A {git_dir}/orchestrator"'))
    return findings


def _landings(state: State, evidence: Evidence, log: str) -> Iterator[Finding]:
    seen: dict[BeadId, list[Shown]] = {}
    for shown in evidence.landed:
        if shown.what is not None and state.tasks.get(shown.what[0], "") == shown.what[1]:
            seen.setdefault(shown.what[0], []).append(shown)
    foreign = [
        f"{shown.commit[:12]} {shown.subject}" for shown in evidence.landed if not shown.what and not shown.of_base
    ]
    yield found("every commit on the target was put there by a landing of ours", foreign, log)
    claimed = {bead: record for bead, record in state.beads.items() if record.commit is not None}
    missing = [f"{bead}" for bead in claimed if bead not in seen]
    there = {shown.commit for shown in evidence.landed if shown.of_base}
    missing += [f"the base, as {commit[:12]}" for commit in state.bases if commit not in there]
    yield found("each bead said to have landed is on the target", missing, log)
    twice = [f"{bead} ({count} times)" for bead, count in _trailers(state, evidence).items() if count > 1]
    yield found("none is there twice", twice, log)
    other = [
        f"{bead} (said {record.commit[:12]})"
        for bead, record in claimed.items()
        if record.commit is not None and bead in seen and seen[bead][0].commit != record.commit
    ]
    yield found("each is there as the very commit that was said", other, log)
    if state.manifest.verify:
        unverified = list(_unverified(state, seen, evidence))
        yield found("each landed tree passed the manifest's checks", unverified, log)
    unsaid = [
        f"{bead}"
        for bead in seen
        if bead in state.beads and state.beads[bead].commit is None and bead not in state.landing
    ]
    yield found("nothing has landed that is not said to have", unsaid, log)
    done = [
        bead
        for bead, record in state.beads.items()
        if record.state is BeadState.DONE
        and any(state.beads[need].state is not BeadState.DONE for need in record.spec.needs)
    ]
    yield found("nothing is done before what it needs", [str(bead) for bead in done], "orchestrator status")


def _proposals(state: State, evidence: Evidence) -> Finding:
    """Whoever reviews one may move or remove its branch: nothing that we answer for."""
    claim, command = "each pull request's branch is on the remote, as it was left", "git ls-remote --heads REMOTE"
    if evidence.proposed is None:
        said = "not known: the remote did not answer"
        return Finding(holds=False, claim=claim, detail=said, command=command, promised=False)
    against = [
        f"{request.branch} is {'at ' + at[:12] if (at := evidence.proposed.get(request.branch)) else 'gone'}"
        f" (it was left at {request.commit[:12]})"
        for request in state.requests.values()
        if request.turn and request.commit and evidence.proposed.get(request.branch) != request.commit
    ]
    shown = found(claim, against, command)
    return replace(shown, promised=False)


def _trailers(state: State, evidence: Evidence) -> Mapping[BeadId, int]:
    """How many commits say that they are the bead. What landed of an earlier task under the same id is other work."""
    mine = [
        shown
        for shown in evidence.landed
        if shown.what is None or state.tasks.get(shown.what[0], shown.what[1]) == shown.what[1]
    ]
    return Counter(bead for shown in mine for bead in set(shown.named) if bead in state.beads)


def _unverified(state: State, seen: Mapping[BeadId, list[Shown]], evidence: Evidence) -> Iterator[str]:
    for bead, record in state.beads.items():
        if record.tree is not None and bead in seen:
            shown = seen[bead][0]
            if shown.tree != record.tree or bead not in evidence.verified:
                yield f"{bead} ({shown.commit[:12]})"
    yield from (f"the base ({commit[:12]})" for commit in state.bases if commit not in evidence.bases)
