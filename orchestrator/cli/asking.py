"""The commands that ask something of a run: pause, resume, stop, drain, abort, retry, answer.

A request is written down for the run's orchestrator, and the command returns when it has been acted upon. Where
nobody is at work it waits in the database, and the next start acts upon it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from orchestrator import app as composition
from orchestrator.app import Exit, Order, Refused
from orchestrator.cli.running import carry_out
from orchestrator.cli.speech import Repo, Run, complain, honest, operator
from orchestrator.core import messages as m
from orchestrator.core.model import BeadId

HERE = Path()
ANSWERED_WITHIN_S = 30.0

Bead = Annotated[str, typer.Argument(help="The bead's id.")]


def add_to(app: typer.Typer) -> None:
    for command in (pause, resume, stop, drain, abort, retry, answer):
        app.command()(command)


@honest
def pause(repo: Repo = HERE, run: Run = None) -> int:
    """Start nothing new; what runs may end. The run's process then leaves with 3."""
    return _ask(repo, run, m.Verb.PAUSE)


@honest
def resume(repo: Repo = HERE, run: Run = None) -> int:
    """Go on: with a paused run that is still at work, or here, in this terminal, with one that nobody is at."""
    with composition.reading(repo, run) as read:
        live = read.database.holder() is not None
        source = read.state.source
    if live:
        return _ask(repo, run, m.Verb.RESUME)
    if not source:
        raise Refused("it is not known which manifest the run came from: `orchestrator run MANIFEST` goes on with it")
    return carry_out(Order(manifest=Path(source), repo=repo))


@honest
def stop(repo: Repo = HERE, run: Run = None) -> int:
    """End the run now, in order: sessions are ended, their work is kept, `run` or `resume` goes on with it."""
    return _ask(repo, run, m.Verb.STOP, until_gone=True)


@honest
def drain(repo: Repo = HERE, run: Run = None) -> int:
    """Let what runs finish and land, start nothing new, then end."""
    return _ask(repo, run, m.Verb.DRAIN)


@honest
def abort(
    bead: Annotated[str | None, typer.Argument(help="The bead's id; without it, all that is not done.")] = None,
    repo: Repo = HERE,
    run: Run = None,
) -> int:
    """Give up a bead, or all that is not done. Its work is kept."""
    return _ask(repo, run, m.Verb.ABORT, bead=bead)


@honest
def retry(bead: Bead, repo: Repo = HERE, run: Run = None) -> int:
    """Try a failed, blocked, held or cancelled bead again."""
    return _ask(repo, run, m.Verb.RETRY, bead=bead)


@honest
def answer(
    bead: Bead,
    text: Annotated[str, typer.Argument(help="What the agent is told.")],
    repo: Repo = HERE,
    run: Run = None,
) -> int:
    """Answer what a held bead asked, and let it go on."""
    return _ask(repo, run, m.Verb.ANSWER, bead=bead, text=text)


def _ask(
    repo: Path, run: str | None, verb: m.Verb, *, bead: str | None = None, text: str = "", until_gone: bool = False
) -> int:
    with composition.reading(repo, run) as read:
        if bead is not None and BeadId(bead) not in read.state.beads:
            raise Refused(f"there is no bead {bead!r} in run {read.row.name!r}")
        asked = m.Asked(
            at=time.time(), verb=verb, bead=BeadId(bead) if bead is not None else None, text=text, by=operator()
        )
        holder = read.database.holder()
        live = holder is not None and holder.run == read.row.name
        if not live and verb in (m.Verb.PAUSE, m.Verb.STOP, m.Verb.DRAIN):
            raise Refused(f"run {read.row.name!r} is not at work: there is nothing to {verb}")
        request = read.database.ask(read.repository.state, read.row.id, asked)
        if not live:
            print(f"written down: acted upon when the run goes on (`orchestrator run {read.state.source}`)")
            return Exit.DONE
        until = time.monotonic() + ANSWERED_WITHIN_S
        while time.monotonic() < until:
            at_work = read.database.holder() is not None  # looked at first: it may answer and leave between the two
            said = read.database.answer(request)
            if said is not None and not (until_gone and at_work):
                accepted, words = said
                print(f"{bead or read.row.name}: {words}")
                return Exit.DONE if accepted else Exit.UNDONE
            if said is None and not at_work:
                complain("its orchestrator ended before it came to this; the next start acts upon it")
                return Exit.UNDONE
            time.sleep(0.05)
    complain(f"no answer within {ANSWERED_WITHIN_S:g} s; the request stands")
    return Exit.UNDONE
