"""Landing: a bead's work becomes one commit, on the tip or ahead of it, and the target moves to what was checked.

Three orders, each safe to ask for twice: `compose` writes objects only, `verify` runs the checks on exactly one tree,
`advance` moves the target by compare-and-swap. Does not know when a bead is due, what is merged onto what, nor what
becomes of one that was refused.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.core.messages import Advance, Compose, Verify
from orchestrator.core.model import BeadId, Commit, Tree
from orchestrator.repo import refs
from orchestrator.repo.attic import commit_tree
from orchestrator.repo.delivery import one_line
from orchestrator.repo.desk import Run
from orchestrator.repo.faults import GitRefused, RefMoved
from orchestrator.repo.merging import Clashes, evidence, merge
from orchestrator.repo.objects import stored
from orchestrator.repo.plumbing import Git
from orchestrator.repo.refs import Move
from orchestrator.repo.repository import OURSELVES, Person
from orchestrator.repo.stage import Stages
from orchestrator.repo.target import log, refuse_occupied, standing
from orchestrator.repo.verification import PASSED, Verified
from orchestrator.runtime.ports import CheckResult, Composition, Conflict, Empty, LandedAt

_FEW = 20
"""Commits of one bead that are looked at one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """Everything that a landing needs beside its order."""

    git: Git
    run: Run
    stages: Stages
    verified: Verified

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
        commit = self._commit(order, onto, merged)
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
        moves = [
            Move(name=refs.landed_as(self.run.target, stop.bead, stop.task), new=stop.commit) for stop in order.stops
        ]
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

    def _has_arrived(self, order: Advance) -> bool:
        """We did this before a death: all that lands with it is noted, and on the target."""
        for stop in order.stops:
            _, landed = standing(self.git, self.run, stop.bead, stop.task)
            if landed is None or landed.commit != stop.commit:
                return False
        return True

    def _is_there(self, commit: Commit) -> bool:
        return self.git(self.run.repository.place, "cat-file", "-e", commit, codes=(0, 1, 128)).code == 0

    def _commit(self, order: Compose, onto: Commit, merged: Tree) -> Commit:
        """What lands: squashed, so that its one parent is what it was merged onto."""
        author, date, others = authors(self.git, self.run, order.bead, onto, order.commit)
        trailers = [f"Bead: {order.bead}", f"Attempt: {order.number}", f"Route: {one_line(order.route)}"]
        trailers += [f"Co-authored-by: {other.name} <{other.mail}>" for other in others]
        message = f"{one_line(order.title)}\n\n" + "\n".join(trailers)
        return commit_tree(
            self.git, self.run.repository.place, merged, [onto], message, author, self.run.repository.person, date
        )


def authors(
    git: Git, run: Run, bead: BeadId, tip: Commit, commit: Commit
) -> tuple[Person, str | None, tuple[Person, ...]]:
    """Who made the work, when, and who else had a hand in it. Our own commits in an agent's stead count last."""
    made = _in_a_row(git, run, bead, tip, commit)
    if made is None:
        made = list(log(git, run.repository.place, ("%an", "%ae", "%ad", "%ce"), "--date=raw", f"{tip}..{commit}"))
    theirs = [row for row in made if row[3] != OURSELVES.mail] or made
    named = [(Person(name=name, mail=mail), date) for name, mail, date, _ in theirs if name.strip() and mail.strip()]
    if not named:
        return run.repository.person, None, ()
    (author, date), *rest = named
    others = dict.fromkeys(person for person, _ in rest if person.mail != author.mail)
    return author, f"@{date}", tuple(others)


def _in_a_row(git: Git, run: Run, bead: BeadId, tip: Commit, commit: Commit) -> list[tuple[str, ...]] | None:
    """Author and committer of each commit that the target does not have.

    None where it is not, as it mostly is, a few commits in a row on where the bead began: then the history tells.
    """
    began = stored(git, run.repository.place, refs.base_of(run.name, bead))
    on_target = {tip, began.commit} if began else {tip}
    made: list[tuple[str, ...]] = []
    while commit not in on_target:
        found = stored(git, run.repository.place, commit)
        if found is None or len(found.parents) != 1 or len(made) == _FEW:
            return None
        made.append((found.author.name, found.author.mail, found.author.date, found.committer.mail))
        commit = found.parents[0]
    return made
