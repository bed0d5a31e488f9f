"""The pictures of the states come from the tables, the sentences from the source."""

from __future__ import annotations

from orchestrator.core import machines
from orchestrator.core.messages import name_of
from orchestrator.core.model import BeadState, BreakerState, RunState, WorkerState
from orchestrator.views.states import diagram, sentences, states_markdown


def test_every_transition_is_drawn() -> None:
    page = states_markdown()
    for table in (machines.BEAD, machines.WORKER, machines.BREAKER, machines.RUN):
        for state, row in table.items():
            for event, after in row.items():
                line = next(each for each in page.splitlines() if f"  {state.name} --> {after.name}:" in each)
                assert name_of(event) in line or page.count(f"  {state.name} --> {after.name}:") > 1


def test_every_state_says_what_it_waits_for() -> None:
    assert set(sentences(BeadState)) == set(BeadState)
    assert set(sentences(WorkerState)) == set(WorkerState)
    assert sentences(BreakerState)[BreakerState.HALF_OPEN] == "lets exactly one attempt through, the probe"
    assert "| `held` | for a person's answer |" in states_markdown()


def test_a_state_without_a_way_out_is_an_end() -> None:
    assert "  DONE --> [*]" in diagram(machines.BEAD, BeadState.WAITING)
    assert "[*]\n" not in diagram(machines.RUN, RunState.RUNNING).replace("[*] -->", "")
