"""What a pull request says: of the whole night the report's summary, of a bead what it was asked for."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core.messages import Propose
from orchestrator.core.model import BeadId, BeadState
from orchestrator.core.pull_requests import NIGHT, behind, below, of
from orchestrator.core.state import State
from orchestrator.runtime.ports import Letter
from orchestrator.views.headline import headline, one_line, tally

_MOST = 60_000
"""Characters: a host takes no more than 65,536."""


def letter(state: State, order: Propose) -> Letter:
    title, lines = _bead(state, order) if order.bead else _night(state)
    body = "\n".join(lines)
    if len(body) > _MOST:
        body = body[:_MOST].rpartition("\n")[0] + "\n\n… the rest is in the report of the run."
    return Letter(title=title, body=body + "\n")


def _night(state: State) -> tuple[str, Iterator[str]]:
    count = tally(state)
    landed = count.landed + count.stood
    return f"{state.manifest.name}: {landed} {'bead' if landed == 1 else 'beads'}", _summary(state)


def _summary(state: State) -> Iterator[str]:
    yield one_line(headline(state))
    yield ""
    yield _checked(state)
    yield ""
    for bead, record in state.beads.items():
        if record.commit is not None:
            yield f"- **{bead}**: {one_line(record.spec.title)} ({record.commit[:12]})"
    undone = [
        (bead, record) for bead, record in state.beads.items()
        if record.state is not BeadState.DONE and not record.removed
    ]  # fmt: skip
    if undone:
        yield ""
        yield "Not in it:"
        yield ""
    for bead, record in undone:
        why = f": {one_line(record.reason)}" if record.reason else ""
        yield f"- **{bead}**: {one_line(record.spec.title)}, {record.state}{why}"


def _bead(state: State, order: Propose) -> tuple[str, Iterator[str]]:
    return one_line(state.beads[order.bead].spec.title) or order.bead, _change(state, order.bead, order)


def _change(state: State, bead: BeadId, order: Propose) -> Iterator[str]:
    record = state.beads[bead]
    yield f"Bead **{bead}** of run `{state.manifest.name}`, landed there as {str(record.commit)[:12]}."
    yield ""
    yield _checked(state)
    stacked = below(state, bead)
    if stacked:
        yield ""
        yield "It stands on: " + ", ".join(of(state, each).url or f"**{each}**" for each in stacked) + "."
    if record.spec.prompt:
        yield ""
        yield from (f"> {line}".rstrip() for line in record.spec.prompt.strip().splitlines())


def _checked(state: State) -> str:
    if not state.manifest.verify:
        return "No checks are configured: nothing but the merge itself was checked."
    commands = ", ".join(f"`{one_line(command)}`" for command in state.manifest.verify)
    return f"On the target, merged onto all that landed before, it passed {commands}."


def pull_requests_in_words(state: State) -> str:
    """What became of them; empty: none were asked for."""
    asked = state.policy.requests
    if asked is None:
        return ""
    open_ = [(bead, each) for bead, each in state.requests.items() if each.turn]
    missing = [bead for bead, _ in behind(state)]
    doubted = [(bead, each.doubt) for bead, each in state.requests.items() if each.doubt]
    said = []
    if open_:
        where = ", ".join(each.url or f"of `{each.branch}`" for _, each in open_)
        said.append(f"Pull request{'s' if len(open_) > 1 else ''}: {where}.")
    for bead, why in doubted:
        said.append(f"Whether that of {bead or 'the night'} is open is not known: {one_line(why)}. Look, and open it.")
    if missing:
        faults = [each.fault for bead in missing if (each := of(state, bead)).fault]
        why = f": {one_line(faults[0])}" if faults else ""
        what = "the newest landings" if missing == [NIGHT] else ", ".join(missing)
        said.append(f"Not proposed yet: {what}{why}.")
    return " ".join(said) or "There was nothing to propose."
