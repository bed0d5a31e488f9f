"""Landing: a bead's work is merged onto the tip or ahead of it, and the target moves to what was checked.

Three orders, each safe to ask for twice: `compose` writes objects only, `verify` runs the checks on exactly one tree,
`advance` moves the target by compare-and-swap. Does not know when a bead is due, what is merged onto what, nor what
becomes of one that was refused.
"""

from __future__ import annotations

from orchestrator.core.messages import Advance, Compose, Verify
from orchestrator.core.model import Commit
from orchestrator.core.values import Struct
from orchestrator.repo import refs
from orchestrator.repo.desk import Run
from orchestrator.repo.faults import GitRefused, RefMoved
from orchestrator.repo.following import holds
from orchestrator.repo.merging import Clashes, evidence, merge
from orchestrator.repo.objects import stored
from orchestrator.repo.plumbing import Git
from orchestrator.repo.refs import Move
from orchestrator.repo.signing import Signing
from orchestrator.repo.stage import Stages
from orchestrator.repo.styles import put_on
from orchestrator.repo.target import refuse_occupied, standing, tip_of
from orchestrator.repo.verification import PASSED, Verified
from orchestrator.runtime.ports import CheckResult, Composition, Conflict, Empty, LandedAt


class Landing(Struct, frozen=True, kw_only=True):
    """Everything that a landing needs beside its order."""

    git: Git
    run: Run
    stages: Stages
    verified: Verified
    signing: Signing | None = None

    def compose(self, order: Compose) -> Composition | LandedAt | Conflict | Empty:
        """Raises `WorkspaceFault` and `GitRefused`. No ref moves.

        First: does a ref of ours name a commit of this very task that is on the target? Then it has landed. A trailer
        alone is no evidence: an agent can write one.
        """
        tip, landed = standing(self.git, self.run, order.bead, order.task)
        if landed is not None:
            return LandedAt(commit=landed.commit, tree=landed.tree)
        refuse_occupied(self.run)
        onto, onto_tree = order.onto or tip.commit, order.onto_tree or tip.tree
        merged = merge(self.git, self.run.repository.place, onto, order.commit)
        if isinstance(merged, Clashes):
            place, target = self.run.repository.place, self.run.target
            said, beads = evidence(self.git, place, target, onto, order.commit, merged)
            return Conflict(onto=onto, onto_tree=onto_tree, evidence=said, beads=beads)
        if merged == onto_tree:
            return Empty(onto=onto, onto_tree=onto_tree)
        commit = put_on(self.git, self.run, self.signing, order, onto, onto_tree, merged)
        return Composition(onto=onto, onto_tree=onto_tree, commit=commit, tree=merged)

    def verify(self, order: Verify) -> CheckResult:
        """Raises `WorkspaceFault`, `Leaving` and `GitRefused`."""
        if self.verified.has(order.tree, order.commands):
            return PASSED
        checked = self.stages.check(order)
        if checked.passed:
            self.verified.add(order.tree, order.commands)
        return checked

    def advance(self, order: Advance) -> bool:
        """Move the target, and note what has landed, together. False: the target is elsewhere by now.

        Git writes them one after the other once it holds all locks. The notes come first: of a death in between they
        name a commit that is not on the target, which says nothing, and there is never a commit of ours without a note.
        Raises `WorkspaceFault` and `GitRefused`; nothing has then moved.
        """
        refuse_occupied(self.run)
        if self.signing and not all(self._is_signed(stop.commit) for stop in order.stops):
            return False  # composed while nobody asked for signatures: it is composed again
        moves = [
            Move(name=refs.landed_as(self.run.target, stop.bead, stop.task), new=stop.commit) for stop in order.stops
        ]
        moves += [
            Move(name=refs.ground_of(self.run.target, stop.bead, stop.task), new=stop.onto)
            for stop in order.stops
            if stop.onto is not None and self._is_several(stop.commit, stop.onto)
        ]
        if order.base is not None:
            begins = order.new == order.base
            name = refs.start_of(self.run.name) if begins else f"{refs.followed_on(self.run.target)}{order.new}"
            moves.append(Move(name=name, new=order.new))
        moves.append(Move(name=self.run.target_ref, new=order.new, old=order.old))
        try:
            refs.move(self.git, self.run.repository.place, moves, why="land")
        except RefMoved:
            return self._has_arrived(order)
        except GitRefused:
            if self._is_there(order.new):
                raise
            return False  # a garbage collection took what was composed: it is composed again
        return True

    def _is_signed(self, commit: Commit) -> bool:
        found = stored(self.git, self.run.repository.place, commit)
        return found is not None and found.signed

    def _is_several(self, commit: Commit, onto: Commit) -> bool:
        """Whether more of it than this one commit stands on the target's line."""
        found = stored(self.git, self.run.repository.place, commit)
        return found is not None and found.parents[:1] != (onto,)

    def _has_arrived(self, order: Advance) -> bool:
        """We did this before a death: all that lands with it is noted, and on the target."""
        if order.base is not None:
            return holds(self.git, self.run, tip_of(self.git, self.run).commit, order.new)
        for stop in order.stops:
            _, landed = standing(self.git, self.run, stop.bead, stop.task)
            if landed is None or landed.commit != stop.commit:
                return False
        return True

    def _is_there(self, commit: Commit) -> bool:
        return self.git(self.run.repository.place, "cat-file", "-e", commit, codes=(0, 1, 128)).code == 0
