"""From a manifest's path to what `run` needs, so that whatever is at fault is said before anything is touched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.app.orders import Exit, Order, Refused
from orchestrator.core.model import Budget, RunState
from orchestrator.core.values import replace

if TYPE_CHECKING:
    from orchestrator.agents.catalog import Catalog
    from orchestrator.manifest import Loaded, Overrides
    from orchestrator.repo.repository import Repository


def load(path: Path, overrides: Overrides | None = None, *, require_routes: bool = True) -> tuple[Loaded, Catalog]:
    """A manifest and the agents that it may use. Raises `ManifestFaults`."""
    from orchestrator.agents.catalog import Catalog
    from orchestrator.manifest import Overrides, load

    loaded = load(
        path,
        agents=Catalog({}, path.parent),
        overrides=overrides or Overrides(),
        now=datetime.now(UTC),
        require_routes=require_routes,
        alert_faults=_alert_faults,
    )
    return loaded, Catalog(loaded.agents, *loaded.folders)


def _alert_faults(table: Mapping[str, Any]) -> Iterable[tuple[tuple[str | int, ...], str]]:
    from orchestrator.alerts.settings import faults

    return faults(table)


def load_for(order: Order) -> tuple[Loaded, Catalog]:
    """The manifest of an order, with what the command line says over it. Raises `ManifestFaults`."""
    from orchestrator.manifest import Overrides

    return load(
        order.manifest,
        Overrides(
            workers=order.workers,
            agent=order.agent,
            repo=order.repo,
            on_question=order.on_question,
            push=order.push,
            follow_base=order.follow_base,
        ),
    )


def budget_of(order: Order, loaded: Loaded) -> Budget:
    """The manifest's, with what was said over it."""
    return loaded.manifest.budget if order.budget is None else replace(loaded.manifest.budget, usd=order.budget)


def repository_of(loaded: Loaded) -> Repository:
    """Raises `RepositoryFault`."""
    from orchestrator.repo.repository import open_repository

    return open_repository(_folder_of(loaded))


def _folder_of(loaded: Loaded) -> Path:
    """In the repository that the manifest names, else in the one that it lies in."""
    return loaded.repo or loaded.source.parent


def told_of(loaded: Loaded) -> tuple[str, ...]:
    """What the repository has that a person may want to know of before the run; nothing where there is none yet."""
    from orchestrator.repo import lfs
    from orchestrator.repo.faults import RepositoryFault

    try:
        said = lfs.warning(repository_of(loaded))
    except RepositoryFault:
        return ()
    return (said,) if said else ()


def prepared(order: Order) -> tuple[Order, Loaded, Catalog, Repository]:
    """What `run` needs before it touches anything: the order, with what the run was told before where it is silent now.

    Raises `ManifestFaults`, `RepositoryFault`, `StoreFault` and `Refused`.
    """
    from orchestrator.repo.repository import open_repository
    from orchestrator.store import Database

    # Most manifests lie in the repository that they are for: git is asked about that while the manifest is read.
    with ThreadPoolExecutor(1, "repository") as early:
        here = order.manifest.expanduser().resolve().parent
        likely = early.submit(open_repository, here)
        loaded, catalog = load_for(order)
    repository = likely.result() if _folder_of(loaded) == here else repository_of(loaded)
    if not order.fresh:
        try:
            database = Database.read(repository.state)
        except FileNotFoundError:
            said = {}
        else:
            row = database.newest(loaded.manifest.name)
            said = database.options(row.id) if row is not None and row.state != RunState.FINISHED else {}
            database.close()
        if said:
            order = order.completed(said)
            loaded, catalog = load_for(order)
    _refuse_without_agents(loaded, catalog)
    _refuse_without_sandboxes(loaded, catalog)
    return order, loaded, catalog, repository


def workspace_of(source: Path) -> Path:
    """The folder that holds `tasks/` and `worktrees/`; for a manifest elsewhere, its own folder."""
    return source.parent.parent if source.parent.name == "tasks" else source.parent


def _refuse_without_agents(loaded: Loaded, catalog: Catalog) -> None:
    """Raises `Refused` where the program of every route is missing; some missing ones are the chain's business."""
    missing = {}
    wanted = {route for bead in loaded.manifest.beads for route in bead.routes}
    for route in sorted(wanted):
        agent = route.partition(":")[0]
        if catalog.found(agent) is None:
            program = catalog.profile(agent).command.program.fill({})
            missing[route] = f"its program `{program}` is not installed, or not on PATH"
    if wanted and len(missing) == len(wanted):
        each = "\n".join(f"  {route}: {why}" for route, why in missing.items())
        raise Refused(f"no agent can be started:\n{each}\n`orchestrator doctor` shows more", Exit.NOTHING_STARTED)


def _refuse_without_sandboxes(loaded: Loaded, catalog: Catalog) -> None:
    """Raises `Refused` where an agent is to be confined and this machine cannot do it: it is not run without."""
    wanted = {route.partition(":")[0] for bead in loaded.manifest.beads for route in bead.routes}
    confined = {name: said for name in sorted(wanted) if (said := catalog.profile(name).sandbox) is not None}
    if not confined:
        return
    from orchestrator.agents.confining import Disk
    from orchestrator.runtime.confinement import Limits
    from orchestrator.sessions.sandbox import why_no_limits, why_no_sandbox

    for name, said in confined.items():
        fault = why_no_sandbox() if said.disk is not Disk.OPEN else ""
        fault = fault or (why_no_limits() if said.limits != Limits() else "")
        if fault:
            raise Refused(
                f"agent '{name}' is to be in a sandbox, and none can be made: {fault}. Mend that, or take `sandbox` "
                "out of the manifest; `orchestrator doctor` shows more",
                Exit.NOTHING_STARTED,
            )
