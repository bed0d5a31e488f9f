"""Which agent programs there are: the built-in profiles, and what the person adds or changes.

Knows where profiles are kept, how an override is laid over one, and where a program would be found. Does not know
how a session is started, or read.
"""

from __future__ import annotations

import difflib
import os
import shutil
import tomllib
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from orchestrator.agents.fields import KeyPath
from orchestrator.agents.profile import Home, Mode, Profile
from orchestrator.agents.shape import shape
from orchestrator.core.model import AgentTraits

LIKE = "like"
"""The key by which a new profile begins as a copy of another: `{like: claude, env: {…}}`."""


class UnknownAgent(KeyError):
    """No profile has this name. The message says which there are."""

    def __str__(self) -> str:
        return str(self.args[0])


class ProfileFault(ValueError):
    """The profile is at fault. The message says everything that is wrong with it, one fault a line."""


class Catalog:
    """The agent programs that a run may use.

    `overrides` is the manifest's `agents:`. Each changes the built-in profile of its name, or makes a new one;
    tables are laid over each other, lists and values are replaced, null takes a value away.

    A program with a slash in its path is looked for in `folder` (the manifest's) first, then in `farther` ones (where
    its settings lie). What is in neither is meant to be in the bead's worktree: a script that the repository brings.
    """

    def __init__(self, overrides: Mapping[str, Mapping[str, Any]], folder: Path, *farther: Path) -> None:
        self._overrides = {name: dict(override) for name, override in overrides.items()}
        self.folders = tuple(dict.fromkeys(each.absolute() for each in (folder, *farther)))

    def names(self) -> Collection[str]:
        return sorted({*_built_in(), *self._overrides})

    def faults(self, name: str, override: Mapping[str, Any] | None = None) -> list[tuple[KeyPath, str]]:
        """What is wrong with the profile under this override: (where in it, what). Without one: this catalog's."""
        return self._read(name, override)[1]

    def profile(self, name: str, override: Mapping[str, Any] | None = None) -> Profile:
        """Raises `UnknownAgent` or `ProfileFault`."""
        if override is None and name not in _built_in() and name not in self._overrides:
            close = difflib.get_close_matches(name, self.names(), n=1)
            meant = f"did you mean '{close[0]}'?" if close else "known are " + ", ".join(self.names())
            raise UnknownAgent(f"there is no agent '{name}'; {meant}")
        profile, faults = self._read(name, override)
        if profile is None:
            lines = (f"agents.{'.'.join(map(str, (name, *path)))}: {message}" for path, message in faults)
            raise ProfileFault("\n".join(lines))
        return profile

    def traits(self, name: str, override: Mapping[str, Any] | None = None) -> AgentTraits:
        """Raises `UnknownAgent` or `ProfileFault`."""
        return self.profile(name, override).traits

    def found(self, name: str, *, search: str | None = None) -> Path | None:
        """Where the program is, by the PATH `search` (ours, if not given); None: nowhere, or not executable.

        A relative path means that it is expected in the worktree, which nobody can look into yet.
        """
        program = self.profile(name).command.program.fill({})
        where = self.program(program, search=os.environ.get("PATH", os.defpath) if search is None else search)
        if (
            where is not None
            or not _in_worktree(program)
            or any((folder / program).exists() for folder in self.folders)
        ):
            return where
        return Path(program)

    def program(self, program: str, *, search: str, worktree: Path | None = None) -> Path | None:
        """The executable that a command's first word means; None: it is not there, or not executable."""
        for candidate in self.candidates(program, search=search, worktree=worktree):
            if candidate.is_file():  # the first that is there is the one that is meant, executable or not
                return candidate if os.access(candidate, os.X_OK) else None
        return None

    def candidates(self, program: str, *, search: str, worktree: Path | None = None) -> list[Path]:
        """Where it is looked for, in this order."""
        if "/" not in program:
            found = shutil.which(program, path=search)
            return [Path(os.path.abspath(found))] if found else []
        path = Path(program).expanduser()
        if path.is_absolute():
            return [path]
        return [Path(os.path.abspath(folder / path)) for folder in (*self.folders, worktree) if folder is not None]

    def _read(self, name: str, override: Mapping[str, Any] | None) -> tuple[Profile | None, list[tuple[KeyPath, str]]]:
        """There is a profile exactly if nothing is wrong."""
        if override is None:
            override = self._overrides.get(name, {})
        data, faults = self._data(name, override)
        if faults:
            return None, faults
        profile, faults = shape(name, data)
        faults += _unwritten(override, data)
        return (None, faults) if faults else (profile, [])

    def _data(self, name: str, override: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[KeyPath, str]]]:
        if not isinstance(override, Mapping):
            return {}, [((), "must be a table: what to change of the profile, or at least its command")]
        like = override.get(LIKE)
        if like is not None and like not in _built_in():
            known = sorted(_built_in())
            close = difflib.get_close_matches(str(like), known, n=1)
            meant = f"did you mean '{close[0]}'?" if close else "known are " + ", ".join(known)
            return {}, [((LIKE,), f"there is no built-in agent '{like}'; {meant}")]
        rest = {key: value for key, value in override.items() if key != LIKE}
        return _in_mode(_laid_over(_as_it_comes(name if like is None else like), rest))


def _in_mode(data: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[KeyPath, str]]]:
    """The profile as the chosen mode has it: what stands under `interactive` is laid over the rest."""
    mode, interactive = data.pop("mode", Mode.HEADLESS), data.pop("interactive", None)
    if mode not in list(Mode):
        return {}, [(("mode",), f"{mode!r} does not fit; known are {', '.join(Mode)}")]
    if mode == Mode.HEADLESS:
        return data, []
    if not isinstance(interactive, Mapping):
        return {}, [(("mode",), "is 'interactive', but its profile has no table of that name that says how")]
    return _laid_over(data, interactive), []


def _unwritten(override: Mapping[str, Any], data: Mapping[str, Any]) -> list[tuple[KeyPath, str]]:
    """Built-in profiles have files for homes that they may not be given; a person means files to be written."""
    files = override.get("files")
    if data.get("home") == Home.OWN or not isinstance(files, list):
        return []
    paths = [str(file.get("path")) for file in files if isinstance(file, Mapping)]
    if all(path.startswith("{") for path in paths):
        return []
    return [(("files",), "are only written into a home of its own: home = 'own'")]


def _in_worktree(program: str) -> bool:
    return "/" in program and not program.startswith(("/", "~"))


@cache
def _built_in() -> Mapping[str, Path]:
    """The files of the profiles that come with us. Few of them are asked for in one run: those alone are read."""
    folder = Path(__file__).with_name("profiles")
    return {file.stem: file for file in folder.glob("*.toml")}


@cache
def _as_it_comes(name: str) -> Mapping[str, Any]:
    """The data of a built-in profile; nothing where there is none of that name."""
    file = _built_in().get(name)
    return tomllib.loads(file.read_text(encoding="utf-8")) if file else {}


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = _laid_over(merged[key], value)
        else:
            merged[key] = value
    return merged
