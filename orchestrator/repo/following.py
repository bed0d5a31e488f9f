"""Taking what is new on the base branch into the target: merged in the object database, or simply where it is.

Where nothing has landed yet, the target goes to the base's own commit and begins there anew; else it is a merge, whose
first parent is the target, so that what has landed stays on its line. Moves no ref.
"""

from __future__ import annotations

from orchestrator.core.messages import Follow
from orchestrator.core.model import Commit
from orchestrator.repo import refs
from orchestrator.repo.desk import Run
from orchestrator.repo.merging import Clashes, evidence, merge
from orchestrator.repo.objects import stored
from orchestrator.repo.plumbing import Git
from orchestrator.repo.signing import Signing, write_commit
from orchestrator.repo.target import refuse_occupied, tip_of
from orchestrator.runtime.ports import Composition, Conflict, Empty, WorkspaceFault


def follow(git: Git, run: Run, signing: Signing | None, order: Follow, branch: str) -> Composition | Conflict | Empty:
    """Raises `WorkspaceFault` and `GitRefused`."""
    place, tip = run.repository.place, tip_of(git, run)
    refuse_occupied(run)
    new = stored(git, place, order.base)
    if new is None:
        raise WorkspaceFault(f"the commit {order.base} of `{branch}` is gone")
    if holds(git, run, tip.commit, new.commit):
        return Empty(onto=tip.commit, onto_tree=tip.tree)
    start = stored(git, place, refs.start_of(run.name))
    if start is not None and start.commit == tip.commit and holds(git, run, new.commit, start.commit):
        return Composition(onto=tip.commit, onto_tree=tip.tree, commit=new.commit, tree=new.tree)
    merged = merge(git, place, tip.commit, new.commit)
    if isinstance(merged, Clashes):
        said, beads = evidence(git, place, run.target, tip.commit, new.commit, merged)
        return Conflict(onto=tip.commit, onto_tree=tip.tree, evidence=said, beads=beads)
    person = run.repository.person
    text = f"Merge branch '{branch}' into {run.target}"
    commit = write_commit(signing, git, place, merged, [tip.commit, new.commit], text, person, person)
    return Composition(onto=tip.commit, onto_tree=tip.tree, commit=commit, tree=merged)


def holds(git: Git, run: Run, tip: Commit, commit: Commit) -> bool:
    """Whether a commit is that one, or one of its ancestors."""
    asked = ("merge-base", "--is-ancestor", commit, tip)
    return tip == commit or git(run.repository.place, *asked, codes=(0, 1)).code == 0
