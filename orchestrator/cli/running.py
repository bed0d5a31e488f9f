"""`run`, and `resume` where nobody is at work: the commands that become the orchestrator."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.app.orders import Exit, Order, workers_of
from orchestrator.cli.speech import FORCED, ManifestFile, complain, honest

if TYPE_CHECKING:
    from orchestrator.core.state import State
    from orchestrator.runtime.ports import Holder, Listener

TAKEN_WITHIN_S = 20.0
"""How long a detached run may need until it has taken the run into its hands."""


def add_to(app: typer.Typer) -> None:
    app.command()(run)


@honest
def run(
    manifest: ManifestFile,
    repo: Annotated[
        Path | None, typer.Option("--repo", help="The repository to work on. [default: the manifest's `repo:`]")
    ] = None,
    workers: Annotated[
        str | None, typer.Option("--workers", help="How many agents at once, or auto.", metavar="N|auto")
    ] = None,
    worktrees: Annotated[Path | None, typer.Option("--worktrees", help="Where worktrees are made.")] = None,
    agent: Annotated[
        str | None, typer.Option("--agent", help="Use this agent (or agent:model) for every bead with a prompt.")
    ] = None,
    on_question: Annotated[
        str | None,
        typer.Option("--on-question", help="What becomes of an agent's question: hold, fail, or answer:TEXT."),
    ] = None,
    push: Annotated[
        str | None, typer.Option("--push", help="The remote that the target is pushed to. [default: the manifest's]")
    ] = None,
    follow_base: Annotated[
        bool, typer.Option("--follow-base", help="Take what is new on the base branch into the target.")
    ] = False,
    budget: Annotated[
        float | None, typer.Option("--budget", min=0, help="What the whole run may cost, in US dollars.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew; what has landed stays landed.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Start agents however short the machine is of memory or cores.")
    ] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Let the terminal go; the run goes on.")] = False,
) -> int:
    """Carry out a task graph; go on with it where it was interrupted.

    Ends with 0 when every bead has landed, 1 when some have not, 2 when the manifest or the command is at fault,
    3 when it is paused, 4 when nothing could start, 130 when it was interrupted.
    """
    order = Order(
        manifest=manifest,
        repo=repo,
        worktrees=worktrees,
        workers=workers_of(workers),
        agent=agent,
        on_question=on_question,
        push=push,
        follow_base=follow_base,
        budget=budget,
        fresh=fresh,
        force=force,
    )
    if force:
        complain(FORCED)
    return _detached(order) if detach else carry_out(order)


def carry_out(order: Order) -> int:
    from orchestrator.app.night import run

    outcome = run(order, _shown)
    print(outcome.report)
    broken = [finding for finding in outcome.findings if not finding.holds]
    for finding in broken:
        complain(f"not so: {finding.claim}: {finding.detail} (`{finding.command}`)")
    return Exit.UNDONE if any(finding.promised for finding in broken) and outcome.code is Exit.DONE else outcome.code


def _shown(state: State) -> Listener:
    from rich.console import Console

    from orchestrator.views.progress import Progress

    return Progress(state, Console())


def _detached(order: Order) -> int:
    """Start the same command in a session of its own, and return once it has the run in its hands."""
    from orchestrator.app.loading import prepared
    from orchestrator.app.looking import holder

    order, loaded, _, repository = prepared(order)  # what is at fault is said where somebody reads it
    log = repository.state / "logs" / "detached.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestrator", "run", *_arguments(order)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    until = time.monotonic() + TAKEN_WITHIN_S
    while time.monotonic() < until:
        code = process.poll()
        if _is(holder(repository), process.pid):
            print(f"run {loaded.manifest.name!r} goes on as pid {process.pid}; `orchestrator status` shows it")
            print(f"output: {log}")
            return Exit.DONE
        if code is not None:
            said = log.read_text(errors="replace").splitlines()[-5:]
            print("\n".join(said), file=sys.stderr if code else sys.stdout)
            return code
        time.sleep(0.05)
    complain(f"the run did not begin within {TAKEN_WITHIN_S:g} s; its output is in {log}")
    return Exit.UNDONE


def _is(holder: Holder | None, pid: int) -> bool:
    return holder is not None and holder.process.pid == pid


def _arguments(order: Order) -> list[str]:
    given: list[str] = [str(order.manifest.resolve())]
    for option, value in (("--repo", order.repo), ("--worktrees", order.worktrees)):
        given += [option, str(value.resolve())] if value else []
    given += ["--workers", str(order.workers)] if order.workers else []
    given += ["--agent", order.agent] if order.agent else []
    given += ["--on-question", order.on_question] if order.on_question else []
    given += ["--push", order.push] if order.push else []
    given += ["--follow-base"] if order.follow_base else []
    given += ["--budget", str(order.budget)] if order.budget is not None else []
    return given + (["--fresh"] if order.fresh else []) + (["--force"] if order.force else [])
