"""`plan`: what would run, as data, as a table, as a diagram and as a picture."""

from __future__ import annotations

import io
import json
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from itertools import pairwise

import pytest
from rich.console import Console

from orchestrator.core.graph import TaskGraph
from orchestrator.core.model import Manifest
from orchestrator.views.layers import layers
from orchestrator.views.plan import NoPictures, as_mermaid, as_svg, plan, render_plan
from tests.views.nights import bead, manifest, skipped

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def graph() -> Manifest:
    return manifest(
        bead("skeleton", priority=0, estimate_s=300.0),
        bead("api", "skeleton", files=("src/api/**", "read:docs/**"), estimate_s=1200.0),
        bead("web", "skeleton", files=("src/**/x.py",), estimate_s=600.0),
        bead("notes", files=("docs/a.md",), hold="read it first", priority=4),
        bead("release", "api", "web", "skeleton", estimate_s=60.0),
        workers=2,
        skipped=skipped(old="done", older="done", later="its status is deferred"),
    )


def test_the_contract(graph: Manifest) -> None:
    told = plan(graph)
    json.dumps(told)
    keys = ("id", "state", "needs", "wave", "priority", "files", "estimate_s")
    assert [tuple(each[key] for key in keys) for each in told["beads"]] == [
        ("skeleton", "ready", [], 0, 0, [], 300.0),
        ("notes", "waiting", [], 0, 4, ["docs/a.md"], None),
        ("api", "waiting", ["skeleton"], 1, 2, ["src/api/**", "read:docs/**"], 1200.0),
        ("web", "waiting", ["skeleton"], 1, 2, ["src/**/x.py"], 600.0),
        ("release", "waiting", ["api", "web", "skeleton"], 2, 2, [], 60.0),
    ]
    assert told["skipped"] == [
        {"id": "old", "reason": "done"},
        {"id": "older", "reason": "done"},
        {"id": "later", "reason": "its status is deferred"},
    ]
    assert told["waves"] == [["skeleton", "notes"], ["api", "web"], ["release"]]
    assert told["critical_path"] == ["skeleton", "api", "release"]
    assert told["critical_s"] == 1560.0
    assert told["width"] == 2
    assert told["collisions"] == [
        ["api", "web", ["src/api/**", "src/**/x.py"]],
        ["api", "notes", ["docs/**", "docs/a.md"]],
    ]


def test_a_wave_is_a_place_in_waves(graph: Manifest) -> None:
    told = plan(graph)
    assert all(each["id"] in told["waves"][each["wave"]] for each in told["beads"])


def test_an_empty_manifest() -> None:
    told = plan(manifest())
    assert (told["beads"], told["waves"], told["critical_path"], told["width"]) == ([], [], [], 0)
    assert "There is nothing to do." in table(manifest())
    assert as_mermaid(manifest()).startswith("flowchart LR")


def table(graph: Manifest) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(render_plan(graph))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def test_the_table_for_people(graph: Manifest) -> None:
    assert table(graph) == (
        "#  wave  prio  bead      needs               files                      about\n"
        "1     1  P0    skeleton                                                 5m00s\n"
        "2     1  P4    notes                         docs/a.md\n"
        "3     2  P2    api       skeleton            src/api/**, read:docs/**  20m00s\n"
        "4     2  P2    web       skeleton            src/**/x.py               10m00s\n"
        "5     3  P2    release   api, web, skeleton                             1m00s\n"
        "\n"
        "5 beads in 3 waves; at most 2 side by side, with 2 workers\n"
        "critical path: skeleton → api → release (3 beads, 26m00s)\n"
        "collision: api and web never run at once: src/api/**, src/**/x.py\n"
        "collision: api and notes never run at once: docs/**, docs/a.md\n"
        "held: notes: read it first\n"
        "skipped (done): 2 beads: old, older\n"
        "skipped (its status is deferred): 1 bead: later"
    )


def test_a_missing_verify_is_said() -> None:
    assert "`verify` is empty" in table(manifest(bead("a"), verify=()))


def test_the_mermaid_diagram(graph: Manifest) -> None:
    assert as_mermaid(graph) == (
        "flowchart LR\n"
        '  b0["skeleton"]\n'
        '  b1["api"]\n'
        '  b2["web"]\n'
        '  b3["notes"]\n'
        '  b4["release"]\n'
        "  b0 ==> b1\n"
        "  b0 --> b2\n"
        "  b1 ==> b4\n"
        "  b2 --> b4\n"
        "  b0 --> b4\n"
        "  classDef critical stroke:#c2410c,stroke-width:3px\n"
        "  classDef held stroke-dasharray:4 3\n"
        "  class b0,b1,b4 critical\n"
        "  class b3 held\n"
    )


def test_names_that_mean_something_to_mermaid() -> None:
    assert '["end#34;#93;#59;"]' in as_mermaid(manifest(bead('end"];')))


# ---------------------------------------------------------------- the picture


def boxes(svg: str) -> Mapping[str, ElementTree.Element]:
    root = ElementTree.fromstring(svg)
    titled = [each for each in root.iter(f"{SVG}rect") if each.find(f"{SVG}title") is not None]
    return {(each.findtext(f"{SVG}title") or "").partition(":")[0]: each for each in titled}


def test_the_picture_has_a_box_for_each_bead(graph: Manifest) -> None:
    pytest.importorskip("drawsvg")
    found = boxes(as_svg(graph))
    assert set(found) == {"skeleton", "api", "web", "notes", "release"}
    lefts = {name: float(box.attrib["x"]) for name, box in found.items()}
    assert lefts["skeleton"] == lefts["notes"] < lefts["api"] == lefts["web"] < lefts["release"]
    colours = {name: box.attrib["stroke"] for name, box in found.items()}
    assert colours["skeleton"] == colours["api"] == colours["release"] != colours["web"]


def test_boxes_never_overlap() -> None:
    pytest.importorskip("drawsvg")
    beads = [bead(f"b{n}", *{f"b{n // 2}", f"b{n // 3}"} - {f"b{n}"}) for n in range(100)]
    found = list(boxes(as_svg(manifest(*beads))).values())
    assert len(found) == 100
    columns: dict[str, list[float]] = {}
    for box in found:
        columns.setdefault(box.attrib["x"], []).append(float(box.attrib["y"]))
        assert float(box.attrib["y"]) >= 0
    for tops in columns.values():
        tops.sort()
        assert all(after - before >= 26 for before, after in pairwise(tops))


def test_an_empty_manifest_has_a_picture_too() -> None:
    pytest.importorskip("drawsvg")
    ElementTree.fromstring(as_svg(manifest()))


def test_titles_are_escaped() -> None:
    pytest.importorskip("drawsvg")
    ElementTree.fromstring(as_svg(manifest(bead("a", title="<b> & 'x'"))))


def test_without_the_library_it_says_what_to_install(graph: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "drawsvg", None)
    with pytest.raises(NoPictures, match=r"pip install 'orchestrator\[pictures\]'"):
        as_svg(graph)


def test_needs_that_others_imply_are_not_drawn(graph: Manifest) -> None:
    ends = {(link[0], link[-1]) for link in layers(TaskGraph(graph.beads)).links}
    assert ends == {("skeleton", "api"), ("skeleton", "web"), ("api", "release"), ("web", "release")}


def test_a_link_over_a_wave_has_a_lane_there() -> None:
    drawn = layers(TaskGraph(manifest(bead("a"), bead("b", "a"), bead("x"), bead("c", "b", "x")).beads))
    assert ("x", ("x", "c", 1), "c") in drawn.links


def test_links_that_need_not_cross_do_not() -> None:
    beads = [*(bead(f"a{n}") for n in range(6)), *(bead(f"b{n}", f"a{5 - n}") for n in range(6))]
    first, second = layers(TaskGraph(manifest(*beads).beads)).columns
    assert [str(slot)[1] for slot in first] == [str(5 - int(str(slot)[1])) for slot in second]
