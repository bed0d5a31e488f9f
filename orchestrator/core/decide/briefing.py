"""What the next attempt at a bead is told of the one before. Plain words; the agent reads them as its prompt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from orchestrator.core.model import BeadId, Ending, Verdict
from orchestrator.core.records import Attempt, Collision

EVIDENCE_LIMIT = 6000
"""Characters of a check's output that an agent is shown: the end, where errors stand."""


def failed_check(command: str, output: str) -> str:
    return (
        f"Your work was checked with `{command}`, and the check failed. The end of its output:\n\n"
        f"```\n{_end_of(output)}\n```\n\nMend it, so that this check passes. Do not weaken the check."
    )


def nothing_done() -> str:
    return (
        "You said that you were done, but no file in the working tree has changed. Do the task now. If it truly "
        'needs no change, write {"outcome": "no-change-needed", "reason": "..."} to the file that the environment '
        "variable ORCHESTRATOR_OUTCOME names."
    )


def answered(text: str) -> str:
    return f"A person answers:\n\n{text}"


_MERGE_BEGUN = (
    "Your work is in the working tree, and the newest state, with their work, is being merged into it (`git merge` is "
    "begun and not committed; if `git status` shows no merge, there was nothing more to merge)."
)


def conflict(evidence: str) -> str:
    return (
        "Your work on this task is done, but it could not be merged: others changed the same places meanwhile.\n\n"
        f"{_end_of(evidence)}\n\n{_MERGE_BEGUN} Resolve every conflict so that both sides' intent holds: HEAD is your "
        "work, the other side is theirs. A file that one side deleted or renamed shows no markers: `git status` names "
        "it. Drop nothing of either side only to make the conflict go away."
    )


def merged_red(evidence: str, landed: tuple[BeadId, ...]) -> str:
    """`landed` are the beads that landed since the work began."""
    others = f"Landed since you began: {', '.join(landed)}.\n\n" if landed else ""
    return (
        "Your work on this task is right by itself, but together with what others have landed meanwhile the project's "
        f"checks fail:\n\n```\n{_end_of(evidence)}\n```\n\n{others}{_MERGE_BEGUN} Mend your work so that the checks "
        "pass on both together. Do not undo what others did, and do not weaken a check."
    )


def strayed(what: str) -> str:
    return (
        f"An earlier attempt at this task went beyond its own worktree: {what}. That was put back, and its work "
        "was not taken. You start anew. Work only in the current directory and on the branch that it is on; leave "
        "other branches, other checkouts, hooks and the configuration of git alone."
    )


def so_far(attempt: Attempt) -> str:
    """What the attempt was told beside its task, answers that were typed into it included."""
    return "\n\n".join([*filter(None, [attempt.briefing]), *map(answered, attempt.answers)])


def interrupted(attempt: Attempt, verdict: Verdict) -> str:
    """For a session that is taken up again, or work that is gone on with."""
    why = {
        Ending.SILENT: "there was no sign of life for a long time",
        Ending.TIMED_OUT: "its time was used up",
        Ending.CONTEXT_OVERFLOW: "its context was full",
        Ending.CRASHED: "the program ended unexpectedly",
        Ending.PUT_BACK: "another task was at work on files that it needs, which are free now and may have changed",
    }.get(verdict.ending, "it was interrupted")
    known = _INTERRUPTED.sub("", so_far(attempt))  # a night of deaths would else be told as a tale in a tale
    told = f"\n\nIt had been told:\n\n{known}" if known else ""
    return (
        f"An earlier attempt at this task ended because {why}. Its work so far is in the working tree. Look at what "
        f"is there, and go on from it.{told}"
    )


_INTERRUPTED = re.compile(
    r"\AAn earlier attempt at this task ended because [^.]*\. Its work so far is in the working tree\. "
    r"Look at what is there, and go on from it\.(\n\n(It had been told:\n\n)?)?"
)


def base_taken(told: str) -> str:
    """What is in the worktree began on an older base."""
    return (
        f"{told}\n\nThe branch that all of this began on has moved on since you began, and the target has what is new "
        f"on it. {_MERGE_BEGUN} Go on from both together."
    )


def collided(other: BeadId, paths: Sequence[str], target: str) -> str:
    """While it is at work. `other` is empty where it is the target that it does not merge with."""
    merge = f"`git merge --no-edit {target}`"
    if not other:
        return (
            f"What you have changed in {some(paths)} does not merge with what others have landed there since you "
            f"began. Commit what you have, then {merge} and resolve the conflict, so that both sides' intent holds."
        )
    return (
        f"What you have changed in {some(paths)} does not merge with what another agent, at work on `{other}`, has "
        "changed there at this moment. It will most likely land before you. Change there only what your task needs, "
        f"and keep to what the file looks like. Once `{other}` has landed you can commit what you have and {merge}."
    )


def untold(attempt: Attempt, target: str) -> str:
    """Collisions of which its agent has not heard; empty: there are none."""
    return _each(attempt.collisions, target, heard=False)


def with_collisions(told: str, attempt: Attempt, target: str, *, kept: bool, merged: bool) -> str:
    """What a later attempt is told, with what this one's work, if that is kept, was seen not to merge with."""
    if not kept:
        met = (_met(each) for each in attempt.collisions if each.other)
        return "\n\n".join(filter(None, [told, *(words for words in met if words not in told)]))
    found = _each(attempt.collisions, target, heard=True)
    if not found or found in told:
        return told
    return "\n\n".join(filter(None, [told, f"While you were at work: {found}", _MERGE_BEGUN if merged else ""]))


def _met(collision: Collision) -> str:
    return (
        f"An earlier attempt at this task changed {some(collision.paths)}, and so did another agent, at work on "
        f"`{collision.other}`: the two did not merge. You start anew. Change there only what your task needs."
    )


def _each(collisions: Iterable[Collision], target: str, *, heard: bool) -> str:
    return "\n\n".join(collided(each.other, each.paths, target) for each in collisions if heard or not each.told)


def some(paths: Sequence[str]) -> str:
    """The first few."""
    return ", ".join(paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")


def _end_of(text: str) -> str:
    return text if len(text) <= EVIDENCE_LIMIT else "…" + text[-EVIDENCE_LIMIT:]
