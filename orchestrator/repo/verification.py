"""Running the person's commands over a tree, and remembering which trees have passed them.

Only what passed is remembered: a failure may be the machine's. Knows no branch and no merge.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from orchestrator.core.model import Tree
from orchestrator.core.values import Struct
from orchestrator.runtime.ports import CheckResult, Commands, Leaving, WorkspaceFault

PASSED = CheckResult(passed=True)
_OF_A_TERMINAL = re.compile(
    r"_|TERM.*|COLORTERM|PWD|OLDPWD|SHLVL|COLUMNS|LINES|PS\d|DISPLAY|WAYLAND_.*|WINDOWID|TMUX.*|STY|SSH_.*|GPG_.*|DBUS_.*"
    r"|XDG_SESSION_.*|XDG_RUNTIME_DIR|XAUTHORITY|INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_.*|LOGNAME|MAIL|HIST.*|GIT_.*"
    r"|ORCHESTRATOR_.*"
)
"""What differs from one terminal to the next, and is no reason to check a tree again."""


class Runner(Struct, frozen=True, kw_only=True):
    """Runs commands one after another, each with a log of its own."""

    commands: Commands
    logs: Path

    def run(
        self,
        orders: Sequence[str],
        *,
        what: str,
        cwd: Path,
        env: Mapping[str, str],
        timeout_s: float,
        name: str = "",
        is_dropped: Callable[[], bool] = lambda: False,
    ) -> CheckResult:
        """Stops at the first failure. `name` is what their end can be asked for by; once dropped, no other is begun.

        Raises `Leaving` and `WorkspaceFault`: a command that we ended ourselves, or could not start, says nothing of
        the tree.
        """
        self.logs.mkdir(parents=True, exist_ok=True)
        for number, order in enumerate(orders, start=1):
            if is_dropped():
                raise Leaving(order)
            log = self.logs / f"{what}.{number}.log"
            result = self.commands.run(order, cwd=cwd, env=env, timeout_s=timeout_s, log=log, name=name)
            if result.cancelled:
                raise Leaving(order)
            if result.not_run:
                raise WorkspaceFault(f"`{order}` could not be run in {cwd}: {result.output}")
            if result.timed_out:
                output = f"{result.output}\nended after {timeout_s:g} s: it had not finished".lstrip()
                return CheckResult(passed=False, command=order, output=output)
            if result.code:
                return CheckResult(passed=False, command=order, output=result.output or f"exit code {result.code}")
        return PASSED


class Verified:
    """Which trees passed which commands, on disk, so that a death between a check and a landing costs no second check.

    One line a pass; a line that a death cut short counts for nothing.
    """

    def __init__(self, file: Path, surroundings: Mapping[str, str] | None = None) -> None:
        """`surroundings` are what commands find in their environment; whoever only asks for `ever` needs none."""
        self._file = file
        self._environment = _digest(surroundings or {})
        self._adding = threading.Lock()
        self._passed: set[str] = set()
        """In these surroundings."""
        self._ever: set[str] = set()
        if file.exists():
            for line in file.read_text(errors="replace").splitlines():
                try:
                    said = json.loads(line)
                    key = _key(Tree(said["tree"]), said["commands"])
                    self._ever.add(key)
                    if said.get("environment") == self._environment:
                        self._passed.add(key)
                except (ValueError, KeyError, TypeError):
                    continue

    def has(self, tree: Tree, commands: Sequence[str]) -> bool:
        """In surroundings like these. Where there are no commands, every tree has."""
        return not commands or _key(tree, commands) in self._passed

    def ever(self, tree: Tree, commands: Sequence[str]) -> bool:
        """In whatever surroundings they were run."""
        return not commands or _key(tree, commands) in self._ever

    def add(self, tree: Tree, commands: Sequence[str]) -> None:
        """Only after every one of them has passed on exactly this tree."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"tree": tree, "commands": list(commands), "environment": self._environment})
        # A newline in front: what a death left of the last line must not swallow this one.
        with self._adding, self._file.open("a") as out:
            out.write(f"\n{line}\n")
            out.flush()
            os.fsync(out.fileno())
        self._passed.add(_key(tree, commands))
        self._ever.add(_key(tree, commands))


def _digest(surroundings: Mapping[str, str]) -> str:
    """Of a terminal's own names nothing: the same night goes on from another one."""
    kept = sorted((name, value) for name, value in surroundings.items() if not _OF_A_TERMINAL.fullmatch(name))
    return hashlib.sha256(json.dumps(kept).encode()).hexdigest()[:16]


def _key(tree: Tree, commands: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps([tree, list(commands)]).encode()).hexdigest()
