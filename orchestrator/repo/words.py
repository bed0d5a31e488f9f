"""An agent's own words: what its terminal showed, from the recording of its session.

Real agents name each file that they write, and most what they write into it. Only what is on the screen counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_LINE = 8
"""Characters that a line must have to be told from any other."""


@dataclass(frozen=True)
class Words:
    recording: Path

    @cached_property
    def text(self) -> str:
        shown = []
        try:
            rows = self.recording.read_text(errors="replace").splitlines()
        except OSError:
            return ""
        for row in rows[1:]:
            try:
                event = json.loads(row)
            except ValueError:
                continue
            if isinstance(event, list) and len(event) > 2 and event[1] == "o":
                shown.append(str(event[2]))
        return "".join(shown).replace("\r\n", "\n")

    def told_path(self, path: Path) -> bool:
        return str(path) in self.text or json.dumps(str(path))[1:-1] in self.text

    def told_setting(self, key: str, values: Iterable[str]) -> bool:
        """The key and a value that it has now."""
        return key.lower() in self.text.lower() and any(value and value in self.text for value in values)

    def told_content(self, before: str, after: str) -> bool:
        """A line that is new in a file, and that is long enough to be no chance, was on the screen."""
        old = set(before.splitlines())
        fresh = [line.strip() for line in after.splitlines() if line not in old and len(line.strip()) >= _LINE]
        return any(line in self.text or json.dumps(line)[1:-1] in self.text for line in fresh)
