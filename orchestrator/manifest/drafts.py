"""Beads as their file says them, before the settings are laid under them; and how they relate.

Knows which file and line a bead comes from, so that what `needs` finds can be said there. Does not know agents or
settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from orchestrator.core.model import Skipped
from orchestrator.core.values import Struct
from orchestrator.manifest import needs
from orchestrator.manifest.document import Document, KeyPath, Plain, bare
from orchestrator.manifest.faults import Fault, nearest
from orchestrator.manifest.fields import said, source
from orchestrator.manifest.schema import BeadTable, says_nothing
from orchestrator.manifest.tables import read_table

MAX_HINTS = 50
"""Unknown needs for which the nearest id is looked up: each look-up compares with every id."""


class Draft(Struct, frozen=True, kw_only=True):
    """One bead of a file."""

    id: str | None
    """As written, safe or not; None if it has none."""
    table: BeadTable
    document: Document
    path: KeyPath

    def at_fault(self, key: str) -> bool:
        """Whether the file says something here that did not fit."""
        return bare(self.document.get((*self.path, key))) is not None and getattr(self.table, key) is None

    def fault(self, *keys: str | int, message: str, expected: str = "", hint: str = "") -> Fault:
        where = self.document.at((*self.path, *keys))
        return self.document.fault(where, message, expected=expected, hint=hint)


class Work(Struct, frozen=True, kw_only=True):
    """What a file has of beads."""

    drafts: tuple[Draft, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()


def read_drafts(items: Sequence[Any], document: Document) -> Work:
    """The beads of a manifest, each read as far as it can be."""
    drafts: list[Draft] = []
    faults: list[Fault] = []
    for index, item in enumerate(items):
        path = ("beads", index)
        if not isinstance(item, dict):
            message = f"{said(item)} does not fit"
            faults.append(document.fault(document.at(path), message, expected="a bead, with 'id' and 'prompt'"))
            continue
        draft, wrong = read_draft(item, document, path)
        drafts.append(draft)
        faults += wrong
    return Work(drafts=tuple(drafts), faults=tuple(faults))


def read_draft(item: dict[str, Any], document: Document, path: KeyPath) -> tuple[Draft, list[Fault]]:
    table, faults = read_table(BeadTable, item, document, path, stand_in={"id": "nameless"})
    raw_id = item.get("id")
    name = source(raw_id) if isinstance(raw_id, str | Plain | bool) else None
    draft = Draft(id=name, table=table, document=document, path=path)
    given = [key for key in ("prompt", "run") if key in item and not says_nothing(key, item[key])]
    if len(given) == 2:
        message = "both 'prompt' and 'run': an agent carries the bead out, or a command does"
        faults.append(document.fault(document.at_key((*path, "run")), message))
    elif not given and not any(fault.hint in {"prompt", "run"} for fault in faults):
        faults.append(draft.fault(message="neither 'prompt' nor 'run': nothing says what is to be done"))
    return draft, faults


def graph_faults(drafts: Sequence[Draft]) -> list[Fault]:
    """Ids given twice, needs that lead nowhere, and circles."""
    named = [(draft.id, draft) for draft in drafts if draft.id is not None]
    faults = list(_twin_faults(named))
    by_id: dict[str, Draft] = {}
    for name, draft in named:
        by_id.setdefault(name, draft)
    faults += _need_faults(drafts, by_id)
    wanted = {name: [need for need in draft.table.needs or () if need != name] for name, draft in by_id.items()}
    for circle in needs.circles(wanted):
        draft = by_id[circle[0]]
        step = (draft.table.needs or ()).index(circle[1])
        faults.append(draft.fault("needs", step, message=f"cycle: {' -> '.join(circle)} (each needs the next)"))
    return faults


def _twin_faults(named: Sequence[tuple[str, Draft]]) -> Iterator[Fault]:
    for later, first in needs.twins(name for name, _ in named):
        (name, draft), (first_name, first_draft) = named[later], named[first]
        line = first_draft.document.at((*first_draft.path, "id")).line
        message = (
            f"duplicate id '{name}': first given on line {line}"
            if name == first_name
            else f"id '{name}' differs only in case from '{first_name}' on line {line}: "
            "some file systems would not tell them apart"
        )
        yield draft.fault("id", message=message)


def _need_faults(drafts: Sequence[Draft], by_id: dict[str, Draft]) -> Iterator[Fault]:
    hints = 0
    for draft in drafts:
        for step, need in enumerate(draft.table.needs or ()):
            if need == draft.id:
                yield draft.fault("needs", step, message=f"'{need}' needs itself")
            elif need not in by_id:
                hint = nearest(need, by_id.keys()) if hints < MAX_HINTS else ""
                hints += 1
                message = f"unknown need '{need}': no bead has this id"
                yield draft.fault("needs", step, message=message, hint=hint)
