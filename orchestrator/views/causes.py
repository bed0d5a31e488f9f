"""What keeps a bead from starting, followed through everything it needs to where it begins."""

from __future__ import annotations

from orchestrator.core.model import BeadId, BeadState
from orchestrator.core.state import State

_PASSED_ON = (BeadState.WAITING, BeadState.BLOCKED)
"""States that a bead is in because of others."""


def unmet(state: State, bead: BeadId) -> list[BeadId]:
    """The needs of this bead that are not done, as its author wrote them."""
    return [need for need in state.beads[bead].spec.needs if state.beads[need].state is not BeadState.DONE]


def root_causes(state: State, bead: BeadId) -> list[BeadId]:
    """Beads that it needs, directly or through others, that are not done and wait for none themselves."""
    found: dict[BeadId, None] = {}
    seen = {bead}
    todo = unmet(state, bead)[::-1]
    while todo:
        each = todo.pop()
        if each in seen:
            continue
        seen.add(each)
        deeper = unmet(state, each)
        if deeper and state.beads[each].state in _PASSED_ON:
            todo += deeper[::-1]
        else:
            found[each] = None
    return list(found)
