"""A `claude` that lies, quits, stays, asks and floods: each gets its class, and its worker is free again.

The program is scripted and speaks claude's own stream of events, read by claude's own profile.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import pytest

from tests.e2e.night import Night, wait_for
from tests.e2e.test_nights import states

CLAUDE = rf"""#!{sys.executable}
import json, os, sys, time

argv = sys.argv[1:]
prompt = argv[argv.index("-p") + 1]
kind = os.environ["ORCHESTRATOR_BEAD"]
say = lambda **event: print(json.dumps(event), flush=True)
text = lambda words: say(type="assistant", message={{"content": [{{"type": "text", "text": words}}]}})
done = lambda words: say(
    type="result", subtype="success", is_error=False, result=words, session_id=kind, total_cost_usd=0.01,
    usage={{"input_tokens": 10, "output_tokens": 5}},
)
if "--version" in argv:
    sys.exit(print("2.1.197"))
say(type="system", subtype="init", session_id=kind)
if kind == "quits":
    text("I will begin with")
    sys.exit(0)
if kind == "asks":
    with open(os.environ["ORCHESTRATOR_OUTCOME"], "w") as file:
        json.dump({{"outcome": "blocked", "reason": "Which colour shall it be?"}}, file)
    done("I need to know the colour.")
    sys.exit(0)
if kind == "hangs":
    text("Thinking")
    time.sleep(600)
if kind == "floods":
    words = "a line of output that nobody needs, over and over again. " * 200
    for _ in range(50_000_000 // len(words)):
        text(words)
if kind != "lies":
    open(f"{{kind}}.txt", "w").write("done")
done("All done!")
if kind == "stays":
    time.sleep(600)
"""
KINDS = ("lies", "quits", "hangs", "stays", "asks", "floods")
MOST_MB = 150


@pytest.fixture
def faked(night: Night) -> Night:
    programs = night.folder / "bin"
    programs.mkdir()
    (programs / "claude").write_text(CLAUDE)
    (programs / "claude").chmod(0o755)
    night.environment["PATH"] = f"{programs}{os.pathsep}{night.environment['PATH']}"
    beads: list[dict[str, Any]] = [{"id": kind, "prompt": f"Be one that {kind}.", "tries": 1} for kind in KINDS]
    beads[0]["tries"] = 3
    beads[2]["silence"] = "4s"
    night.write({"name": "night", "routes": ["claude"], "workers": 2, "grace": "1s", "linger": "2s", "beads": beads})
    whole = json.loads(night.manifest.read_text())
    whole["backoff"] = {"first": "100ms"}
    night.manifest.write_text(json.dumps(whole))
    return night


def test_each_has_its_class_and_its_worker_is_free_again(faked: Night) -> None:
    """Six beads on two workers, so that none may keep one; 50 MB of words cost no memory to speak of."""
    run = faked.start()
    _, status, used = os.wait4(run.pid, 0)
    run.returncode = os.waitstatus_to_exitcode(status)
    assert run.returncode == 1, (faked.folder / "output").read_text()
    wait_for(lambda: not faked.left_over())
    log = [json.loads(line) for line in (faked.state / "logs" / "run.jsonl").read_text().splitlines()]
    ended = [(line["bead"], line["outcome"]) for line in log if line["event"] == "attempt.ended"]
    assert sorted(set(ended)) == [
        ("asks", "asked"),
        ("floods", "delivered"),
        ("hangs", "silent"),
        ("lies", "nothing-done"),
        ("quits", "crashed"),
        ("stays", "delivered"),
    ]
    assert ended.count(("lies", "nothing-done")) == 2, "it is told once that nothing changed"
    assert states(faked) == {
        "asks": "held",
        "floods": "done",
        "hangs": "failed",
        "lies": "failed",
        "quits": "failed",
        "stays": "done",
    }
    reasons = {bead["id"]: bead["reason"] for bead in faked.look("status")["beads"]}
    assert reasons["asks"] == "Which colour shall it be?"
    assert "without its final event" in reasons["quits"]
    assert "no event" in reasons["hangs"]
    assert all(worker["state"] == "idle" for worker in faked.look("status")["workers"])
    assert used.ru_maxrss / 1024 < MOST_MB, "of the orchestrator, or the largest of what it started"
