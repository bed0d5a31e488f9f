"""Real issues.jsonl files of public projects, counted a second time in another way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.manifest import Loaded

FILES = sorted((Path(__file__).parents[1] / "data" / "beads").glob("*.jsonl"))

OVER = ("closed", "tombstone")
APART = ("epic", "merge-request", "gate", "molecule", "message", "agent", "role", "rig")

Load = Callable[..., Loaded]


def counted_by_hand(path: Path) -> tuple[set[str], set[str], Counter[str]]:
    """Ready, waiting, and how many are skipped for which reason: straight from the JSON, by marking until nothing
    changes, as `bd` does it. Good for files in which nothing is deferred, pinned or a template."""
    rows = {}
    for line in path.read_text().splitlines():
        row = json.loads(line)
        assert row["id"] not in rows
        assert not any(row.get(key) for key in ("defer_until", "pinned", "ephemeral", "is_template"))
        rows[row["id"]] = row
    links = [d for row in rows.values() for d in row.get("dependencies") or [] if d["depends_on_id"] in rows]
    children = [(d["issue_id"], d["depends_on_id"]) for d in links if d["type"] == "parent-child"]
    work = {key for key, row in rows.items() if row["status"] not in OVER and row["issue_type"] not in APART}
    unfinished = set(work)  # an epic is unfinished while anything below it is
    grown = True
    while grown:
        more = {parent for child, parent in children if child in unfinished} - unfinished
        grown = bool(more)
        unfinished |= more
    blocked = {
        d["issue_id"]
        for d in links
        if d["type"] in ("blocks", "conditional-blocks", "waits-for")
        and d["depends_on_id"] in unfinished
        and rows[d["depends_on_id"]]["status"] not in OVER
        and rows[d["issue_id"]]["status"] not in OVER
    }
    grown = True
    while grown:
        more = {
            child for child, parent in children if parent in blocked and rows[child]["status"] not in OVER
        } - blocked
        grown = bool(more)
        blocked |= more
    waiting = {key for key in work if key in blocked or rows[key]["status"] == "blocked"}
    names = {"closed": "done", "tombstone": "tombstone"}
    left_out = Counter(names.get(row["status"], row["issue_type"]) for key, row in rows.items() if key not in work)
    return work - waiting, waiting, left_out


def test_the_files_are_there() -> None:
    assert [path.name for path in FILES] == [
        "mcp_agent_mail.issues.jsonl", "ralph-tui.issues.jsonl", "vc.issues.jsonl",
    ]  # fmt: skip


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_real_file_loads_and_its_counts_are_right(path: Path, load_path: Load) -> None:
    loaded = load_path(path, require_routes=False)
    ready, waiting, left_out = counted_by_hand(path)
    beads = loaded.manifest.beads
    assert {bead.id for bead in beads if not bead.needs and not bead.hold} == ready
    assert {bead.id for bead in beads if bead.needs or bead.hold} == waiting
    assert Counter(item.reason for item in loaded.manifest.skipped) == left_out
    assert len(beads) + len(loaded.manifest.skipped) == len(path.read_text().splitlines())
    assert ready
    assert waiting


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("mcp_agent_mail", (2, 2, 163)),
        ("ralph-tui", (4, 13, 166)),
        ("vc", (203, 46, 340)),
    ],
)
def test_the_counts_as_they_were_when_looked_at(name: str, counts: tuple[int, int, int], load_path: Load) -> None:
    (path,) = [path for path in FILES if path.name.startswith(name)]
    manifest = load_path(path, require_routes=False).manifest
    ready = sum(not bead.needs and not bead.hold for bead in manifest.beads)
    assert (ready, len(manifest.beads) - ready, len(manifest.skipped)) == counts
