"""What an issue of beads is to a run, by its own fields: done, to do, not for now, or no work at all.

Knows the statuses, types and flags of beads. Does not know dependencies.
"""

from __future__ import annotations

from enum import StrEnum

from orchestrator.core.values import Struct
from orchestrator.manifest.issues import Issue, nanoseconds

NO_WORK = {"epic", "merge-request", "gate", "molecule", "message", "agent", "role", "rig"}
WORK = {"task", "bug", "feature", "chore", "decision", "spike", "story", "milestone", "event"}
"""The types of beads. Any other is work too, being somebody's own."""

_OPEN = {"open", "in_progress", "hooked", "blocked", "pinned"}


class Standing(StrEnum):
    DONE = "done"
    """closed, or deleted: gates nothing"""
    TO_DO = "to-do"
    """for an agent, now or when its gates are open"""
    POSTPONED = "postponed"
    """work, but not for now: still gates"""
    NO_WORK = "no-work"
    """open, and never for an agent: still gates"""
    EPIC = "epic"
    """open, and as good as what is below it"""


class Standpoint(Struct, frozen=True, kw_only=True):
    """Where an issue stands, and why in two wordings: alone, and after 'which is'."""

    standing: Standing
    reason: str = ""
    phrase: str = ""
    until: str = ""
    """When it is deferred to, as written, if that is still to come."""


def standpoint(issue: Issue, *, now_ns: int) -> Standpoint:
    """`now_ns` is in nanoseconds since the epoch."""
    if issue.status == "closed":
        return Standpoint(standing=Standing.DONE, reason="done")
    if issue.status == "tombstone":
        return Standpoint(standing=Standing.DONE, reason="tombstone")
    until = _until(issue, now_ns)
    postponed = _postponed(issue, until)
    if issue.kind == "epic":
        standing = Standing.POSTPONED if postponed else Standing.EPIC
        return Standpoint(standing=standing, reason="epic", phrase=postponed, until=until)
    if apart := _apart(issue):
        reason, phrase = apart
        return Standpoint(standing=Standing.NO_WORK, reason=reason, phrase=phrase, until=until)
    if postponed:
        reason = postponed.removeprefix("of ")
        return Standpoint(standing=Standing.POSTPONED, reason=reason, phrase=postponed, until=until)
    return Standpoint(standing=Standing.TO_DO)


def _apart(issue: Issue) -> tuple[str, str] | None:
    """Why an issue is no work, in both wordings; None if it is work."""
    if issue.kind in NO_WORK:
        return issue.kind, f"{'an' if issue.kind[0] in 'aeiou' else 'a'} {issue.kind}"
    if issue.status == "pinned" or issue.flag("pinned"):
        return "pinned", "pinned"
    if issue.flag("ephemeral"):
        return "ephemeral", "ephemeral"
    if issue.flag("is_template"):
        return "template", "a template"
    return None


def _until(issue: Issue, now_ns: int) -> str:
    """A time that cannot be read counts as one to come: to start too early is worse than too late."""
    until = issue.text("defer_until")
    time = nanoseconds(until) if until else now_ns
    return until if time is None or time > now_ns else ""


def _postponed(issue: Issue, until: str) -> str:
    if issue.status == "deferred":
        return "deferred"
    if until:
        return f"deferred until {until}"
    return "" if issue.status in _OPEN else f"of unknown status '{issue.status}'"
