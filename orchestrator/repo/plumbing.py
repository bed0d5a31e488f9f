"""Commands of git: how each one of ours is started, what it may read of its surroundings, and when it is retried.

The only module that imports GitPython. Knows no worktree, no bead and no branch: it runs what it is told to, with the
person's hooks, maintenance, prompts and environment kept out of it.
"""

from __future__ import annotations

import os
import re
import signal
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from subprocess import DEVNULL, PIPE, TimeoutExpired, run
from typing import IO, TYPE_CHECKING, Any, TypeVar

from orchestrator.core.values import Struct, field
from orchestrator.repo.faults import GitRefused, RefMoved
from orchestrator.repo.resident import Gone, Residents
from orchestrator.runtime.patience import insist

if TYPE_CHECKING:
    from git.cmd import Git as GitPython

    from orchestrator.repo.ledger import Ledger

Told = TypeVar("Told")

PINNED = {
    "core.hooksPath": "/dev/null",
    # What a ref of ours says is kept must be on the disk when the machine loses its power, not only when we die.
    "core.fsync": "objects,derived-metadata,reference",
    "core.fsyncMethod": "batch",
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "core.splitIndex": "false",
    "core.packedRefsTimeout": "10000",
    "core.quotePath": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "commit.gpgSign": "false",
    "log.showSignature": "false",
    "advice.addEmbeddedRepo": "false",
    "advice.detachedHead": "false",
    "color.ui": "false",
    "i18n.commitEncoding": "UTF-8",
    "i18n.logOutputEncoding": "UTF-8",
    "submodule.recurse": "false",
    "core.editor": ":",
    "core.pager": "cat",
    "core.alternateRefsCommand": "true",
    "diff.external": "",
    "sequence.editor": ":",
    "interactive.diffFilter": "cat",
}
"""Configuration of the shared repository that must not act on, or be acted on by, our own calls."""

_SCRUBBED = tuple(
    f"GIT_{name}"
    for name in (
        "DIR", "WORK_TREE", "INDEX_FILE", "COMMON_DIR", "OBJECT_DIRECTORY", "ALTERNATE_OBJECT_DIRECTORIES",
        "NAMESPACE", "PREFIX", "INTERNAL_SUPER_PREFIX", "SHALLOW_FILE", "GRAFT_FILE", "REPLACE_REF_BASE",
        "QUARANTINE_PATH", "CEILING_DIRECTORIES", "DEFAULT_HASH", "INDEX_VERSION", "LITERAL_PATHSPECS",
        "GLOB_PATHSPECS", "NOGLOB_PATHSPECS", "ICASE_PATHSPECS", "EXTERNAL_DIFF", "DIFF_OPTS", "ATTR_SOURCE",
        "AUTHOR_NAME", "AUTHOR_EMAIL", "AUTHOR_DATE", "COMMITTER_NAME", "COMMITTER_EMAIL", "COMMITTER_DATE",
        "REFLOG_ACTION", "CONFIG_PARAMETERS", "CONFIG", "CONFIG_COUNT", "TRACE", "TRACE2",
    )
)  # fmt: skip
"""What a git that runs us (a hook, `rebase --exec`, an alias) leaves in our environment, and must not reach ours."""

_QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", "LANGUAGE": "C", "GIT_EDITOR": ":"}

_LOCKED = re.compile(r"unable to create '[^']+\.lock': File exists|unable to lock|could not lock", re.I)
_MOVED = re.compile(r"is at [0-9a-f]+ but expected|reference already exists|unable to resolve reference", re.I)


_MISSING = "git is not installed, or not on the PATH: install git 2.38 or newer"


class _Locked(GitRefused):
    """Somebody holds a lock file: worth another try."""


_LOCK_OF_OURS = re.compile(r"'(?P<lock>[^']*/refs/(?:heads/orchestrator-work|orchestrator)/[^']*\.lock)'")
"""Refs that nobody but us and our agents writes. A git that is killed in the middle leaves its lock behind."""


def _taken_away(locked: _Locked, *, older_s: float) -> bool:
    """The lock of a dead git on a ref of ours: git holds one for milliseconds, and this one outlived our patience."""
    found = _LOCK_OF_OURS.search(locked.said)
    if found is None:
        return False
    lock = Path(found["lock"])
    try:
        if time.time() - lock.stat().st_mtime < older_s:
            return False  # another git's, which came while we waited
        lock.unlink()
    except FileNotFoundError:
        pass
    return True


class Answer(Struct, frozen=True, kw_only=True):
    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """The output as text, for people and for object names: bytes that are not UTF-8 are shown escaped."""
        return self.out.decode("utf-8", "backslashreplace").strip()


class Place(Struct, frozen=True, kw_only=True):
    """Where a command acts. Always said in full: what an agent did to a `.git` file must not lead us elsewhere."""

    git_dir: Path
    work_tree: Path | None = None
    index: Path | None = None


class Git(Struct, frozen=True, kw_only=True, eq=False):
    """Runs git. One may be used from several threads at once."""

    settings: Mapping[str, str] = field(default_factory=dict)
    """Configuration beside what is pinned."""
    env: Mapping[str, str] = field(default_factory=dict)
    """What is laid over our environment beside what is always."""
    patience_s: float = 3.0
    """How long a lock that somebody else holds is waited for."""
    residents: Residents = field(default_factory=Residents)
    """Those that stay, for `ask`. They end with it, or when they are closed."""
    ledger: Ledger | None = None
    """Takes down our own moves of refs."""
    shield: Callable[[Path | None], Mapping[str, str]] | None = None
    """Settings that switch off what has come into the shared configuration since the run began: for a git folder, or
    for none."""

    def __call__(
        self,
        place: Place | None,
        *argv: str,
        codes: Collection[int] = (0,),
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        cwd: Path | None = None,
        within_s: float | None = None,
    ) -> Answer:
        """Run it, again while somebody holds a lock. What takes longer than `within_s` is ended, with all it started.

        Raises `GitRefused` for a code that is not among `codes`; `RefMoved` where a ref was not as expected.
        """

        def once() -> Answer:
            return self._once(place, argv, codes=codes, env=env or {}, stdin=stdin, cwd=cwd, within_s=within_s)

        return self._patiently(once)

    def ask(
        self,
        place: Place,
        *argv: str,
        words: bytes,
        answer: Callable[[IO[bytes]], Told],
        env: Mapping[str, str] | None = None,
        around: tuple[str, ...] = (),
    ) -> Told:
        """Say `words` to a git that stays, and read what comes; again while somebody holds a lock.

        `around` is a program with its words, by which git is run. `answer` raises `EOFError` where nothing comes.
        Raises `GitRefused` where it ended instead; `RefMoved`.
        """

        def start() -> Any:
            command, surroundings, cwd = self._command(place, argv, env)
            return _execute(argv, [*around, *command], cwd, istream=PIPE, env=surroundings, as_process=True)

        resident = self.residents.one((place, argv, *self.settings.items(), *self.env.items(), *(env or {}).items()))

        def once() -> Told:
            try:
                return resident.ask(start, words, answer)
            except Gone as gone:
                raise _refusal(argv, gone.code, gone.said) from gone

        return self._patiently(once)

    def _patiently(self, once: Callable[[], Told]) -> Told:
        try:
            return insist(once, lambda fault: isinstance(fault, _Locked), within_s=self.patience_s)
        except _Locked as locked:
            if not _taken_away(locked, older_s=self.patience_s):
                raise
            return once()

    def _once(
        self,
        place: Place | None,
        argv: tuple[str, ...],
        *,
        codes: Collection[int],
        env: Mapping[str, str],
        stdin: bytes | None,
        cwd: Path | None,
        within_s: float | None,
    ) -> Answer:
        command, surroundings, cwd = self._command(place, argv, env, cwd)
        with tempfile.TemporaryFile() if stdin else nullcontext() as words:
            if stdin and words:
                words.write(stdin)
                words.seek(0)
            if within_s is not None:
                process = _execute(argv, command, cwd, istream=words, env=surroundings, as_process=True)
                code, out, err = _in_time(argv, process, within_s)
            else:
                code, out, err = _execute(
                    argv,
                    command,
                    cwd,
                    istream=words,
                    env=surroundings,
                    with_extended_output=True,
                    with_exceptions=False,
                    stdout_as_string=False,
                    strip_newline_in_stdout=False,
                )
        answer = Answer(code=code, out=bytes(out), err=err)
        if code in codes:
            return answer
        raise _refusal(argv, code, f"{answer.err}\n{answer.text[-2000:]}".strip())

    def _command(
        self, place: Place | None, argv: tuple[str, ...], env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> tuple[list[str], dict[str, str], Path]:
        """The whole command, what is laid over our environment, and the folder to start it in."""
        surroundings = {**_QUIET, **self.env, **(env or {})}
        if place is not None and place.index is not None:
            surroundings["GIT_INDEX_FILE"] = str(place.index)
        command = [*_scrubbing(surroundings), "git"]
        planted = self.shield(place.git_dir if place else _git_dir_of(cwd)) if self.shield else {}
        for name, value in {**planted, **PINNED, **self.settings}.items():
            command += ["-c", f"{name}={value}"]
        if place is not None:
            command.append(f"--git-dir={place.git_dir}")
            command += [f"--work-tree={place.work_tree}"] if place.work_tree else []
            cwd = cwd or place.work_tree or place.git_dir
        if cwd is None or not os.access(cwd, os.X_OK):
            raise GitRefused(argv, -1, f"{cwd} is not a folder that can be entered")
        return [*command, *argv], surroundings, cwd


def glance(folder: Path, *argv: str) -> str:
    """One line of one git that only reads, without GitPython, whose import takes ten times as long as the answer.

    Empty: it did not give one; asking by `Git` says why.
    """
    surroundings = {name: value for name, value in os.environ.items() if name not in _SCRUBBED} | _QUIET
    try:
        said = run(("git", *argv), cwd=folder, env=surroundings, stdin=DEVNULL, capture_output=True, check=False)
    except OSError:
        return ""
    line = os.fsdecode(said.stdout).removesuffix("\n")
    return "" if said.returncode or "\n" in line else line


def _git_dir_of(worktree: Path | None) -> Path | None:
    """Where git will find the folder of the worktree that it is started in."""
    link = worktree / ".git" if worktree else None
    if link is None or not link.is_file():
        return None
    return Path(link.read_text(errors="replace").removeprefix("gitdir: ").rstrip("\n"))


def _execute(argv: tuple[str, ...], command: list[str], cwd: Path, **how: Any) -> Any:
    """In a session of its own: ^C in our terminal must not end a git that is about to move a ref."""
    try:
        return _git_python()(str(cwd)).execute(command, start_new_session=True, **how)
    except _not_found() as missing:
        raise GitRefused(argv, 127, _MISSING) from missing


def _in_time(argv: tuple[str, ...], process: Any, within_s: float) -> tuple[int, bytes, str]:
    """Its session is its own, so everything that it started ends with it. Raises `GitRefused`."""
    try:
        out, err = process.communicate(timeout=within_s)
    except TimeoutExpired as late:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise GitRefused(argv[:1], -signal.SIGKILL, f"it had not ended after {within_s:g} s, and was ended") from late
    return process.returncode, out, err.decode("utf-8", "backslashreplace")


def _refusal(argv: tuple[str, ...], code: int, said: str) -> GitRefused:
    if _MOVED.search(said):
        return RefMoved(argv, code, said)
    if _LOCKED.search(said):
        return _Locked(argv, code, said)
    return GitRefused(argv, code, said)


def _scrubbing(ours: Collection[str]) -> list[str]:
    """GitPython can add to our environment but not take from it: `env -u` does, where there is something to take."""
    there = [name for name in os.environ if name in _SCRUBBED and name not in ours]
    return ["env", *(word for name in there for word in ("-u", name))] if there else []


@cache
def _git_python() -> type[GitPython]:
    try:
        from git.cmd import Git as GitPython
    except ImportError as missing:  # GitPython looks for the program when it is imported
        raise GitRefused(("version",), 127, _MISSING) from missing
    return GitPython


def _not_found() -> type[Exception]:
    from git.exc import GitCommandNotFound

    return GitCommandNotFound
