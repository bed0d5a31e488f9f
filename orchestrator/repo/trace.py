"""What an agent's own gits did: which command, where, and when, as git itself wrote it down (trace2).

An agent is given `GIT_TRACE2_EVENT` in its environment, and with it every git that it starts, however deep. Evidence,
not proof: a program that writes refs without git, or with an environment of its own, leaves no line here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FILE = "git-trace.jsonl"
VARIABLE = "GIT_TRACE2_EVENT"

_WITH_VALUE = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--config-env"})
_ON_HEAD = frozenset(
    {"commit", "merge", "rebase", "reset", "pull", "cherry-pick", "revert", "am", "checkout", "switch"}
)
"""Those that move the branch that they are on without a word of it in their arguments."""
_REMOTE = frozenset({"fetch", "pull", "push", "remote", "submodule"})
_CHANGING = {
    "branch": ("-f", "--force", "-d", "-D", "--delete", "-m", "-M", "--move", "-C", "--copy"),
    "tag": ("-f", "--force", "-d", "--delete"),
    "checkout": ("-B",),
    "switch": ("-C", "--force-create"),
    "worktree": ("-B",),
}
"""Without one of these, such a command makes refs at most: one that was there is as it was."""
_MAKING = {"branch": (), "tag": (), "checkout": ("-b",), "switch": ("-c", "--create"), "worktree": ("-b", "add")}
_READING = (
    "--get",
    "--get-all",
    "--get-regexp",
    "--get-urlmatch",
    "--list",
    "-l",
    "--global",
    "--system",
    "-f",
    "--file",
)
_WRITING = ("--add", "--unset", "--unset-all", "--replace-all", "--remove-section", "--rename-section", "-e", "--edit")
_OF_REMOTES = ("add", "remove", "rm", "rename", "set-url", "set-branches", "set-head")
_OF_SUBMODULES = ("add", "init", "--init", "sync", "deinit", "set-url", "set-branch")


@dataclass(slots=True, kw_only=True)
class Ran:
    """One git."""

    argv: tuple[str, ...]
    began: float
    ended: float = float("inf")
    worktrees: set[str] = field(default_factory=set)

    @property
    def words(self) -> tuple[str, ...]:
        """From the command on, without the options of git itself."""
        rest = list(self.argv[1:])
        while rest and rest[0].startswith("-"):
            rest = rest[2:] if rest[0] in _WITH_VALUE else rest[1:]
        return tuple(rest)

    @property
    def command(self) -> str:
        name = Path(self.argv[0]).name if self.argv else ""
        if name.startswith("git-"):
            return name.removeprefix("git-")
        return self.words[0] if self.words else ""


@dataclass(frozen=True, slots=True)
class Trace:
    """All gits of one turn."""

    ran: tuple[Ran, ...] = ()

    def wrote_ref(self, name: str, *, is_new: bool = False, checked_out_in: Sequence[Path] = ()) -> bool:
        """Whether one of them has this ref written. `checked_out_in`: where that happens without naming it."""
        places = {str(place) for place in checked_out_in}
        return any(_wrote(ran, name, places, is_new=is_new) for ran in self.ran)

    def wrote_setting(self, key: str) -> bool:
        return any(_set(ran, key) for ran in self.ran)

    def changed_checkout(self, place: Path, at: float) -> bool:
        """Whether one of them was at work in that checkout just then, with a command that changes it."""
        looks = {"status", "diff", "log", "show", "rev-parse", "ls-files", "cat-file", "blame", "grep", "config"}
        return any(
            str(place) in ran.worktrees and ran.command not in looks and ran.began - 0.1 <= at <= ran.ended + 0.1
            for ran in self.ran
        )


def read(file: Path) -> Trace:
    """What is there; nothing where the agent ran no git. A line that a death cut short counts for nothing."""
    try:
        text = file.read_text(errors="replace")
    except OSError:
        return Trace()
    by_process: dict[str, Ran] = {}
    for event in _events(text):
        sid = str(event.get("sid"))
        match event.get("event"):
            case "start":
                said = event.get("argv")
                argv = tuple(str(word) for word in said) if isinstance(said, list) else ()
                by_process[sid] = Ran(argv=argv, began=_time(event))
            case "def_repo" if sid in by_process:
                by_process[sid].worktrees.add(str(event.get("worktree", "")).rstrip("/"))
            case "exit" | "atexit" | "signal" if sid in by_process:
                by_process[sid].ended = _time(event)
    return Trace(tuple(by_process.values()))


def _events(text: str) -> Iterator[dict[str, object]]:
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def _time(event: dict[str, object]) -> float:
    from datetime import datetime

    try:
        return datetime.fromisoformat(str(event.get("time"))).timestamp()
    except ValueError:
        return 0.0


def _wrote(ran: Ran, name: str, places: set[str], *, is_new: bool) -> bool:
    command, words = ran.command, ran.words[1:]
    given = [word for word in words if not word.startswith("-")]
    if command in _ON_HEAD and places & ran.worktrees:
        return True
    if name.startswith("refs/remotes/"):
        return command in _REMOTE
    match command:
        case "update-ref":
            return "--stdin" in words or any(_is(word, name) for word in given[:1])
        case "symbolic-ref":
            return any(_is(word, name) for word in given[:1])
        case "stash":
            return name == "refs/stash"
        case "push" if given and (given[0].startswith((".", "/")) or given[0].startswith("file:")):
            return "--mirror" in words or any(_is(word.lstrip("+").rpartition(":")[2], name) for word in given[1:])
        case "fetch" | "pull":
            tags = name.startswith("refs/tags/") and is_new
            return tags or any(":" in word and _is(word.rpartition(":")[2], name) for word in given[1:])
        case "branch" | "tag" | "checkout" | "switch" | "worktree":
            flags = (*_CHANGING[command], *(_MAKING[command] if is_new else ()))
            if is_new and command in ("branch", "tag"):
                return any(_is(word, name) for word in given[:2])
            return any(flag in words for flag in flags) and any(_is(word, name) for word in given)
        case "replace" | "notes" | "fast-import" | "filter-branch" | "bisect":
            return any(_is(word, name) for word in given) or name.startswith(f"refs/{command}/")
    return False


def _is(word: str, name: str) -> bool:
    short = name.removeprefix("refs/heads/").removeprefix("refs/tags/")
    return word in (name, name.removeprefix("refs/"), short)


def _set(ran: Ran, key: str) -> bool:
    """Sections and names of keys do not know upper case; what stands between them does."""
    words = ran.words[1:]
    given = [word for word in words if not word.startswith("-")]
    section, _, rest = key.partition(".")
    within = rest.rpartition(".")[0]
    match ran.command:
        case "config" if not any(word in _READING for word in words):
            writes = len(given) > 1 or any(word in _WRITING for word in words)
            named = any(word.lower() in (key.lower(), key.rpartition(".")[0].lower()) for word in given)
            return writes and (named or not given)
        case "remote" if section == "remote":
            return any(word in _OF_REMOTES for word in words) and within in given
        case "submodule" if section == "submodule":
            return any(word in _OF_SUBMODULES for word in words)
        case "branch" | "checkout" | "switch" | "push" | "worktree" if section == "branch":
            return within in given
    return False
