"""The repository of the fake world: a target that only grows, worktrees, branches, the attic and a remote."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, Commit, Ending, Tree


@dataclass(slots=True, kw_only=True)
class Desk:
    """A bead's worktree."""

    base: int
    """How many landings the target had when it was made."""
    units: set[int]
    """The work in it, each piece by a number of its own."""
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A commit on the target, or ahead of it."""

    onto: Commit
    tree: Tree
    work: Commit
    beads: tuple[BeadId, ...]
    """All of ours that it holds, in their order."""


@dataclass(slots=True)
class Repository:
    """A target that only grows, a worktree and a branch per bead, and the attic."""

    target: list[tuple[BeadId, Commit]] = field(default_factory=list)
    _landed: dict[BeadId, list[Commit]] = field(default_factory=dict)
    """What is on the target, by its bead."""
    desks: dict[BeadId, Desk] = field(default_factory=dict)
    branches: dict[BeadId, Commit] = field(default_factory=dict)
    commits: dict[Commit, frozenset[int]] = field(default_factory=dict)
    attic: dict[BeadId, set[int]] = field(default_factory=dict)
    written: dict[BeadId, set[int]] = field(default_factory=dict)
    """Everything that an agent ever made."""
    strayed: dict[BeadId, set[str]] = field(default_factory=dict)
    """Files beyond its own that an agent changed."""
    tips: list[Commit] = field(default_factory=list)
    """Where we have moved the target to."""
    tip: Commit = field(default=Commit("base"))
    merged: dict[Commit, Merged] = field(
        default_factory=lambda: {
            Commit("base"): Merged(onto=Commit(""), tree=Tree("base"), work=Commit("base"), beads=())
        }
    )
    """Every commit that was ever composed."""
    _bad: dict[frozenset[Commit], bool] = field(default_factory=dict)
    _red: dict[Commit, bool] = field(default_factory=dict)
    remote: list[tuple[BeadId, Commit]] = field(default_factory=list)
    """The target as it was pushed last."""
    open: dict[BeadId, list[int]] = field(default_factory=dict)
    """Pull requests of beads, and the night's: each that was opened, with how much it has."""
    base: Commit = field(default=Commit("base"))
    """Where the branch is that the target began on."""
    followed: list[Commit] = field(default_factory=list)
    """Merges of it that are on the target."""
    green: set[Tree] = field(default_factory=set)
    """Trees that have passed the manifest's checks."""

    def prepare(self, order: m.OpenSession) -> None:
        desk = self.desks.get(order.bead)
        kept = self.attic.get(order.bead, set()) | self.commits.get(
            self.branches.get(order.bead, Commit("")), frozenset()
        )
        if order.keep and desk is not None:
            desk.number = order.number
            if order.merge:  # the target, with all that has landed, is merged into it
                desk.base = len(self.target)
            return
        self._retire(order.bead)
        units = set(kept) if order.keep else set()
        self.desks[order.bead] = Desk(base=len(self.target), units=units, number=order.number)

    def write(self, bead: BeadId, unit: int) -> None:
        self.desks[bead].units.add(unit)
        self.written.setdefault(bead, set()).add(unit)

    def save(self, bead: BeadId) -> Commit | None:
        desk = self.desks.get(bead)
        if desk is None or not desk.units:
            return None
        self.attic.setdefault(bead, set()).update(desk.units)
        return self._commit(desk.units)

    def collect(self, bead: BeadId) -> Commit | None:
        desk = self.desks[bead]
        if not desk.units:
            return None
        self.branches[bead] = self._commit(desk.units)
        return self.branches[bead]

    def compose(self, order: m.Compose, clash: bool) -> m.Signal:
        """One commit on another, or on the tip. The time is the caller's."""
        assert order.commit == self.branches.get(order.bead), (
            f"what {order.bead} delivered is not on its branch any more"
        )
        for bead, commit in self.target:
            if bead == order.bead:
                return m.Landed(at=0.0, token=order.token, commit=commit, tree=self.merged[commit].tree)
        onto = order.onto or self.tip
        below = self.merged[onto]
        assert order.onto_tree is None or order.onto_tree == below.tree, "a tree of another commit"
        if clash:
            return m.NotComposed(
                at=0.0,
                token=order.token,
                onto=onto,
                onto_tree=below.tree,
                ending=Ending.CONFLICT,
                evidence="they differ",
                beads=below.beads[-2:],
            )
        beads = (*below.beads, order.bead)
        commit = Commit(f"m{len(self.merged)}")
        tree = Tree("+".join((*below.tree.split("+"), order.commit)))
        self.merged[commit] = Merged(onto=onto, tree=tree, work=order.commit, beads=beads)
        return m.Composed(at=0.0, token=order.token, onto=onto, onto_tree=below.tree, commit=commit, tree=tree)

    def advance(self, order: m.Advance) -> bool:
        """By compare-and-swap, with all that lands; True as well where it was done before."""
        if order.base is not None:
            return order.new in self.followed or self._take_in(order)
        if self.tip != order.old:
            there = dict(self.target)
            return all(there.get(stop.bead) == stop.commit for stop in order.stops)
        at = order.old
        for stop in order.stops:
            assert self.merged[stop.commit].onto == at, "it does not stand on what is before it"
            assert self.merged[stop.commit].beads[-1] == stop.bead
            at = stop.commit
            self.target.append((stop.bead, stop.commit))
            self._landed.setdefault(stop.bead, []).append(stop.commit)
        assert at == order.new
        self.tip = order.new
        self.tips.append(order.new)
        return True

    def follow(self, order: m.Follow, clash: bool) -> m.Signal:
        """The base merged with the tip. The time is the caller's."""
        below = self.merged[self.tip]
        if order.base in below.tree.split("+"):
            return m.NotFollowed(at=0.0, base=order.base, turn=order.turn)
        if clash:
            return m.NotFollowed(at=0.0, base=order.base, turn=order.turn, conflict="they differ")
        commit, tree = Commit(f"m{len(self.merged)}"), Tree(f"{below.tree}+{order.base}")
        self.merged[commit] = Merged(onto=self.tip, tree=tree, work=order.base, beads=below.beads)
        return m.Followed(
            at=0.0, base=order.base, turn=order.turn, onto=self.tip, onto_tree=below.tree, commit=commit, tree=tree
        )

    def _take_in(self, order: m.Advance) -> bool:
        if self.tip != order.old:
            return False
        assert self.merged[order.new].onto == order.old, "it does not stand on what is before it"
        self.tip = order.new
        self.tips.append(order.new)
        self.followed.append(order.new)
        return True

    def breaks(self, commit: Commit, dice: Random, chance: int) -> bool:
        """Whether its tree is red: two pieces of work in it do not go together. Drawn once for each two."""
        if commit == "base":
            return False
        if commit not in self._red:
            merged = self.merged[commit]
            red = self.breaks(merged.onto, dice, chance)
            if not red and not merged.work.startswith("s"):
                for other in merged.tree.split("+")[:-1]:
                    pair = frozenset((merged.work, Commit(other)))
                    if pair not in self._bad:
                        self._bad[pair] = dice.randrange(1000) < chance
                    red = red or self._bad[pair]
            self._red[commit] = red
        return self._red[commit]

    def shove(self) -> None:
        """Somebody else commits to the target."""
        below = self.merged[self.tip]
        commit = Commit(f"m{len(self.merged)}")
        self.merged[commit] = Merged(
            onto=self.tip, tree=Tree(f"{below.tree}+s{commit}"), work=Commit(f"s{commit}"), beads=below.beads
        )
        self.tip = commit

    def clear(self, bead: BeadId) -> None:
        self._retire(bead)

    def kept(self, bead: BeadId) -> set[int]:
        """What can be found again without the bead's worktree."""
        commits = {self.merged[commit].work for commit in self._landed.get(bead, ())}
        commits.add(self.branches.get(bead, Commit("")))
        return self.attic.get(bead, set()).union(*(self.commits.get(commit, frozenset()) for commit in commits))

    def _retire(self, bead: BeadId) -> None:
        desk = self.desks.pop(bead, None)
        if desk is not None:
            self.attic.setdefault(bead, set()).update(desk.units)

    def _commit(self, units: set[int]) -> Commit:
        commit = Commit(f"c{len(self.commits)}")
        self.commits[commit] = frozenset(units)
        return commit
