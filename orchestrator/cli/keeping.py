"""The commands around a run: beginning a workspace, looking over the machine, tidying up."""

from __future__ import annotations

import sys
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from orchestrator import app as composition
from orchestrator.app import Exit
from orchestrator.cli.speech import AsJson, Repo, honest, show_json

HERE = Path()


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
    print(f"next: write your beads into {folder / 'tasks' / 'example.yaml'}, then `orchestrator plan` and `run` it")


@honest
def doctor(repo: Repo = HERE, as_json: AsJson = False) -> int:
    """Look over the machine: git, the repository, and which agent programs are there."""
    found = composition.examine(repo)
    if as_json:
        show_json(found)
    else:
        for line in found["machine"]:
            print(f"{'ok ' if line['ok'] else 'NOT'}  {line['what']}: {line['found']}")
        for agent in found["agents"]:
            print(f"{'ok ' if agent['found'] else ' - '}  {agent['name']}: {agent['found'] or agent['hint']}")
    usable = any(agent["found"] for agent in found["agents"] if agent["name"] != "run")
    if not usable and not as_json:
        print(
            "no agent program was found: install one, or name your own under `agents:` in the manifest", file=sys.stderr
        )
    return Exit.DONE if all(line["ok"] for line in found["machine"]) else Exit.UNDONE


@honest
def clean(
    repo: Repo = HERE,
    force: Annotated[bool, typer.Option("--yes", help="Do it; without this, only say what would go.")] = False,
) -> None:
    """Remove worktrees that no run is at work in. All that they hold is kept in the attic first."""
    for line in composition.clean(repo, really=force):
        print(line)
    if not force:
        print("nothing was touched; `orchestrator clean --yes` does it")
