"""`docs/states.md`: the states of bead, worker, breaker and run as pictures, generated from the tables.

Used to make documentation, not by a run: it reads the sentences under the states from the source of `core.model`,
because Python does not keep them.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping

from orchestrator.core import machines
from orchestrator.core import messages as m
from orchestrator.core.machines import S, Table
from orchestrator.core.model import BeadState, BreakerState, RunState, WorkerState

HEADING = """\
# States

Generated from the tables in `orchestrator/core/machines.py` and the sentences in `orchestrator/core/model/states.py`;
do not edit. A state is named after what it waits for. The arrows bear the names of events.
"""


def states_markdown() -> str:
    parts = [
        HEADING,
        *_section("Bead", machines.BEAD, BeadState.WAITING, "waits"),
        *_section("Worker", machines.WORKER, WorkerState.IDLE, "waits"),
        *_section("Breaker of a route", machines.BREAKER, BreakerState.CLOSED, "it"),
        *_section("Provider", machines.PROVIDER, BreakerState.CLOSED, "it"),
        *_section("Run", machines.RUN, RunState.RUNNING, ""),
    ]
    return "\n".join(parts).rstrip() + "\n"


def diagram(table: Table[S], first: S) -> str:
    """A Mermaid state diagram; events that lead from one state to the same other share an arrow."""
    lines = ["stateDiagram-v2", "  direction LR", f"  [*] --> {first.name}"]
    lines += [f'  state "{state.value}" as {state.name}' for state in type(first)]
    for state, row in table.items():
        arrows: dict[S, list[str]] = {}
        for event, after in row.items():
            arrows.setdefault(after, []).append(m.name_of(event))
        lines += [f"  {state.name} --> {after.name}: {', '.join(names)}" for after, names in arrows.items()]
    lines += [f"  {state.name} --> [*]" for state in type(first) if not table.get(state)]
    return "\n".join(lines)


def sentences(kind: type[S]) -> Mapping[S, str]:
    """What stands under each member in the source; states without a sentence are left out."""
    found: dict[S, str] = {}
    tree = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(tree, ast.ClassDef)
    member: S | None = None
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]):
                member = kind[name]
            case ast.Expr(value=ast.Constant(value=str() as text)) if member is not None:
                found[member] = " ".join(text.split())
                member = None
            case _:
                member = None
    return found


def _section(title: str, table: Table[S], first: S, verb: str) -> Iterator[str]:
    yield f"## {title}\n"
    yield f"```mermaid\n{diagram(table, first)}\n```\n"
    told = sentences(type(first))
    if told:
        yield f"| state | {verb} |\n| --- | --- |"
        for state, text in told.items():
            yield f"| `{state.value}` | {text} |"
        yield ""
