"""Landing: one bead's work becomes one commit on the target, which moves to exactly what was checked.

The steps are in `land`, in their order. A step that finds the target moved starts over from the first. Does not know
when a bead is due, nor what becomes of one that was refused.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.core.messages import Land
from orchestrator.core.model import BeadId, Commit, Tree
from orchestrator.repo import refs
from orchestrator.repo.attic import commit_tree
from orchestrator.repo.delivery import one_line
from orchestrator.repo.desk import Run
from orchestrator.repo.faults import RefMoved
from orchestrator.repo.merging import Clashes, evidence, merge
from orchestrator.repo.objects import stored
from orchestrator.repo.plumbing import Git
from orchestrator.repo.refs import Move, Ref
from orchestrator.repo.repository import OURSELVES, Person
from orchestrator.repo.stage import Stage
from orchestrator.repo.target import log, refuse_occupied, standing
from orchestrator.repo.verification import Verified
from orchestrator.runtime.ports import CheckResult, Conflict, Empty, LandedAt, Red, WorkspaceFault

_STARTS = 10
"""How often the target may move under one landing before we say so."""

_FEW = 20
"""Commits of one bead that are looked at one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """Everything that a landing needs beside its order."""

    git: Git
    run: Run
    stage: Stage
    verified: Verified

    def land(self, order: Land) -> LandedAt | Conflict | Red | Empty:
        """Raises `WorkspaceFault` and `GitRefused`; the target is then where it was."""
        for _ in range(_STARTS):
            tip, landed = standing(self.git, self.run, order.bead, order.task)
            if landed is not None:
                return LandedAt(commit=landed.commit, tree=landed.tree, found=True)
            refuse_occupied(self.run)
            merged = merge(self.git, self.run.repository.place, tip.commit, order.commit)
            if isinstance(merged, Clashes):
                return Conflict(evidence=self._evidence(tip, order, merged))
            if merged == tip.tree:
                return Empty()
            commit = self._compose(order, tip, merged)
            if not self.verified.has(merged, order.commands):
                checked = self._check(order, commit, merged)
                if not checked.passed:
                    return Red(command=checked.command, output=checked.output)
            if self._move(order, tip, commit):
                return LandedAt(commit=commit, tree=merged)
        raise WorkspaceFault(
            f"the target branch `{self.run.target}` moved {_STARTS} times while {order.bead} was landing: "
            "something else commits to it; stop that, then retry"
        )

    def _compose(self, order: Land, tip: Ref, merged: Tree) -> Commit:
        """The commit that lands: squashed, so that its one parent is the tip. A merge would name `order.commit` too."""
        author, date, others = authors(self.git, self.run, order.bead, tip.commit, order.commit)
        trailers = [f"Bead: {order.bead}", f"Attempt: {order.number}", f"Route: {one_line(order.route)}"]
        trailers += [f"Co-authored-by: {other.name} <{other.mail}>" for other in others]
        message = f"{one_line(order.title)}\n\n" + "\n".join(trailers)
        return commit_tree(
            self.git, self.run.repository.place, merged, [tip.commit], message, author, self.run.repository.person, date
        )

    def _check(self, order: Land, commit: Commit, merged: Tree) -> CheckResult:
        checked = self.stage.check(order, commit, merged)
        if checked.passed:
            self.verified.add(merged, order.commands)
        return checked

    def _move(self, order: Land, tip: Ref, commit: Commit) -> bool:
        """Move the target, and note what has landed, together. False: the target is no longer where we merged onto it.

        Git writes them one after the other once it holds both locks. The note comes first: of a death in between it
        leaves one whose commit is not on the target, which says nothing, and never a commit of ours without a note.
        """
        refuse_occupied(self.run)
        moves = (
            Move(name=refs.landed_as(self.run.target, order.bead, order.task), new=commit),
            Move(name=self.run.target_ref, new=commit, old=tip.commit),
        )
        try:
            refs.move(self.git, self.run.repository.place, moves, why="land")
        except RefMoved:
            return False
        return True

    def _evidence(self, tip: Ref, order: Land, clashes: Clashes) -> str:
        return evidence(self.git, self.run.repository.place, self.run.target, tip.commit, order.commit, clashes)


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
