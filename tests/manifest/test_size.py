"""Large manifests take seconds, and twice the beads take about twice the time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from orchestrator.manifest import Loaded, ManifestFaults

Load = Callable[..., Loaded]


def yaml_of(number: int) -> str:
    beads = [
        f"- id: b{index}\n  title: Bead {index}\n  prompt: |\n    Do it.\n    Well.\n  priority: P{index % 5}\n"
        f"  files: [src/m{index}/**, read:docs/**]\n  verify: [make m{index}]\n"
        f"  needs: [{f'b{index - 1}' if index else ''}]\n"
        for index in range(number)
    ]
    return "routes: [claude]\nbeads:\n" + "".join(beads)


def test_ten_thousand_beads_take_seconds(load_text: Load) -> None:
    start = time.process_time()
    assert len(load_text(yaml_of(10_000)).manifest.beads) == 10_000
    assert time.process_time() - start < 30


def test_ten_thousand_beads_in_one_circle_are_one_fault(load_text: Load) -> None:
    text = yaml_of(10_000).replace("needs: []", "needs: [b9999]")
    start = time.process_time()
    with pytest.raises(ManifestFaults) as caught:
        load_text(text)
    assert len(caught.value.faults) == 1
    assert time.process_time() - start < 30


def test_ten_thousand_issues_in_a_deep_tree_take_seconds(load_text: Load) -> None:
    lines = [
        json.dumps(
            {
                "id": f"i-{index}",
                "title": f"Issue {index}",
                "status": "open",
                "priority": 2,
                "dependencies": [
                    {"issue_id": f"i-{index}", "depends_on_id": f"i-{index // 2}", "type": "parent-child"},
                    {"issue_id": f"i-{index}", "depends_on_id": f"i-{index - 1}", "type": "blocks"},
                ]
                if index % 7 == 6
                else [],
            }
        )
        for index in range(10_000)
    ]
    start = time.process_time()
    assert len(load_text("\n".join(lines), name="issues.jsonl", require_routes=False).manifest.beads) == 10_000
    assert time.process_time() - start < 30
