"""The command that measures how many workers are worth their while."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.app.orders import Exit, Refused
from orchestrator.cli.speech import AsJson, ManifestFile, honest, seconds_of, show_json


def add_to(app: typer.Typer) -> None:
    app.command()(tune)


@honest
def tune(
    manifest: ManifestFile,
    repo: Annotated[
        Path | None, typer.Option("--repo", help="The repository. [default: the manifest's `repo:`]")
    ] = None,
    up_to: Annotated[int, typer.Option("--up-to", min=1, help="The most workers that are tried.")] = 16,
    beads: Annotated[int, typer.Option("--beads", min=1, help="How many of the manifest's beads, each time.")] = 32,
    each: Annotated[str, typer.Option("--each", help="The longest time for each number of workers.")] = "15m",
    svg: Annotated[Path | None, typer.Option("--svg", help="Draw the curve into this file.")] = None,
    force: Annotated[bool, typer.Option("--yes", help="Do it; without this, only say what it would do.")] = False,
    as_json: AsJson = False,
) -> int:
    """Measure what 1, 2, 4, 8 … workers bring, in throw-away copies of the repository. Agents cost what they cost."""
    from orchestrator.app.tuning import Measured, measured, sizes
    from orchestrator.core.values import to_builtins
    from orchestrator.views import curve
    from orchestrator.views.picture import NoPictures

    each_s = seconds_of(each, "--each", "a time such as 15m")
    if not force:
        numbers = ", ".join(map(str, sizes(up_to)))
        print(f"would carry out up to {beads} beads of {manifest} with {numbers} workers, each for {each} at the most,")
        print("in copies of the repository that are thrown away; agents cost what they cost. `--yes` does it")
        return Exit.DONE
    found: list[Measured] = []
    for one in measured(manifest, repo, up_to=up_to, beads=beads, each_s=each_s):
        found.append(one)
        cost = "" if one.usd is None else f", ${one.usd:.2f}"
        print(f"{one.workers}: {one.beads} beads in {one.seconds:.0f} s{cost}", file=sys.stderr, flush=True)
    points = [(one.workers, one.rate) for one in found]
    best = curve.recommended(points)
    if svg is not None:
        try:
            svg.write_text(curve.as_svg(points, manifest.stem), encoding="utf-8")
        except NoPictures as missing:
            raise Refused(str(missing)) from missing
    if as_json:
        show_json({"measured": [to_builtins(one) for one in found], "recommended": best})
    else:
        print(curve.as_text(points))
        print(f"workers: {best}" if best else "nothing was done within that time: try a longer --each")
    return Exit.DONE if best else Exit.UNDONE
