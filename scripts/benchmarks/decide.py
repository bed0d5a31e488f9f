"""What one signal costs to decide, with 100 workers, in graphs of 1,000 to 100,000 beads: it must not grow with them.

A world without faults answers every effect; between its answers agents tell of their progress. Measured is what the
control loop does with a signal: `advance`, and then asking what is owed.
"""

from __future__ import annotations

import heapq
import time
from random import Random

from orchestrator.core import messages as m
from orchestrator.core.decide import advance
from orchestrator.core.model import (
    AgentName,
    AgentTraits,
    Bead,
    BeadId,
    Claim,
    Commit,
    Ending,
    Guess,
    Manifest,
    Policy,
    ProcessName,
    RouteName,
    Token,
    Tree,
    Usage,
    Verdict,
)
from orchestrator.core.owed import owed
from orchestrator.core.state import State
from scripts.benchmarks.figures import Figures

SIZES = (1_000, 10_000, 100_000)
SIGNALS = 25_000
WORKERS = 100
ROUTES = tuple(map(RouteName, ("red:large", "red:small", "blue")))
ME = ProcessName(pid=1, started=0.0)


def night(size: int, dice: Random) -> Manifest:
    """Layers of up to 400 beads, each with needs in the layers before; two of five name files, some of them shared."""
    beads = []
    for place in range(size):
        before = place - place % 400
        needs = {BeadId(f"b{dice.randrange(max(before - 800, 0), before)}") for _ in range(dice.randrange(4)) if before}
        folder = f"src/part{dice.randrange(max(size // 20, 1))}"
        files = (Claim(pattern=f"{folder}/**"), Claim(pattern="docs", shared=True)) if dice.random() < 0.4 else ()
        beads.append(
            Bead(
                id=BeadId(f"b{place}"),
                title=f"bead {place}",
                prompt=f"Do {place}, " + "and do it well. " * 20,
                needs=tuple(sorted(needs)),
                priority=dice.randrange(5),
                files=files,
                verify=("make check",) if dice.random() < 0.5 else (),
                routes=ROUTES[dice.randrange(3) :],
            )
        )
    agents = tuple(AgentTraits(name=AgentName(name), provider=name) for name in ("red", "blue"))
    policy = Policy(workers=WORKERS)
    return Manifest(name="n", base=None, target="t", beads=tuple(beads), agents=agents, verify=("make",), policy=policy)


class Night:
    def __init__(self, size: int) -> None:
        self.dice = Random(size)
        planned = m.RunPlanned(at=0.0, manifest=night(size, self.dice), target_base=Commit("base"), token=Token(0))
        self.state = State.replay([planned])
        self.signals: list[tuple[float, int, m.Signal]] = []
        self.under_way: set[m.Effect] = set()
        self.took: list[float] = []
        self.count = 0
        self.now = 0.0

    def later(self, delay: float, make: type[m.Signal], **fields: object) -> None:
        self.count += 1
        at = self.now + delay
        heapq.heappush(self.signals, (at, self.count, make(at=at, **fields)))

    def play(self, signals: int) -> None:
        self.later(0.0, m.Opened, epoch=1, process=ME, host="here")
        while self.signals and len(self.took) < signals and self.state.ended_at is None:
            self.now, _, signal = heapq.heappop(self.signals)
            begun = time.perf_counter()
            advance(self.state, signal)
            wanted = list(owed(self.state))
            self.took.append(time.perf_counter() - begun)
            for effect in wanted:
                if effect not in self.under_way:
                    self.answer(effect)
            self.under_way = set(wanted)

    def answer(self, effect: m.Effect) -> None:
        dice = self.dice
        match effect:
            case m.Sweep():
                self.later(0.1, m.Swept, ended=0)
            case m.OpenSession(token=token):
                self.later(0.5, m.Spawned, token=token, process=ME, worktree="w")
                self.later(1.0, m.GaveSign, token=token, session="s")
                for n in range(1, 15):
                    usage = Usage(usd=n / 100, tokens_out=n)
                    self.later(5.0 * n + dice.random(), m.Progressed, token=token, note="writes", usage=usage)
                ending = dice.choices((Ending.DELIVERED, Ending.CRASHED, Ending.OVERLOADED), (95, 3, 2))[0]
                verdict = Verdict(ending=ending, usage=Usage(usd=0.2, tokens_out=20))
                self.later(90.0 + dice.random() * 60.0, m.SessionEnded, token=token, verdict=verdict)
            case m.Save(token=token):
                self.later(0.2, m.Saved, token=token, commit=Commit("half"))
            case m.Collect(token=token):
                self.later(0.2, m.Collected, token=token, commit=Commit("c"), tree=Tree("t"), files=(f"new{token}.py",))
            case m.Check(token=token):
                self.later(10.0, m.Checked, token=token, passed=dice.random() < 0.95, command="make", output="red")
            case m.Compose(token=token, onto=onto, onto_tree=onto_tree):
                on = {"onto": onto or Commit("base"), "onto_tree": onto_tree or Tree("base")}
                self.later(0.0, m.Composed, token=token, commit=Commit(f"c{token}"), tree=Tree(f"t{token}"), **on)
            case m.Verify(bead=bead, tree=tree, round=turn):
                self.later(0.3, m.Verified, bead=bead, tree=tree, round=turn, passed=True)
            case m.Advance(new=new):
                self.later(0.0, m.Advanced, commit=new)
            case m.Foresee(round=turn, asks=asks):
                guesses = (
                    (ask.bead, (Guess(path=f"src/p{dice.randrange(5000)}", confidence=0.6, why="named"),))
                    for ask in asks
                )
                self.later(0.2, m.Foreseen, round=turn, guesses=tuple(guesses), seconds=0.2)
            case m.Clear(bead=bead):
                self.later(0.1, m.Cleared, bead=bead)
        due = self.state.deadlines.next()
        if due is not None and due > self.now and self.count % 20 == 0:
            self.later(due - self.now, m.TimePassed)


def main() -> None:
    figures = Figures(f"deciding, with {WORKERS} workers: milliseconds a signal")
    slowest = []
    for size in SIZES:
        played = Night(size)
        played.play(SIGNALS)
        took = sorted(each * 1000.0 for each in played.took)
        half, high, most = (took[int(len(took) * part)] for part in (0.5, 0.99, 0.99999))
        landed = sum(record.commit is not None for record in played.state.beads.values())
        figures.tell(f"{size:>7,} beads: signals, landed", f"{len(took):,}, {landed:,}")
        figures.tell(f"{size:>7,} beads: half are within, the longest took", f"{half:8.3f} ms, {most:.2f} ms")
        figures.ask(f"{size:>7,} beads: 99 of 100 are within", high, "ms", at_most=1.0)
        slowest.append(high)
    figures.ask("the largest graph's beside the smallest one's", slowest[-1] / slowest[0], "x", at_most=3.0)
    figures.end()


if __name__ == "__main__":
    main()
