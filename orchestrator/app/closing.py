"""The end of a run's process: the proof and the report, from what is on disk now, and the exit code."""

from __future__ import annotations

from orchestrator.app.looking import Reading
from orchestrator.app.orders import Exit, Outcome
from orchestrator.app.proving import prove
from orchestrator.core.model import BeadState, RunState
from orchestrator.core.state import State
from orchestrator.repo.repository import Repository
from orchestrator.store import Database
from orchestrator.views.report import report
from orchestrator.views.report_text import as_markdown


def outcome(repository: Repository, database: Database, name: str, state: State) -> Outcome:
    """Of the run of this name, which has come to this state."""
    row = database.newest(name)
    assert row is not None  # it has just been written
    events = tuple(database.events_of(row.id))
    read = Reading(
        place=repository.common_dir,
        folder=repository.state,
        database=database,
        row=row,
        state=state,
        events=events,
        opened=repository,
    )
    findings = tuple(prove(read, own=True))
    text = as_markdown(report(state, events, findings))
    path = repository.state / "reports" / f"{name}.md"
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as fault:  # the night is over and counted; only its paper is missing
        said = f"the report could not be written to {path}: {fault}; `orchestrator report` shows it"
    else:
        said = f"report: {path}"
    return Outcome(state=state, findings=findings, report=said, code=exit_code(state))


def exit_code(state: State) -> Exit:
    """What a run's end means to whoever started it."""
    done = all(record.state is BeadState.DONE or record.removed for record in state.beads.values())
    match state.run:
        case RunState.FINISHED if done:
            return Exit.DONE
        case RunState.PAUSED:
            return Exit.PAUSED
        case RunState.STOPPED if state.stopping is not None and state.stopping.asked:
            return Exit.INTERRUPTED
        case _ if not state.ever_started and any(record.attempts for record in state.beads.values()):
            return Exit.NOTHING_STARTED
    return Exit.UNDONE
