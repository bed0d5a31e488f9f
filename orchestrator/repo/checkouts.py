"""A checkout of the person's: what it looked like when a turn began, and what of a change is undone.

The person may work in theirs at any time. So a file is only put back where the agent's own words hold both its path and
what stands in it now, and only if it was as in HEAD when the turn began.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from orchestrator.core.model import Ground, Stray
from orchestrator.core.values import Struct
from orchestrator.repo.plumbing import Git, Place
from orchestrator.repo.status import status
from orchestrator.repo.trace import Trace
from orchestrator.repo.whole import put
from orchestrator.repo.words import Words


class Checkout(Struct, frozen=True, kw_only=True):
    path: Path
    git_dir: Path
    head: str
    """The HEAD file as it was."""
    index: Path | None
    """The index as it was: a link, because git puts a new file in its place."""
    files: Mapping[bytes, bytes] | None
    """What differed from HEAD, with its state. None: not looked at."""

    @classmethod
    def seen(cls, git: Git, path: Path, git_dir: Path, scratch: Path, *, files: bool) -> Checkout:
        head = ""
        with suppress(OSError):
            head = (git_dir / "HEAD").read_text()
        kept = scratch / f"index-of-{git_dir.name}"
        scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept.unlink(missing_ok=True)
        with suppress(OSError):
            os.link(git_dir / "index", kept)
        index = kept if kept.exists() else None
        found = _differing(git, path, git_dir) if files else None
        return cls(path=path, git_dir=git_dir, head=head, index=index, files=found)

    @property
    def branch(self) -> str:
        return self.head.strip().removeprefix("ref: refs/heads/") if self.head.startswith("ref: ") else ""

    def mend_head(self, git: Git, trace: Trace, attic: Path) -> Iterator[Stray]:
        """HEAD and the index, where a git of the agent's own was at work in this checkout when they were written."""
        for name, before in (("HEAD", self.head.encode()), ("index", self.index)):
            file = self.git_dir / name
            try:
                content = file.read_bytes()
                at = file.stat().st_mtime
            except OSError:
                continue
            old = before.read_bytes() if isinstance(before, Path) else before
            if old is None or content == old or not trace.changed_checkout(self.path, at):
                continue
            told = name == "HEAD" or _differs(git, self, file)  # else only its memory of times is another
            attic.mkdir(parents=True, exist_ok=True)
            (attic / name).write_bytes(content)
            put(file, old)
            if told:
                yield Stray(
                    ground=Ground.CHECKOUT, what=f"{name} of {self.path}", how="was changed; put back", shown=True
                )

    def mend_files(self, git: Git, worktree: Path, words: Words, attic: Path) -> Iterator[Stray]:
        assert self.files is not None
        for path, state in _differing(git, self.path, self.git_dir).items():
            if self.files.get(path) == state:
                continue
            name = os.fsdecode(path)
            file = self.path / name
            how, shown = "changed and was left so: it may be a person's doing", False
            if path not in self.files and file.is_file() and not file.is_symlink() and _inside(self.path, file):
                head = git(Place(git_dir=self.git_dir), "cat-file", "blob", f"HEAD:{name}", codes=(0, 128))
                before = head.out if head.code == 0 else None
                after = file.read_bytes()
                told = words.told_content((before or b"").decode(errors="replace"), after.decode(errors="replace"))
                shown = words.told_path(file) and told
                if shown:
                    how = self._bring_home(file, name, before, after, worktree, attic)
            if shown or path not in self.files:
                yield Stray(ground=Ground.FILE, what=str(file), how=how, shown=shown)

    def _bring_home(
        self, file: Path, name: str, before: bytes | None, after: bytes, worktree: Path, attic: Path
    ) -> str:
        """Into the agent's own worktree where that is still as it began; a copy is kept in any case."""
        copy = attic / "files" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(after)
        own, moved = worktree / name, False
        if _inside(worktree, own) and not own.is_symlink():
            stands = own.read_bytes() if own.is_file() else None
            if stands == before and not own.is_dir():
                own.parent.mkdir(parents=True, exist_ok=True)
                own.write_bytes(after)
                moved = True
        if before is None:
            file.unlink()
        else:
            put(file, before)
        where = "brought into its own worktree" if moved else f"kept as {copy}"
        return f"was {'added' if before is None else 'changed'} by its absolute path; put back, and {where}"


def _differing(git: Git, path: Path, git_dir: Path) -> dict[bytes, bytes]:
    """What differs from HEAD, and how: by path. Of what is there, size and time tell two states apart."""
    found = {}
    for entry in status(git, Place(git_dir=git_dir, work_tree=path), persons=True).entries:
        state = b" ".join((entry.kind, *entry.about[:1]))
        with suppress(OSError):
            seen = os.lstat(path / os.fsdecode(entry.path))
            state += f" {seen.st_size} {seen.st_mtime_ns}".encode()
        found[entry.path] = state
    return found


def _differs(git: Git, checkout: Checkout, now: Path) -> bool:
    """Whether two indexes name other content."""
    listed = []
    for index in (checkout.index, now):
        place = Place(git_dir=checkout.git_dir, work_tree=checkout.path, index=index)
        listed.append(git(place, "ls-files", "--stage", "-z", codes=(0, 128)).out)
    return listed[0] != listed[1]


def _inside(top: Path, file: Path) -> bool:
    """Not through a link that leads elsewhere."""
    return file.parent.resolve().is_relative_to(top.resolve())
