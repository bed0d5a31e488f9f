"""Taking another manifest in: what it would change, and handing it to whoever writes the run."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.app.loading import load, repository_of
from orchestrator.app.looking import Reading, reading
from orchestrator.app.orders import Refused
from orchestrator.core import messages as m
from orchestrator.core.decide import amend
from orchestrator.core.decide.revising import Difference, difference, refusals
from orchestrator.core.state import State
from orchestrator.core.values import Struct


class Proposal(Struct, frozen=True, kw_only=True):
    """Another manifest beside the run that it is for. Nothing stands against it, as far as can be seen."""

    read: Reading
    revision: m.Revision
    difference: Difference
    live: bool
    """An orchestrator is at work on the run: it alone writes."""


@contextmanager
def proposed(manifest: Path, repo: Path | None) -> Iterator[Proposal]:
    """Raises `ManifestFaults`, `Refused` with all that stands against it, `RepositoryFault` and `StoreFault`."""
    from orchestrator.manifest import Overrides
    from orchestrator.repo import survey
    from orchestrator.store import task

    loaded, _ = load(manifest, Overrides(repo=repo))
    repository = repository_of(loaded)
    with reading(repository.checkout or repository.common_dir, loaded.manifest.name) as read:
        if agent := read.state.options.get("agent"):  # said when the run was begun, and over every manifest
            loaded, _ = load(manifest, Overrides(repo=repo, agent=agent))
        holder = read.database.holder()
        live = holder is not None and holder.run == read.row.name
        tasks = {bead.id: task(bead) for bead in loaded.manifest.beads}
        on_target = {what: at for at, what in survey.landings(repository, loaded.manifest.target).items()}
        revision = m.Revision(
            manifest=loaded.manifest,
            tasks=tasks,
            landed={bead: on_target[bead, what] for bead, what in tasks.items() if (bead, what) in on_target},
            numbers=read.database.numbers(),
            source=str(loaded.source),
        )
        against = refusals(read.state, revision)
        new = sorted({traits.name for traits in loaded.manifest.agents} - set(read.state.traits))
        own = [name for name in new if name in loaded.agents]
        if live and own:
            against.append(f"agents: {', '.join(own)}: who is at work does not know them: `orchestrator stop` first")
        if against:
            raise Refused("\n".join(f"run {read.row.name!r}: {each}" for each in against))
        yield Proposal(read=read, revision=revision, difference=difference(read.state, revision), live=live)


def apply_here(proposal: Proposal, by: str) -> str:
    """Where nobody is at work: the change is in the history, and holds at the next start; what became of it.

    Raises `Refused` and `StoreFault`; nothing is then changed.
    """
    from orchestrator.store import Database

    read = proposal.read
    database = Database.write(read.folder)
    try:
        store = database.resume(read.row.id)
        state = State.replay(store.events())
        if against := refusals(state, proposal.revision):
            raise Refused("\n".join(against))
        asked = m.Asked(at=time.time(), verb=m.Verb.APPLY, by=by, revision=proposal.revision)
        waiting = [each for each in store.requests() if isinstance(each, m.Asked) and each.verb is m.Verb.APPLY]
        older = [each.request for each in waiting if each.request is not None]
        answered = [
            m.RequestAnswered(at=asked.at, request=request, accepted=False, text="another manifest came after it")
            for request in older
        ]
        store.append([*amend(state, asked), *answered])
    finally:
        database.close()
    return f"it holds when the run goes on: `orchestrator run {shlex.quote(proposal.revision.source)}`"
