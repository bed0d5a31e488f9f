"""From a path to a manifest: finds the files, has them read and checked, and puts the graph together.

Knows the order of things. What is well formed, others know: `schema` a table, `drafts` a graph, `backlog` what
beads means, `assembly` how settings fill what beads leave out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from orchestrator.core.model import AUTO, SHELL_ROUTE, AgentTraits, Bead, Manifest, Policy, RouteName
from orchestrator.core.values import Struct, field, replace
from orchestrator.manifest import names
from orchestrator.manifest.assembly import agent_faults, bead_of, no_routes, route_notes, unknown_agent
from orchestrator.manifest.backlog import read_backlog
from orchestrator.manifest.document import Document, bare
from orchestrator.manifest.drafts import Work, graph_faults, read_drafts
from orchestrator.manifest.faults import Fault, ManifestFaults, Unfit, nearest
from orchestrator.manifest.files import read, read_text
from orchestrator.manifest.layers import Layer, Layers, defaults_file, repo_of
from orchestrator.manifest.schema import ManifestTable, SettingsTable
from orchestrator.manifest.tables import read_table
from orchestrator.runtime.dependencies import Dependency


class AgentCatalog(Protocol):
    """What is known of agent programs."""

    def names(self) -> Collection[str]:
        """The built-in profiles."""

    def traits(self, name: str, override: Mapping[str, Any] | None) -> AgentTraits:
        """Asked only for an agent whose profile, with the override, has no faults."""

    def faults(self, name: str, override: Mapping[str, Any]) -> list[tuple[tuple[str | int, ...], str]]:
        """What is wrong with a profile: where inside of the override, and a message."""


class Overrides(Struct, frozen=True, kw_only=True):
    """What the command line says over the manifest."""

    workers: int | str | None = None
    """A number, or `auto`."""
    on_question: str | None = None
    follow_base: bool = False
    push: str | None = None
    """The remote that the target goes to."""
    agent: str | None = None
    """A route that every bead with a prompt takes, and no other."""
    target: str | None = None
    base: str | None = None
    name: str | None = None
    repo: Path | None = None
    """Relative to the working directory."""


class Loaded(Struct, frozen=True, kw_only=True):
    """A manifest without faults, and what of the file is not the graph's."""

    manifest: Manifest
    agents: Mapping[str, Mapping[str, Any]]
    """The changes to agents' profiles, as they stand in the files."""
    alerts: Mapping[str, Any] = field(default_factory=dict)
    """Who is told when it matters: the table as it stands in the files, its values read."""
    dependencies: tuple[Dependency, ...] = ()
    """Folders that every worktree is brought."""
    repo: Path | None
    source: Path
    """The manifest's absolute path."""
    folders: tuple[Path, ...] = ()
    """The folders of the files that say something, the manifest's first: relative programs are looked for there."""
    notes: tuple[str, ...] = ()
    """Harmless things that a person may want to know."""


AlertFaults = Callable[[Mapping[str, Any]], Iterable[tuple[tuple[str | int, ...], str]]]
"""What is wrong with `alerts:`: where inside of it, and a message."""

NO_OVERRIDES = Overrides()


def load(
    path: Path,
    *,
    agents: AgentCatalog,
    overrides: Overrides = NO_OVERRIDES,
    now: datetime,
    require_routes: bool = True,
    alert_faults: AlertFaults | None = None,
) -> Loaded:
    """Read and check a manifest. Raises ManifestFaults with all that is wrong, as far as it can be seen at once.

    `now` decides what is still deferred. Without `require_routes`, a bead may be without any route: to look at a
    graph takes no agent; without `alert_faults`, `alerts:` is taken as it is.
    """
    return _Loading(path, agents, overrides, alert_faults).load(now, require_routes=require_routes)


class _Loading:
    """The faults and notes of one call, and its steps."""

    def __init__(
        self, path: Path, agents: AgentCatalog, overrides: Overrides, alert_faults: AlertFaults | None
    ) -> None:
        self._given = path
        self._source = Path(os.path.abspath(path))
        self._agents = agents
        self._overrides = overrides
        self._alert_faults = alert_faults
        self._faults: list[Fault] = []
        self._notes: list[str] = []

    def load(self, now: datetime, *, require_routes: bool) -> Loaded:
        document = self._document()
        table, faults = read_table(ManifestTable, document.value, document, stand_in={})
        layers = Layers((Layer(table=table, document=document, directory=self._source.parent), *self._farther(table)))
        work = self._work(document, now)
        self._faults += [*document.faults, *faults, *work.faults, *graph_faults(work.drafts)]
        self._notes += [*work.notes, *route_notes(work.drafts)]
        profiles: Mapping[str, Mapping[str, Any]] = layers.agents()
        known = {*self._agents.names(), *layers.agent_names()} - {SHELL_ROUTE}
        self._faults += agent_faults(work.drafts, layers, known)
        self._check_profiles(profiles, layers)
        profiles = self._confined(profiles, layers, known)
        alerts = layers.alerts()
        if alerts and self._alert_faults:
            for inside, message in self._alert_faults(alerts):
                self._faults.append(layers.fault(("alerts", *inside), f"alerts: {message}"))
        only = self._only_route(known)
        if require_routes and (fault := no_routes(work.drafts, layers, only=only)):
            self._faults.append(fault)
        name = self._name(table)
        target = self._option("--target", self._overrides.target, names.check_branch) or layers.get("target")
        base = self._option("--base", self._overrides.base, names.check_revision) or layers.get("base")
        policy = self._policy(layers, now)
        self._check_limits(layers, known, profiles)
        if self._faults:
            raise ManifestFaults(self._faults)
        beads = tuple(bead_of(draft, layers, only=only) for draft in work.drafts)
        if not beads:
            self._notes.append("nothing is to be done: no issue of the file is open for work")
        manifest = Manifest(
            name=name,
            base=base,
            target=target or f"orchestrator/{name}",
            beads=beads,
            agents=self._traits(beads, profiles),
            skipped=work.skipped,
            setup=layers.get("setup") or (),
            verify=layers.get("verify") or (),
            budget=layers.budget(),
            policy=policy,
        )
        return Loaded(
            manifest=manifest,
            agents=profiles,
            alerts=alerts,
            dependencies=layers.dependencies(),
            repo=self._repo() or layers.repo(),
            source=self._source,
            folders=tuple(dict.fromkeys(layer.directory for layer in layers.layers)),
            notes=tuple(dict.fromkeys(self._notes)),
        )

    def _document(self) -> Document:
        if self._is_backlog():
            return Document(file=str(self._given), value={})
        document = read(self._source, file=str(self._given))
        if isinstance(document.value, dict):
            return document
        message = "the file is empty" if document.value is None else "the top level is not a mapping"
        raise ManifestFaults(
            [*document.faults, document.fault(document.at(()), message, expected="a manifest, with 'beads'")]
        )

    def _is_backlog(self) -> bool:
        return self._source.suffix.lower() == ".jsonl"

    def _repo(self) -> Path | None:
        repo = self._overrides.repo
        return None if repo is None else repo.expanduser().resolve()

    def _farther(self, table: ManifestTable) -> list[Layer]:
        """The layer of `orchestrator.toml`, if there is one that can be read."""
        place = defaults_file(self._source, self._repo() or repo_of(table, self._source.parent))
        if place is None:
            return []
        try:
            document = read(place, file=self._shown(place))
        except ManifestFaults as error:
            self._faults += error.faults
            return []
        settings, faults = read_table(SettingsTable, document.value, document, stand_in={})
        self._faults += [*document.faults, *faults]
        return [Layer(table=settings, document=document, directory=place.parent)]

    def _shown(self, place: Path) -> str:
        """A file beside the manifest, named in the way that the manifest was."""
        return str(place) if self._given.is_absolute() else os.path.relpath(place)

    def _work(self, document: Document, now: datetime) -> Work:
        file = document.file
        if self._is_backlog():
            return read_backlog(read_text(self._source, file=file), file=file, now=now)
        beads = document.value.get("beads")
        expected = "a list of beads, or the path of an issues.jsonl"
        if isinstance(beads, list) and beads:
            return read_drafts(beads, document)
        if isinstance(beads, str):
            place = Path(os.path.abspath(self._source.parent / Path(beads).expanduser()))
            if place.is_file():
                shown = self._shown(place)
                return read_backlog(read_text(place, file=shown), file=shown, now=now)
            message = f"beads: there is no file '{beads}' (relative to the manifest)"
        elif beads == [] or bare(beads) is None:
            message = "no beads: nothing is to be done"
        else:
            message = "beads: this does not fit"
        return Work(faults=(document.fault(document.at(("beads",)), message, expected=expected),))

    def _check_profiles(self, profiles: Mapping[str, Mapping[str, Any]], layers: Layers) -> None:
        for name, profile in profiles.items():
            for inside, message in self._agents.faults(name, profile):
                self._faults.append(layers.fault(("agents", name, *inside), f"agent '{name}': {message}"))

    def _confined(
        self, profiles: Mapping[str, Mapping[str, Any]], layers: Layers, known: Collection[str]
    ) -> Mapping[str, Mapping[str, Any]]:
        """With the sandbox of all agents; a fault in that is said once."""
        common = layers.sandbox()
        faults = [] if common is None else self._agents.faults(SHELL_ROUTE, {"sandbox": common})
        self._faults += [layers.fault(inside, f"sandbox: {message}") for inside, message in faults]
        return profiles if faults else layers.confined(profiles, {*known, SHELL_ROUTE})

    def _check_limits(self, layers: Layers, known: Collection[str], profiles: Mapping[str, Mapping[str, Any]]) -> None:
        """Each limit is a known provider's, a known agent's, or a route's of a known agent."""
        pools = {pool: None for layer in layers.layers for pool in layer.table.limits}
        if not pools:
            return  # every profile would be read for nothing
        sound = [name for name in sorted(known) if not self._agents.faults(name, profiles.get(name, {}))]
        names_ = {*known, SHELL_ROUTE, *(self._agents.traits(name, profiles.get(name)).provider for name in sound)}
        for pool in pools:
            if pool not in names_ and names.agent_of(pool) not in known:
                expected = "a provider, an agent or a route: " + ", ".join(sorted(names_))
                message = f"limits: nothing here is called '{pool}'"
                self._faults.append(
                    layers.fault(("limits", pool), message, expected=expected, hint=nearest(pool, names_))
                )

    def _only_route(self, known: Collection[str]) -> RouteName | None:
        route = self._option("--agent", self._overrides.agent, names.check_route)
        if route is not None and names.agent_of(route) not in known:
            self._refuse_option("--agent", unknown_agent(route, known))
        return None if route is None else RouteName(route)

    def _option(self, option: str, value: str | None, check: Callable[[str], str]) -> str | None:
        if value is None:
            return None
        try:
            return check(value)
        except Unfit as error:
            self._refuse_option(option, error)
            return None

    def _refuse_option(self, option: str, unfit: Unfit) -> None:
        self._faults.append(
            Fault(file=option, line=0, column=0, message=unfit.message, expected=unfit.expected, hint=unfit.hint)
        )

    def _name(self, table: ManifestTable) -> str:
        name = self._option("--name", self._overrides.name, names.check_id) or table.name
        if name is not None:
            return name
        folder = self._source.parent
        own = folder.parent.name if self._is_backlog() and folder.name == ".beads" else self._source.stem
        name = names.derived_id(own)
        if name != own:
            self._notes.append(f"the run is called '{name}': '{own}' cannot be a branch and a file name")
        return name

    def _policy(self, layers: Layers, now: datetime) -> Policy:
        policy = layers.policy(now)
        on_question = self._option("--on-question", self._overrides.on_question, names.check_on_question)
        if on_question is not None:
            policy = replace(policy, on_question=on_question)
        remote = self._option("--push", self._overrides.push, names.check_remote)
        if remote is not None:
            policy = replace(policy, push_to=remote)
        if self._overrides.follow_base:
            policy = replace(policy, follow_base=True)
        workers = self._overrides.workers
        if workers == AUTO:
            policy = replace(policy, auto=True, workers=Policy().workers)
        elif workers is not None:
            if not isinstance(workers, int) or workers < 1:
                expected = f"a whole number, 1 or more, or {AUTO}"
                self._refuse_option("--workers", Unfit(f"'{workers}' does not fit", expected=expected))
                return policy
            if policy.min_workers > workers:
                self._notes.append(f"min_workers is {workers}, not {policy.min_workers}: --workers {workers} says so")
                policy = replace(policy, min_workers=workers)
            return replace(policy, workers=workers, auto=False)
        if policy.min_workers > policy.workers and not layers.at_fault("workers"):
            message = f"min_workers: {policy.min_workers} is more than the {policy.workers} workers"
            self._faults.append(layers.fault(("min_workers",), message))
        return policy

    def _traits(self, beads: tuple[Bead, ...], profiles: Mapping[str, Mapping[str, Any]]) -> tuple[AgentTraits, ...]:
        used = dict.fromkeys(names.agent_of(route) for bead in beads for route in bead.routes)
        return tuple(self._agents.traits(name, profiles.get(name)) for name in used)
