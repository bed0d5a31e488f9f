"""What has git run programs for everybody: the shared configuration and hooks, compared and put back.

Where an agent is shown to have changed something, that goes back; a person's changes stay. Our own git heeds neither
(`shield`). Does not know refs, checkouts or turns.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from orchestrator.core.model import Ground, Stray
from orchestrator.core.values import Struct
from orchestrator.repo.plumbing import Git, Place
from orchestrator.repo.shield import RUNS_PROGRAMS, settings_in
from orchestrator.repo.trace import Trace
from orchestrator.repo.whole import put
from orchestrator.repo.words import Words

Settings = Mapping[str, tuple[str, ...]]
Value = TypeVar("Value")


class Evidence(Struct, frozen=True, kw_only=True):
    """What an agent's own turn shows of what it did."""

    trace: Trace
    words: Words


@dataclass(slots=True, kw_only=True)
class Seen:
    """What there was."""

    config: bytes | None
    """The whole file; None: what it would be by now is not known byte by byte."""
    settings: Settings
    hooks: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class Traps:
    common: Path
    _read: tuple[bytes, Settings] | None = field(default=None, init=False)

    @property
    def _file(self) -> Path:
        return self.common / "config"

    def seen(self) -> Seen:
        return Seen(config=_content(self._file), settings=self._settings(), hooks=_hooks(self.common))

    def mend(self, git: Git, turn: Seen, others: list[Seen], evidence: Evidence, attic: Path) -> Iterator[Stray]:
        """Against what was there when the turn began. What has become of it is how it was for `others` at work, too.

        A copy of what is put back is kept in `attic`.
        """
        yield from self._mend_config(git, turn, others, evidence, attic)
        yield from self._mend_hooks(turn, others, evidence, attic)

    def _settings(self) -> Settings:
        """Read again only where the file holds something else."""
        content = _content(self._file)
        if self._read is None or self._read[0] != content:
            self._read = (content, settings_in(self._file))
        return self._read[1]

    def _mend_config(
        self, git: Git, turn: Seen, others: list[Seen], evidence: Evidence, attic: Path
    ) -> Iterator[Stray]:
        now = self._settings()
        changed = [key for key in {**turn.settings, **now} if turn.settings.get(key) != now.get(key)]
        if not changed:
            return
        shown = [
            key
            for key in changed
            if evidence.trace.wrote_setting(key) or evidence.words.told_setting(key, now.get(key, ()))
        ]
        said = dict.fromkeys(changed, "was changed and left so; for our own git it counts for nothing")
        if shown:
            _keep_copy(self._file, attic / "config")
            if len(shown) == len(changed) and turn.config is not None:
                put(self._file, turn.config)
            else:
                for key in shown:
                    self._set_back(git, key, turn.settings.get(key, ()))
            said |= dict.fromkeys(shown, "was set; put back")
        content, now = _content(self._file), self._settings()
        for other in others:
            other.settings = _with(other.settings, now, changed)
            other.config = content if other.settings == now else None
        for key in sorted(changed):
            trap = RUNS_PROGRAMS.fullmatch(key) is not None
            if trap or key in shown:
                yield Stray(ground=Ground.TRAP if trap else Ground.SETTING, what=key, how=said[key], shown=key in shown)

    def _set_back(self, git: Git, key: str, values: tuple[str, ...]) -> None:
        place, file = Place(git_dir=self.common), str(self._file)
        git(place, "config", "--file", file, "--unset-all", key, codes=(0, 5))
        for value in values:
            git(place, "config", "--file", file, "--add", key, value)

    def _mend_hooks(self, turn: Seen, others: list[Seen], evidence: Evidence, attic: Path) -> Iterator[Stray]:
        folder, now = self.common / "hooks", _hooks(self.common)
        changed = [name for name in sorted({*turn.hooks, *now}) if turn.hooks.get(name) != now.get(name)]
        for name in changed:
            shown = evidence.words.told_path(folder / name) or evidence.words.told_path(Path("hooks") / name)
            new = turn.hooks.get(name) is None
            how = "was added and left so; our own git runs no hook"
            if shown and new:
                _keep_copy(folder / name, attic / "hooks" / name)
                (folder / name).unlink(missing_ok=True)
                how = "was added; taken away"
            elif not new:
                how = "was changed and left so; our own git runs no hook"
            yield Stray(ground=Ground.TRAP, what=f"hooks/{name}", how=how, shown=shown and new)
        left = _hooks(self.common)
        for other in others:
            other.hooks = _with(other.hooks, left, changed)


def _with(before: Mapping[str, Value], now: Mapping[str, Value], changed: list[str]) -> Mapping[str, Value]:
    """As it was before, but for what has changed. The rest may be another one's doing, who is asked at his own end."""
    kept = {key: value for key, value in before.items() if key not in changed}
    return kept | {key: now[key] for key in changed if key in now}


def _content(file: Path) -> bytes:
    return file.read_bytes() if file.is_file() else b""


def _hooks(common: Path) -> dict[str, str]:
    """The hooks that are not git's own samples, by what they hold."""
    found = {}
    with suppress(OSError):
        for entry in os.scandir(common / "hooks"):
            if not entry.name.endswith(".sample") and entry.is_file():
                content = Path(entry.path).read_bytes()
                found[entry.name] = f"{entry.stat().st_mode:o} {hashlib.sha256(content).hexdigest()}"
    return found


def _keep_copy(file: Path, copy: Path) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(_content(file))
