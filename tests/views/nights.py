"""Nights that views are shown: small runs, driven through the core's own decisions by what happens in the world."""

from __future__ import annotations

from typing import Any, Protocol

from orchestrator.core import messages as m
from orchestrator.core.decide import advance
from orchestrator.core.model import (
    AgentName,
    AgentTraits,
    Bead,
    BeadId,
    Budget,
    Claim,
    Commit,
    Ending,
    Manifest,
    Policy,
    Predict,
    ProcessName,
    RouteName,
    Skipped,
    Token,
    Tree,
    Usage,
    Verdict,
)
from orchestrator.core.state import State

BEGAN = 1_795_298_400.0
"""2026-11-21 22:00:00 UTC."""

OPUS, GPT = RouteName("claude:opus"), RouteName("codex:gpt-5")


def bead(name: str, *needs: str, **fields: Any) -> Bead:
    files = fields.pop("files", ())
    claims = tuple(Claim(pattern=f.removeprefix("read:"), shared=f.startswith("read:")) for f in files)
    given: dict[str, Any] = {"title": f"Do {name}", "prompt": f"Please do {name}.", "routes": (OPUS,)} | fields
    return Bead(id=BeadId(name), needs=tuple(map(BeadId, needs)), files=claims, **given)


def manifest(*beads: Bead, **fields: Any) -> Manifest:
    policy = Policy(**{"workers": fields.pop("workers", 2), "predict": Predict.OFF, **fields.pop("policy", {})})
    given: dict[str, Any] = {
        "name": "overnight",
        "base": "main",
        "target": "orchestrator/overnight",
        "verify": ("make test",),
        "agents": tuple(
            AgentTraits(name=AgentName(name), provider=provider, resumes=True, continues=True)
            for name, provider in (("claude", "anthropic"), ("codex", "openai"))
        ),
    }
    return Manifest(beads=beads, policy=policy, **(given | fields))


def skipped(**reasons: str) -> tuple[Skipped, ...]:
    return tuple(Skipped(id=BeadId(name), reason=reason) for name, reason in reasons.items())


class Hearer(Protocol):
    def heard(self, event: m.Event) -> None: ...


class Night:
    """A run whose clock the test turns. Everything that becomes true is in `events`, and told to `listeners`."""

    def __init__(self, *beads: Bead, **fields: Any) -> None:
        budget = Budget(usd=fields.pop("usd", None), bead_usd=fields.pop("bead_usd", None))
        landed: dict[BeadId, Commit] = fields.pop("landed", {})
        plan = manifest(*beads, budget=budget, **fields)
        self.now = BEGAN
        planned = m.RunPlanned(at=self.now, manifest=plan, target_base=Commit("b" * 40), token=Token(0), landed=landed)
        self.state = State(planned)
        self.events: list[m.Event] = [planned]
        self.listeners: list[Hearer] = []
        self.epoch = 0

    def tell(self, signal: m.Signal) -> list[m.Event]:
        events = advance(self.state, signal)
        self.events += events
        for event in events:
            for listener in self.listeners:
                listener.heard(event)
        return events

    def after(self, seconds: float) -> Night:
        """Time passes; what is due happens."""
        self.now += seconds
        if self.epoch:
            self.tell(m.TimePassed(at=self.now))
        return self

    def dead(self, seconds: float) -> Night:
        """Nobody is there while time passes."""
        self.now += seconds
        return self

    def open(self, swept: int = 0) -> Night:
        self.epoch += 1
        process = ProcessName(pid=4000 + self.epoch, started=self.now)
        self.tell(m.Opened(at=self.now, epoch=self.epoch, process=process, host="box"))
        self.tell(m.Swept(at=self.now, ended=swept))
        return self

    def token(self, name: str) -> Token:
        token = self.state.beads[BeadId(name)].token
        assert token is not None, f"{name} is with no attempt"
        return token

    def sign(self, *names: str) -> Night:
        for name in names:
            token = self.token(name)
            process = ProcessName(pid=5000 + token, started=self.now)
            self.tell(m.Spawned(at=self.now, token=token, process=process, worktree=f"/trees/{name}"))
            self.tell(m.GaveSign(at=self.now, token=token, session=f"s-{name}"))
        return self

    def progress(self, name: str, note: str, **usage: Any) -> Night:
        self.tell(m.Progressed(at=self.now, token=self.token(name), note=note, usage=Usage(**usage)))
        return self

    def end(self, name: str, ending: Ending, reason: str = "", **fields: Any) -> Night:
        """The agent's end, and what it left half-done is saved."""
        token = self.token(name)
        retry_at: float | None = fields.pop("retry_at", None)
        verdict = Verdict(ending=ending, reason=reason, usage=Usage(**fields), retry_at=retry_at)
        self.tell(m.SessionEnded(at=self.now, token=token, verdict=verdict))
        if ending not in (Ending.DELIVERED, Ending.NO_CHANGE_NEEDED):
            self.tell(m.Saved(at=self.now, token=token, commit=commit(f"saved {name}")))
        return self

    def deliver(self, name: str, *, files: tuple[str, ...] = (), **usage: Any) -> Night:
        """The agent is done, with a file of the bead's name, and its work is collected: it waits for its own checks."""
        token = self.token(name)
        files = files or (f"src/{name}.py",)
        self.end(name, Ending.DELIVERED, **usage)
        self.tell(
            m.Collected(at=self.now, token=token, commit=commit(f"work {name}"), tree=Tree("t" * 40), files=files)
        )
        return self

    def check(self, name: str, *, passed: bool = True) -> Night:
        command = "" if passed else self.state.beads[BeadId(name)].spec.verify[0]
        output = "" if passed else "E   assert 1 == 2\n1 failed"
        token = self.token(name)
        self.tell(m.Checked(at=self.now, token=token, passed=passed, command=command, output=output))
        return self

    def land(self, name: str) -> Night:
        self.tell(m.Landed(at=self.now, token=self.token(name), commit=commit(f"land {name}"), tree=Tree("u" * 40)))
        return self.clear()

    def refuse(self, name: str, ending: Ending, evidence: str) -> Night:
        """What its landing comes to, when it is the front."""
        token, base, tree = self.token(name), commit("base"), Tree("b" * 40)
        if ending is Ending.NOT_STARTED:
            self.tell(m.LandingRefused(at=self.now, token=token, evidence=evidence))
        elif ending is Ending.CONFLICT:
            self.tell(
                m.NotComposed(at=self.now, token=token, onto=base, onto_tree=tree, ending=ending, evidence=evidence)
            )
        else:
            raise AssertionError(f"no landing is refused for {ending}")
        return self

    def clear(self) -> Night:
        for each in list(self.state.to_clear):
            self.tell(m.Cleared(at=self.now, bead=each))
        return self

    def ask(self, verb: m.Verb, name: str | None = None, text: str = "") -> Night:
        target = BeadId(name) if name else None
        self.tell(m.Asked(at=self.now, verb=verb, bead=target, text=text, request=1, by="ada"))
        return self


def commit(what: str) -> Commit:
    """A hash that is the same each time."""
    import hashlib

    return Commit(hashlib.sha1(what.encode()).hexdigest())


def failed_night() -> Night:
    """Twelve beads: nine land, one of them after two attempts; two fail; what needs one of those is blocked."""
    beads = [
        bead("skeleton", verify=("pytest -q",)),
        *(bead(f"part-{n}", "skeleton", files=(f"src/part{n}/**",)) for n in range(1, 8)),
        bead("format", prompt=None, command="ruff format src", routes=(RouteName("run"),)),
        bead("payments", "skeleton", tries=2, verify=("pytest -q tests/payments",), routes=(OPUS, GPT)),
        bead("mail", "skeleton", tries=1),
        bead("release", "part-1", "payments"),
    ]
    night = Night(*beads, workers=3, policy={"tries_per_route": 1})
    night.open()
    while busy := [attempt for attempt in night.state.attempts.values() if night.state.live(attempt.token)]:
        name, number = busy[0].bead, busy[0].number
        night.after(2).sign(name).after(100)
        if name == "mail":
            night.end(name, Ending.CRASHED, "exit 1: out of memory").clear()
        elif name == "payments":
            night.deliver(name, usd=0.5, tokens_out=900).after(5).check(name, passed=False).clear()
        elif name == "part-3" and number == 1:
            night.deliver(name, usd=0.2).after(5).refuse(name, Ending.CONFLICT, "CONFLICT (content): src/a.py")
        elif name == "format":
            night.deliver(name).after(1).land(name)
        else:
            night.deliver(name, usd=0.1 if name != "part-5" else None, tokens_out=400)
            if night.state.beads[name].spec.verify:
                night.after(5).check(name)
            night.after(10).land(name)
    return night
