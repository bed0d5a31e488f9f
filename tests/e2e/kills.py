"""`kill -9` of the orchestrator at random instants, restarted each time, until its run is over.

    scripts/kill-nights --kills 100 --seed 1
    scripts/kill-nights --kills 100 --seed 1 --train

with `--train` only while the train is full: more verified beads wait than it takes, and some break together. It prints
what it saw, and ends with 1 when anything was lost, done twice or left over.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.app.looking import reading
from orchestrator.app.orders import Refused
from tests.e2e.night import Night, beads
from tests.e2e.queues import look, queue

NEEDS = {
    "b1": ["a1"], "b2": ["a1", "a2"], "b3": ["a3"], "b4": ["a4"],
    "c1": ["b1", "b2"], "c2": ["b3"], "c3": ["b4"], "c4": ["b1", "b4"],
}  # fmt: skip
TRAIN, TRAIN_FULL = 24, 4
NAMES = ["a1", "a2", "a3", "a4", *NEEDS]


@dataclass(frozen=True, kw_only=True)
class Survived:
    kills: int
    seconds: float
    faults: tuple[str, ...]


def one_night(folder: Path, dice: random.Random, kills: int, *, longest_s: float = 2.5) -> Survived:
    """A run of twelve beads, killed up to `kills` times, then let finish."""
    night = Night(folder)
    begun = time.monotonic()
    try:
        night.make_repository()
        check = "test -f README.md && sleep 0.05"
        night.write({"name": "night", "workers": 4, "verify": [check], "beads": beads(NAMES, 0.4, NEEDS)})
        killed, code = survive(night, dice, kills, every_s=(0.0, longest_s))
        faults = tuple(faults_of(night, code))
        return Survived(kills=len(killed), seconds=time.monotonic() - begun, faults=faults)
    finally:
        night.close()


def one_full_train(folder: Path, dice: random.Random, kills: int, *, longest_s: float = 1.5) -> Survived:
    """Twenty-four verified beads, two of them red only together with another, killed only while the train is full."""
    night = Night(folder)
    begun = time.monotonic()
    try:
        queue(night, beads=TRAIN, red=2, train=4, seconds=0.4)
        killed, code = survive(night, dice, kills, every_s=(0.0, longest_s), ready=lambda: _is_full(night))
        faults = tuple(faults_of(night, code, [f"b{n:02}" for n in range(TRAIN - 4)] + ["x1", "x2", "y1", "y2"]))
        if not faults:
            seen = look(night)
            faults = (*(f"red: {each}" for each in seen.red), *seen.out_of_order)
            faults = (*faults, *(f"checked twice: {tree}" for tree in seen.twice))
        return Survived(kills=len(killed), seconds=time.monotonic() - begun, faults=faults)
    finally:
        night.close()


def survive(
    night: Night,
    dice: random.Random,
    kills: int,
    *,
    every_s: tuple[float, float],
    ready: Callable[[], bool] = lambda: True,
) -> tuple[list[float], int]:
    """Runs it until it is over, killed at most so many times, each a while after it is `ready`.

    When it was killed, in seconds of the epoch, and what it ended with.
    """
    killed: list[float] = []
    while True:
        process = night.start("--worktrees", str(night.worktrees))
        while len(killed) < kills and process.poll() is None and not ready():
            time.sleep(0.02)
        until = time.monotonic() + dice.uniform(*every_s) if len(killed) < kills else float("inf")
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        if process.poll() is not None:
            return killed, process.returncode
        killed.append(time.time())
        process.kill()
        process.wait()


def _is_full(night: Night) -> bool:
    """More cars are merged ahead than one, and more wait than the train takes."""
    try:
        with reading(night.repository) as read:
            return len(read.state.train) > 1 and len(read.state.merging) > TRAIN_FULL
    except (Refused, OSError):
        return False


def faults_of(night: Night, code: int, names: Sequence[str] = NAMES, *, expected: int = 0) -> list[str]:
    """What is not as it must be once the run has ended; `names` are the beads that were to land."""
    found = []
    output = (night.folder / "output").read_text()
    if code != expected:
        found.append(f"exit code {code}: {output[-2000:]}")
        return found
    landed = Counter(night.landed("orchestrator/night"))
    found += [f"{bead} landed {count} times" for bead, count in landed.items() if count != 1]
    found += [f"{bead} did not land" for bead in names if bead not in landed]
    proof = night.look("prove")
    found += [f"not so: {finding}" for finding in proof["findings"] if not finding["holds"]]
    found += [f"process left: {process}" for process in night.left_over()]
    found += [f"worktree left: {worktree}" for worktree in night.worktrees_left()]
    status = night.git("status", "--porcelain")
    found += [f"checkout touched: {status}"] if status else []
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--each", type=int, default=10, help="kills of one run, at most")
    parser.add_argument("--train", action="store_true", help="kill only while the train is full")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    dice, kills, runs, faults = random.Random(options.seed), 0, 0, 0
    begun = time.monotonic()
    while kills < options.kills:
        with tempfile.TemporaryDirectory(prefix="kills-") as folder:
            wanted = min(options.each, options.kills - kills)
            play = one_full_train if options.train else one_night
            survived = play(Path(folder) / "night", dice, wanted)
        runs += 1
        kills += survived.kills
        faults += len(survived.faults)
        print(f"run {runs}: {survived.kills} kills, {survived.seconds:.1f} s", flush=True)
        for fault in survived.faults:
            print(f"  {fault}", flush=True)
    print(f"seed {options.seed}: {kills} kills in {runs} runs, {time.monotonic() - begun:.0f} s, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
