"""The command line: arguments in, exit code out. Decides nothing and computes nothing that is shown."""

from __future__ import annotations


def program() -> None:
    """Run the command that the arguments name."""
    from orchestrator.cli.commands import program

    program()
