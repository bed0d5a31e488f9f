"""Three formats, one meaning: values, the source text of scalars, and the place of everything."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yaml import safe_dump

from orchestrator.core.model import BeadId
from orchestrator.manifest import Loaded
from orchestrator.manifest.document import Document, KeyPath, Plain, bare
from orchestrator.manifest.json_text import parse_json
from orchestrator.manifest.toml_text import parse_toml
from orchestrator.manifest.yaml_text import parse_yaml

Load = Callable[..., Loaded]

YAML = """\
# a comment
workers: 8
beads:
  - id: a
    needs: [b, "c"]
  -   id: b
      prompt: |
        text: not a key
"""

JSON = '{\n\t"workers": 8,\n\t"beads": [{"id": "a", "needs": ["b", "c"]},\n  {"id": "\\"{b"}]}'

TOML = """\
workers = 8 # a comment
"quoted key" . dotted = 1979-05-27 07:32:00
lines = '''
[not.a.table]'''

[[beads]]
id = "a"
needs = [
  "b",
  [ 0x10 ], # ] not the end
]
[beads.table]
x = { y = { z = true }, w = "}" }

[[beads]]
  id = \"\"\"b\"\"\"\"\"
[[beads.deep]]
k = 1
[[beads.deep]]
k = 2
[other]
"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), (2, 1)),
        (("workers",), (2, 10)),
        (("beads",), (4, 3)),
        (("beads", 0), (4, 5)),
        (("beads", 0, "id"), (4, 9)),
        (("beads", 0, "needs"), (5, 12)),
        (("beads", 0, "needs", 1), (5, 16)),
        (("beads", 1), (6, 7)),
        (("beads", 1, "prompt"), (7, 15)),
        (("beads", 1, "nowhere", 3), (6, 7)),
        (("nowhere",), (2, 1)),
    ],
)
def test_places_in_yaml(path: KeyPath, place: Any) -> None:
    assert parse_yaml(YAML, file="x").at(path) == place


def test_places_of_keys_in_yaml() -> None:
    document = parse_yaml(YAML, file="x")
    assert document.at_key(("beads", 1, "prompt")) == (7, 7)
    assert document.at_key(("beads", 0, "needs", 1)) == (5, 16)


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("workers",), (2, 2), (2, 13)),
        (("beads",), (3, 2), (3, 11)),
        (("beads", 0), (3, 12), (3, 12)),
        (("beads", 0, "needs"), (3, 24), (3, 33)),
        (("beads", 0, "needs", 1), (3, 39), (3, 39)),
        (("beads", 1, "id"), (4, 4), (4, 10)),
    ],
)
def test_places_in_json(path: KeyPath, key: Any, value: Any) -> None:
    document = parse_json(JSON, file="x")
    assert (document.at_key(path), document.at(path)) == (key, value)


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("workers",), (1, 1), (1, 11)),
        (("quoted key",), (2, 1), (2, 1)),
        (("quoted key", "dotted"), (2, 16), (2, 25)),
        (("lines",), (3, 1), (3, 9)),
        (("beads",), (6, 3), (6, 1)),
        (("beads", 0), (6, 1), (6, 1)),
        (("beads", 0, "id"), (7, 1), (7, 6)),
        (("beads", 0, "needs", 1, 0), (10, 5), (10, 5)),
        (("beads", 0, "table"), (12, 8), (12, 1)),
        (("beads", 0, "table", "x", "y", "z"), (13, 13), (13, 17)),
        (("beads", 0, "table", "x", "w"), (13, 25), (13, 29)),
        (("beads", 1, "id"), (16, 3), (16, 8)),
        (("beads", 1, "deep", 1, "k"), (20, 1), (20, 5)),
        (("beads", 1, "nowhere"), (15, 1), (15, 1)),
        (("other",), (21, 2), (21, 1)),
    ],
)
def test_places_in_toml(path: KeyPath, key: Any, value: Any) -> None:
    document = parse_toml(TOML, file="x")
    assert (document.at_key(path), document.at(path)) == (key, value)


def test_toml_is_read_as_the_standard_parser_reads_it() -> None:
    for text in (TOML, TOML.replace("\n", "\r\n")):
        document = parse_toml(text, file="x")
        assert bare(document.value) == tomllib.loads(text)
        assert document.at(("other",)) == (21, 1)


@pytest.mark.parametrize(
    ("parse", "text", "sources"),
    [
        (parse_yaml, "[1e3, 007, no, ~, 2024-01-02, 1:30, 0x1F, 1_000, 12.50, yes]",
         ["1e3", "007", "no", "~", "2024-01-02", "1:30", "0x1F", "1_000", "12.50", "yes"]),
        (parse_json, "[12, 1e3, 1.50, -0]", ["12", "1e3", "1.50", "-0"]),
        (parse_toml, "v = [0x1F, 1_000, 1e3, true, 2024-01-02, +1.50, inf]",
         ["0x1F", "1_000", "1e3", "true", "2024-01-02", "+1.50", "inf"]),
    ],
    ids=["yaml", "json", "toml"],
)  # fmt: skip
def test_scalars_keep_their_source_text(parse: Callable[..., Document], text: str, sources: list[str]) -> None:
    value = parse(text, file="x").value
    items = value["v"] if isinstance(value, dict) else value
    assert [item.text if isinstance(item, Plain) else item for item in items] == sources


def test_quoted_scalars_are_text_and_tags_are_followed() -> None:
    value = parse_yaml("['no', \"12\", !!str 12, !!int 12, '', |-\n  1\n]".replace("|-\n  1\n", "x"), file="x").value
    assert value == ["no", "12", "12", Plain(text="12", value=12), "", "x"]


def test_what_only_looks_like_a_date_is_text() -> None:
    assert parse_yaml("d: 2024-13-45", file="x").value == {"d": "2024-13-45"}


def test_anchors_and_merge_keys() -> None:
    document = parse_yaml(
        "base: &base\n  timeout: 1h\n  tries: 2\nother: &other {tries: 5, labels: [x]}\n"
        "bead:\n  <<: [*base, *other]\n  timeout: 2h\nalias: *base\n",
        file="x",
    )
    assert bare(document.value["bead"]) == {"timeout": "2h", "tries": 2, "labels": ["x"]}
    assert bare(document.value["alias"]) == {"timeout": "1h", "tries": 2}
    assert document.at(("bead", "tries")) == (3, 10)
    assert document.at(("bead", "timeout")) == (7, 12)
    assert document.faults == ()


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(load_text: Load) -> None:
    for name, text in (
        ("night.yaml", "\ufeffroutes: [claude]\r\nbeads:\r\n- id: a\r\n  prompt: |\r\n    x\r\n    y\r\n"),
        ("night.json", '\ufeff{"routes": "claude",\r\n"beads": [{"id": "a", "prompt": "x\\ny\\n"}]}'),
        ("night.toml", '\ufeffroutes = "claude"\r\n[[beads]]\r\nid = "a"\r\nprompt = """\r\nx\r\ny\r\n"""\r\n'),
    ):
        (bead,) = load_text(text, name=name).manifest.beads
        assert (bead.prompt, bead.title) == ("x\ny\n", "x")


# Any data that all three formats can say: no empty keys' trouble, no nulls, no control characters.
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Co", "Cn", "Zl", "Zp"], exclude_characters="\ufeff"),
    max_size=8,
)
DATA = st.recursive(
    st.one_of(TEXT, st.integers(-(10**6), 10**6), st.booleans(), st.floats(-1e6, 1e6, allow_nan=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=12,
)


def toml_value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml_value(key)} = {toml_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def toml_text(value: dict[str, Any], header: str = "") -> str:
    """The same data with headers for tables and arrays of tables where that is possible."""
    plain, tables = [], []
    for key, item in value.items():
        path = f"{header}.{toml_value(key)}" if header else toml_value(key)
        if isinstance(item, dict):
            tables.append(f"[{path}]\n{toml_text(item, path)}")
        elif isinstance(item, list) and item and all(isinstance(part, dict) for part in item):
            tables += [f"[[{path}]]\n{toml_text(part, path)}" for part in item]
        else:
            plain.append(f"{toml_value(key)} = {toml_value(item)}\n")
    return "".join(plain + tables)


def paths(value: Any, path: KeyPath = ()) -> list[KeyPath]:
    found = [path]
    if isinstance(value, dict):
        for key, item in value.items():
            found += paths(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += paths(item, (*path, index))
    return found


def starts_at_its_place(document: Document, text: str, value: Any) -> bool:
    """Every place that is said leads to the first character of that value, as far as that can be told."""
    lines = text.split("\n")
    for path in paths(value):
        assert document.has(path), path
        line, column = document.at(path)
        rest = lines[line - 1][column - 1 :]
        item: Any = value
        for step in path:
            item = item[step]
        if isinstance(item, bool | int | float) and not rest.startswith(json.dumps(item)):
            return False
    return True


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(TEXT, DATA, max_size=5))
def test_every_format_gives_the_same_values_and_a_place_for_each(value: Any) -> None:
    as_json = json.dumps(value, ensure_ascii=False, indent=1)
    in_json = parse_json(as_json, file="x")
    assert bare(in_json.value) == value
    assert starts_at_its_place(in_json, as_json, value)
    for as_toml in (toml_text(value), "".join(f"{toml_value(k)} = {toml_value(v)}\n" for k, v in value.items())):
        in_toml = parse_toml(as_toml, file="x")
        assert bare(in_toml.value) == value
        assert starts_at_its_place(in_toml, as_toml, value)
    as_yaml = safe_dump(value, allow_unicode=True)
    in_yaml = parse_yaml(as_yaml, file="x")
    assert bare(in_yaml.value) == value
    assert {path for path in paths(value) if not in_yaml.has(path)} == set()


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Any]:
    """A manifest without faults: each bead needs only earlier ones."""
    ids = draw(st.lists(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,5}", fullmatch=True), min_size=1, max_size=8, unique=True))
    beads: list[dict[str, Any]] = []
    for index, name in enumerate(ids):
        bead: dict[str, Any] = {"id": name, draw(st.sampled_from(["prompt", "run"])): draw(TEXT) + "x"}
        optional = {
            "title": TEXT.map(lambda text: text + "t"),
            "needs": st.lists(st.sampled_from(ids[:index]), unique=True) if index else st.just([]),
            "priority": st.sampled_from([0, 4, "P0", "P1"]),
            "files": st.lists(st.sampled_from(["src/**", "read:docs/", "a[b]/?.py"])),
            "verify": st.one_of(st.just("make"), st.lists(st.sampled_from(["make test", "true"]))),
            "timeout": st.sampled_from(["45m", 90, 1.5, "1h30m"]),
            "tries": st.integers(1, 9),
            "labels": st.lists(st.sampled_from(["x", "no", "1"])),
            "hold": st.sampled_from(["ask me", True, False]),
        }
        for key in draw(st.sets(st.sampled_from(sorted(optional)))):
            bead[key] = draw(optional[key])
        beads.append(bead)
    return {
        "routes": ["claude:opus"],
        "workers": draw(st.integers(1, 99)),
        "budget": {"usd": draw(st.sampled_from([0, 50, "$2.50"]))},
        "breaker": {"window": draw(st.sampled_from([600, "1h"]))},
        "agents": {"mine": {"command": ["./agent.sh"], "env": {"A": "1"}}},
        "beads": beads,
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(graphs())
def test_a_graph_is_the_same_manifest_in_every_format(load_text: Load, graph: dict[str, Any]) -> None:
    texts = {
        "night.yaml": safe_dump(graph, allow_unicode=True, sort_keys=False),
        "night.json": json.dumps(graph),
        "night.toml": toml_text(graph),
    }
    loaded = [load_text(text, name=name) for name, text in texts.items()]
    assert loaded[0].manifest == loaded[1].manifest == loaded[2].manifest
    assert loaded[0].agents == loaded[1].agents == loaded[2].agents == graph["agents"]
    assert [bead.id for bead in loaded[0].manifest.beads] == [BeadId(bead["id"]) for bead in graph["beads"]]
    assert [list(bead.needs) for bead in loaded[0].manifest.beads] == [b.get("needs", []) for b in graph["beads"]]
