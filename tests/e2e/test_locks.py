"""Locks as agents meet them: the installed command inside real sessions."""

from __future__ import annotations

import json
import sys

import pytest

from tests.e2e.night import Night

RING = f"""\
#!/bin/sh
# Waits until every bead of the ring is at work; then asks for the file of the next one, and writes both.
set -e
echo "$ORCHESTRATOR_BEAD" >> "$ORCHESTRATOR_BEAD.txt"
touch "$LEDGER.$ORCHESTRATOR_BEAD"
while [ "$(ls "$LEDGER".b* | wc -l)" -lt "$(head -n 1 "$1")" ]; do sleep 0.05; done
next=$(tail -n 1 "$1")
{sys.executable} -m orchestrator lock "$next.txt" --wait 100 >> "$LEDGER.said"
echo "$ORCHESTRATOR_BEAD $ORCHESTRATOR_ATTEMPT" >> "$LEDGER"
git add --all
git commit --quiet --message "Work of $ORCHESTRATOR_BEAD" || true
git merge --quiet --no-edit orchestrator/night
echo "$ORCHESTRATOR_BEAD" >> "$next.txt"
"""


@pytest.mark.parametrize("size", [2, 3, 5])
def test_a_ring_of_agents_has_one_victim_and_all_land(night: Night, size: int) -> None:
    """Each asks for what the next one holds: found at once, one is put back, none fails."""
    names = [f"b{n}" for n in range(size)]
    each = [
        {
            "id": name,
            "prompt": f"{size}\nThe next is\n{names[(place + 1) % size]}",
            "files": [f"{name}.txt"],
            "priority": 4 if place == 1 else 2,
        }
        for place, name in enumerate(names)
    ]
    night.write({"name": "night", "workers": size, "beads": each}, RING)
    done = night.run(timeout_s=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert night.landed("orchestrator/night") == names
    lines = [json.loads(line) for line in (night.state / "logs" / "run.jsonl").read_text().splitlines()]
    ended = [line for line in lines if line["event"] == "attempt.ended"]
    back = [line for line in ended if line["outcome"] == "put-back"]
    assert [line["bead"] for line in back] == ["b1"], back
    assert "→" in back[0]["reason"]
    assert len(ended) == size + 1
    closed = max(line["ts"] for line in lines if line["event"] == "locks.awaited")
    given_up = next(line["ts"] for line in lines if line["event"] == "session.given_up")
    assert given_up == closed, "found by the very request that closed the ring"
    for place, name in enumerate(names):
        text = night.git("show", f"orchestrator/night:{names[(place + 1) % size]}.txt")
        assert name in text.split()
    held = night.look("locks")
    assert (held["held"], held["waits"]) == ([], [])
    assert night.look("prove")["holds"]


ASKS = f"""\
#!/bin/sh
set -e
exec >> "$LEDGER" 2>&1
ask() {{ {sys.executable} -m orchestrator lock "$@" && echo yes || echo no; }}
if [ "$ORCHESTRATOR_BEAD" = holder ]; then
    echo 1 > held.txt
    touch "$LEDGER.holds"
    while ! [ -e "$LEDGER.asked" ]; do sleep 0.05; done
    exit 0
fi
while ! [ -e "$LEDGER.holds" ]; do sleep 0.05; done
mkdir deep
cd deep
ask new.txt ../other.txt
ask --wait 0 ../held.txt
ask ../../elsewhere.txt
{sys.executable} -m orchestrator locks --repo "$REPO" --json > "$LEDGER.locks"
touch "$LEDGER.asked"
ask --wait 60 ../held.txt
echo 2 > new.txt
"""


def test_an_agent_asks_for_more_from_where_it_is(night: Night) -> None:
    """Paths as seen from its folder; told who has what is held; got when that one has landed; outside: refused."""
    each = [
        {"id": "holder", "prompt": "hold", "files": ["held.txt"]},
        {"id": "asker", "prompt": "ask", "files": ["asker.txt"]},
    ]
    night.environment["REPO"] = str(night.repository)
    agents = {"sh": {"command": ["./agent.sh", "{prompt_file}"], "pass_env": ["LEDGER", "REPO"]}}
    night.write({"name": "night", "agents": agents, "beads": each}, ASKS)
    done = night.run(timeout_s=60)
    assert done.returncode == 0, done.stdout + done.stderr
    told = night.ledger()
    assert told[:4] == ["deep/new.txt, other.txt: yours", "yes", "held by holder", "no"]
    assert "is not in the worktree" in told[4]
    assert told[-2].startswith("held.txt: yours")
    assert told[-1] == "yes"
    seen = json.loads((night.folder / "ledger.locks").read_text())
    files = {row["bead"]: row["files"] for row in seen["held"]}
    assert files == {"holder": ["held.txt"], "asker": ["asker.txt", "deep/new.txt", "other.txt"]}
    assert seen["live"]


SPOOF = f"""\
#!/bin/sh
# The thief asks in the name of the other one, whose number it has found out.
echo "$ORCHESTRATOR_TOKEN" > "$LEDGER.$ORCHESTRATOR_BEAD"
while [ "$(ls "$LEDGER".honest "$LEDGER".thief 2>/dev/null | wc -l)" -lt 2 ]; do sleep 0.05; done
if [ "$ORCHESTRATOR_BEAD" = thief ]; then
    ORCHESTRATOR_TOKEN=$(cat "$LEDGER.honest") {sys.executable} -m orchestrator lock prize.txt > "$LEDGER.spoofed" 2>&1
    touch "$LEDGER.tried"
else
    while [ ! -e "$LEDGER.tried" ]; do sleep 0.05; done
    {sys.executable} -m orchestrator lock prize.txt > "$LEDGER.asked" 2>&1
fi
echo "$ORCHESTRATOR_BEAD" > "$ORCHESTRATOR_BEAD.txt"
"""


def test_nobody_asks_in_the_name_of_another(night: Night) -> None:
    """A number is easily found out; the start token that belongs to it is not told."""
    names = ["honest", "thief"]
    night.write({"name": "night", "workers": 2, "beads": [{"id": name, "prompt": "work"} for name in names]}, SPOOF)
    done = night.run(timeout_s=60)
    assert done.returncode == 0, done.stdout + done.stderr
    said = {what: (night.folder / f"ledger.{what}").read_text() for what in ("spoofed", "asked")}
    assert "does not prove that it comes from that session" in said["spoofed"]
    assert "prize.txt: yours" in said["asked"]
    lines = [json.loads(line) for line in (night.state / "logs" / "run.jsonl").read_text().splitlines()]
    answered = [(line["accepted"], line["level"]) for line in lines if line["event"] == "request.answered"]
    assert answered == [(False, "warning"), (True, "info")]


def test_outside_a_session_nothing_is_asked(night: Night) -> None:
    """A person is told why."""
    done = night.orchestrator("lock", "x")
    assert done.returncode == 2
    assert "only an agent's session" in done.stderr


STRAYS = """\
#!/bin/sh
set -e
if [ "$ORCHESTRATOR_BEAD" = holder ]; then
    echo 1 > held.txt
    while ! grep -q 'work.collected.*"stray"' "$LOG"; do sleep 0.05; done
else
    echo 2 > free.txt
    echo 2 > held-too.txt
    while ! grep -q '"held-too.txt"' "$LOG"; do sleep 0.05; done
fi
"""


def test_an_agent_that_does_not_ask_is_seen_while_it_works(night: Night) -> None:
    """What is free it then holds; what another holds it waits for, and it lands after that one."""
    each = [
        {"id": "holder", "prompt": "hold", "files": ["held*.txt"]},
        {"id": "stray", "prompt": "stray", "priority": 0, "files": ["stray.txt"]},
    ]
    night.environment["LOG"] = str(night.state / "logs" / "run.jsonl")
    agents = {"sh": {"command": ["./agent.sh", "{prompt_file}"], "pass_env": ["LEDGER", "LOG"]}}
    night.write({"name": "night", "agents": agents, "locks": {"watch": "100ms"}, "beads": each}, STRAYS)
    done = night.run(timeout_s=60)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line) for line in (night.state / "logs" / "run.jsonl").read_text().splitlines()]
    told = [
        (line["event"], line["bead"])
        for line in lines
        if line["event"] in ("locks.awaited", "work.delivered", "bead.landed")
    ]
    assert told.index(("locks.awaited", "stray")) < told.index(("work.delivered", "stray"))
    assert [bead for event, bead in told if event == "bead.landed"] == ["holder", "stray"]
    taken = [line for line in lines if line["event"] == "locks.taken"]
    assert taken[0]["claims"] == ["free.txt"]
    assert not taken[0]["asked"]
