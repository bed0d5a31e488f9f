"""A night on a machine that does well up to a number of agents, and no better or worse beyond it.

Every agent alone takes as long as every other. More of them at once than the machine bears share what it has, and lose
some of it to each other. Time is a fake clock.
"""

from __future__ import annotations

from random import Random

from orchestrator.core import messages as m
from orchestrator.core.model import Ending, Policy, Room, Token, Usage, Verdict
from tests.simulation.three_providers import ME, Provider, ThreeProviders

SAMPLES_S = 10.0
PROVIDER = Provider(name="one", each_s=0.0)


class Growing(ThreeProviders):
    """`bears` agents at once do not slow each other down; of what is beyond, `loses` is lost."""

    def __init__(
        self,
        *,
        bears: int,
        loses: float,
        each_s: float,
        beads: int,
        dice: Random,
        most: int | None = None,
        cores: int = 2,
        dies_at: float | None = None,
    ) -> None:
        policy = Policy(auto=True, most_workers=most)
        super().__init__((PROVIDER,), dies_at, beads=beads, policy=policy)
        self.bears, self.loses, self.each_s, self.dice, self.cores = bears, loses, each_s, dice, cores
        self.widths: list[tuple[float, int]] = [(0.0, policy.workers)]
        self.at_work: set[Token] = set()

    def _open(self) -> None:
        self.at_work.clear()
        super()._open()
        self._later(SAMPLES_S, self._sample)

    def _sample(self) -> None:
        self._hear(m.Sampled, samples=(), room=Room(cores=self.cores))
        self.widths.append((self.now, self.state.width or self.state.policy.workers))
        self._later(SAMPLES_S, self._sample)

    def _session(self, order: m.OpenSession) -> None:
        token = order.token
        self.at_work.add(token)
        self._say(0.5, m.Spawned, token=token, process=ME, worktree="w")
        self._say(1.0, m.GaveSign, token=token, session=f"s{token}")
        over = max(len(self.at_work) - self.bears, 0)
        slower = max(len(self.at_work) / self.bears, 1.0) * (1.0 + self.loses * over / self.bears)
        took = self.each_s * slower * self.dice.uniform(0.8, 1.2)
        for step in range(1, 10):  # what an agent does shows in what it tells, long before it is done
            usage = Usage(tokens_in=1000 * step, tokens_out=100 * step)
            self._say(2.0 + took * step / 10, m.Progressed, token=token, usage=usage)
        self._later(2.0 + took, lambda: self._done(token))

    def _done(self, token: Token) -> None:
        self.at_work.discard(token)
        usage = Usage(tokens_in=10_000, tokens_out=1_000)
        verdict = Verdict(ending=Ending.DELIVERED, session=f"s{token}", usage=usage)
        self._hear(m.SessionEnded, token=token, verdict=verdict)
