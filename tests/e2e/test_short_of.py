"""What a night runs short of, and goes on without a person once it is there again."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.night import Night, beads, wait_for

WAITS = "Nothing is decided until then"


@pytest.fixture
def on_a_small_disk(tmp_path: Path) -> Iterator[Night]:
    """All of it, worktrees and repository included, on a disk of a few megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], check=False)
    if done.returncode:
        pytest.skip("only root may mount a small disk, where it may at all")
    night = Night(disk / "night")
    night.make_repository()
    yield night
    night.close()
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def said(night: Night) -> str:
    return (night.folder / "output").read_text()


def fill(file: Path) -> None:
    with file.open("wb", buffering=0) as ballast:
        while ballast.write(bytes(4096)):
            pass


def test_a_full_disk_is_waited_for(on_a_small_disk: Night, tmp_path: Path) -> None:
    """The run says so at once, decides nothing, and goes on to its end once there is room."""
    night, output = on_a_small_disk, tmp_path / "output"
    (night.folder / "output").symlink_to(output)  # what it says has room
    night.write({"name": "night", "workers": 2, "disk_floor": 0, "beads": beads(list("abcdef"), 0.5)})
    run = night.start()
    wait_for(lambda: "landed" in said(night))
    ballast = night.folder / "ballast"
    with pytest.raises(OSError, match="No space"):
        fill(ballast)
    wait_for(lambda: WAITS in said(night))
    assert run.poll() is None
    ballast.unlink()
    assert run.wait(60) == 0, said(night)
    assert night.landed("orchestrator/night") == list("abcdef")
    assert "the state can be written again" in said(night)
    assert night.look("prove")["holds"]


def test_a_worktree_that_cannot_go_at_first_goes_later(night: Night) -> None:
    """What stands in the way of its branch is gone a moment after it was refused: nothing is left in the end."""
    lock = night.repository / ".git" / "refs" / "heads" / "orchestrator-work" / "night" / "a.lock"
    night.write({"name": "night", "verify": [f"mkdir {lock}"], "beads": beads(["a"], 0)})
    run = night.start()
    wait_for(lambda: "worktree not cleared away" in said(night))
    assert run.poll() is None
    lock.rmdir()
    assert run.wait(60) == 0, said(night)
    assert night.look("prove")["holds"]
    assert not night.left_over()


def test_a_quota_is_waited_for(night: Night) -> None:
    """Files may not grow any more, and later they may."""
    night.write({"name": "night", "workers": 2, "disk_floor": 0, "beads": beads(list("abcdef"), 0.3)})
    run = night.start()
    wait_for(lambda: "landed" in said(night))
    resource.prlimit(run.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    wait_for(lambda: WAITS in said(night))
    resource.prlimit(run.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert run.wait(60) == 0, said(night)
    assert night.landed("orchestrator/night") == list("abcdef")
    assert night.look("prove")["holds"]


def test_an_agent_that_is_short_of_memory_is_tried_again(night: Night) -> None:
    """The kernel refuses it; that is a crash like another."""
    greedy = """\
#!/bin/sh
if [ "$ORCHESTRATOR_ATTEMPT" = 1 ]; then ulimit -v 200000; exec python3 -c 'bytearray(10**9)'; fi
echo "$ORCHESTRATOR_BEAD" > "$ORCHESTRATOR_BEAD.txt"
"""
    night.write({"name": "night", "backoff": {"first": 0}, "beads": [{"id": "a", "prompt": "x"}]}, greedy)
    done = night.run()
    assert done.returncode == 0, done.stdout + done.stderr
    [told] = night.look("status")["beads"]
    assert (told["state"], told["attempts"]) == ("done", 2)


def test_an_orchestrator_that_was_stopped_for_a_while_goes_on(night: Night) -> None:
    """SIGSTOP, longer than an agent may be silent: no agent is ended for what nobody saw."""
    work = [{**each, "silence": "2s"} for each in beads(["a", "b"], 1)]
    night.write({"name": "night", "workers": 2, "beads": work}, BUSY)
    run = night.start()
    wait_for(lambda: said(night).count("started") >= 2)
    os.kill(run.pid, signal.SIGSTOP)
    wait_for(lambda: len(night.ledger()) == 2)
    time.sleep(3)  # the time that nobody sees is what this is about
    os.kill(run.pid, signal.SIGCONT)
    assert run.wait(60) == 0, said(night)
    assert [bead["attempts"] for bead in night.look("status")["beads"]] == [1, 1]


BUSY = """\
#!/bin/sh
# Tells the ledger that it is at work, and is seen to be for five seconds.
echo "$ORCHESTRATOR_BEAD begun" >> "$LEDGER"
for second in 1 2 3 4 5 6 7 8 9 10; do date > working.txt; sleep 0.5; done
rm working.txt
echo "$ORCHESTRATOR_BEAD" > "$ORCHESTRATOR_BEAD.txt"
"""


def test_an_agent_that_was_stopped_is_found_silent_and_begins_again(night: Night) -> None:
    """SIGSTOP of an agent that ignores what it is told: it is given up by its silence, ended, and its bead lands."""
    stopping = """\
#!/bin/sh
if [ "$ORCHESTRATOR_ATTEMPT" = 1 ]; then kill -STOP $$; fi
echo "$ORCHESTRATOR_BEAD" > "$ORCHESTRATOR_BEAD.txt"
"""
    night.write({"name": "night", "grace": "1s", "beads": [{"id": "a", "prompt": "x", "silence": "2s"}]}, stopping)
    done = night.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert night.landed("orchestrator/night") == ["a"]
    assert not night.left_over()
