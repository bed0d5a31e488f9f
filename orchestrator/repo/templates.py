"""Templates of folders that take long to make: made once for each state of their lock files, then copied.

A copy is the worktree's own: copy-on-write where the file system can, else byte by byte. Hard links only where the
person says that nothing writes into such files: what one agent changed in place would be changed for all. Knows no
bead.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.repo import worktrees
from orchestrator.repo.plumbing import Git
from orchestrator.repo.whole import put
from orchestrator.repo.worktrees import Worktree
from orchestrator.runtime.dependencies import Dependency
from orchestrator.runtime.ports import CheckResult, WorkspaceFault

FOLDER = "templates"
"""In the state folder."""

Make = Callable[[Sequence[str]], CheckResult]
"""Runs commands in the worktree that is being furnished."""


@dataclass(slots=True, kw_only=True)
class Templates:
    git: Git
    folder: Path
    dependencies: tuple[Dependency, ...]
    _guard: threading.Lock = field(default_factory=threading.Lock, init=False)
    _making: dict[str, threading.Lock] = field(default_factory=dict, init=False)

    def bring(self, worktree: Worktree, make: Make) -> None:
        """Have each folder there as its lock files in the worktree say. Who needs one that is being made waits for it.

        Raises `WorkspaceFault`.
        """
        brought = worktree.admin / worktrees.DEPENDENCIES
        known = _read(brought)
        for dependency in self.dependencies:
            key = _key(worktree.path, dependency)
            target = worktree.path / dependency.folder
            if key is None or (known.get(dependency.folder) == key and target.is_dir() and not target.is_symlink()):
                continue
            self._refuse_what_is_work(worktree, dependency)
            with self._guard:
                making = self._making.setdefault(key, threading.Lock())
            worktrees.discard(target)
            with making:
                self._have(worktree, dependency, self.folder / key, make)
            known[dependency.folder] = key
            put(brought, json.dumps(known))

    def _have(self, worktree: Worktree, dependency: Dependency, template: Path, make: Make) -> None:
        target = worktree.path / dependency.folder
        if template.is_dir():
            _copy(template, target, link=dependency.link)
            os.utime(template)  # when it was of use last
            return
        done = make(dependency.make)
        if not done.passed:
            raise WorkspaceFault(f"{dependency.folder} could not be made: `{done.command}`\n{done.output}")
        if not target.is_dir() or target.is_symlink():
            raise WorkspaceFault(
                f"dependencies: `{' && '.join(dependency.make)}` left no folder {dependency.folder}: say what makes it"
            )
        new = template.with_name(f"{template.name}.new")
        worktrees.discard(new)
        new.parent.mkdir(parents=True, exist_ok=True)
        _copy(target, new)
        new.rename(template)

    def _refuse_what_is_work(self, worktree: Worktree, dependency: Dependency) -> None:
        """What git does not ignore would be collected with the first bead."""
        target = worktree.path / dependency.folder
        if not target.parent.resolve().is_relative_to(worktree.path.resolve()):
            raise WorkspaceFault(f"dependencies: {dependency.folder} leads out of the worktree by a link")
        asked = ("check-ignore", "--quiet", "--no-index", "--", f"{dependency.folder}/x")
        if self.git(worktree.place, *asked, codes=(0, 1)).code:
            raise WorkspaceFault(
                f"dependencies: git does not ignore {dependency.folder}, so it would be taken for a bead's work: "
                "name it in .gitignore"
            )


def all_of(state: Path) -> list[Path]:
    """All templates that there are, half-made ones among them."""
    folder = state / FOLDER
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _key(top: Path, dependency: Dependency) -> str | None:
    """None: there is no such lock file in this tree, and nothing to bring."""
    texts = [(top / name).read_bytes() for name in dependency.lock if (top / name).is_file()]
    if not texts:
        return None
    digest = hashlib.sha256(json.dumps([dependency.folder, *dependency.lock, *dependency.make]).encode())
    for text in texts:
        digest.update(hashlib.sha256(text).digest())
    return digest.hexdigest()[:32]


def _copy(source: Path, target: Path, *, link: bool = False) -> None:
    """A death in the middle leaves a folder under another name. Raises `OSError`."""
    half = target.with_name(f".{target.name}.orchestrator")
    worktrees.discard(half)
    target.parent.mkdir(parents=True, exist_ok=True)
    linked = link and source.stat().st_dev == target.parent.stat().st_dev
    how = "--link" if linked else "--reflink=auto"
    done = subprocess.run(
        ("cp", "--archive", how, "--", str(source), str(half)),
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    if done.returncode:
        worktrees.discard(half)
        raise OSError(f"{target} could not be copied from its template: {done.stderr.strip()[-2000:]}")
    half.rename(target)


def _read(file: Path) -> dict[str, str]:
    try:
        said = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
