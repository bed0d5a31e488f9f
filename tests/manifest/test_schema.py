"""The documentation of the format: its JSON Schema, and the example that newcomers start from."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from orchestrator.manifest import Loaded, json_schema
from orchestrator.manifest.schema import BeadTable, DocumentedManifest

ROOT = Path(__file__).parents[2]

Load = Callable[..., Loaded]


def properties(schema: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        for name, member in schema.get("properties", {}).items():
            yield f"{where}.{name}", member
        for key, member in schema.items():
            yield from properties(member, f"{where}.{key}")


def test_every_key_is_described() -> None:
    schema = json_schema()
    tables = {f"#/$defs/{name}": table for name, table in schema["$defs"].items()}
    members = dict(properties(schema))
    assert len(members) > 50
    assert [
        where
        for where, member in members.items()
        if not (member.get("description") or tables.get(member.get("$ref", ""), {}).get("description"))
    ] == []


def test_the_schema_has_every_key_and_no_other() -> None:
    schema = json_schema()
    assert set(schema["properties"]) == set(DocumentedManifest.model_fields)
    assert set(schema["$defs"]["BeadTable"]["properties"]) == set(BeadTable.model_fields)
    assert schema["required"] == ["beads"]
    assert schema["$defs"]["BeadTable"]["required"] == ["id"]
    assert schema["additionalProperties"] is False


def test_the_schema_is_json() -> None:
    assert json.loads(json.dumps(json_schema())) == json_schema()


def test_the_example_loads_without_a_word(load_path: Load) -> None:
    loaded = load_path(ROOT / "tasks" / "example.yaml")
    assert loaded.notes == ()
    assert loaded.repo == ROOT
    assert {traits.name for traits in loaded.manifest.agents} >= {"claude", "codex"}


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, orchestrator.manifest\n"
        "print([name for name in ('pydantic', 'yaml', 'networkx') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
