"""The commands around a run: beginning a workspace, looking over the machine, tidying up."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.app.orders import Exit
from orchestrator.cli.speech import AsJson, Repo, honest, seconds_of, show_json
from orchestrator.core.model import SHELL_ROUTE
from orchestrator.core.values import to_builtins

HERE = Path()
_SIGNED_IN = {True: "signed in", False: "NOT signed in", None: "signed in?"}


def add_to(app: typer.Typer) -> None:
    for command in (init, doctor, clean):
        app.command()(command)


@honest
def init(
    folder: Annotated[Path, typer.Argument(help="The repository, or a folder beside it.")] = HERE,
) -> None:
    """Make `tasks/` with an example and `worktrees/` here. What is there already is left as it is."""
    starter = resources.files("orchestrator.cli") / "starter"
    for name, target in (
        ("example.yaml", folder / "tasks" / "example.yaml"),
        ("worktrees.md", folder / "worktrees" / "README.md"),
        ("gitignore", folder / "worktrees" / ".gitignore"),
    ):
        if target.exists():
            print(f"there already: {target}")
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text((starter / name).read_text(encoding="utf-8"), encoding="utf-8")
        print(f"made: {target}")
    print(f"next: write your beads into {folder / 'tasks' / 'example.yaml'}, then `orchestrator plan` it, and `run` it")


@honest
def doctor(
    repo: Repo = HERE,
    manifest: Annotated[
        Path | None, typer.Option("--manifest", help="A manifest whose agents are looked at as well.")
    ] = None,
    route: Annotated[
        str | None,
        typer.Option("--try", metavar="AGENT[:MODEL]", help="Have it do one small thing in a throw-away repository."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Look over the machine: git, the repository, which agent programs are there, and what would be run.

    With `--try`, an agent is asked for one line in a repository that is thrown away: that may cost a little.
    """
    from orchestrator.app.machine import examine

    if route is not None:
        return _tried(route, manifest, as_json)
    found = examine(repo, manifest)
    if as_json:
        show_json(found)
    else:
        for line in found["machine"]:
            print(f"{'ok ' if line['ok'] else 'NOT'}  {line['what']}: {line['found']}")
        for agent in found["agents"]:
            print("\n".join(_told(agent)))
    usable = any(agent["found"] for agent in found["agents"] if agent["name"] != SHELL_ROUTE)
    if not usable and not as_json:
        print(
            "no agent program was found: install one, or name your own under `agents:` in the manifest", file=sys.stderr
        )
    return Exit.DONE if all(line["ok"] for line in found["machine"]) else Exit.UNDONE


def _told(agent: dict[str, Any]) -> Iterator[str]:
    if not agent["found"]:
        yield f" -   {agent['name']}: {agent['hint']}"
        return
    yield f"ok   {agent['name']}: {agent['found']}{' ' * bool(agent['version'])}{agent['version']}"
    if agent["name"] != SHELL_ROUTE:
        yield f"       {_SIGNED_IN[agent['signed_in']]}: {agent['sign_in']}"
    yield f"       runs: {agent['command']}"


def _tried(route: str, manifest: Path | None, as_json: bool) -> int:
    from orchestrator.app.trial import try_out

    print(f"asking {route} for one line, for at most 5 minutes …", file=sys.stderr)
    trial = try_out(route, manifest)
    if as_json:
        show_json(to_builtins(trial))
    else:
        cost = "it did not say what it cost" if trial.usd is None else f"${trial.usd:.4f}"
        what = "works" if trial.landed else f"does not work: {trial.reason}"
        print(f"{'ok ' if trial.landed else 'NOT'}  {trial.route} {what} ({trial.seconds:g} s, {cost})")
    return Exit.DONE if trial.landed else Exit.UNDONE


@honest
def clean(
    repo: Repo = HERE,
    recordings: Annotated[
        str | None,
        typer.Option("--recordings-older-than", metavar="AGE", help="Also recordings and logs of checks, by age: 30d."),
    ] = None,
    force: Annotated[bool, typer.Option("--yes", help="Do it; without this, only say what would go.")] = False,
) -> None:
    """Free what can be had again: worktrees, whose work is kept in the attic first, and templates of dependencies."""
    from orchestrator.app.clearing import clean

    age_s = None if recordings is None else seconds_of(recordings, "--recordings-older-than")
    found = False
    for line in clean(repo, recordings_older_s=age_s, really=force):
        print(line)
        found = True
    if not found:
        print("there is nothing to free")
    elif not force:
        print("nothing was touched; `orchestrator clean --yes` does it")
