"""The commands, by what they are for."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from typer.main import get_command_name
from typer.models import CommandInfo

from orchestrator.cli import asking, attic, keeping, locking, looking, running, telling, tuning

app = typer.Typer(
    name="orchestrator",
    help="Runs a night of coding agents over a task graph, and leaves one verified branch and a report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from orchestrator import __version__

        print(f"orchestrator {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")] = False,
) -> None:
    pass


for module in (running, looking, asking, attic, locking, keeping, telling, tuning):
    module.add_to(app)


def program() -> None:
    # Typer works out the options of every command there is before it looks which one is asked for.
    asked = [command for command in app.registered_commands if _name(command) in sys.argv[1:2]]
    if asked:
        app.registered_commands = asked
    app()


def _name(command: CommandInfo) -> str | None:
    return command.name or (get_command_name(command.callback.__name__) if command.callback else None)
