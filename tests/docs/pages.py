"""The documentation as data: its pages, headings, tables, links and code. Knows Markdown as far as our pages use it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HOUSE = Path(__file__).parents[2]
PAGES = (
    *sorted((HOUSE / "docs").glob("*.md")),
    *(HOUSE / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
)

_FENCE = re.compile(r"^(```\w*)\n(.*?)^```$", re.M | re.S)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.M)


@dataclass(frozen=True, slots=True)
class Page:
    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(HOUSE))

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """Without blocks of code."""
        return _FENCE.sub("", self.text)

    def spans(self) -> list[str]:
        """What stands between backticks."""
        return _INLINE.findall(self.prose)

    def blocks(self) -> list[tuple[str, str]]:
        """The language and the text of each block of code."""
        return [(found[1].removeprefix("```"), found[2]) for found in _FENCE.finditer(self.text)]

    def links(self) -> list[str]:
        return _LINK.findall(self.prose)

    def anchors(self) -> set[str]:
        return {anchor(heading) for heading in _HEADING.findall(self.prose)}

    def section(self, heading: str) -> str:
        """What stands below a heading, up to the next one of any level."""
        parts = re.split(r"^#{1,6} (.+)$", self.prose, flags=re.M)
        return dict(zip(parts[1::2], parts[2::2], strict=True))[heading]

    def rows(self, heading: str) -> list[list[str]]:
        """The cells of all tables below a heading, without their heads."""
        return list(_rows(self.section(heading)))


def page(name: str) -> Page:
    return Page(HOUSE / name)


def anchor(heading: str) -> str:
    """As GitHub makes it: lower case, without punctuation, blanks as hyphens."""
    kept = "".join(char for char in heading.lower() if char.isalnum() or char in " -_")
    return kept.replace(" ", "-")


def first_names(rows: list[list[str]]) -> list[str]:
    """The code in each first cell."""
    return [name for cells in rows for name in _INLINE.findall(cells[0])]


def _rows(text: str) -> Iterator[list[str]]:
    lines = text.splitlines()
    for place, line in enumerate(lines):
        if line.startswith("|") and not line.startswith("| ---"):
            head = place + 1 < len(lines) and lines[place + 1].startswith("| ---")
            if not head:
                yield [cell.strip() for cell in line.strip("|").split(" | ")]
