"""The lines of an issues.jsonl, as beads' `bd` program writes them and as people mend them.

Knows records, spellings and times. Does not know what gates what.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from orchestrator.core.values import Struct
from orchestrator.manifest.document import Document, KeyPath, Position
from orchestrator.manifest.faults import Fault

_MARKER = re.compile(r"(<<<<<<<|\|\|\|\|\|\|\||=======|>>>>>>>)( |$)")
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(:\d\d)?(?:\.(\d{1,9})\d*)?\s*([Zz]|[+-]\d\d:?\d\d)?)?", re.ASCII
)
_EDGE_SPELLINGS = {"blocked-by": "blocks", "block": "blocks", "parent": "parent-child"}
_STATUS_SPELLINGS = {"in-progress": "in_progress", "in progress": "in_progress"}


class Edge(Struct, frozen=True, kw_only=True):
    """`issue` depends on `on`: it waits for it, is its child, or is merely related, as `kind` says."""

    issue: str
    on: str
    kind: str


class Issue(Struct, frozen=True, kw_only=True):
    """One record, with what decides when it is work. The rest stays in `record`."""

    id: str
    index: int
    """Of its line, from 0."""
    status: str
    kind: str
    record: Mapping[str, Any]
    edges: tuple[Edge, ...] = ()

    def text(self, key: str) -> str:
        value = self.record.get(key)
        return value.strip() if isinstance(value, str) else ""

    def flag(self, key: str) -> bool:
        return self.record.get(key) is True


@dataclass(slots=True)
class Reading:
    """What was found in the file so far."""

    document: Document
    issues: dict[str, Issue] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    repairs: Counter[str] = field(default_factory=Counter)


def read_issues(text: str, *, file: str) -> Reading:
    """All issues of the file by id, in its order, the newest where an id is there twice."""
    lines = text.split("\n")  # not splitlines: a record may hold other line separators
    places: dict[KeyPath, Position] = {(index,): Position(index + 1, 1) for index in range(len(lines))}
    reading = Reading(Document(file=file, value=None, values=places))
    others: Counter[str] = Counter()
    for index, line in enumerate(lines):
        if line.strip():
            record = _record(line, index, reading)
            if record is None:
                continue
            if (kind := record.get("_type", "issue")) != "issue":
                others[str(kind)] += 1
            elif (issue := _issue(record, index, reading)) is not None:
                _keep(issue, reading)
    reading.notes += [
        f"{_count(number, 'record')} of type '{kind}' skipped: no issue" for kind, number in others.items()
    ]
    reading.notes += [f"{said} ({_count(number, 'time')})" for said, number in reading.repairs.items()]
    return reading


def nanoseconds(time: str) -> int | None:
    """Nanoseconds since the epoch; None if it is no time that we can read. Without an offset it is UTC."""
    found = _TIME.fullmatch(time.strip())
    if found is None:
        return None
    day, minutes, seconds, fraction, offset = found.groups()
    offset = "+00:00" if offset in {None, "Z", "z"} else offset
    try:
        naive = datetime.fromisoformat(f"{day}T{minutes or '00:00'}{seconds or ':00'}")
        shift = datetime.strptime(offset, "%z").utcoffset()
    except ValueError:
        return None
    assert shift is not None
    # An offset taken from the year 1, Go's zero time, would leave the calendar: hence differences.
    since = naive - datetime(1970, 1, 1) - shift
    return (since.days * 86400 + since.seconds) * 1_000_000_000 + int((fraction or "0").ljust(9, "0"))


def epoch_nanoseconds(moment: datetime) -> int:
    """The same for a datetime; a naive one is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    since = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000


def _record(line: str, index: int, reading: Reading) -> dict[str, Any] | None:
    where = Position(index + 1, 1)
    if found := _MARKER.match(line):
        message = f"'{found[1]}' is a conflict marker of git: the file is half merged"
        reading.faults.append(reading.document.fault(where, message))
        return None
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        where = Position(index + 1, error.pos + 1)
        reading.faults.append(reading.document.fault(where, f"not valid JSON: {error.msg}"))
        return None
    except (ValueError, RecursionError) as error:  # of int(), which takes only so many digits; of brackets
        reading.faults.append(reading.document.fault(where, f"not readable as JSON: {error}"))
        return None
    if not isinstance(record, dict):
        reading.faults.append(reading.document.fault(where, "a line that is no issue", expected="a JSON object"))
        return None
    return record


def _issue(record: dict[str, Any], index: int, reading: Reading) -> Issue | None:
    where = Position(index + 1, 1)
    name = _name(record.get("id"))
    if not name:
        reading.faults.append(reading.document.fault(where, "an issue without 'id'"))
        return None
    edges: list[Edge] = []
    dependencies = record.get("dependencies") or []
    if not isinstance(dependencies, list):
        message = f"dependencies of '{name}' do not fit"
        reading.faults.append(reading.document.fault(where, message, expected="a list"))
        dependencies = []
    for dependency in dependencies:
        edge = _edge(dependency, name, reading.repairs)
        if edge is None:
            message = f"a dependency of '{name}' does not fit"
            expected = "an object with 'depends_on_id' and 'type'"
            reading.faults.append(reading.document.fault(where, message, expected=expected))
        else:
            edges.append(edge)
    return Issue(
        id=name,
        index=index,
        status=_spelled(record.get("status") or "open", "status", _STATUS_SPELLINGS, reading.repairs),
        kind=_spelled(record.get("issue_type") or "task", "issue type", {}, reading.repairs).replace("_", "-"),
        record=record,
        edges=tuple(edges),
    )


def _edge(dependency: Any, holder: str, repairs: Counter[str]) -> Edge | None:
    if not isinstance(dependency, dict) or not (on := _name(dependency.get("depends_on_id"))):
        return None
    kind = str(dependency.get("type") or "blocks")
    plain = kind.strip().lower().replace("_", "-")
    plain = _EDGE_SPELLINGS.get(plain, plain)
    if plain != kind:
        repairs[f"dependency type '{kind}' read as '{plain}'"] += 1
    return Edge(issue=_name(dependency.get("issue_id")) or holder, on=on, kind=plain)


def _name(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _spelled(value: Any, what: str, spellings: Mapping[str, str], repairs: Counter[str]) -> str:
    plain = str(value).strip().lower()
    plain = spellings.get(plain, plain)
    if plain != value:
        repairs[f"{what} '{value}' read as '{plain}'"] += 1
    return plain


def _keep(issue: Issue, reading: Reading) -> None:
    other = reading.issues.get(issue.id)
    if other is None:
        reading.issues[issue.id] = issue
        return
    newer = issue if _updated(issue) >= _updated(other) else other
    reading.issues[issue.id] = newer
    reading.notes.append(
        f"issue '{issue.id}' is there twice, on lines {other.index + 1} and {issue.index + 1}: "
        f"line {newer.index + 1} counts, as the one updated last"
    )


def _updated(issue: Issue) -> float:
    time = nanoseconds(issue.text("updated_at"))
    return float("-inf") if time is None else time


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
