"""The shared repository's configuration, as far as it has git run programs: only the person's own counts.

What was there when the run began is trusted. Whatever of that kind comes later, from whomever, is switched off for our
own calls, as long as it is there: the file itself is not touched here. Knows no agent.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from orchestrator.repo.plumbing import Git

RUNS_PROGRAMS = re.compile(
    r"(core\.(hookspath|fsmonitor|sshcommand|gitproxy|editor|pager|askpass|alternaterefscommand|attributesfile"
    r"|worktree)"
    r"|filter\..+|merge\..+\.driver|diff\.(external|.+\.(command|textconv))|alias\..+|pager\..+|include(if\..+)?\.path"
    r"|credential\.(.+\.)?helper|gpg\.(.+\.)?program|gpg\.ssh\.defaultkeycommand|sequence\.editor"
    r"|submodule\..+\.update|remote\..+\.(uploadpack|receivepack|vcs|proxy)|url\..+\.(insteadof|pushinsteadof)"
    r"|(merge|diff)tool\..+|interactive\.difffilter|tar\..+\.command|trailer\..+\.(command|cmd)|init\.templatedir"
    r"|browser\..+|man\..+|uploadpack\.packobjectshook|protocol\..+|extensions\..+|safe\..+|trace2\..+)",
    re.I | re.S,
)
"""Keys that name a program, or a file from which such keys are read, or where git goes to work."""

_OFF = ((re.compile(r"filter\..+\.required", re.I | re.S), "false"),
        (re.compile(r"merge\..+\.driver", re.I | re.S), "false"),
        (re.compile(r"submodule\..+\.update", re.I | re.S), "checkout"))  # fmt: skip
"""What stands for a key that is switched off, where an empty value would mean something. A merge driver that always
fails is a conflict, which somebody looks at; an empty one would take our side without a word."""
_LEFT = re.compile(
    r"(core\.(hookspath|fsmonitor|worktree)|include(if\..+)?\.path|extensions\..+|alias\..+)", re.I | re.S
)
"""Pinned already, or of no effect on our calls, or not to be undone by a value on the command line."""
_OF_A_WORKTREE = "config.worktree"


class Shield:
    """Over the shared file, and over the one of each worktree's own (`config.worktree`), which git reads as well where
    the shared one says so, and which any agent can have it say."""

    def __init__(self, config: Path) -> None:
        self._lock = threading.Lock()
        seen = _times(config)  # first: what changes while it is read is looked at again
        self._shared = _File(config, _risky(config), seen)
        persons = config.with_name(_OF_A_WORKTREE)
        self._trusted = _risky(persons) if persons.exists() else {}
        """A new worktree begins with a copy of the person's."""
        self._own: dict[Path, _File] = {}

    def settings(self, git_dir: Path | None = None) -> Mapping[str, str]:
        """What our next call there must say over the files. Costs a look at a file's times, unless it has changed."""
        with self._lock:
            said = self._shared.settings()
            if git_dir is None:
                return said
            if not (git_dir / _OF_A_WORKTREE).exists():
                self._own.pop(git_dir, None)
                return said
            own = self._own.setdefault(git_dir, _File(git_dir / _OF_A_WORKTREE, self._trusted))
            return {**said, **own.settings()}


def distrusting(git_dir: Path) -> Callable[[Path | None], Mapping[str, str]]:
    """Switches off whatever its configuration has git run: that of a submodule in a bead's worktree, say."""
    files = [_File(git_dir / name, {}) for name in ("config", _OF_A_WORKTREE)]
    return lambda _: {key: value for file in files for key, value in file.settings().items()}


class _File:
    """One file of configuration, and what of it is trusted."""

    def __init__(
        self, file: Path, trusted: Mapping[str, tuple[str, ...]], seen: tuple[int, int, int] | None = None
    ) -> None:
        """`seen`: its times when it held just what is trusted; None: it may hold anything."""
        self._file, self._trusted, self._seen = file, trusted, seen
        self._settings: dict[str, str] = {}
        self._includes = False

    def settings(self) -> dict[str, str]:
        seen = _times(self._file)
        if seen is None:
            return {}
        if seen != self._seen or self._includes:
            self._settings = dict(self._against(_risky(self._file)))
            self._seen = seen
        return self._settings

    def _against(self, now: Mapping[str, tuple[str, ...]]) -> Mapping[str, str]:
        # What a file says that a planted `include` names can change without a trace in this one.
        self._includes = any(
            key.startswith("include") and values != self._trusted.get(key) for key, values in now.items()
        )
        said = {}
        for key, values in now.items():
            if values != self._trusted.get(key) and not _LEFT.fullmatch(key):
                before = self._trusted.get(key)
                said[key] = before[-1] if before else next((off for what, off in _OFF if what.fullmatch(key)), "")
        return said


def _times(file: Path) -> tuple[int, int, int] | None:
    """None: it is not there. The time of the last change of its entry, because no program can set that."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ctime_ns, found.st_size, found.st_ino


def settings_in(config: Path, *, includes: bool = False) -> Mapping[str, tuple[str, ...]]:
    """Every key of a configuration file with its values; none, where git cannot read it. Runs nothing that it says."""
    how = ("--includes",) if includes else ()
    asked = ("config", "--file", str(config), *how, "--null", "--list")
    rows = Git()(None, *asked, cwd=config.parent, codes=range(256)).out.decode("utf-8", "surrogateescape")
    found: dict[str, tuple[str, ...]] = {}
    for row in rows.split("\0"):
        key, _, value = row.partition("\n")
        if key:
            found[key] = (*found.get(key, ()), value)
    return found


def _risky(config: Path) -> dict[str, tuple[str, ...]]:
    found = settings_in(config, includes=True)
    return {key: values for key, values in found.items() if RUNS_PROGRAMS.fullmatch(key)}
