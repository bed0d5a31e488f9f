"""What a manifest says now of how its run is carried out, for a run that is at work."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.app.loading import budget_of, load_for
from orchestrator.app.orders import Order, Refused
from orchestrator.core import messages as m
from orchestrator.core.values import replace

if TYPE_CHECKING:
    from orchestrator.app.looking import Reading


def settings_of(read: Reading, manifest: Path | None) -> m.Settings:
    """As the manifest has them, with what the command line said over it when the run was begun.

    Raises `ManifestFaults`, and `Refused` where the work itself is another.
    """
    from orchestrator.manifest.layers import names_of_policy
    from orchestrator.store import digest

    state = read.state
    source = manifest or Path(state.source)
    order = Order(manifest=source, repo=read.place).completed(state.options)
    loaded, _ = load_for(order)
    if loaded.manifest.name != read.row.name:
        raise Refused(f"{source} is of the run {loaded.manifest.name!r}, and this one is {read.row.name!r}")
    if digest(loaded.manifest) != read.row.digest:
        raise Refused(
            f"{source} has other work in it than the run (beads, checks, agents): "
            f"`orchestrator apply {shlex.quote(str(source))}` shows what, and takes it in"
        )
    policy = replace(loaded.manifest.policy, heed_host=state.policy.heed_host)
    return m.Settings(policy=policy, budget=budget_of(order, loaded), names=names_of_policy())
