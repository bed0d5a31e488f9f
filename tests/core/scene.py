"""A stage for situations: a small run, and the world's answers in words of the domain."""

from __future__ import annotations

from typing import Any, TypeVar

from orchestrator.core import messages as m
from orchestrator.core.decide import advance
from orchestrator.core.model import (
    SHELL_ROUTE,
    AgentName,
    AgentTraits,
    Bead,
    BeadId,
    BeadState,
    Budget,
    Claim,
    Commit,
    Ending,
    Manifest,
    Policy,
    Predict,
    ProcessName,
    RouteName,
    Token,
    Tree,
    Usage,
    Verdict,
    WorkerId,
    WorkerState,
)
from orchestrator.core.owed import owed
from orchestrator.core.records import Account, Attempt, BeadRecord, Breaker, Pool, WorkerRecord
from orchestrator.core.state import State

E = TypeVar("E")

AGENTS = (
    AgentTraits(name=AgentName("red"), provider="east", resumes=True, continues=True),
    AgentTraits(name=AgentName("blue"), provider="west", continues=True),
    AgentTraits(name=AgentName("green"), provider="west"),
    AgentTraits(name=AgentName("grey"), provider="north", resumes=True, continues=True),
    AgentTraits(name=AgentName("talks"), provider="south", resumes=True, continues=True, nudge="Go on."),
)
BEGIN = 1000.0


def bead(name: str, *needs: str, files: str = "", routes: str = "red", **more: Any) -> Bead:
    """`files` are patterns with spaces between; `read:` in front makes one shared."""
    claims = [Claim(pattern=each.removeprefix("read:"), shared=each.startswith("read:")) for each in files.split()]
    return Bead(
        id=BeadId(name),
        title=f"Bead {name}",
        prompt=f"Do {name}.",
        needs=tuple(BeadId(need) for need in needs),
        files=tuple(claims),
        routes=tuple(RouteName(route) for route in routes.split()),
        **more,
    )


def command(name: str, *needs: str, **more: Any) -> Bead:
    """A bead that a shell command carries out."""
    needed = tuple(BeadId(need) for need in needs)
    return Bead(id=BeadId(name), title=name, command="make it", needs=needed, routes=(SHELL_ROUTE,), **more)


class Scene:
    """A run that is open and swept, unless said otherwise. Beads are named by their ids, as plain words."""

    def __init__(
        self,
        *beads: Bead,
        opened: bool = True,
        usd: float | None = None,
        bead_usd: float | None = None,
        verify: tuple[str, ...] = (),
        landed: dict[str, str] | None = None,
        **policy: Any,
    ) -> None:
        manifest = Manifest(
            name="night",
            base="main",
            target="orchestrator/night",
            beads=beads,
            agents=AGENTS,
            verify=verify,
            budget=Budget(usd=usd, bead_usd=bead_usd),
            policy=Policy(**{"predict": Predict.OFF, **policy}),
        )
        stood = {BeadId(name): Commit(commit) for name, commit in (landed or {}).items()}
        planned = m.RunPlanned(at=BEGIN, manifest=manifest, target_base=Commit("base"), token=Token(0), landed=stood)
        self.log: list[m.Event] = [planned]
        self.state = State.replay(self.log)
        self.now = BEGIN
        self.epoch = 0
        if opened:
            self.open()
            self.sweep()

    # ------------------------------------------------------------ the world speaks

    def hear(self, kind: type[m.Signal], **fields: Any) -> list[m.Event]:
        events = advance(self.state, kind(at=self.now, **fields))
        self.log += events
        return events

    def wait(self, seconds: float) -> list[m.Event]:
        self.now += seconds
        return self.hear(m.TimePassed)

    def open(self, policy: Policy | None = None) -> list[m.Event]:
        self.epoch += 1
        process = ProcessName(pid=self.epoch, started=self.now)
        terms = policy and m.Terms(policy=policy, budget=self.state.budget, token=self.state.token)
        return self.hear(m.Opened, epoch=self.epoch, process=process, host="here", terms=terms)

    def sweep(self) -> list[m.Event]:
        return self.hear(m.Swept, ended=0)

    def die(self) -> None:
        """What is in the log is all that is left of us."""
        self.state = State.replay(self.log)

    def ask(self, verb: m.Verb, name: str | None = None, text: str = "") -> m.RequestAnswered:
        given = BeadId(name) if name else None
        events = self.hear(m.Asked, verb=verb, request=1, bead=given, text=text, by="ada")
        return only(events, m.RequestAnswered)

    def give_up(self, name: str | None = None) -> list[m.Event]:
        """An abort, which is answered when it has happened."""
        return self.hear(m.Asked, verb=m.Verb.ABORT, request=1, bead=BeadId(name) if name else None, by="ada")

    # ------------------------------------------------------------ an attempt's way

    def spawn(self, name: str) -> None:
        token = self.token(name)
        self.hear(m.Spawned, token=token, process=ProcessName(pid=9, started=self.now), worktree="w")

    def sign(self, *names: str, session: str | None = None) -> None:
        for name in names:
            self.spawn(name)
            self.hear(m.GaveSign, token=self.token(name), session=session or f"session of {name}")

    def end(self, name: str, ending: Ending, **verdict: Any) -> list[m.Event]:
        return self.hear(m.SessionEnded, token=self.token(name), verdict=Verdict(ending=ending, **verdict))

    def breaks(self, name: str, ending: Ending, **verdict: Any) -> list[m.Event]:
        """Its session ends without a delivery, and what it left is saved."""
        token = self.token(name)
        said = Verdict(ending=ending, reason=ending.value, **verdict)
        return self.hear(m.SessionEnded, token=token, verdict=said) + self.hear(m.Saved, token=token, commit=None)

    def deliver(self, name: str, commit: str | None = None, **verdict: Any) -> list[m.Event]:
        """It says that it is done, and its work is collected."""
        token = self.token(name)
        self.end(name, Ending.DELIVERED, **verdict)
        made = commit or f"work of {name}"
        return self.hear(m.Collected, token=token, commit=Commit(made), tree=Tree(made))

    def check(self, name: str, passed: bool) -> list[m.Event]:
        return self.hear(m.Checked, token=self.token(name), passed=passed, command="check", output="red")

    def compose(self, name: str) -> list[m.Event]:
        """Its work merged onto what it is to be merged onto."""
        [order] = self.owed(m.Compose)
        assert order.bead == name, f"{order.bead} is to be composed"
        onto, onto_tree = order.onto or Commit("base"), order.onto_tree or Tree("base")
        made = f"{onto}+{name}"
        return self.hear(
            m.Composed, token=order.token, onto=onto, onto_tree=onto_tree, commit=Commit(made), tree=Tree(made)
        )

    def clash(self, name: str, ending: Ending = Ending.CONFLICT) -> list[m.Event]:
        [order] = self.owed(m.Compose)
        assert order.bead == name, f"{order.bead} is to be composed"
        onto, onto_tree = order.onto or Commit("base"), order.onto_tree or Tree("base")
        return self.hear(
            m.NotComposed, token=order.token, onto=onto, onto_tree=onto_tree, ending=ending, evidence="they differ"
        )

    def try_out(self, name: str, passed: bool) -> list[m.Event]:
        """The manifest's checks on its merged tree."""
        order = next(order for order in self.owed(m.Verify) if order.bead == name)
        return self.hear(
            m.Verified,
            bead=order.bead,
            tree=order.tree,
            round=order.round,
            passed=passed,
            command="make test",
            output="they differ",
        )

    def arrive(self) -> list[m.Event]:
        """The target moves."""
        [order] = self.owed(m.Advance)
        return self.hear(m.Advanced, commit=order.new)

    def land(self, name: str) -> list[m.Event]:
        """All the way, when it is the front."""
        events: list[m.Event] = []
        while BeadId(name) not in self.state.train:
            events += self.compose(self.owed(m.Compose)[0].bead)
        while BeadId(name) not in self.state.landing:
            events += self.try_out(name, True)
        return events + self.arrive()

    def refuse(self, name: str, ending: Ending) -> list[m.Event]:
        """What its landing comes to, when it is the front."""
        if ending is Ending.CONFLICT:
            return self.clash(name)
        if ending is Ending.NOT_STARTED:
            return self.hear(m.LandingRefused, token=self.token(name), evidence="they differ")
        events = self.compose(name)
        while not any(isinstance(event, m.BeadReturned | m.BeadFailed | m.BeadHeld) for event in events):
            events += self.try_out(name, False)
        return events

    def finish(self, name: str) -> list[m.Event]:
        """From its start to the target, and its worktree away."""
        self.sign(name)
        self.deliver(name)
        if self.is_at(name) is BeadState.VERIFYING:
            self.check(name, True)
        self.land(name)
        return self.clear(name)

    def clear(self, name: str, fault: str = "") -> list[m.Event]:
        return self.hear(m.Cleared, bead=BeadId(name), fault=fault)

    # ------------------------------------------------------------ how things stand

    def record(self, name: str) -> BeadRecord:
        return self.state.beads[BeadId(name)]

    def is_at(self, name: str) -> BeadState:
        return self.record(name).state

    def token(self, name: str) -> Token:
        token = self.record(name).token
        assert token is not None, f"{name} is {self.is_at(name)}"
        return token

    def attempt(self, name: str) -> Attempt:
        return self.state.attempts[self.token(name)]

    def worker(self, name: str) -> WorkerRecord:
        return self.state.worker_of(self.attempt(name))

    def works(self, worker: str) -> WorkerState:
        return self.state.workers[WorkerId(worker)].state

    def breaker(self, route: str) -> Breaker:
        return self.state.breakers[RouteName(route)]

    def account(self, provider: str) -> Account:
        return self.state.accounts[provider]

    def pool(self, name: str) -> Pool:
        return self.state.pools[name]

    def running(self) -> list[str]:
        """Beads at work, in the order in which they took their workers."""
        busy = [worker.token for worker in self.state.workers.values() if worker.token is not None]
        return [self.state.attempts[token].bead for token in sorted(busy)]

    def owed(self, kind: type[E]) -> list[E]:
        return [effect for effect in owed(self.state) if isinstance(effect, kind)]

    def all_owed(self) -> list[str]:
        return [type(effect).__name__ for effect in owed(self.state)]


def only(events: list[m.Event], kind: type[E]) -> E:
    """The one event of this kind."""
    found = [event for event in events if isinstance(event, kind)]
    assert len(found) == 1, f"{len(found)} of {kind.__name__} among {[type(event).__name__ for event in events]}"
    return found[0]


def none(events: list[m.Event], kind: type[m.Event]) -> bool:
    return not any(isinstance(event, kind) for event in events)


def cost(usd: float) -> Usage:
    return Usage(usd=usd, tokens_in=1, tokens_out=1)
