"""Repositories inside a worktree: their files are in our snapshots, their own history is not.

So before a worktree goes, the git folder of each is brought to `<state>/nested/<bead>.<number>/`. Does not know why an
agent made them.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from orchestrator.core.model import Commit
from orchestrator.core.values import replace
from orchestrator.repo.attic import Kept
from orchestrator.repo.desk import Desk
from orchestrator.repo.objects import commit_tree
from orchestrator.repo.plumbing import Git, Place
from orchestrator.repo.refs import quoted
from orchestrator.repo.repository import OURSELVES
from orchestrator.repo.shield import distrusting
from orchestrator.repo.snapshot import snapshot
from orchestrator.repo.worktrees import Worktree

_LEFT = "refs/orchestrator/left"


def rescue(git: Git, desk: Desk, number: int, kept: Kept) -> None:
    """Bring to safety what only the worktree's own folders hold: nested repositories, changed submodules."""
    if not desk.path.is_dir():
        return
    known = [desk.path / os.fsdecode(path) for path in kept.nested]
    # An agent can have written any name there.
    inner = [path for path in known if f"{os.path.realpath(path)}/".startswith(f"{os.path.realpath(desk.path)}/")]
    nested = [top / ".git" for top in (desk.path, *inner) if (top / ".git").is_dir()]
    modules = list(_changed_submodules(git, desk.worktree)) if desk.worktree else []
    if not nested and not modules:
        return
    parent = desk.run.repository.state / "nested"
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{quoted(desk.bead)}.{number}.", dir=parent))
    for found in nested:
        shutil.move(found, folder / quoted(str(found.relative_to(desk.path))))
    for found in modules:
        # Linked, not moved: without them git could not read the worktree again, if we die before it is gone.
        copy = folder / quoted(found.name)
        shutil.copytree(found, copy, symlinks=True, copy_function=os.link, dirs_exist_ok=True)
        # It names a checkout that will not be there. (A new file: the linked one stays as it is.)
        git(Place(git_dir=copy), "config", "--file", str(copy / "config"), "--unset-all", "core.worktree", codes=(0, 5))


def _changed_submodules(git: Git, worktree: Worktree) -> Iterator[Path]:
    """Git folders of submodules in which an agent has worked; what it left uncommitted is committed in them first."""
    modules = worktree.admin / "modules"
    if not modules.is_dir():
        return
    for head in sorted(modules.rglob("HEAD")):
        git_dir = head.parent
        if not (git_dir / "objects").is_dir() or not (git_dir / "config").is_file():
            continue
        place = Place(git_dir=git_dir)
        own = replace(git, shield=distrusting(git_dir))
        top = own(place, "config", "--get", "core.worktree", codes=(0, 1)).text
        work_tree = Path(os.path.normpath(git_dir / top)) if top else None
        local = own(place, "rev-list", "--max-count=1", "--branches", "HEAD", "--not", "--remotes", codes=(0, 128)).text
        dirty = work_tree is not None and work_tree.is_dir() and _commit_state(own, git_dir, work_tree)
        if local or dirty:
            yield git_dir


def _commit_state(git: Git, git_dir: Path, work_tree: Path) -> bool:
    """Have what is uncommitted in a submodule in a commit of its own, under a ref of its own. False: nothing is."""
    place = Place(git_dir=git_dir, work_tree=work_tree)
    head = git(place, "rev-parse", "--verify", "--quiet", "HEAD", codes=(0, 1, 128)).text
    with snapshot(git, place) as made:
        if head and git(place, "rev-parse", f"{head}^{{tree}}").text == made.tree:
            return False
        parents = [Commit(head)] if head else []
        commit = commit_tree(git, place, made.tree, parents, "Left uncommitted in this submodule", OURSELVES, OURSELVES)
        git(place, "update-ref", _LEFT, commit)
    return True
