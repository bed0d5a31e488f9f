"""Hundreds of beads whose agents misbehave and whose orchestrator is killed every few seconds.

    scripts/storm --seed 1
    scripts/storm --beads 36 --workers 6 --kills 3 --seed 1

Three of ten agents crash, hang, lie, flood, leave children or ignore signals; their providers limit and fail. What each
bead's agents will do, in which order, is drawn from the seed beforehand and stands in its prompt: the same seed has the
same misdeeds, whenever the kills fall. It prints what it saw, and ends with 1 when anything was lost, done twice, left
over, or not recovered.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.app.looking import reading
from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, Ending
from tests.e2e.kills import faults_of, survive
from tests.e2e.night import Night

FAILING = ("crash", "hang", "deaf", "dawdle", "idle", "lie", "limited", "parked", "overloaded", "unreachable")
"""Misdeeds that end an attempt without its work."""
MISCHIEF = ("flood", "children", "litter")
"""Misdeeds of an agent that delivers all the same."""
SHARE = 0.3
MOST = 3
"""Misdeeds in a row of one bead: it has one try more."""
HOPELESS = 0.01
"""The share of beads whose agents always fail: these cannot land."""
PROVIDERS = ("north", "south", "east")
SILENCE_S, TIMEOUT_S = 3, 10

AGENT = """\
#!/bin/sh
# $1 is the provider, $2 the prompt. Does the first of its bead's deeds that was not begun yet, and writes that down.
bead=$ORCHESTRATOR_BEAD
begun=$(grep -c "^$bead " "$LEDGER" 2>/dev/null)
deed=$(sed -n 's/^deed: //p' "$2" | sed -n "$((${begun:-0} + 1))p")
now=$(date +%s.%N)
[ -z "$deed" ] || echo "$bead $deed $now $ORCHESTRATOR_ATTEMPT $1" >> "$LEDGER"
refuse() {
    echo "{\\"outcome\\": \\"$1\\", \\"reason\\": \\"$2\\"}" > "$ORCHESTRATOR_OUTCOME"
    exit 1
}
case $deed in
    crash) echo half > half.txt; kill -SEGV $$ ;;
    hang) exec sleep 1000 ;;
    deaf) trap '' TERM HUP INT; while :; do sleep 1000; done ;;
    dawdle) while :; do date > dawdle.txt; sleep 1; done ;;
    idle) exit 0 ;;
    lie) echo wrong > "$bead.txt"; exit 0 ;;
    limited) refuse rate-limited "429 rate limit, retry after 1 s" ;;
    parked) refuse usage-limited "usage limit reached|$(($(date +%s) + 3))" ;;
    overloaded) refuse overloaded "529 overloaded" ;;
    unreachable) refuse unreachable "no such host" ;;
    flood) head -c 4000000 /dev/zero | tr '\\0' 'x' | fold -w 200 ;;
    children) setsid sleep 1000 & (trap '' TERM HUP; sleep 1000) & ;;
    litter) mkdir -p deep/er; echo x > deep/er/x; ln -s /etc/passwd way-out ;;
esac
sleep 0.3
rm -rf half.txt dawdle.txt deep way-out
echo "$bead" > "$bead.txt"
git add --all
git commit --quiet --message "Work of $bead"
"""


def misdeeds(seed: int, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What the agents of each bead will do before one does as it is told; the hopeless ones never run out of it."""
    dice = random.Random(f"misdeeds {seed}")
    plan = {}
    for name in names:
        count = 0
        while count < MOST and dice.random() < SHARE:
            count += 1
        plan[name] = tuple(dice.sample((*FAILING, *MISCHIEF), count))
    for name in dice.sample(list(names), round(len(names) * HOPELESS)):
        plan[name] = ("crash", "lie", "idle") * 50
    # Of what an agent does that delivers, only the last comes to pass.
    return {name: _until_delivered(deeds) for name, deeds in plan.items()}


def _until_delivered(deeds: Sequence[str]) -> tuple[str, ...]:
    for place, deed in enumerate(deeds):
        if deed in MISCHIEF:
            return tuple(deeds[: place + 1])
    return tuple(deeds)


@dataclass(frozen=True, kw_only=True)
class Times:
    """Seconds, of each failure of an agent."""

    detected: tuple[float, ...]
    """From the misdeed to the end of the attempt."""
    recovered: tuple[float, ...]
    """From there until somebody is at work on the bead again."""
    after_kills: tuple[float, ...]
    """From the kill of the orchestrator to the first attempt that starts, or the first landing, after it."""


@dataclass(frozen=True, kw_only=True)
class Storm:
    seconds: float
    kills: int
    landed: int
    attempts: int
    endings: Mapping[Ending, int]
    failures: int
    """Attempts of beads that can land, that ended badly or were lost."""
    recovered: int
    """Those of them whose bead landed all the same."""
    begun: tuple[str, ...]
    """Each misdeed that came to pass: the bead, and what its agent did."""
    times: Times
    faults: tuple[str, ...]


def storm(
    folder: Path, *, seed: int, beads: int, workers: int, kills: int, every_s: tuple[float, float] = (2.0, 8.0)
) -> Storm:
    night = Night(folder)
    names = [f"b{number:03}" for number in range(beads)]
    plan = misdeeds(seed, names)
    hopeless = {name for name, deeds in plan.items() if len(deeds) > MOST}
    begun = time.monotonic()
    try:
        night.make_repository()
        _write(night, names, plan, workers)
        killed, code = survive(night, random.Random(f"kills {seed}"), kills, every_s=every_s)
        took = time.monotonic() - begun
        assert code in (0, 1), (night.folder / "output").read_text()[-4000:]
        faults = faults_of(night, code, [name for name in names if name not in hopeless], expected=1 if hopeless else 0)
        with reading(night.repository) as read:
            events, leases = read.events, read.database.leases(read.row.id)
        faults += [f"lock left: {bead}" for bead in leases]
        deeds = [" ".join(line.split()[:2]) for line in night.ledger()]
        able = [deed for deed in deeds if deed.split()[0] not in hopeless]
        if Counter(able) != Counter(expected(seed, names)):
            faults.append("agents did otherwise than the seed says")
        ended = [event for event in events if isinstance(event, m.AttemptEnded)]
        done = {event.bead for event in events if isinstance(event, m.BeadLanded)}
        good = (Ending.DELIVERED, Ending.NO_CHANGE_NEEDED)
        failed = [each for each in ended if each.ending not in good and each.bead not in hopeless]
        return Storm(
            seconds=took,
            kills=len(killed),
            landed=len(done),
            attempts=len(ended),
            endings=Counter(each.ending for each in ended),
            failures=len(failed),
            recovered=sum(each.bead in done for each in failed),
            begun=tuple(sorted(deeds)),
            times=_times(night, events, killed),
            faults=tuple(faults),
        )
    finally:
        night.close()


def expected(seed: int, names: Sequence[str]) -> tuple[str, ...]:
    """The misdeeds of the beads that can land: all of them come to pass, whenever the kills fall."""
    able = [(name, deeds) for name, deeds in misdeeds(seed, names).items() if len(deeds) <= MOST]
    return tuple(sorted(f"{name} {deed}" for name, deeds in able for deed in deeds))


def _write(night: Night, names: Sequence[str], plan: Mapping[str, Sequence[str]], workers: int) -> None:
    work = [
        {
            "id": name,
            "title": f"Do {name}",
            "prompt": "".join(f"deed: {deed}\n" for deed in plan[name]) + "Do it.\n",
            "verify": f'test "$(cat {name}.txt)" = {name}',
            # Every eighth needs the one before: the graph has edges too.
            "needs": [names[place - 1]] if place % 8 == 7 and len(plan[names[place - 1]]) <= MOST else [],
        }
        for place, name in enumerate(names)
    ]
    agents = {name: {"command": ["./agent.sh", name, "{prompt_file}"], "pass_env": ["LEDGER"]} for name in PROVIDERS}
    night.write(
        {
            "name": "night",
            "workers": workers,
            "routes": list(PROVIDERS),
            "agents": agents,
            "grace": "1s",
            "train": 4,
            "disk_floor": 0,
            "verify": "test -f README.md",
            "defaults": {"timeout": f"{TIMEOUT_S}s", "silence": f"{SILENCE_S}s", "tries": MOST + 1},
            "breaker": {
                "cooldown": "1s",
                "max_cooldown": "8s",
                "max_outage": "4s",
                "jitter": "500ms",
                "slow": "200ms",
                "max_slow": "1s",
            },
            "backoff": {"first": "500ms", "most": "4s"},
            "beads": work,
        },
        agent=AGENT,
    )


def _times(night: Night, events: Sequence[m.Event], killed: Sequence[float]) -> Times:
    ends = {(event.bead, event.number): event.at for event in events if isinstance(event, m.AttemptEnded)}
    lost = {(e.bead, e.number) for e in events if isinstance(e, m.AttemptEnded) and e.ending is Ending.LOST}
    starts = [(event.bead, event.at) for event in events if isinstance(event, m.AttemptStarted)]
    detected, recovered = [], []
    for line in night.ledger():
        bead, deed, at, number, _ = line.split()
        key = (BeadId(bead), int(number))
        if deed not in FAILING or key not in ends or key in lost:
            continue
        detected.append(ends[key] - float(at))
        again = [start for each, start in starts if each == bead and start >= ends[key]]
        recovered += [min(again) - ends[key]] if again else []
    work = sorted([at for _, at in starts] + [event.at for event in events if isinstance(event, m.BeadLanded)])
    after = [next((at for at in work if at > kill), None) for kill in killed]
    return Times(
        detected=tuple(detected),
        recovered=tuple(recovered),
        after_kills=tuple(at - kill for at, kill in zip(after, killed, strict=True) if at is not None),
    )


def percentiles(seconds: Iterable[float]) -> str:
    known = sorted(seconds)
    if len(known) < 2:
        return "too few to say"
    cuts = statistics.quantiles(known, n=100, method="inclusive")
    return f"p50 {cuts[49]:.1f} s, p90 {cuts[89]:.1f} s, p99 {cuts[98]:.1f} s, at most {known[-1]:.1f} s ({len(known)})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beads", type=int, default=500)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--kills", type=int, default=1000, help="of the orchestrator, at most")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    )
    with tempfile.TemporaryDirectory(prefix="storm-") as folder:
        seen = storm(
            Path(folder) / "night",
            seed=options.seed,
            beads=options.beads,
            workers=options.workers,
            kills=options.kills,
        )
    share = 100 * seen.recovered / max(seen.failures, 1)
    print(f"seed {options.seed}: {options.beads} beads, {options.workers} workers, {seen.seconds:.0f} s")
    print(f"  kills of the orchestrator      {seen.kills}")
    print(f"  landed, in how many attempts   {seen.landed}, {seen.attempts}")
    endings = ", ".join(f"{count} {ending}" for ending, count in Counter(seen.endings).most_common())
    print(f"  how attempts ended             {endings}")
    deeds = Counter(line.split()[1] for line in seen.begun)
    print(f"  misdeeds, as the seed says     {', '.join(f'{count} {deed}' for deed, count in deeds.most_common())}")
    print(f"  failures recovered             {seen.recovered} of {seen.failures}: {share:.1f} % (at least 95)")
    print(f"  a failed agent is known after  {percentiles(seen.times.detected)}")
    print(f"  its bead is at work again in   {percentiles(seen.times.recovered)}")
    print(f"  work goes on after a kill in   {percentiles(seen.times.after_kills)}")
    for fault in seen.faults:
        print(f"  {fault}")
    print(f"  faults                         {len(seen.faults)}")
    return 1 if seen.faults or share < 95 else 0


if __name__ == "__main__":
    sys.exit(main())
