"""How the command line says what is wrong, and with which exit code; and the options that many commands share."""

from __future__ import annotations

import functools
import getpass
import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import typer

from orchestrator.app.orders import Exit, Refused
from orchestrator.runtime.ports import Broken, StoreFault, WorkspaceFault

if TYPE_CHECKING:
    from orchestrator.core.state import State

P = ParamSpec("P")
FORCED = (
    "--force: agents start however short this machine is. It may become slow, and its kernel may kill processes, this "
    "one among them; what agents have written is checkpointed every minute"
)
"""What whoever forces starts is warned of."""

Repo = Annotated[
    Path, typer.Option("--repo", help="The repository, or any folder in it.", show_default="the current folder")
]
Run = Annotated[str | None, typer.Option("--run", help="The run's name.", show_default="the newest")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]
ManifestFile = Annotated[Path, typer.Argument(help="A task graph: .yaml, .toml, .json, or beads' issues.jsonl.")]


def complain(text: str) -> None:
    print(f"orchestrator: {text}", file=sys.stderr)


def honest(command: Callable[P, int | None]) -> Callable[P, None]:
    """Turn what a command raises into a sentence and an exit code, and what it returns into an exit code."""

    @functools.wraps(command)
    def told(*args: P.args, **kwargs: P.kwargs) -> None:
        raise typer.Exit(_outcome(command, *args, **kwargs))

    return told


def _outcome(command: Callable[P, int | None], *args: P.args, **kwargs: P.kwargs) -> int:
    from orchestrator.manifest import ManifestFaults
    from orchestrator.repo.faults import RepositoryFault

    try:
        return command(*args, **kwargs) or 0
    except ManifestFaults as faults:
        print(faults, file=sys.stderr)
        count = len(faults.faults)
        complain(f"{count} fault{'s' if count > 1 else ''} in the manifest; nothing was touched")
        return Exit.AT_FAULT
    except Refused as refusal:
        complain(str(refusal))
        return refusal.code
    except (RepositoryFault, StoreFault, WorkspaceFault) as fault:
        complain(str(fault))
        return Exit.AT_FAULT
    except Broken as fault:
        complain(f"a defect of orchestrator's own: {fault}. The state is kept: run the same command again to go on")
        return 70  # EX_SOFTWARE
    except KeyboardInterrupt:
        complain("interrupted; the state is kept: run the same command again to go on")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone; Python would complain once more at its exit
        return Exit.UNDONE


def going_on(state: State) -> str:
    """The command that goes on with a run, as it can be given to a shell."""
    return f"orchestrator run {shlex.quote(state.source) if state.source else 'MANIFEST'}"


def show_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def operator() -> str:
    """Who asks, for the audit trail."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"


def seconds_of(text: str, option: str, example: str = "an age such as 30d or 12h") -> float:
    """A time as it is said to an option. Raises `Refused`."""
    from orchestrator.manifest.faults import Unfit
    from orchestrator.manifest.quantities import parse_duration

    try:
        return parse_duration(text)
    except Unfit as unfit:
        raise Refused(f"{option}: {unfit}: write {example}") from None
