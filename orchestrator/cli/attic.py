"""`orchestrator attic`: what attempts left, to look at, to take out again, and to let go of."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.app.orders import Refused
from orchestrator.cli.speech import AsJson, Repo, honest, operator, seconds_of, show_json

if TYPE_CHECKING:
    from orchestrator.repo.archive import AtticRef

HERE = Path()

Name = Annotated[str, typer.Argument(help="BEAD/ATTEMPT as `attic list` shows it, or BEAD for its newest attempt.")]
Age = Annotated[str, typer.Option("--older-than", help="An age such as 30d or 12h.")]


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(
        help="What attempts left: list it, show it, restore it, prune it by age.",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    group.command("list")(list_)
    for command in (show, restore, prune):
        group.command()(command)
    app.add_typer(group, name="attic")


@honest
def list_(
    bead: Annotated[str | None, typer.Argument(help="Of this bead only.")] = None,
    older_than: Age = "0s",
    repo: Repo = HERE,
    as_json: AsJson = False,
) -> None:
    """List what is kept, by bead and attempt."""
    from orchestrator.repo.archive import attic
    from orchestrator.repo.repository import open_repository

    until = time.time() - seconds_of(older_than, "--older-than")
    found = [one for one in attic(open_repository(repo)) if one.at <= until and bead in (None, one.bead)]
    if as_json:
        show_json([_data(one) for one in found])
        return
    for one in found:
        print(_line(one))
    if not found:
        print("the attic has nothing of that")


@honest
def show(
    name: Name,
    patch: Annotated[bool, typer.Option("--patch", help="With the difference itself.")] = False,
    repo: Repo = HERE,
    as_json: AsJson = False,
) -> None:
    """Show what an attempt left: its commits and the files that it changed."""
    from orchestrator.repo import archive
    from orchestrator.repo.repository import open_repository

    repository = open_repository(repo)
    one = archive.named(repository, name)
    content = archive.content(repository, one)
    text = archive.difference(repository, one) if patch else ""
    if as_json:
        commits = [{"commit": commit, "subject": subject} for commit, subject in content.commits]
        files = [{"change": change, "path": path} for change, path in content.files]
        more = {"patch": text} if patch else {}
        show_json(_data(one) | {"began": content.began, "commits": commits, "files": files} | more)
        return
    print(_line(one))
    print(f"began at {content.began[:12] if content.began else 'nothing that a branch has'}")
    for commit, subject in content.commits:
        print(f"  {commit[:12]} {subject}")
    for change, path in content.files:
        print(f"  {change} {path}")
    if patch:
        print(text)


@honest
def restore(
    name: Name,
    branch: Annotated[str | None, typer.Option("--branch", help="As a new branch of this name.")] = None,
    folder: Annotated[Path | None, typer.Option("--folder", help="Its files, in this new folder.")] = None,
    repo: Repo = HERE,
) -> None:
    """Take out what an attempt left, as a new branch or into a new folder. It stays in the attic, too."""
    from orchestrator.repo import archive
    from orchestrator.repo.repository import open_repository

    if (branch is None) == (folder is None):
        raise Refused("say where it goes: either `--branch NAME` or `--folder DIR`")
    repository = open_repository(repo)
    one = archive.named(repository, name)
    if branch is not None:
        archive.restore_branch(repository, one, branch)
        print(f"{one.short} is the branch {branch} now: `git switch {branch}`")
    elif folder is not None:
        archive.restore_folder(repository, one, folder)
        print(f"the files of {one.short} are in {folder}")


@honest
def prune(
    older_than: Age,
    bead: Annotated[str | None, typer.Option("--bead", help="Of this bead only.")] = None,
    force: Annotated[bool, typer.Option("--yes", help="Do it; without this, only say what would go.")] = False,
    repo: Repo = HERE,
    as_json: AsJson = False,
) -> None:
    """Let go of what is older than that. Without --yes it only lists exactly what would go."""
    from orchestrator.app.attic import prune

    done = prune(repo, older_than_s=seconds_of(older_than, "--older-than"), bead=bead, really=force, by=operator())
    if as_json:
        kept = [_data(one) | {"run": run} for one, run in done.kept]
        show_json({"pruned": force, "gone": [_data(one) for one in done.gone], "kept": kept})
        return
    for one in done.gone:
        print(f"{'gone' if force else 'would go'}: {_line(one)}")
    for one, run in done.kept:
        print(f"stays, because run {run!r} is not over: {_line(one)}")
    if not force:
        print("nothing was touched; `--yes` does it" if done.gone else "there is nothing that old")


def _line(one: AtticRef) -> str:
    at = datetime.fromtimestamp(one.at).astimezone()
    return f"{one.short}  {one.commit[:12]}  {at:%Y-%m-%d %H:%M}  {one.subject}"


def _data(one: AtticRef) -> dict[str, Any]:
    return {
        "name": one.short,
        "bead": one.bead,
        "attempt": one.number,
        "commit": one.commit,
        "at": one.at,
        "subject": one.subject,
        "ref": one.name,
    }
