"""The commands that read: what would run, what runs, what has come of it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.app.orders import Exit, Refused
from orchestrator.cli.speech import AsJson, ManifestFile, Repo, Run, going_on, honest, show_json

HERE = Path()


def add_to(app: typer.Typer) -> None:
    for command in (plan, status, logs, report, explain, prove, schema):
        app.command()(command)


@honest
def plan(
    manifest: ManifestFile,
    as_json: AsJson = False,
    repo: Annotated[Path | None, typer.Option("--repo", help="The repository to work on.")] = None,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="As a Mermaid diagram.")] = False,
    svg: Annotated[Path | None, typer.Option("--svg", help="Draw it into this file.")] = None,
) -> None:
    """Show what would run, in which order: waves, the critical path, collisions of files. Touches nothing."""
    from orchestrator.app.foreseeing import predicted
    from orchestrator.app.loading import load, told_of
    from orchestrator.manifest import Overrides
    from orchestrator.views import plan as view

    loaded, _ = load(manifest, Overrides(repo=repo), require_routes=False)
    if svg is not None:
        try:
            drawing = view.as_svg(loaded.manifest)
        except view.NoPictures as missing:
            raise Refused(str(missing)) from missing
        svg.write_text(drawing, encoding="utf-8")
        print(svg)
    if mermaid:
        print(view.as_mermaid(loaded.manifest))
    elif as_json:
        show_json(view.plan(loaded.manifest, predicted(loaded)))
    elif svg is None:
        from rich.console import Console

        for note in (*loaded.notes, *told_of(loaded)):
            print(f"note: {note}", file=sys.stderr)
        Console().print(view.render_plan(loaded.manifest, predicted(loaded)))


@honest
def status(repo: Repo = HERE, run: Run = None, as_json: AsJson = False) -> None:
    """Show where the run stands."""
    from orchestrator.app.looking import reading
    from orchestrator.views import status as view

    with reading(repo, run) as read:
        holder = read.database.holder()
        if as_json:
            show_json(view.status(read.state, read.samples()) | {"live": holder is not None})
            return
        from rich.console import Console

        from orchestrator.views.status_text import render_status

        Console().print(render_status(read.state, time.time(), read.samples()))
        if holder is None and read.state.ended_at is None:
            print(f"nobody is at work on it: it was interrupted. Go on with: {going_on(read.state)}")


@honest
def logs(
    repo: Repo = HERE,
    worker: Annotated[str | None, typer.Option("--worker", "-w", help="Of this worker only.")] = None,
    bead: Annotated[str | None, typer.Option("--bead", "-b", help="Of this bead only.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as more is written.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what happened, line by line."""
    import json

    from orchestrator.repo.repository import open_repository
    from orchestrator.views.log_reading import read, render

    folder = open_repository(repo).state / "logs"
    if not folder.is_dir():
        raise Refused(f"nothing has run on {repo} yet: `orchestrator run MANIFEST` begins")
    for record in read(folder, worker=worker, bead=bead, follow=follow):
        print(json.dumps(record, ensure_ascii=False) if as_json else render(record), flush=follow)


@honest
def report(repo: Repo = HERE, run: Run = None, as_json: AsJson = False) -> None:
    """Say what landed, what did not and why, what it cost, and what is to be decided next."""
    from orchestrator.app.looking import reading
    from orchestrator.app.proving import prove
    from orchestrator.views.report import as_dict, report
    from orchestrator.views.report_text import as_markdown

    with reading(repo, run) as read:
        made = report(read.state, read.events, prove(read))
        if as_json:
            show_json(as_dict(made))
        else:
            print(as_markdown(made))


@honest
def explain(
    bead: Annotated[str, typer.Argument(help="The bead's id.")],
    repo: Repo = HERE,
    run: Run = None,
    as_json: AsJson = False,
) -> None:
    """Say why a bead is not running, or what became of it."""
    import difflib

    from orchestrator.app.looking import reading
    from orchestrator.core.model import BeadId
    from orchestrator.views.explain import explain as view

    with reading(repo, run) as read:
        if BeadId(bead) not in read.state.beads:
            close = difflib.get_close_matches(bead, read.state.beads, n=1)
            meant = f"; did you mean {close[0]!r}?" if close else ""
            raise Refused(f"there is no bead {bead!r} in run {read.row.name!r}{meant}")
        text = view(read.state, BeadId(bead), time.time(), read.events)
        show_json({"bead": bead, "explanation": text}) if as_json else print(text)


@honest
def prove(repo: Repo = HERE, run: Run = None, as_json: AsJson = False) -> int:
    """Hold what is claimed against git and the process table. Ends with 1 where something does not hold."""
    from orchestrator.app.looking import reading
    from orchestrator.app.proving import prove
    from orchestrator.core.values import to_builtins

    with reading(repo, run) as read:
        findings = prove(read)
    holds = all(finding.holds for finding in findings)
    if as_json:
        show_json({"run": read.row.name, "holds": holds, "findings": [to_builtins(finding) for finding in findings]})
    else:
        for finding in findings:
            print(
                f"{'ok ' if finding.holds else 'NOT'}  {finding.claim}{': ' if finding.detail else ''}{finding.detail}"
            )
            if not finding.holds:
                print(f"       {finding.command}")
    return Exit.DONE if holds else Exit.UNDONE


@honest
def schema() -> None:
    """Print the JSON Schema of a manifest."""
    from orchestrator.manifest import json_schema

    show_json(json_schema())
