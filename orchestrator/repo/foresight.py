"""What the repository knows of which files a bead may touch: what it tracks, where symbols stand, what changed before.

History is read once and kept in the state folder by its commit; later only what was added to it is read. Reads nothing
but objects: no worktree, no index. What is likely is `core.prediction`'s.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from orchestrator.core.messages import Ask, Foresee
from orchestrator.core.model import BeadId, Commit, Guess
from orchestrator.core.prediction import Change, Evidence, Foresight, Sight, hints, words
from orchestrator.repo.faults import GitRefused, as_workspace_fault
from orchestrator.repo.plumbing import Git
from orchestrator.repo.repository import Repository, commit_named

HISTORY = "history.json"
CHANGES = 2000
"""Commits that are remembered, the newest."""
SYMBOLS_S = 10.0
"""How long symbols are looked for, which reads every file. What takes longer is done without."""
SYMBOLS = 200
"""That are looked for at once."""
_FORM = 2
"""Of the file that holds the history: another one is read anew."""

_DEFINES = re.compile(
    r"\b(?:def|class|fn|func|function|struct|enum|trait|interface|type|module|mod|macro_rules!|#define|const|let|var"
    r"|val|sub|proc)\s+\**([A-Za-z_]\w*)|^([A-Za-z_]\w*)\s*(?::[^=]*)?="
)
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


class GitForesight:
    """Guesses, from a branch as it is when they are asked for. One call at a time."""

    def __init__(self, repository: Repository, target: str, base: str | None, *, keep: bool = True) -> None:
        """`target` may not be there yet: then `base` counts, as it does for a run that begins. `keep`: what was read of
        the history may be written to the state folder."""
        self._repository = repository
        self._target = target
        self._base = base
        self._keep = keep
        self._known: tuple[Commit, Foresight] | None = None
        """Of the newest commit that was looked at."""
        self._git = Git()

    def foresee(self, order: Foresee) -> tuple[tuple[BeadId, tuple[Guess, ...]], ...]:
        """Those of which there is nothing to be guessed are left out. Raises `WorkspaceFault`."""
        with as_workspace_fault("predicting files"):
            return self.guesses(order.asks)

    def guesses(self, asks: Iterable[Ask]) -> tuple[tuple[BeadId, tuple[Guess, ...]], ...]:
        """Raises `GitRefused` and `RepositoryFault`."""
        asks = tuple(asks)
        said = {ask.bead: hints(ask.text) for ask in asks}
        names = tuple(dict.fromkeys(name for each in said.values() for name in each.names))[:SYMBOLS]
        tip = self._tip()
        sights = self._sights(tip, names)
        if self._known is None or self._known[0] != tip:
            self._known = tip, Foresight(Evidence(files=self._files(tip), changes=self._history(tip)))
        found = ((ask.bead, self._known[1].of(said[ask.bead], sights, ask.labels)) for ask in asks)
        return tuple((bead, guesses) for bead, guesses in found if guesses)

    def _tip(self) -> Commit:
        place = self._repository.place
        found = self._git(
            place, "rev-parse", "--verify", "--quiet", f"refs/heads/{self._target}^{{commit}}", codes=(0, 1, 128)
        )
        return commit_named(self._repository, self._git, self._base) if found.code else Commit(found.text)

    def _files(self, tip: Commit) -> tuple[str, ...]:
        return _texts(self._git(self._repository.place, "ls-tree", "-r", "-z", "--name-only", tip).out)

    # ------------------------------------------------------------ history

    def _history(self, tip: Commit) -> tuple[Change, ...]:
        file = self._repository.state / HISTORY
        since, known = _kept(file)
        if since == tip:
            return known
        if since is not None:
            place = self._repository.place
            below = self._git(place, "merge-base", "--is-ancestor", since, tip, codes=(0, 1, 128))
            if below.code:  # another branch, or a history that was written anew
                since, known = None, ()
        changes = (*self._changes(since, tip), *known)[:CHANGES]
        if self._keep:
            _keep(file, tip, changes)
        return changes

    def _changes(self, since: Commit | None, tip: Commit) -> tuple[Change, ...]:
        """The newest first. What a merge brought is in the commits that it merged."""
        span = (f"{since}..{tip}",) if since else (tip,)
        out = self._git(
            self._repository.place, "log", "-z", "--no-merges", "--no-renames", "--name-only", "--no-show-signature",
            f"--max-count={CHANGES}", "--format=%x01%s%n%b%x02", *span,
        ).out  # fmt: skip
        found = []
        for record in out.split(b"\x01")[1:]:
            message, _, names = record.partition(b"\x02")
            files = _texts(names.lstrip(b"\0\n"))
            found.append(Change(words=words(message.decode("utf-8", "replace")), files=files))
        return tuple(found)

    # ------------------------------------------------------------ symbols

    def _sights(self, tip: Commit, names: tuple[str, ...]) -> Mapping[str, Sight]:
        if not names:
            return {}
        wanted = [word for name in names for word in ("-e", name)]
        try:
            out = self._git(
                self._repository.place, "grep", "-I", "-z", "--word-regexp", "--fixed-strings", "--max-count=20",
                *wanted, tip, "--", codes=(0, 1), within_s=SYMBOLS_S,
            ).out  # fmt: skip
        except GitRefused as refused:
            if refused.code != _ENDED:
                raise
            return {}  # too large to be searched in time: the rest of the evidence stands
        defined: dict[str, dict[str, None]] = {name: {} for name in names}
        used: dict[str, dict[str, None]] = {name: {} for name in names}
        for line in out.split(b"\n"):
            where, _, text = line.decode("utf-8", "replace").partition("\0")
            path = where.partition(":")[2]
            here = {first or second for first, second in _DEFINES.findall(text)}
            for name in set(_IDENTIFIER.findall(text)) & used.keys():
                (defined if name in here else used)[name][path] = None
        return {
            name: Sight(
                defined=tuple(defined[name]), used=tuple(path for path in used[name] if path not in defined[name])
            )
            for name in names
        }


_ENDED = -9


def _texts(out: bytes) -> tuple[str, ...]:
    """Names that are no text are nobody's prompt, and cannot be claimed as a pattern."""
    found = []
    for name in out.split(b"\0"):
        try:
            text = name.decode("utf-8")
        except UnicodeDecodeError:
            continue
        if text:
            found.append(text)
    return tuple(found)


def _kept(file: Path) -> tuple[Commit | None, tuple[Change, ...]]:
    """What an earlier call has read. A file that is not there, or is another program's, is as good as none."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        if told["form"] != _FORM:
            return None, ()
        changes = tuple(Change(words=tuple(said.split()), files=tuple(files)) for said, files in told["changes"])
        return Commit(told["commit"]), changes
    except (OSError, ValueError, KeyError, TypeError):
        return None, ()


def _keep(file: Path, tip: Commit, changes: Iterable[Change]) -> None:
    """Whole or not at all. Where it cannot be written it is read again the next time."""
    text = json.dumps({"form": _FORM, "commit": tip, "changes": [(" ".join(c.words), c.files) for c in changes]})
    made = file.with_name(f"{file.name}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        made.write_text(text, encoding="utf-8")
        made.replace(file)
    except OSError:
        made.unlink(missing_ok=True)
