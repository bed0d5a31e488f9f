"""The fake shell: carries out what is owed as the real lanes do, each effect once at a time, and dies without a word.

One lane for what writes the repository, one for landings, the rest side by side. It checks what the core may rely
on the shell for, and no more: two never touch one worktree at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, Ending, Ground, Guess, Stray, Token, Tree, Usage, Verdict
from orchestrator.core.values import replace
from tests.simulation.agents import Session
from tests.simulation.graphs import file_from

if TYPE_CHECKING:
    from tests.simulation.world import World


class Shell:
    def __init__(self, world: World, epoch: int) -> None:
        self._world = world
        self._dice = world.dice
        self._git = world.repository
        self.epoch = epoch
        self._under_way: set[m.Effect] = set()
        self._free_at: dict[str, float] = {}
        self._live: dict[Token, Session] = {}
        self._opening: set[Token] = set()
        self._unwanted: set[Token] = set()
        self._asked_for: set[Token] = set()
        self._in_use: dict[BeadId, str] = {}

    def perform(self, owed: Iterable[m.Effect]) -> None:
        """Begin what is owed and not under way; forget what is owed no more."""
        wanted = list(owed)
        fresh = [effect for effect in wanted if effect not in self._under_way]
        over = [each.token for each in self._under_way - set(wanted) if isinstance(each, m.Suspend)]
        self._under_way = set(wanted)
        for session in [self._live[token] for token in sorted(over) if token in self._live]:
            session.halted = False
            self._world.goes_on(session)
        for effect in fresh:
            self._begin(effect)

    def _begin(self, effect: m.Effect) -> None:
        match effect:
            case m.Sweep():
                self._after(self._dice.uniform(0.1, 5.0), self._sweep)
            case m.OpenSession():
                self._opening.add(effect.token)
                self._asked_for.add(effect.token)
                self._at_the_desk(effect, lambda: self._prepare(effect), lane="git")
            case m.EndSession():
                if effect.token in self._live:
                    session = self._live[effect.token]
                    self._after(self._dice.uniform(0.0, effect.grace_s), lambda: self._ended(session))
                elif effect.token in self._opening:
                    self._unwanted.add(effect.token)
                elif effect.token not in self._asked_for:  # given up in the very step that began it
                    verdict = Verdict(ending=Ending.STOPPED, reason=effect.reason)
                    self._say(m.SessionEnded(at=self._now(), token=effect.token, verdict=verdict))
            case m.Suspend() if effect.token in self._live:
                self._live[effect.token].halted = True
            case m.Type():
                self._after(self._dice.uniform(0.0, 5.0), lambda: self._type(effect))
            case m.Save():
                self._at_the_desk(effect, lambda: self._save(effect), lane="git")
            case m.Collect():
                self._at_the_desk(effect, lambda: self._collect(effect))
            case m.Check():
                self._at_the_desk(effect, lambda: self._check(effect), longest=200.0)
            case m.Compose():
                self._after(self._turn("landing", self._dice.uniform(0.0, 1.0)), lambda: self._compose(effect))
            case m.Verify():
                self._after(self._dice.uniform(0.1, 60.0), lambda: self._verify(effect))
            case m.Advance():
                self._after(self._turn("landing", self._dice.uniform(0.0, 1.0)), lambda: self._advance(effect))
            case m.Follow():
                self._after(self._turn("landing", self._dice.uniform(0.0, 1.0)), lambda: self._follow(effect))
            case m.Push():
                self._after(self._dice.uniform(0.0, 60.0), lambda: self._push(effect))
            case m.Propose():
                self._after(self._turn("push", self._dice.uniform(0.0, 60.0)), lambda: self._propose(effect))
            case m.Foresee():
                # Now and then so late that nobody waits for it any more.
                self._after(self._dice.choice((0.1, 1.0, 4.0, 60.0)), lambda: self._foresee(effect))
            case m.Clear():
                # Who waits for a worktree does not wait for tidying: it comes later, and only while it is still wanted.
                self._after(self._dice.choice((0.0, 0.0, 100.0)), lambda: self._tidy(effect))

    # ------------------------------------------------------------ sessions

    def _sweep(self) -> None:
        orphans = [session for session in self._world.sessions if session.alive]
        for session in orphans:
            assert session.epoch < self.epoch, "a session was opened before the sweep was over"
            session.alive = False
        self._say(m.Swept(at=self._now(), ended=len(orphans)))

    def _prepare(self, order: m.OpenSession) -> None:
        if self._is_unwanted(order):
            return
        if self._refuses():
            self._not_started(order, "no space left on device")
            return
        self._git.prepare(order)
        desk = self._git.desks[order.bead]
        landed = {bead for bead, _ in self._git.target[: desk.base]}
        for need in self._world.manifest_of(order.bead).needs:
            done = self._world.state.beads[need].commit is None or need in landed
            assert done, f"{order.bead} begins on a base without {need}"
        self._after(self._dice.uniform(0.0, 60.0), lambda: self._open(order))

    def _open(self, order: m.OpenSession) -> None:
        if self._is_unwanted(order):
            return
        if self._refuses():
            self._not_started(order, "no terminal left")
            return
        assert not [s for s in self._world.sessions if s.alive and s.order.bead == order.bead], "two agents at one bead"
        assert order.bead not in self._in_use, f"{self._in_use[order.bead]} is under way where the agent starts"
        session = Session(order=order, epoch=self.epoch)
        self._live[order.token] = session
        self._opening.discard(order.token)
        self._world.let_live(session)
        if order.token in self._unwanted:
            self._after(self._dice.uniform(0.0, order.grace_s), lambda: self._ended(session))

    def _is_unwanted(self, order: m.OpenSession) -> bool:
        if order.token not in self._unwanted:
            return False
        self._not_started(order, "given up", Ending.STOPPED)
        return True

    def _not_started(self, order: m.OpenSession, reason: str, ending: Ending = Ending.NOT_STARTED) -> None:
        self._opening.discard(order.token)
        self._say(m.SessionEnded(at=self._now(), token=order.token, verdict=Verdict(ending=ending, reason=reason)))

    def _type(self, order: m.Type) -> None:
        """A session that is gone takes nothing: its end is told anyway."""
        session = self._live.get(order.token)
        if session is not None and session.alive:
            self._world.spoken_to(session)
            fault = "nothing answered Enter" if self._refuses() else ""
            self._say(m.Typed(at=self._now(), token=order.token, turn=order.turn, fault=fault))

    def _ended(self, session: Session) -> None:
        """By us, unless it was gone before."""
        if session.alive:
            session.alive = False
            self.heard_end(session, self._world.agents.when_ended(session))

    def heard_end(self, session: Session, verdict: Verdict) -> None:
        if session.epoch == self.epoch:
            self._live.pop(session.token, None)
            self._say(m.SessionEnded(at=self._now(), token=session.token, verdict=verdict))

    def heard(self, session: Session, signal: m.Signal) -> None:
        """An orphan's words reach nobody."""
        if session.epoch == self.epoch:
            if isinstance(signal, m.Progressed) and signal.usage != Usage():
                session.told = signal.usage
            self._say(signal)

    # ------------------------------------------------------------ work

    def _save(self, effect: m.Save) -> None:
        if self._refuses():
            self._say(m.Saved(at=self._now(), token=effect.token, commit=None, fault="no space left on device"))
        else:
            commit = self._git.save(effect.bead)
            self._say(m.Saved(at=self._now(), token=effect.token, commit=commit, strays=self._strays()))

    def _strays(self) -> tuple[Stray, ...]:
        """What the agent did beyond its own ground, or a person meanwhile."""
        if not self._refuses():
            return ()
        ground, shown = self._dice.choice(tuple(Ground)), self._dice.random() < 0.5
        return (Stray(ground=ground, what="it", how="put back", shown=shown),)

    def _collect(self, effect: m.Collect) -> None:
        if self._refuses():
            self._say(m.Collected(at=self._now(), token=effect.token, commit=None, fault="no space left on device"))
            return
        commit = self._git.collect(effect.bead)
        files = tuple(sorted(self._git.strayed.get(effect.bead, ())))
        tree, strays = Tree(commit) if commit else None, self._strays()
        self._say(m.Collected(at=self._now(), token=effect.token, commit=commit, tree=tree, files=files, strays=strays))

    def _check(self, effect: m.Check) -> None:
        passed = not self._refuses(2)
        fault = "the worktree is gone" if not passed and self._dice.random() < 0.2 else ""
        checked = m.Checked(
            at=self._now(), token=effect.token, passed=passed, command="check", output="red", fault=fault
        )
        self._say(checked)

    def _compose(self, effect: m.Compose) -> None:
        at, token = self._now(), effect.token
        landed = effect.bead in {bead for bead, _ in self._git.target}
        if not landed and self._refuses():
            self._say(m.LandingRefused(at=at, token=token, evidence="no space left on device"))
            return
        answer = self._git.compose(effect, clash=self._refuses())
        if isinstance(answer, m.NotComposed) and self._dice.random() < 0.3:
            answer = replace(answer, ending=Ending.NO_CHANGE_NEEDED, evidence="", beads=())
        self._say(replace(answer, at=at))

    def _verify(self, effect: m.Verify) -> None:
        """One that nobody waits for any more is ended, or has just ended by itself."""
        at, git = self._now(), self._git
        if effect not in self._under_way and self._dice.random() < 0.5:
            return
        if self._refuses() and effect.tree not in git.green:
            self._say(m.NotVerified(at=at, bead=effect.bead, tree=effect.tree, evidence="no space left on device"))
            return
        chance = 0 if self._world.healed else self._world.weather.refusals * 3
        broken = git.breaks(effect.commit, self._dice, chance)
        flaky = self._refuses() and effect.tree not in git.green
        if not broken and not flaky:
            git.green.add(effect.tree)
        self._say(
            m.Verified(
                at=at,
                bead=effect.bead,
                tree=effect.tree,
                round=effect.round,
                passed=not broken and not flaky,
                command="make test",
                output="red",
            )
        )

    def _advance(self, effect: m.Advance) -> None:
        at = self._now()
        if self._refuses() and self._git.tip == effect.old:
            if self._dice.random() < 0.5:
                self._git.shove()
            else:
                refused = m.LandingRefused(at=at, token=effect.token, evidence="checked out", commit=effect.new)
                self._say(refused)
                return
        if self._git.advance(effect):
            self._say(m.Advanced(at=at, commit=effect.new))
        else:
            self._say(m.TargetFound(at=at, old=effect.old, commit=effect.new))

    def _foresee(self, effect: m.Foresee) -> None:
        """Right, wrong, or of nobody's files."""
        if self._refuses():
            self._say(m.NotForeseen(at=self._now(), round=effect.round, evidence="no such commit"))
            return
        found = []
        for ask in effect.asks:
            files = dict.fromkeys(file_from(self._dice.randint) for _ in range(self._dice.randrange(4)))
            likely = sorted((self._dice.uniform(0.1, 1.0) for _ in files), reverse=True)
            guesses = [
                Guess(path=file, confidence=chance, why="dice") for file, chance in zip(files, likely, strict=True)
            ]
            found.append((ask.bead, tuple(guesses)))
        self._say(m.Foreseen(at=self._now(), round=effect.round, guesses=tuple(found), seconds=0.1))

    def _follow(self, effect: m.Follow) -> None:
        at = self._now()
        if self._refuses():
            self._say(m.NotFollowed(at=at, base=effect.base, turn=effect.turn, fault="no space left on device"))
        else:
            self._say(replace(self._git.follow(effect, clash=self._refuses()), at=at))

    def _push(self, effect: m.Push) -> None:
        if self._refuses(2):
            fault = m.NotPushed(at=self._now(), turn=effect.turn, round=effect.round, evidence="not to be reached")
            self._say(fault)
        else:
            self._git.remote = list(self._git.target)
            self._say(m.Pushed(at=self._now(), turn=effect.turn, commit=self._git.tip))

    def _propose(self, effect: m.Propose) -> None:
        """It is looked whether one is open, where that can be; now and then it is opened, and the answer is lost."""
        if effect not in self._under_way:
            return
        git, at, asked = self._git, self._now(), self._world.state.policy.requests
        assert asked is not None
        there = git.open.setdefault(effect.bead, [])
        doubt = not effect.only_push and self._refuses()
        if doubt and self._dice.random() < 0.5:
            self._open_one(effect, there, known=bool(asked.find or effect.url))
        if doubt or self._refuses(2):
            evidence = "not to be reached"
            self._say(
                m.NotProposed(
                    at=at, bead=effect.bead, turn=effect.turn, round=effect.round, evidence=evidence, doubt=doubt
                )
            )
            return
        found = bool(there)
        if not effect.only_push:
            self._open_one(effect, there, known=bool(asked.find or effect.url))
        said = m.Proposed(
            at=at, bead=effect.bead, turn=effect.turn, url="u", branch=f"pr/{effect.bead}", commit=git.tip, found=found
        )
        self._say(said)

    def _open_one(self, effect: m.Propose, there: list[int], *, known: bool) -> None:
        if there and known:
            there[-1] = effect.turn
        else:
            there.append(effect.turn)

    def _tidy(self, effect: m.Clear) -> None:
        if effect in self._under_way:
            self._at_the_desk(effect, lambda: self._clear(effect), lane="git")

    def _clear(self, effect: m.Clear) -> None:
        world = self._world
        if self._now() < world.full_until and not world.healed:
            self._say(m.Cleared(at=self._now(), bead=effect.bead, fault="the disk is full"))
        elif self._refuses():
            world.full_until = self._now() + self._dice.choice((0.0, 5.0, 100.0))
            self._say(m.Cleared(at=self._now(), bead=effect.bead, fault="the disk is full"))
        else:
            self._git.clear(effect.bead)
            self._say(m.Cleared(at=self._now(), bead=effect.bead))

    # ------------------------------------------------------------ time

    def _now(self) -> float:
        return self._world.now

    def _refuses(self, times: int = 1) -> bool:
        return not self._world.healed and self._dice.randrange(100) < self._world.weather.refusals * times / 2

    def _after(self, delay: float, act: Callable[[], None]) -> None:
        """Unless we are dead by then."""
        self._world.later(delay, act, epoch=self.epoch)

    def _turn(self, lane: str, seconds: float) -> float:
        """How long until this is over, where one waits for the other."""
        self._free_at[lane] = max(self._free_at.get(lane, 0.0), self._now()) + seconds
        return self._free_at[lane] - self._now()

    def _at_the_desk(
        self,
        effect: m.OpenSession | m.Save | m.Collect | m.Check | m.Clear,
        act: Callable[[], None],
        lane: str = "",
        longest: float = 3.0,
    ) -> None:
        """Something in a bead's worktree, that takes its time."""
        bead, name, seconds = effect.bead, type(effect).__name__, self._dice.uniform(0.01, longest)
        over = self._turn(lane, seconds) if lane else seconds

        def begin() -> None:
            assert bead not in self._in_use, f"{name} of {bead} while {self._in_use[bead]} is under way"
            assert not [s for s in self._world.sessions if s.alive and s.order.bead == bead], (
                f"{name} while {bead} runs"
            )
            self._in_use[bead] = name

        def end() -> None:
            del self._in_use[bead]
            act()

        self._after(over - seconds, begin)
        self._after(over, end)

    def _say(self, signal: m.Signal) -> None:
        """Signals come late, in another order, twice, and long after their time."""
        dice, weather = self._dice, self._world.weather
        steady = isinstance(signal, m.Cleared)  # names a bead, no attempt: the queue keeps its order
        strange = not steady and not self._world.healed
        late = dice.uniform(0.0, 30.0) if strange and dice.randrange(100) < weather.doubling else 0.001
        self._after(late, lambda: self._world.hear(signal))
        if strange and dice.randrange(100) < weather.doubling and not isinstance(signal, m.Swept):
            self._after(late + dice.choice((0.0, 1.0, 100.0, 3000.0)), lambda: self._world.hear(signal))
