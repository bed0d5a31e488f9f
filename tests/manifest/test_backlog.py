"""Issues of beads: what is work, what waits for what, and what is survived."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestrator.manifest import Loaded, ManifestFaults
from orchestrator.manifest.issues import epoch_nanoseconds, nanoseconds

Load = Callable[..., Loaded]


def issue(name: str, *edges: tuple[str, str], **fields: Any) -> dict[str, Any]:
    """An open task; edges are (what it depends on, type)."""
    dependencies = [{"issue_id": name, "depends_on_id": on, "type": kind} for on, kind in edges]
    given = {"id": name, "title": f"Title of {name}", "status": "open", "priority": 2, "issue_type": "task"}
    return given | ({"dependencies": dependencies} if edges else {}) | fields


def epic(name: str, *edges: tuple[str, str], **fields: Any) -> dict[str, Any]:
    return issue(name, *edges, issue_type="epic", **fields)


BLOCKS, CHILD = "blocks", "parent-child"


@pytest.fixture
def load_issues(load_text: Load) -> Load:
    def write_and_load(*issues: dict[str, Any] | str) -> Loaded:
        lines = [line if isinstance(line, str) else json.dumps(line) for line in issues]
        return load_text("\n".join(lines) + "\n", name="issues.jsonl", require_routes=False)

    return write_and_load


def needs(loaded: Loaded) -> dict[str, list[str]]:
    return {bead.id: list(bead.needs) for bead in loaded.manifest.beads}


def holds(loaded: Loaded) -> dict[str, str]:
    return {bead.id: bead.hold for bead in loaded.manifest.beads if bead.hold}


def skipped(loaded: Loaded) -> dict[str, str]:
    return {item.id: item.reason for item in loaded.manifest.skipped}


def test_what_an_agent_is_told(load_issues: Load) -> None:
    (bead,) = load_issues(
        issue(
            "a",
            description="Do this.\n",
            design="Like that.",
            acceptance_criteria="- it works",
            notes="  ",
            estimated_minutes=90,
            labels=["api", "no"],
            priority=0,
            comments=[{"id": 7, "text": "x"}, {"id": "c-8", "text": "y"}],
        )
    ).manifest.beads
    assert bead.prompt == (
        "# Title of a\n\nDo this.\n\n## Design\n\nLike that.\n\n## Acceptance criteria\n\n- it works"
    )
    assert (bead.title, bead.priority, bead.estimate_s, bead.labels) == ("Title of a", 0, 5400, ("api", "no"))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "tombstone"}, "tombstone"),
        ({"status": "closed"}, "done"),
        ({"status": "closed", "pinned": True, "issue_type": "epic"}, "done"),
        ({"status": "deferred"}, "deferred"),
        ({"status": "pinned"}, "pinned"),
        ({"pinned": True}, "pinned"),
        ({"ephemeral": True}, "ephemeral"),
        ({"is_template": True}, "template"),
        ({"defer_until": "2026-03-02T00:00:00.000000001+02:00"}, "deferred until 2026-03-02T00:00:00.000000001+02:00"),
        ({"defer_until": "next week"}, "deferred until next week"),
        ({"status": "triage"}, "unknown status 'triage'"),
        *(({"issue_type": kind}, kind) for kind in
          ["epic", "merge-request", "gate", "molecule", "message", "agent", "role", "rig"]),
        ({"issue_type": "merge_request"}, "merge-request"),
        ({"issue_type": "epic", "status": "deferred"}, "epic"),
    ],
)  # fmt: skip
def test_what_is_no_work_now_is_skipped_with_its_reason(load_issues: Load, fields: dict[str, Any], reason: str) -> None:
    loaded = load_issues(issue("a", **fields))
    assert (needs(loaded), skipped(loaded)) == ({}, {"a": reason})
    assert "nothing is to be done" in loaded.notes[-1]


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "in_progress"},
        {"status": "hooked"},
        {"status": "in-progress"},
        {"status": "Open"},
        {"status": None, "issue_type": None},
        {"defer_until": "2026-03-01T23:59:59.999999999+02:00"},
        {"defer_until": "2026-03-01T22:00:00Z"},
        {"defer_until": None, "pinned": False, "ephemeral": None, "dependencies": None, "labels": None},
        {"issue_type": "chore"},
        {"issue_type": "research"},
    ],
)
def test_what_is_to_do(load_issues: Load, fields: dict[str, Any]) -> None:
    loaded = load_issues(issue("a", **fields))
    assert (needs(loaded), holds(loaded), skipped(loaded)) == ({"a": []}, {}, {})


def test_blocked_by_a_person(load_issues: Load) -> None:
    loaded = load_issues(issue("a", status="blocked"), issue("b", ("a", BLOCKS)))
    assert (needs(loaded), holds(loaded)) == ({"a": [], "b": ["a"]}, {"a": "blocked by a person"})


@pytest.mark.parametrize(
    "kind", ["blocks", "conditional-blocks", "waits-for", "blocked-by", "blocked_by", "conditional_blocks", "Blocks"]
)
def test_types_that_gate(load_issues: Load, kind: str) -> None:
    assert needs(load_issues(issue("a", ("b", kind)), issue("b"))) == {"a": ["b"], "b": []}


@pytest.mark.parametrize("kind", ["related", "discovered-from", "relates-to", "supersedes", "tracks", "", "whatever"])
def test_types_that_gate_nothing(load_issues: Load, kind: str) -> None:
    loaded = load_issues(issue("a", ("b", kind or "related")), issue("b"))
    assert needs(loaded) == {"a": [], "b": []}
    assert any("unknown type 'whatever'" in note for note in loaded.notes) == (kind == "whatever")


def test_a_dependency_without_a_type_blocks(load_issues: Load) -> None:
    loaded = load_issues(issue("a", dependencies=[{"depends_on_id": "b"}]), issue("b"))
    assert needs(loaded) == {"a": ["b"], "b": []}


def test_a_dependency_counts_for_the_issue_that_it_names(load_issues: Load) -> None:
    edge = {"issue_id": "b", "depends_on_id": "a", "type": "blocks"}
    assert needs(load_issues(issue("a", dependencies=[edge]), issue("b"))) == {"a": [], "b": ["a"]}


@pytest.mark.parametrize("status", ["closed", "tombstone"])
def test_what_is_over_or_not_there_gates_nothing(load_issues: Load, status: str) -> None:
    loaded = load_issues(issue("a", ("b", BLOCKS), ("gone", BLOCKS), ("gone", CHILD)), issue("b", status=status))
    assert (needs(loaded), holds(loaded)) == ({"a": []}, {})


@pytest.mark.parametrize(
    ("fields", "phrase"),
    [
        ({"status": "deferred"}, "deferred"),
        ({"defer_until": "2027-01-01"}, "deferred until 2027-01-01"),
        ({"pinned": True}, "pinned"),
        ({"status": "pinned"}, "pinned"),
        ({"ephemeral": True}, "ephemeral"),
        ({"is_template": True}, "a template"),
        ({"issue_type": "gate"}, "a gate"),
        ({"issue_type": "agent"}, "an agent"),
        ({"status": "triage"}, "of unknown status 'triage'"),
        ({"issue_type": "epic", "status": "deferred"}, "deferred"),
    ],
)
def test_what_is_open_but_not_for_now_holds(load_issues: Load, fields: dict[str, Any], phrase: str) -> None:
    loaded = load_issues(issue("a", ("b", BLOCKS)), issue("b", **fields), issue("c", ("a", BLOCKS)))
    assert needs(loaded) == {"a": [], "c": ["a"]}
    assert holds(loaded) == {"a": f"waits for b, which is {phrase}"}


def test_a_child_inherits_every_gate_of_its_ancestors(load_issues: Load) -> None:
    loaded = load_issues(
        epic("top", ("x", BLOCKS), ("later", BLOCKS)),
        epic("middle", ("top", CHILD)),
        issue("leaf", ("middle", CHILD), ("y", BLOCKS)),
        issue("x"),
        issue("y"),
        issue("later", status="deferred"),
    )
    assert needs(loaded) == {"leaf": ["y", "x"], "x": [], "y": []}
    assert holds(loaded) == {"leaf": "waits for later, which is deferred"}


def test_an_open_epic_holds_up_none_of_its_children(load_issues: Load) -> None:
    loaded = load_issues(epic("e", status="blocked"), issue("a", ("e", CHILD)), issue("b", ("a", CHILD)))
    assert (needs(loaded), holds(loaded), skipped(loaded)) == ({"a": [], "b": []}, {}, {"e": "epic"})


def test_a_closed_parent_gates_nothing_nor_does_what_is_above_it(load_issues: Load) -> None:
    loaded = load_issues(
        epic("top", ("x", BLOCKS)),
        epic("closed", ("top", CHILD), ("x", BLOCKS), status="closed"),
        issue("leaf", ("closed", CHILD)),
        issue("x"),
    )
    assert needs(loaded)["leaf"] == []


def test_two_parents_and_parents_in_a_circle(load_issues: Load) -> None:
    loaded = load_issues(
        epic("p", ("x", BLOCKS), ("q", CHILD)),
        epic("q", ("y", BLOCKS), ("p", "parent_child")),
        issue("leaf", ("p", CHILD), ("q", "parent_child"), ("leaf", CHILD)),
        issue("x"),
        issue("y"),
    )
    assert needs(loaded)["leaf"] == ["x", "y"]
    assert "dependency type 'parent_child' read as 'parent-child' (2 times)" in loaded.notes


def test_a_child_waits_while_its_parent_is_deferred(load_issues: Load) -> None:
    loaded = load_issues(
        epic("e", defer_until="2027-01-01T00:00:00Z"), epic("f", ("e", CHILD)), issue("a", ("f", CHILD))
    )
    assert holds(loaded) == {"a": "its parent e is deferred until 2027-01-01T00:00:00Z"}


def test_who_waits_for_an_epic_waits_for_all_to_do_below_it(load_issues: Load) -> None:
    loaded = load_issues(
        issue("a", ("e", BLOCKS), ("x", BLOCKS)),
        epic("e"),
        epic("sub", ("e", CHILD), status="closed"),
        issue("x", ("e", CHILD)),
        issue("y", ("sub", CHILD)),
        issue("done", ("e", CHILD), status="closed"),
        issue("template", ("e", CHILD), is_template=True),
        issue("below", ("x", CHILD)),
    )
    assert needs(loaded) == {"a": ["x", "y", "below"], "x": [], "y": [], "below": []}
    assert holds(loaded) == {}


def test_who_waits_for_an_epic_is_held_by_what_is_deferred_below_it(load_issues: Load) -> None:
    loaded = load_issues(
        issue("a", ("e", BLOCKS)), epic("e"), issue("x", ("e", CHILD)), issue("y", ("e", CHILD), status="deferred")
    )
    assert (needs(loaded)["a"], holds(loaded)) == (["x"], {"a": "waits for y, which is deferred"})


@pytest.mark.parametrize("children", [[], [issue("c", ("e", CHILD), status="closed")]])
def test_an_epic_with_nothing_to_do_below_it_gates_nothing(load_issues: Load, children: list[dict[str, Any]]) -> None:
    loaded = load_issues(issue("a", ("e", BLOCKS)), epic("e"), *children)
    assert (needs(loaded), holds(loaded)) == ({"a": []}, {})
    assert "the epic 'e' is open with nothing to do below it: 'a' does not wait for it" in loaded.notes


def test_a_child_that_waits_for_its_own_epic_does_not(load_issues: Load) -> None:
    loaded = load_issues(epic("e"), issue("a", ("e", CHILD), ("e", BLOCKS)), issue("b", ("e", CHILD)))
    assert needs(loaded) == {"a": [], "b": []}
    assert "'a' is below the epic 'e': it cannot wait for it" in loaded.notes


def test_an_epic_that_waits_for_its_own_children_holds_up_none_of_them(load_issues: Load) -> None:
    loaded = load_issues(
        epic("e", ("a", BLOCKS), ("b", BLOCKS), ("x", BLOCKS)),
        issue("a", ("e", CHILD)),
        issue("b", ("e", CHILD)),
        issue("x"),
    )
    assert needs(loaded) == {"a": ["x"], "b": ["x"], "x": []}


def test_what_an_epic_stands_for_makes_no_circle(load_issues: Load) -> None:
    loaded = load_issues(
        issue("a", ("e", BLOCKS)), epic("e"), issue("x", ("e", CHILD), ("a", BLOCKS)), issue("y", ("e", CHILD))
    )
    assert needs(loaded) == {"a": ["y"], "x": ["a"], "y": []}
    assert "'x' below the epic 'e' waits for 'a': not the other way round too" in loaded.notes


def test_a_subtask_may_wait_for_its_parent_task(load_issues: Load) -> None:
    loaded = load_issues(issue("p"), issue("c", ("p", CHILD), ("p", BLOCKS)))
    assert needs(loaded) == {"p": [], "c": ["p"]}


def test_an_issue_that_waits_for_itself_is_a_fault(load_issues: Load) -> None:
    with pytest.raises(ManifestFaults, match=r"issues.jsonl:1:1: 'a' needs itself$"):
        load_issues(issue("a", ("a", BLOCKS)))


def test_a_circle_through_an_inherited_gate_is_a_fault(load_issues: Load) -> None:
    with pytest.raises(ManifestFaults, match="cycle: c -> x -> c"):
        load_issues(epic("p", ("x", BLOCKS)), issue("c", ("p", CHILD)), issue("x", ("c", BLOCKS)))


def test_a_circle_of_closed_issues_is_none(load_issues: Load) -> None:
    loaded = load_issues(issue("a", ("b", BLOCKS)), issue("b", ("a", BLOCKS), status="closed"))
    assert needs(loaded) == {"a": []}


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        ("2025-11-02T14:18:05.123456789-08:00", "2025-11-02T22:18:05.12345679Z", "second"),
        ("2025-11-02T22:18:05.12345679Z", "2025-11-02T14:18:05.123456789-08:00", "first"),
        ("2025-11-02T22:18:05Z", "2025-11-02T14:18:05-08:00", "second"),
        ("2025-11-02", "", "first"),
        ("", "rubbish", "second"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+08:00", "first"),
    ],
)
def test_of_an_issue_that_is_there_twice_the_newer_counts(
    load_issues: Load, first: str, second: str, kept: str
) -> None:
    loaded = load_issues(
        issue("a", title="first", updated_at=first),
        issue("b"),
        issue("a", title="second", updated_at=second),
    )
    assert [(bead.id, bead.title) for bead in loaded.manifest.beads] == [("a", kept), ("b", "Title of b")]
    line = 1 if kept == "first" else 3
    assert loaded.notes == (f"issue 'a' is there twice, on lines 1 and 3: line {line} counts, as the one updated last",)


def test_records_that_are_no_issues_are_noted(load_issues: Load) -> None:
    loaded = load_issues(
        {"_type": "memory", "key": "x"},
        {"_type": "memory", "key": "y"},
        {"_type": "issue"} | issue("a"),
        "",
        "   ",
        json.dumps(issue("b", title="line\u2028separator"), ensure_ascii=False) + "\r",
    )
    assert list(needs(loaded)) == ["a", "b"]
    assert loaded.notes == ("2 records of type 'memory' skipped: no issue",)


def test_spellings_that_were_repaired_are_noted(load_issues: Load) -> None:
    loaded = load_issues(
        issue("a", ("b", "blocked_by"), status="in-progress"), issue("b", ("c", "blocked_by")), issue("c")
    )
    assert loaded.notes == (
        "dependency type 'blocked_by' read as 'blocks' (2 times)",
        "status 'in-progress' read as 'in_progress' (1 time)",
    )


def test_a_type_that_nobody_knows_is_work_and_noted(load_issues: Load) -> None:
    assert load_issues(issue("a", issue_type="research")).notes == (
        "the unknown issue type 'research' counts as work (there: 1)",
    )


def test_an_empty_file_and_an_issue_without_words(load_issues: Load) -> None:
    assert load_issues().manifest.beads == ()
    with pytest.raises(ManifestFaults, match="nothing says what is to be done"):
        load_issues({"id": "a"})


def test_ids_that_are_unsafe_matter_only_where_work_is_to_do(load_issues: Load) -> None:
    loaded = load_issues(issue("a/b", status="closed"), issue("A", status="closed"), issue("a", ("a/b", BLOCKS)))
    assert (needs(loaded), skipped(loaded)) == ({"a": []}, {"a/b": "done", "A": "done"})
    with pytest.raises(ManifestFaults, match="differs only in case"):
        load_issues(issue("A"), issue("a"))


def test_the_run_is_named_after_the_project(load_text: Load, tmp_path: Path) -> None:
    text = json.dumps(issue("a"))
    assert load_text(text, name="app/.beads/issues.jsonl", require_routes=False).manifest.name == "app"
    loaded = load_text(text, name="my app/.beads/issues.jsonl", require_routes=False)
    assert (loaded.manifest.name, loaded.manifest.target) == ("my-app", "orchestrator/my-app")
    assert load_text(text, name="issues.jsonl", require_routes=False).manifest.name == "issues"


def test_a_bare_backlog_is_carried_out_as_orchestrator_toml_says(load_text: Load, tmp_path: Path) -> None:
    app = tmp_path / "tasks" / "app"
    app.mkdir(parents=True)
    (app / "orchestrator.toml").write_text(
        "repo = '.'\nworkers = 7\nroutes = ['claude:opus', 'mine']\nverify = 'make test'\n"
        "agents.mine = { command = ['x'] }\ndefaults = { tries = 1, priority = 4, files = '**' }\n"
    )
    loaded = load_text(
        json.dumps(issue("a")) + "\n" + json.dumps(issue("b", priority=None)), name="app/.beads/issues.jsonl"
    )
    first, second = loaded.manifest.beads
    assert (first.routes, first.tries, first.priority, second.priority) == (("claude:opus", "mine"), 1, 2, 4)
    assert (loaded.manifest.policy.workers, loaded.manifest.verify, loaded.repo) == (7, ("make test",), app)


def test_a_manifest_may_take_its_beads_from_a_backlog(load_text: Load, tmp_path: Path) -> None:
    (tmp_path / ".beads").mkdir()
    (tmp_path / ".beads" / "issues.jsonl").write_text(
        json.dumps(issue("a", ("b", BLOCKS))) + "\n" + json.dumps(issue("b"))
    )
    loaded = load_text("routes: [codex]\ndefaults: {verify: make}\nbeads: ../.beads/issues.jsonl\n")
    assert (loaded.manifest.name, needs(loaded)) == ("night", {"a": ["b"], "b": []})
    assert {(bead.routes, bead.verify) for bead in loaded.manifest.beads} == {(("codex",), ("make",))}


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1970-01-01 01:00:00+01:00", 0),
        ("1970-01-01T00:00-0100", 3_600_000_000_000),
        ("1970-01-02", 86_400_000_000_000),
        ("1969-12-31T23:59:59.5Z", -500_000_000),
        ("2026-03-01T22:00:00Z", epoch_nanoseconds(datetime(2026, 3, 1, 22, tzinfo=UTC))),
        ("2026-03-01T22:00:00", epoch_nanoseconds(datetime(2026, 3, 1, 22))),
        ("2026-02-30", None),
        ("22:00", None),
        ("", None),
        ("2026-03-01T22:00:00 PST", None),
    ],
)
def test_times_of_beads(text: str, moment: int | None) -> None:
    assert nanoseconds(text) == moment
