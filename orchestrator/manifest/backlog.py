"""The issues of beads as beads of ours: what is to do, what is left out and why, and what an agent is told.

Knows the fields that make a prompt. What gates what, `gates` knows; whether an issue is work, `standing`.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from orchestrator.core.model import BeadId, Skipped
from orchestrator.manifest.document import Plain
from orchestrator.manifest.drafts import Draft, Work, read_draft
from orchestrator.manifest.faults import Fault
from orchestrator.manifest.gates import Gates, Waits
from orchestrator.manifest.issues import Issue, epoch_nanoseconds, read_issues
from orchestrator.manifest.standing import NO_WORK, WORK, Standing, standpoint

_SECTIONS = (("design", "Design"), ("acceptance_criteria", "Acceptance criteria"), ("notes", "Notes"))


def read_backlog(text: str, *, file: str, now: datetime) -> Work:
    """The work in an issues.jsonl."""
    reading = read_issues(text, file=file)
    now_ns = epoch_nanoseconds(now)
    stands = {name: standpoint(issue, now_ns=now_ns) for name, issue in reading.issues.items()}
    gates = Gates(reading.issues, stands)
    drafts: list[Draft] = []
    faults: list[Fault] = list(reading.faults)
    for name, waits in gates.waits().items():
        issue = reading.issues[name]
        draft, wrong = read_draft(_bead(issue, waits), reading.document, (issue.index,))
        drafts.append(draft)
        faults += wrong
    skipped = [
        Skipped(id=BeadId(name), reason=stand.reason)
        for name, stand in stands.items()
        if stand.standing is not Standing.TO_DO
    ]
    own = Counter(issue.kind for issue in reading.issues.values() if issue.kind not in NO_WORK | WORK)
    notes = [f"the unknown issue type '{kind}' counts as work (there: {number})" for kind, number in own.items()]
    return Work(
        drafts=tuple(drafts),
        skipped=tuple(skipped),
        faults=tuple(faults),
        notes=(*reading.notes, *notes, *gates.notes),
    )


def prompt(issue: Issue) -> str:
    """All that the issue says of the work, as Markdown."""
    title = issue.text("title")
    parts = [f"# {title}" if title else "", issue.text("description")]
    parts += [f"## {heading}\n\n{body}" for key, heading in _SECTIONS if (body := issue.text(key))]
    return "\n\n".join(part for part in parts if part)


def _bead(issue: Issue, waits: Waits) -> dict[str, Any]:
    """The issue in the words of a manifest, to be read as one of its beads."""
    record = issue.record
    bead: dict[str, Any] = {
        "id": issue.id,
        "title": issue.text("title") or None,
        "prompt": prompt(issue) or None,
        "needs": list(waits.needs),
        "hold": "; ".join(waits.holds) or None,
    }
    if isinstance(labels := record.get("labels"), list):
        bead["labels"] = [label for label in labels if isinstance(label, str) and label.strip()]
    if (priority := record.get("priority")) is not None:
        bead["priority"] = Plain(text=str(priority), value=priority)
    minutes = record.get("estimated_minutes")
    if isinstance(minutes, int | float) and minutes > 0:
        bead["estimate"] = f"{minutes}m"
    return bead
