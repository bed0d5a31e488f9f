"""Two agents that change the same line, and nobody predicted it: it is known while both still work."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from tests.e2e.night import Night, wait_for

AGENT = f"""\
#!/bin/sh
# Writes the common line and works on until it is let go; asks for a file before it ends. Resolves what does not merge.
set -e
echo "$ORCHESTRATOR_BEAD $ORCHESTRATOR_ATTEMPT begins" >> "$LEDGER"
cp "$1" "$LEDGER.$ORCHESTRATOR_BEAD.$ORCHESTRATOR_ATTEMPT"
if grep -q '<<<<<<<' common 2> /dev/null; then
    echo "$ORCHESTRATOR_BEAD finds the conflict" >> "$LEDGER"
    echo "by a and b" > common
    exit 0
fi
echo "by $ORCHESTRATOR_BEAD" > common
while ! [ -e "$LEDGER.end.$ORCHESTRATOR_BEAD" ]; do sleep 0.05; done
{sys.executable} -m orchestrator lock "$ORCHESTRATOR_BEAD.txt" > "$LEDGER.$ORCHESTRATOR_BEAD.said"
echo "$ORCHESTRATOR_BEAD $ORCHESTRATOR_ATTEMPT ends" >> "$LEDGER"
"""
AGENTS = {"sh": {"command": ["./agent.sh", "{prompt_file}"], "pass_env": ["LEDGER"], "continues": True}}


@pytest.fixture
def lines(night: Night) -> Any:
    """Of the log, so far."""
    file = night.state / "logs" / "run.jsonl"

    def read(event: str) -> list[dict[str, Any]]:
        told = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [each for each in told if each["event"] == event]

    return read


def begin(night: Night, collisions: str) -> Any:
    beads = [{"id": name, "prompt": "Do it.", "files": [f"{name}.txt"]} for name in ("a", "b")]
    locks = {"collisions": collisions, "unasked": "ignore"}
    night.write({"checkpoint": "1s", "workers": 2, "locks": locks, "agents": AGENTS, "beads": beads}, AGENT)
    return night.start()


def let_end(night: Night, *beads: str) -> None:
    for bead in beads:
        (night.folder / f"ledger.end.{bead}").touch()


def told(night: Night, name: str) -> str:
    return (night.folder / f"ledger.{name}").read_text()


def ends_well(night: Night, process: Any) -> None:
    assert process.wait(60) == 0, (night.folder / "output").read_text()
    assert night.landed("orchestrator/night") == ["a", "b"]
    assert night.git("show", "orchestrator/night:common") == "by a and b"
    assert night.look("prove")["holds"]


def test_the_later_one_is_told_and_both_land(night: Night, lines: Any) -> None:
    """Before either has ended; in the answer to its next question; and then it did conflict, as was said."""
    process = begin(night, "tell")
    wait_for(lambda: lines("collision.seen"))
    (seen,) = lines("collision.seen")
    assert (seen["bead"], seen["other"], seen["paths"], seen["answer"]) == ("b", "a", ["common"], "tell")
    assert not [line for line in night.ledger() if line.endswith("ends")]
    let_end(night, "a")
    wait_for(lambda: len(lines("collision.seen")) == 2)  # with what has landed now, although nothing was written since
    let_end(night, "b")
    ends_well(night, process)
    assert "does not merge" not in told(night, "a.said")
    assert "What you have changed in common does not merge with what another agent, at work on `a`" in told(
        night, "b.said"
    )
    assert len(lines("collision.told")) == 1
    assert [line["bead"] for line in lines("car.set_aside")] == ["b"]
    said = night.orchestrator("explain", "b", "--repo", str(night.repository)).stdout
    assert "A collision of b and a in common was seen at" in said
    assert "b was told; they conflicted at the landing." in said
    effort = night.look("report")["effort"]
    assert effort["collisions"] == {"seen": 2, "put_back": 0, "told": 2, "conflicted": 2}


def test_the_later_one_is_put_back_and_lands_without_a_conflict(night: Night, lines: Any) -> None:
    """Before it has ended; it waits for the other one, and finds the target being merged into what it wrote."""
    process = begin(night, "put-back")
    wait_for(lambda: lines("bead.returned"))
    (returned,) = lines("bead.returned")
    assert (returned["bead"], returned["tried"]) == ("b", False)
    assert "its work does not merge with that of a" in returned["reason"]
    waits = night.orchestrator("explain", "b", "--repo", str(night.repository)).stdout
    assert "Its work did not merge with that of a (running on w1): the two are not run side by side again." in waits
    let_end(night, "a")
    ends_well(night, process)
    assert sorted(night.ledger()[:2]) == ["a 1 begins", "b 1 begins"]
    assert night.ledger()[2:] == ["a 1 ends", "b 2 begins", "b finds the conflict"]
    assert "does not merge with what another agent, at work on `a`" in told(night, "b.2")
    assert not lines("car.set_aside")
    assert night.look("report")["effort"]["collisions"]["put_back"] == 1


def test_with_what_has_landed_meanwhile_it_is_put_back_at_once(night: Night, lines: Any) -> None:
    """One writes when the other has landed already: its base is older."""
    beads = [{"id": name, "prompt": "Do it.", "files": [f"{name}.txt"]} for name in ("a", "b")]
    late = AGENT.replace(
        'echo "by $', '[ "$ORCHESTRATOR_BEAD" = a ] || while ! [ -e "$LEDGER.go" ]; do sleep 0.05; done\necho "by $'
    )
    night.write(
        {"checkpoint": "1s", "workers": 2, "locks": {"collisions": "put-back"}, "agents": AGENTS, "beads": beads}, late
    )
    process = night.start()
    let_end(night, "a")
    wait_for(lambda: lines("bead.landed"))
    (night.folder / "ledger.go").touch()
    ends_well(night, process)
    (seen,) = lines("collision.seen")
    assert (seen["bead"], seen["other"], seen["answer"]) == ("b", "", "put-back")
    assert "b finds the conflict" in night.ledger()
    assert not lines("car.set_aside")
