"""What applying another manifest to a run would change, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrator.core.decide.revising import Difference
from orchestrator.core.messages import Revision
from orchestrator.core.model import Bead
from orchestrator.core.state import State

_SAID = (
    ("added", "+", "is added"),
    ("changed", "~", "has not started: so from now on"),
    ("later", "~", "is at work: so from its next attempt on, if there is one"),
    ("removed", "-", "is given up; what was written is kept"),
    ("landed", "=", "is done already: it stays as it is"),
    ("stays", "=", "is removed, but done already: it stays on the target"),
)


def as_lines(state: State, revision: Revision, found: Difference) -> Iterator[str]:
    wanted = {bead.id: bead for bead in revision.manifest.beads}
    for name, sign, words in _SAID:
        for bead in getattr(found, name):
            what = f" ({', '.join(changed(state, wanted[bead]))})" if bead in wanted and bead in state.beads else ""
            yield f"{sign} {bead}{what if name != 'added' else ''}: {words}"
    if found.checks:
        yield f"~ verify: {list(state.manifest.verify)} becomes {list(revision.manifest.verify)}"


def as_dict(state: State, revision: Revision, found: Difference) -> dict[str, Any]:
    wanted = {bead.id: bead for bead in revision.manifest.beads}
    beads = {name: list(getattr(found, name)) for name, _, _ in _SAID}
    keys = {bead: changed(state, wanted[bead]) for bead in (*found.changed, *found.later, *found.landed)}
    return {**beads, "keys": keys, "verify": found.checks}


def changed(state: State, wanted: Bead) -> list[str]:
    """The names of what is another by now."""
    record = state.beads[wanted.id]
    now = record.revised or record.spec
    return [name for name in Bead.__struct_fields__ if getattr(now, name) != getattr(wanted, name)]
