"""A person who wants something of a run, of any bead, at any time."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from orchestrator.core import messages as m
from orchestrator.core.model import SHELL_ROUTE, Bead, BeadId, RouteName
from orchestrator.core.values import replace

if TYPE_CHECKING:
    from tests.simulation.world import World


class Person:
    def __init__(self, world: World, dice: Random) -> None:
        self._world, self._dice = world, dice
        self._asked = 0

    def asks(self) -> None:
        """A person wants something, of any bead, at any time."""
        verbs = (m.Verb.PAUSE, m.Verb.RESUME, m.Verb.RESUME, m.Verb.STOP, m.Verb.DRAIN, m.Verb.ABORT, m.Verb.RETRY)
        steers = (
            m.Verb.PRIORITY,
            m.Verb.ADD_WORKERS,
            m.Verb.DRAIN_WORKER,
            m.Verb.ABORT_WORKER,
            m.Verb.LOG_LEVEL,
            m.Verb.RELEASE_WORKER,
        )
        verb = self._dice.choice((*verbs, m.Verb.RETRY, m.Verb.ANSWER, m.Verb.ANSWER, *steers))
        bead = self._dice.choice([None, *self._world.manifest.beads])
        if verb is m.Verb.ABORT and self._dice.random() < 0.9:
            at_work = [record.spec for record in self._world.state.beads.values() if record.token is not None]
            bead = self._dice.choice(at_work or self._world.manifest.beads)
        self._asked += 1
        if self._dice.random() < 0.15:
            revision = self._revision()
            change = m.Asked(at=self._world.now, verb=m.Verb.APPLY, request=self._asked, revision=revision)
            self._world.hears(self._dice.uniform(0.0, 2.0), change)
            return
        if self._dice.random() < 0.1:
            self._reload()
            return
        asked = m.Asked(
            at=self._world.now, verb=verb, request=self._asked, bead=bead.id if bead else None, text=self._words(verb)
        )
        self._world.hears(self._dice.uniform(0.0, 2.0), asked)
        if verb is m.Verb.PAUSE:
            resume = m.Asked(at=self._world.now, verb=m.Verb.RESUME)
            self._world.hears(self._dice.uniform(0.0, 900.0), resume)

    def _words(self, verb: m.Verb) -> str:
        match verb:
            case m.Verb.PRIORITY:
                return str(self._dice.randrange(6))
            case m.Verb.ADD_WORKERS:
                return f"{self._dice.randrange(3)}{' force' if self._asked % 3 == 0 else ''}"
            case m.Verb.DRAIN_WORKER | m.Verb.ABORT_WORKER | m.Verb.RELEASE_WORKER:
                return f"w{self._dice.randrange(1, 9)}"
            case m.Verb.LOG_LEVEL:
                return self._dice.choice(("debug", "loud"))
            case m.Verb.RESUME:
                usd = self._world.state.budget.usd
                return "" if usd is None or self._dice.random() < 0.8 else str(usd + 20.0)
        return "42"

    def _reload(self) -> None:
        """Other settings; more money at the most: what is spent stays spent."""
        policy, budget = self._world.state.policy, self._world.state.budget
        policy = replace(
            policy,
            workers=self._dice.randrange(1, 9),
            auto=self._dice.random() < 0.3,
            limits=self._dice.choice(((), policy.limits)),
            closed=self._dice.choice(((), policy.closed, ((self._world.now, self._world.now + 300.0),))),
            max_starts=self._dice.choice((policy.max_starts, policy.max_starts, 2)),
        )
        if budget.usd is not None:
            budget = replace(budget, usd=budget.usd + self._dice.choice((0.0, 5.0)))
        settings = m.Settings(policy=policy, budget=budget)
        asked = m.Asked(at=self._world.now, verb=m.Verb.RELOAD, request=self._asked, settings=settings)
        self._world.hears(self._dice.uniform(0.0, 2.0), asked)

    def _revision(self) -> m.Revision:
        """The manifest as a person might have changed it: beads added, changed, and removed with what needs them."""
        beads = list(self._world.state.manifest.beads)
        gone = {self._dice.choice(beads).id} if beads and self._dice.random() < 0.5 else set()
        for bead in beads:
            gone |= {bead.id} if gone & set(bead.needs) else set()
        kept = [
            self._otherwise(bead, gone) if self._dice.random() < 0.2 else bead for bead in beads if bead.id not in gone
        ]
        for count in range(self._dice.randrange(3)):
            needs = {self._dice.choice(kept).id for _ in range(self._dice.randrange(3))} if kept else set()
            name = BeadId(f"n{self._asked}.{count}")
            pattern = self._dice.choice(kept).files if kept else ()
            routes = self._dice.choice(kept).routes if kept else (RouteName("green"),)
            prompt, command = ("do it", None) if SHELL_ROUTE not in routes else (None, "make it")
            kept.append(
                Bead(
                    id=name, title=name, prompt=prompt, command=command, needs=tuple(sorted(needs)),
                    files=pattern, routes=routes,
                )
            )  # fmt: skip
        back = [record.spec for record in self._world.state.beads.values() if record.removed]
        if back and self._dice.random() < 0.5:
            kept.append(replace(self._dice.choice(back), needs=()))
        return m.Revision(manifest=replace(self._world.state.manifest, beads=tuple(kept)))

    def _otherwise(self, bead: Bead, gone: set[BeadId]) -> Bead:
        """Needs less, or something that has no need of its own; more urgent; asked for in other words."""
        known = [each.id for each in self._world.state.manifest.beads]
        before = self._world.state.manifest.beads[: known.index(bead.id)]
        free = [each.id for each in before if not each.needs and each.id not in gone]
        needs = set(bead.needs) - {self._dice.choice(bead.needs)} if bead.needs else set()
        if free and bead.needs and self._dice.random() < 0.5:
            needs.add(self._dice.choice(free))
        hold = self._dice.choice((bead.hold, ""))
        return replace(bead, needs=tuple(sorted(needs)), priority=self._dice.randrange(5), title="again", hold=hold)
