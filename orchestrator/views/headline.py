"""How it went, in one sentence that is true: what landed, what did not, and what stands in the way."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.core.model import BeadState, RunState
from orchestrator.core.state import State
from orchestrator.core.values import Struct


class Tally(Struct, frozen=True, kw_only=True):
    """Every bead once."""

    total: int
    landed: int
    """Done in this run, with a commit on the target."""
    stood: int
    """Done before this run began: their commits stood on the target already."""
    needless: int
    """Done without one: nothing was needed."""
    failed: int
    blocked: int
    held: int
    cancelled: int
    under_way: int
    """With an agent, in checks, or in the merge queue."""
    to_come: int
    """Waiting or ready."""


def tally(state: State) -> Tally:
    counts = state.counts
    there = [record for record in state.beads.values() if record.state is BeadState.DONE and record.commit is not None]
    stood = sum(not record.attempts for record in there)
    return Tally(
        total=len(state.beads),
        landed=len(there) - stood,
        stood=stood,
        needless=counts[BeadState.DONE] - len(there),
        failed=counts[BeadState.FAILED],
        blocked=counts[BeadState.BLOCKED],
        held=counts[BeadState.HELD],
        cancelled=counts[BeadState.CANCELLED],
        under_way=counts[BeadState.RUNNING] + counts[BeadState.VERIFYING] + counts[BeadState.MERGING],
        to_come=counts[BeadState.WAITING] + counts[BeadState.READY],
    )


def headline(state: State) -> str:
    """`9 of 12 beads landed; 2 failed, 1 is blocked.`"""
    count = tally(state)
    if not count.total:
        return "There was nothing to do."
    return _good(count, state.run) + _standing(state)


def _good(count: Tally, run: RunState) -> str:
    besides = [f"{count.stood} stood on the target already"] if count.stood else []
    besides += [f"{count.needless} needed nothing"] if count.needless else []
    if count.landed + count.stood + count.needless == count.total:
        if not besides:
            return "The only bead landed." if count.total == 1 else f"All {count.total} beads landed."
        if count.needless == count.total:
            return "Nothing landed, because nothing was needed."
        beads = "The only bead is done" if count.total == 1 else f"All {count.total} beads are done"
        landed = [f"{count.landed} landed"] if count.landed else []
        return f"{beads}: {', '.join([*landed, *besides])}."
    beads = "bead" if count.total == 1 else "beads"
    so_far = " so far" if run is RunState.RUNNING and count.under_way + count.to_come else ""
    said = f"{count.landed or 'None'} of {count.total} {beads} landed{so_far}"
    return f"{', '.join([said, *besides])}; {', '.join(_bad(count))}."


def _bad(count: Tally) -> list[str]:
    said = []
    if count.failed:
        said.append(f"{count.failed} failed")
    if count.blocked:
        said.append(f"{_are(count.blocked)} blocked")
    if count.held:
        said.append(f"{count.held} {'waits' if count.held == 1 else 'wait'} for a person")
    if count.cancelled:
        said.append(f"{count.cancelled} {'was' if count.cancelled == 1 else 'were'} given up")
    if count.under_way:
        said.append(f"{_are(count.under_way)} under way")
    if count.to_come:
        said.append(f"{_are(count.to_come)} still to come")
    return said


def _are(count: int) -> str:
    return f"{count} {'is' if count == 1 else 'are'}"


def _standing(state: State) -> str:
    """What is to be known of a run that was not ended by its graph."""
    if state.run in (RunState.PAUSED, RunState.STOPPED):
        return f" The run is {state.run}" + (f": {state.run_reason}." if state.run_reason else ".")
    return ""


def flaky_in_words(flickers: Mapping[str, int]) -> str:
    """The checks that failed and then passed on the same tree: `make test` (3 times)."""
    times = {command: "once" if count == 1 else f"{count} times" for command, count in flickers.items()}
    return ", ".join(f"`{command}` ({often})" for command, often in times.items())


def one_line(text: str) -> str:
    """On one line, and no tags: for Markdown."""
    return " ".join(text.split()).replace("<", "&lt;")
