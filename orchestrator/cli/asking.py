"""The commands that ask something of a run: pause, resume, stop, drain, abort, retry, answer, priority, apply, …

A request is written down for the run's orchestrator, and the command returns when it has been acted upon. Where
nobody is at work it waits in the database, and the next start acts upon it.
"""

from __future__ import annotations

import math
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.app.orders import Exit, Order, Refused
from orchestrator.cli.running import carry_out
from orchestrator.cli.speech import (
    FORCED,
    AsJson,
    ManifestFile,
    Repo,
    Run,
    complain,
    going_on,
    honest,
    operator,
    show_json,
)
from orchestrator.core import messages as m
from orchestrator.core.model import BeadId

if TYPE_CHECKING:
    from orchestrator.app.looking import Reading

HERE = Path()
ANSWERED_WITHIN_S = 30.0
NEEDS_A_LIVE_RUN = frozenset(
    {
        m.Verb.PAUSE,
        m.Verb.STOP,
        m.Verb.DRAIN,
        m.Verb.DRAIN_WORKER,
        m.Verb.ABORT_WORKER,
        m.Verb.RELEASE_WORKER,
        m.Verb.LOG_LEVEL,
    }
)

Bead = Annotated[str, typer.Argument(help="The bead's id.")]


def add_to(app: typer.Typer) -> None:
    for command in (pause, resume, stop, drain, abort, retry, answer, priority, workers, apply, reload):
        app.command()(command)
    app.command(name="log-level")(log_level)


@honest
def pause(repo: Repo = HERE, run: Run = None) -> int:
    """Start nothing new; what runs may end. The run's process then leaves with 3."""
    return _ask(repo, run, m.Verb.PAUSE)


@honest
def resume(
    repo: Repo = HERE,
    run: Run = None,
    budget: Annotated[
        float | None, typer.Option("--budget", min=0, help="What the whole run may cost from now on, in US dollars.")
    ] = None,
) -> int:
    """Go on: with a paused run that is still at work, or here, in this terminal, with one that nobody is at."""
    from orchestrator.app.looking import reading

    with reading(repo, run) as read:
        live = read.database.holder() is not None
        source = read.state.source
    if live:
        return _ask(repo, run, m.Verb.RESUME, text="" if budget is None else str(budget))
    if not source:
        raise Refused("it is not known which manifest the run came from: `orchestrator run MANIFEST` goes on with it")
    return carry_out(Order(manifest=Path(source), repo=repo, budget=budget))


@honest
def apply(
    manifest: ManifestFile,
    repo: Annotated[
        Path | None, typer.Option("--repo", help="The repository. [default: the manifest's `repo:`]")
    ] = None,
    force: Annotated[bool, typer.Option("--yes", help="Do it; without this, only show what would change.")] = False,
    as_json: AsJson = False,
) -> int:
    """Take a changed manifest into its run, also while that is at work. Shows what would change; --yes does it."""
    from orchestrator.app.revising import apply_here, proposed
    from orchestrator.views import difference as view

    with proposed(manifest, repo) as proposal:
        state, revision, found = proposal.read.state, proposal.revision, proposal.difference
        if as_json:
            show_json(view.as_dict(state, revision, found) | {"applied": force and not found.empty})
        else:
            print("\n".join(view.as_lines(state, revision, found)) or "it is the manifest that the run has")
        if found.empty or not force:
            if not (as_json or found.empty):
                print("nothing was touched; `--yes` does it")
            return Exit.DONE
        if not proposal.live:
            said = apply_here(proposal, operator())
        else:
            asked = m.Asked(at=time.time(), verb=m.Verb.APPLY, by=operator(), revision=revision)
            return _answered(proposal.read, asked, quiet=as_json)
        if not as_json:
            print(said)
    return Exit.DONE


@honest
def reload(
    manifest: Annotated[
        Path | None, typer.Argument(help="The manifest.", show_default="the one that the run came from")
    ] = None,
    repo: Repo = HERE,
    run: Run = None,
) -> int:
    """Have the run follow its manifest's changed settings: workers, budget, limits, hours, alerts, and more."""
    from orchestrator.app.looking import reading
    from orchestrator.app.reloading import settings_of

    with reading(repo, run) as read:
        holder = read.database.holder()
        if holder is None or holder.run != read.row.name:
            raise Refused(f"run {read.row.name!r} is not at work: its next start follows the manifest as it is then")
        asked = m.Asked(at=time.time(), verb=m.Verb.RELOAD, by=operator(), settings=settings_of(read, manifest))
        return _answered(read, asked)


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


@honest
def priority(
    bead: Bead,
    level: Annotated[str, typer.Argument(help="P0 (most urgent) to P4.", metavar="P0…P4")],
    repo: Repo = HERE,
    run: Run = None,
) -> int:
    """Change how urgent a bead is. What runs is not disturbed."""
    return _ask(repo, run, m.Verb.PRIORITY, bead=bead, text=level.upper().removeprefix("P"))


class Change(StrEnum):
    LIST = "list"
    ADD = "add"
    DRAIN = "drain"
    ABORT = "abort"
    RELEASE = "release"


@honest
def workers(
    change: Annotated[
        Change,
        typer.Argument(
            help="list; add N; drain W: it finishes what it has, and goes; abort W: it goes now; release W: it was "
            "put aside, and may have beads again."
        ),
    ] = Change.LIST,
    which: Annotated[str, typer.Argument(help="How many, or the worker's name.", metavar="N|WORKER")] = "1",
    force: Annotated[bool, typer.Option("--force", help="Of add: however short the machine is of memory.")] = False,
    repo: Repo = HERE,
    run: Run = None,
) -> int:
    """Show the workers; have more of them, or fewer, while it runs. What a worker that goes has done is kept."""
    if change is Change.LIST:
        return _show_workers(repo, run)
    if force and change is not Change.ADD:
        raise typer.BadParameter("goes with `workers add`", param_hint="--force")
    if force:
        complain(FORCED)
    verbs = {
        Change.ADD: m.Verb.ADD_WORKERS,
        Change.DRAIN: m.Verb.DRAIN_WORKER,
        Change.ABORT: m.Verb.ABORT_WORKER,
        Change.RELEASE: m.Verb.RELEASE_WORKER,
    }
    patience_s = None if change is Change.DRAIN else ANSWERED_WITHIN_S
    return _ask(repo, run, verbs[change], text=which, forced=force, patience_s=patience_s)


def _show_workers(repo: Path, run: str | None) -> int:
    from rich.console import Console

    from orchestrator.app.looking import reading
    from orchestrator.views.status_text import render_workers

    with reading(repo, run) as read:
        Console().print(render_workers(read.state, time.time(), read.samples()))
        if read.database.holder() is None:
            print(f"nobody is at work on {read.row.name}: this is how it was left")
    return Exit.DONE


class Level(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@honest
def log_level(
    level: Annotated[Level, typer.Argument(help="Nothing less grave is logged from now on.")],
    repo: Repo = HERE,
    run: Run = None,
) -> int:
    """Change what the logs hold from now on. The last line of each attempt is always there."""
    return _ask(repo, run, m.Verb.LOG_LEVEL, text=level.value)


def _ask(
    repo: Path,
    run: str | None,
    verb: m.Verb,
    *,
    bead: str | None = None,
    text: str = "",
    forced: bool = False,
    until_gone: bool = False,
    patience_s: float | None = ANSWERED_WITHIN_S,
) -> int:
    """`patience_s`: how long to wait for the answer; None: as long as it takes."""
    from orchestrator.app.looking import reading

    with reading(repo, run) as read:
        if bead is not None and BeadId(bead) not in read.state.beads:
            raise Refused(f"there is no bead {bead!r} in run {read.row.name!r}")
        of = BeadId(bead) if bead is not None else None
        asked = m.Asked(at=time.time(), verb=verb, bead=of, text=text, forced=forced, by=operator())
        holder = read.database.holder()
        live = holder is not None and holder.run == read.row.name
        if not live and verb in NEEDS_A_LIVE_RUN:
            raise Refused(f"run {read.row.name!r} is not at work: there is nothing to {verb.replace('-', ' ')}")
        if not live:
            read.database.ask(read.folder, read.row.id, asked)
            print(f"written down: acted upon when the run goes on (`{going_on(read.state)}`)")
            return Exit.DONE
        return _answered(read, asked, until_gone=until_gone, patience_s=patience_s)


def _answered(
    read: Reading,
    asked: m.Asked,
    *,
    until_gone: bool = False,
    patience_s: float | None = ANSWERED_WITHIN_S,
    quiet: bool = False,
) -> int:
    """Hand it to whoever is at work, and wait for what becomes of it; `quiet`: only a refusal is said."""
    request = read.database.ask(read.folder, read.row.id, asked)
    until = time.monotonic() + (math.inf if patience_s is None else patience_s)
    while time.monotonic() < until:
        at_work = read.database.holder() is not None  # looked at first: it may answer and leave between the two
        said = read.database.answer(request)
        if said is not None and not (until_gone and at_work):
            accepted, words = said
            if not quiet or not accepted:
                print(f"{asked.bead or read.row.name}: {words}", file=sys.stderr if quiet else sys.stdout)
            return Exit.DONE if accepted else Exit.UNDONE
        if said is None and not at_work:
            complain("its orchestrator ended before it came to this; the next start acts upon it")
            return Exit.UNDONE
        time.sleep(0.05)
    complain(f"not yet, after {patience_s:g} s; the request stands, and `orchestrator status` shows what becomes of it")
    return Exit.UNDONE
