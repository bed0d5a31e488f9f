"""The report, as data: what landed, what did not and why, what is to be decided, what it took.

A fold of the events beside the state that they lead to. Reads honestly: what nobody checked, priced or proved is
said to be unchecked, unknown, unproved. `report_text` puts it into words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orchestrator.core.messages import Event
from orchestrator.core.model import BeadId, BeadState, Commit, RouteName, RunState
from orchestrator.core.pull_requests import behind, short
from orchestrator.core.pushing import is_behind
from orchestrator.core.records import BeadRecord
from orchestrator.core.state import State
from orchestrator.core.values import Struct
from orchestrator.runtime.findings import Finding
from orchestrator.views.causes import root_causes
from orchestrator.views.collisions import Seen, collisions
from orchestrator.views.headline import Tally, headline, tally
from orchestrator.views.history import History, Opening, Try, history
from orchestrator.views.predictions import Predictions, predictions
from orchestrator.views.pull_requests import pull_requests_in_words
from orchestrator.views.recoveries import Recoveries, percentiles, recoveries
from orchestrator.views.spending import Spending, spending
from orchestrator.views.times import rfc3339


class Done(Struct, frozen=True, kw_only=True):
    """A bead that is done."""

    bead: BeadId
    title: str
    commit: Commit | None
    """None: nothing was needed."""
    reason: str
    route: RouteName | None
    earlier: bool
    """It stood on the target before this run."""
    attempts: int
    seconds: float | None
    """From the start of its first attempt to its landing."""
    usd: float | None
    tokens: int | None
    free: bool
    """No model was asked: there is no cost to be known."""


class Undone(Struct, frozen=True, kw_only=True):
    """A bead that is not done, and what there is to be known about it."""

    bead: BeadId
    title: str
    state: BeadState
    reason: str
    asked: bool
    """An agent asked, and waits for an answer; a bead held without it waits for its release."""
    causes: tuple[tuple[BeadId, BeadState], ...]
    """What keeps it in the end: beads that it needs, directly or through others."""
    tries: tuple[Try, ...]
    branch: str | None
    recordings: tuple[str, ...]
    """Below the state's folder, newest last."""
    command: str | None
    """What lets it go on."""


class Effort(Struct, frozen=True, kw_only=True):
    wall_s: float
    agent_s: float
    attempts: int
    endings: Mapping[str, int]
    """Attempts by how they ended, the most frequent first."""
    refused: int
    """Attempts whose delivered work the merge refused."""
    workers: int
    deaths: int
    openings: tuple[Opening, ...]
    spent: Spending
    recoveries: Recoveries
    predictions: Predictions
    collisions: tuple[Seen, ...]

    @property
    def parallelism(self) -> float | None:
        return self.agent_s / self.wall_s if self.wall_s else None


class Report(Struct, frozen=True, kw_only=True):
    name: str
    summary: str
    state: RunState
    reason: str
    began: float
    ended: float | None
    target: str
    base: Commit
    tally: Tally
    done: tuple[Done, ...]
    undone: tuple[Undone, ...]
    skipped: tuple[tuple[BeadId, str], ...]
    checks: tuple[str, ...]
    """Commands that every merged tree passed; empty: nothing but the merge itself was checked."""
    own_checks: int
    """How many beads that landed had checks of their own."""
    flaky: Mapping[str, int]
    """Checks that failed and then passed on the same tree, and how often."""
    push: str
    """What became of bringing the target to a remote, in words; empty: it stays here."""
    pushed: bool
    """The remote has all of it."""
    moved: str
    """What became of the base branch meanwhile, in words; empty: it is where it was."""
    requests: str
    """What became of pull requests, in words; empty: none were asked for."""
    proposed: bool
    """Each is open, and has what it should."""
    crossings: tuple[tuple[BeadId, Try], ...]
    """Attempts in whose time something beyond their own ground changed."""
    effort: Effort
    proof: tuple[Finding, ...] | None
    """None: not proved."""

    @property
    def look(self) -> str:
        return f"git log --oneline {self.base[:12]}..{self.target}"


def report(state: State, events: Iterable[Event], proof: Sequence[Finding] | None = None) -> Report:
    events = tuple(events)
    past = history(events)
    manifest = state.manifest
    records = state.beads.values()
    return Report(
        name=manifest.name,
        summary=headline(state),
        state=state.run,
        reason=state.run_reason,
        began=state.planned_at,
        ended=state.ended_at,
        target=manifest.target,
        base=state.target_base,
        tally=tally(state),
        done=tuple(_done(record, past) for record in records if record.state is BeadState.DONE),
        undone=tuple(_undone(state, record, past) for record in records if record.state is not BeadState.DONE),
        skipped=tuple((each.id, each.reason) for each in manifest.skipped),
        checks=manifest.verify,
        own_checks=sum(bool(record.spec.verify) and _landed_now(record) for record in records),
        flaky=dict(state.flickers),
        push=_push(state),
        pushed=bool(state.policy.push_to) and not is_behind(state),
        moved=_moved(state),
        requests=pull_requests_in_words(state),
        proposed=not any(behind(state)) and not any(each.doubt for each in state.requests.values()),
        crossings=tuple((bead, each) for bead, tries in past.tries.items() for each in tries if each.strays),
        effort=_effort(state, past, recoveries(events), predictions(events), collisions(events)),
        proof=None if proof is None else tuple(proof),
    )


def _moved(state: State) -> str:
    branch, at = short(state.base_branch), state.base_tip[:12]
    if state.base_tip != state.base_taken:
        why = f": {state.base_fault}" if state.base_fault else ""
        how = "" if state.policy.follow_base else " `--follow-base` takes it in; or merge it yourself."
        return f"`{branch}` has moved to {at} meanwhile, and what is new on it is not on the target{why or '.'}{how}"
    if state.bases or state.base_taken_at > state.planned_at:
        return f"What is new on `{branch}` has been taken in, up to {at}."
    return ""


def _push(state: State) -> str:
    remote = state.policy.push_to
    if not remote or state.policy.requests is not None:
        return ""
    if is_behind(state):
        why = f": {state.push_fault}" if state.push_fault else ""
        return f"Not pushed to `{remote}` yet{why}"
    return f"Pushed to `{remote}`." if state.push_commit else f"Nothing was to be pushed to `{remote}`."


def _landed_now(record: BeadRecord) -> bool:
    return record.commit is not None and record.attempts > 0


def _done(record: BeadRecord, past: History) -> Done:
    tries = past.of(record.spec.id)
    ended = past.ended.get(record.spec.id)
    return Done(
        bead=record.spec.id,
        title=record.spec.title,
        commit=record.commit,
        reason=record.reason,
        route=record.route,
        earlier=record.commit is not None and not record.attempts,
        attempts=record.attempts,
        seconds=ended - tries[0].started if tries and ended is not None else None,
        usd=record.usd,
        tokens=record.tokens,
        free=record.spec.command is not None,
    )


def _undone(state: State, record: BeadRecord, past: History) -> Undone:
    spec, tries = record.spec, past.of(record.spec.id)
    asked = record.state is BeadState.HELD and bool(tries)
    return Undone(
        bead=spec.id,
        title=spec.title,
        state=record.state,
        reason=record.reason,
        asked=asked,
        causes=tuple((cause, state.beads[cause].state) for cause in root_causes(state, spec.id)),
        tries=tries,
        branch=f"orchestrator-work/{state.manifest.name}/{spec.id}" if tries else None,
        recordings=tuple(f"recordings/{spec.id}.{each.number}.cast" for each in tries),
        command=_command(record, asked=asked),
    )


def _command(record: BeadRecord, *, asked: bool) -> str | None:
    if asked:
        return f'orchestrator answer {record.spec.id} "…"'
    if record.state in (BeadState.FAILED, BeadState.HELD, BeadState.CANCELLED):
        return f"orchestrator retry {record.spec.id}"
    return None


def _effort(
    state: State, past: History, recovered: Recoveries, foretold: Predictions, seen: tuple[Seen, ...]
) -> Effort:
    tries = [each for of_bead in past.tries.values() for each in of_bead]
    endings = Counter(each.ending.value for each in tries if each.ending is not None)
    return Effort(
        wall_s=past.wall_s,
        agent_s=past.agent_s,
        attempts=len(tries),
        endings=dict(endings.most_common()),
        refused=sum(bool(each.refused) for each in tries),
        workers=len(state.workers),
        deaths=past.deaths,
        openings=past.openings,
        spent=spending(state),
        recoveries=recovered,
        predictions=foretold,
        collisions=seen,
    )


# ---------------------------------------------------------------- for programs


def as_dict(report: Report) -> dict[str, Any]:
    effort, count = report.effort, report.tally
    return {
        "summary": report.summary,
        "run": {
            "name": report.name,
            "state": report.state.value,
            "reason": report.reason or None,
            "started_at": rfc3339(report.began),
            "ended_at": rfc3339(report.ended),
            "target": report.target,
            "base": report.base,
            "look": report.look,
        },
        "totals": {name: getattr(count, name) for name in count.__struct_fields__},
        "done": [_done_as_dict(each) for each in report.done],
        "undone": [_undone_as_dict(each) for each in report.undone],
        "skipped": [{"id": bead, "reason": reason} for bead, reason in report.skipped],
        "checks": {"merged_tree": list(report.checks), "beads_with_own": report.own_checks},
        "flaky": dict(report.flaky),
        "base_moved": report.moved or None,
        "pull_requests": {"said": report.requests, "done": report.proposed} if report.requests else None,
        "push": {"said": report.push, "done": report.pushed} if report.push else None,
        "beyond_worktrees": [
            {
                "bead": bead,
                "attempt": each.number,
                "beside": list(each.beside),
                "strays": [
                    {"ground": one.ground.value, "what": one.what, "how": one.how, "shown": one.shown}
                    for one in each.strays
                ],
            }
            for bead, each in report.crossings
        ],
        "effort": {
            "wall_s": round(effort.wall_s, 3),
            "agent_s": round(effort.agent_s, 3),
            "parallelism": None if effort.parallelism is None else round(effort.parallelism, 2),
            "workers": effort.workers,
            "attempts": effort.attempts,
            "endings": dict(effort.endings),
            "refused_by_merge": effort.refused,
            "orchestrator_deaths": effort.deaths,
            "usd": effort.spent.usd,
            "usd_computed": effort.spent.computed_usd,
            "usd_said": None if effort.spent.usd is None else round(effort.spent.usd - effort.spent.computed_usd, 6),
            "unpriced": effort.spent.unpriced,
            "tokens": effort.spent.tokens,
            "failures": effort.recoveries.failures,
            "known_s": percentiles(effort.recoveries.known_s),
            "back_at_work_s": percentiles(effort.recoveries.back_s),
            "prediction": {
                "beads": len(effort.predictions.known),
                "precision": _rounded(effort.predictions.precision),
                "recall": _rounded(effort.predictions.recall),
            },
            "collisions": {
                "seen": len(effort.collisions),
                "put_back": sum(each.put_back for each in effort.collisions),
                "told": sum(not each.put_back for each in effort.collisions),
                "conflicted": sum(bool(each.conflicted) for each in effort.collisions),
            },
            "breakers_opened": [
                {"at": rfc3339(each.at), "route": each.route, "until": rfc3339(each.until), "reason": each.reason}
                for each in effort.openings
            ],
        },
        "proof": None
        if report.proof is None
        else [
            {"holds": each.holds, "claim": each.claim, "detail": each.detail, "command": each.command}
            for each in report.proof
        ],
    }


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 3)


def _done_as_dict(done: Done) -> dict[str, Any]:
    return {
        "id": done.bead,
        "title": done.title,
        "commit": done.commit,
        "reason": done.reason or None,
        "route": done.route,
        "earlier": done.earlier,
        "attempts": done.attempts,
        "seconds": None if done.seconds is None else round(done.seconds, 3),
        "usd": done.usd,
        "tokens": done.tokens,
    }


def _undone_as_dict(undone: Undone) -> dict[str, Any]:
    return {
        "id": undone.bead,
        "title": undone.title,
        "state": undone.state.value,
        "reason": undone.reason or None,
        "question": undone.reason if undone.asked else None,
        "causes": [{"id": cause, "state": state.value} for cause, state in undone.causes],
        "branch": undone.branch,
        "recordings": list(undone.recordings),
        "command": undone.command,
        "attempts": [
            {
                "attempt": each.number,
                "route": each.route,
                "worker": each.worker,
                "started_at": rfc3339(each.started),
                "seconds": each.seconds,
                "outcome": each.ending.value if each.ending else None,
                "reason": each.refused or each.reason or None,
                "refused_by_merge": bool(each.refused),
                "usd": each.usage.usd,
                "tokens": each.usage.tokens,
                "files": list(each.files),
                "saved": each.saved,
            }
            for each in undone.tries
        ],
    }
