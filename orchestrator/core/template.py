"""Texts with `{placeholders}`.

Knows how a template is written and filled in. Does not know what the placeholders stand for.
"""

from __future__ import annotations

import difflib
import json
import re
import shlex
from collections.abc import Callable, Collection, Mapping

from orchestrator.core.values import Struct

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|\{")


FORMS: Mapping[str, Callable[[str], str]] = {
    "json": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "sh": shlex.quote,
}
"""What may stand behind a placeholder's name, one after the other: the value as it stands within the quotes of a JSON
string, and as one word of a shell."""


class TemplateFault(ValueError):
    """The template cannot be filled in. The message says which part, and what would be right."""


class Text(Struct, frozen=True, kw_only=True):
    """A text with placeholders in it. `{{` and `}}` are literal braces."""

    pieces: tuple[tuple[str, str], ...]
    """(what stands before it, the placeholder's name with its forms); the last one's name is empty."""

    @classmethod
    def parse(cls, source: str, known: Collection[str]) -> Text:
        """Raises `TemplateFault`."""
        pieces: list[tuple[str, str]] = []
        before, place = "", 0
        for found in _TOKEN.finditer(source):
            before += source[place : found.start()]
            place = found.end()
            if found[0] in ("{{", "}}"):
                before += found[0][0]
                continue
            name = (found[1] or "").strip()
            bare, *forms = name.split(":")
            if name not in known and (bare not in known or not set(forms) <= FORMS.keys()):
                raise TemplateFault(_unknown(found[0], bare, known))
            pieces.append((before, name))
            before = ""
        return cls(pieces=(*pieces, (before + source[place:], "")))

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name.partition(":")[0] for _, name in self.pieces if name)

    def fill(self, values: Mapping[str, str | None]) -> str:
        """A placeholder without a value becomes nothing."""
        return "".join(before + (_formed(name, values) if name else "") for before, name in self.pieces)


def _formed(name: str, values: Mapping[str, str | None]) -> str:
    bare, *forms = name.split(":")
    text = values.get(bare) or ""
    for form in forms:
        text = FORMS[form](text)
    return text


def _unknown(written: str, name: str, known: Collection[str]) -> str:
    if written == "{":
        return "a '{' that nothing closes; write '{{' for a literal brace"
    close = difflib.get_close_matches(name, known, n=1)
    meant = f"did you mean '{{{close[0]}}}'?" if close else "known are " + ", ".join(f"{{{each}}}" for each in known)
    return f"'{written}' is no placeholder; {meant} (a literal brace is written '{{{{')"
