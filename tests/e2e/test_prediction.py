"""Beads that say nothing of their files, as the installed command runs them."""

from __future__ import annotations

import json

from tests.e2e.night import Night

AGENT = """\
#!/bin/sh
# Appends to the file on the last line of its prompt, and to one that nobody names.
set -e
mkdir -p src
echo "$ORCHESTRATOR_BEAD begins" >> "$LEDGER"
sleep 0.5
echo "$ORCHESTRATOR_BEAD" >> "$(tail -n 1 "$1")"
echo "$ORCHESTRATOR_BEAD" >> "$ORCHESTRATOR_BEAD.txt"
echo "$ORCHESTRATOR_BEAD ends" >> "$LEDGER"
"""


def test_two_that_name_one_file_never_run_at_once(night: Night) -> None:
    """It is in their prompts only. What was predicted and touched is counted; `plan` and `explain` tell it."""
    work = [
        {"id": bead, "prompt": f"Do something about it:\n{file}"}
        for bead, file in (("a", "README.md"), ("b", "README.md"), ("c", "src/new.py"))
    ]
    night.write({"name": "night", "workers": 3, "beads": work}, AGENT)
    planned = json.loads(night.orchestrator("plan", str(night.manifest), "--json").stdout)
    told = {bead["id"]: [guess["path"] for guess in bead["predicted"]] for bead in planned["beads"]}
    assert told == {"a": ["README.md"], "b": ["README.md"], "c": ["src/new.py"]}
    done = night.run(timeout_s=60)
    assert done.returncode == 0, done.stdout + done.stderr
    said = [line for line in night.ledger() if line[0] in "ab"]
    assert [line.split()[1] for line in said] == ["begins", "ends", "begins", "ends"]
    lines = [json.loads(line) for line in (night.state / "logs" / "run.jsonl").read_text().splitlines()]
    assert not [line for line in lines if line["event"] == "bead.returned"]
    guessed = {line["bead"]: line["guesses"] for line in lines if line["event"] == "files.predicted"}
    assert guessed["c"] == {"src/new.py": 0.8}
    counted = night.look("report")["effort"]["prediction"]
    assert counted == {"beads": 3, "precision": 1.0, "recall": 0.5}
    explained = night.orchestrator("explain", "a", "--repo", str(night.repository)).stdout
    assert "predicted were README.md" in explained
    assert "beyond them a.txt" in explained
    assert night.look("prove")["holds"]


def test_nothing_is_looked_for_where_it_is_not_wanted(night: Night) -> None:
    """Off, or every bead says it: no history is read."""
    work = [{"id": "a", "prompt": "README.md"}, {"id": "b", "prompt": "README.md", "files": ["b.txt"]}]
    night.write({"name": "night", "workers": 2, "locks": {"predict": "off"}, "beads": work[:1]}, AGENT)
    assert night.run(timeout_s=60).returncode == 0
    night.write({"name": "other", "target": "orchestrator/other", "beads": work[1:]}, AGENT)
    assert night.run(timeout_s=60).returncode == 0
    assert not (night.state / "history.json").exists()
