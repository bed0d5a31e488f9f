"""The commands about locks: who holds which files, and an agent's own wish for more."""

from __future__ import annotations

import sys
import time
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, TextIO

import typer

from orchestrator.app.orders import Exit
from orchestrator.cli.speech import AsJson, Repo, Run, complain, honest, show_json

HERE = Path()


def add_to(app: typer.Typer) -> None:
    for command in (locks, lock, mcp, hook):
        app.command()(command)


@honest
def locks(repo: Repo = HERE, run: Run = None, as_json: AsJson = False) -> None:
    """Show which bead holds which files, and who waits for whom."""
    from orchestrator.app.looking import reading
    from orchestrator.views import locks as view

    with reading(repo, run) as read:
        live = read.database.holder() is not None
        if as_json:
            show_json(view.locks(read.state) | {"live": live})
        else:
            print(view.as_text(read.state, time.time(), live=live))


@honest
def lock(
    paths: Annotated[list[str], typer.Argument(help="Files, folders or globs, as seen from here.")],
    wait: Annotated[float, typer.Option("--wait", help="Seconds to wait where another bead holds them.")] = 60.0,
    read: Annotated[bool, typer.Option("--read", help="Only to rely on: others may read them too.")] = False,
    hand_back: Annotated[
        bool, typer.Option("--hand-back", help="Where they are held: end this session, and start again with them.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Inside an agent's session: ask for files beyond those that its bead holds. All of them, or none."""
    from orchestrator.app.locking import ask_for

    reply = ask_for(paths, shared=read, wait_s=wait, hand_back=hand_back)
    if as_json:
        show_json({"yours": reply.yours, "text": reply.text})
    else:
        print(reply.text)
    return Exit.DONE if reply.yours else Exit.UNDONE


Worktree = Annotated[Path, typer.Option("--worktree", help="Where its agent works.", show_default="the current folder")]


@honest
def mcp(worktree: Worktree = HERE) -> None:
    """Inside an agent's session: an MCP server on standard input and output, whose tool asks for files."""
    from orchestrator.app.tool_server import serve_session

    serve_session(worktree.absolute(), _utf8(sys.stdin), sys.stdout)


@honest
def hook(worktree: Worktree = HERE) -> int:
    """Inside a session of Claude Code: answer what its PreToolUse hook asks on standard input before an edit."""
    from orchestrator.app.tool_server import before_edit

    said = before_edit(worktree.absolute(), _utf8(sys.stdin).read())
    if said.refused:
        print(said.refused)
    if said.fault:
        complain(f"{said.fault}; nobody was asked for it")
    return Exit.UNDONE if said.fault else Exit.DONE


def _utf8(pipe: TextIO) -> TextIO:
    """Programs write UTF-8 to each other, whatever the terminal's words are in; what is none names no file of ours."""
    if isinstance(pipe, TextIOWrapper):
        pipe.reconfigure(encoding="utf-8", errors="surrogateescape")
    return pipe
