"""Manifests at fault, each with all that is said of it, as a person reads it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yaml import safe_dump

from orchestrator.manifest import Fault, Loaded, ManifestFaults
from orchestrator.manifest.schema import BeadTable, DefaultsTable, DocumentedManifest

CASES = sorted(path for path in (Path(__file__).parent / "faults").iterdir() if path.suffix != ".txt")

Load = Callable[..., Loaded]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_fault_is_said_at_once_with_its_place(
    case: Path, load_path: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tasks").mkdir()
    shutil.copy(case, tmp_path / "tasks")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ManifestFaults) as caught:
        load_path(Path("tasks") / case.name)
    assert str(caught.value) + "\n" == case.with_suffix(".txt").read_text(encoding="utf-8")


def test_there_are_cases_for_every_format() -> None:
    assert {case.suffix for case in CASES} == {".yaml", ".toml", ".json", ".jsonl"}


def test_faults_are_values_in_the_order_of_their_places(load_text: Load) -> None:
    with pytest.raises(ManifestFaults) as caught:
        load_text("workers: 0\nbeads:\n- id: b\n  promt: x\n- id: c\n  prompt: x\n")
    first, second, third = caught.value.faults
    assert (first.line, first.column, first.expected) == (1, 10, "a whole number, 1 or more, or auto")
    assert (second.line, second.column, second.hint) == (4, 3, "prompt")
    assert (third.line, third.column, third.hint) == (5, 3, "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("routes: 'claude:'\nbeads:\n- {id: a, prompt: x}\n", "routes: 'claude:' is not a route"),
        ("defaults: {routes: {}}\nbeads:\n- {id: a, prompt: x}\n", "routes: a mapping does not fit"),
        ("beads:\n- {id: a, prompt: x, routes: {}}\n", "routes: a mapping does not fit"),
        ("workers: 0\nmin_workers: 9\nbeads:\n- {id: a, run: x}\n", "workers: '0' does not fit"),
        ("beads:\n- {id: a, prompt: x, routes: }\n", "no routes: nothing says which agent carries out 'a'"),
        ("routes: ~\nbeads:\n- {id: a, prompt: x}\n", "no routes: nothing says which agent carries out 'a'"),
    ],
)
def test_one_mistake_is_one_fault(text: str, said: str, load_text: Load) -> None:
    with pytest.raises(ManifestFaults) as caught:
        load_text(text)
    assert [fault.message for fault in caught.value.faults] == [said]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "there is no such file"),
        (lambda path: path.mkdir(), "this is a directory, not a file"),
        (lambda path: path.write_text(""), "the file is empty"),
        (lambda path: path.write_text("# nothing\n"), "the file is empty"),
        (lambda path: path.write_text("- a\n"), "the top level is not a mapping"),
        (lambda path: path.write_bytes(b"beads:\n  - id: a\xff\n"), "byte 0xff is not UTF-8"),
        (lambda path: path.symlink_to(path), "the file cannot be read"),
    ],
)
def test_a_file_that_cannot_be_a_manifest(
    make: Callable[[Path], object], said: str, load_path: Load, tmp_path: Path
) -> None:
    path = tmp_path / "night.yaml"
    make(path)
    with pytest.raises(ManifestFaults) as caught:
        load_path(path)
    assert [fault.message.partition(":")[0] for fault in caught.value.faults] == [said]


def test_the_place_of_a_byte_that_is_not_utf8(load_path: Load, tmp_path: Path) -> None:
    path = tmp_path / "night.json"
    path.write_bytes("{\n  'é".encode() + b"\xe9'}")
    with pytest.raises(ManifestFaults) as caught:
        load_path(path)
    assert (caught.value.faults[0].line, caught.value.faults[0].column) == (2, 5)


def test_a_kind_of_file_that_nobody_reads(load_path: Load, tmp_path: Path) -> None:
    path = tmp_path / "night.txt"
    path.write_text("beads: []")
    with pytest.raises(ManifestFaults, match=r"unknown kind of file '\.txt'; expected \.yaml"):
        load_path(path)


def test_a_bomb_of_aliases_is_refused_in_time(load_text: Load) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(ManifestFaults, match="its aliases stand for more than"):
        load_text("\n".join(levels))


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: *a}", "a: &a\n  <<: *a\n"])
def test_an_alias_inside_of_what_it_stands_for(text: str, load_text: Load) -> None:
    with pytest.raises(ManifestFaults, match=r"into itself|inside of what it stands for"):
        load_text(text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("deep.yaml", "a: " + "[" * 500 + "]" * 500),
        ("deep.json", "[" * 100_000 + "]" * 100_000),
        ("deep.toml", "a = " + "[" * 5000 + "]" * 5000),
        ("long.json", '{"workers": ' + "9" * 5000 + "}"),
        ("long.toml", "workers = " + "9" * 5000),
        ("long.yaml", "workers: " + "9" * 5000),
    ],
)
def test_a_monstrous_file_is_a_fault_and_no_crash(name: str, text: str, load_text: Load) -> None:
    with pytest.raises(ManifestFaults):
        load_text(text, name=name)


KEYS = [*DocumentedManifest.model_fields, *BeadTable.model_fields, *DefaultsTable.model_fields, "bead_usd", "first"]
WORDS = [
    "a",
    "b",
    "",
    " ",
    "1",
    "P0",
    "45m",
    "claude:opus",
    "src/**",
    "../x",
    "$5",
    "no",
    "null",
    "x.jsonl",
    "\u2028",
    "é",
]
RECORD_KEYS = ["id", "title", "status", "issue_type", "priority", "dependencies", "labels", "updated_at", "defer_until"]
RECORD_KEYS += ["_type", "notes", "estimated_minutes", "pinned"]
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(WORDS), st.text(max_size=5))
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)),
    max_leaves=20,
)
BEAD = st.fixed_dictionaries(
    {}, optional={"id": st.sampled_from(WORDS), "prompt": SCALARS, "needs": st.lists(st.sampled_from(WORDS))}
)
MANIFESTS = st.one_of(
    st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=8),
    st.fixed_dictionaries({"beads": st.lists(st.one_of(BEAD, ANYTHING), max_size=5)}, optional={"routes": ANYTHING}),
)


def faults_of(load_text: Load, text: str, name: str) -> tuple[Fault, ...] | None:
    """None if it loads."""
    try:
        load_text(text, name=name, require_routes=False)
    except ManifestFaults as error:
        return error.faults
    return None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(MANIFESTS)
def test_whatever_it_says_it_loads_or_is_at_fault(load_text: Load, value: dict[str, Any]) -> None:
    for name, text in (("night.yaml", safe_dump(value)), ("night.json", json.dumps(value))):
        faults = faults_of(load_text, text, name)
        lines = text.split("\n")
        assert faults != ()
        assert all(1 <= fault.line <= len(lines) for fault in faults or ())
        assert all(1 <= fault.column <= len(lines[fault.line - 1]) + 1 for fault in faults or ())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(RECORD_KEYS), ANYTHING, max_size=6), max_size=5))
def test_whatever_records_say_they_load_or_are_at_fault(load_text: Load, records: list[dict[str, Any]]) -> None:
    text = "\n".join(json.dumps(record) for record in records)
    faults = faults_of(load_text, text, "issues.jsonl")
    assert faults != ()
    assert all(1 <= fault.line <= len(records) for fault in faults or ())
