"""A queue of beads that are green alone, some of them red only together with another: for tests and for figures.

`x1` and `y1` break the check together, and so on. Whoever of the two comes second is sent back, and mends it.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.app.looking import reading
from orchestrator.core import messages as m
from orchestrator.core.model import BeadId
from orchestrator.core.state import State
from tests.e2e.night import Night

CHECK = """\
sleep "${CHECK_S:-%(seconds)s}"
for x in x*.txt; do
  y=y${x#x}
  if test -e "$x" && test -e "$y"; then echo "$x and $y do not go together"; exit 1; fi
done
exit 0
"""


def queue(night: Night, *, beads: int, red: int, train: int, seconds: float, **settings: Any) -> None:
    """A repository and a manifest. Of the `beads`, `red` are red together with one other."""
    night.make_repository({"README.md": "A repository.\n", "check.sh": CHECK % {"seconds": seconds}})
    work = []
    for number in range(1, red + 1):
        x, y = f"x{number}", f"y{number}"
        for one, other, priority in ((x, y, 1), (y, x, number % 5)):
            mend = f"if test -e {other}.txt; then echo {one} >mended{number}.txt; else echo {one} >{one}.txt; fi"
            work.append({"id": one, "title": f"Add {one}", "run": mend, "priority": priority})
    for number in range(beads - 2 * red):
        name = f"b{number:02}"
        work.append({"id": name, "title": f"Add {name}", "run": f"echo {name} >{name}.txt", "priority": number % 5})
    how = {"train": train, "train_load": 0, "verify": "sh check.sh"}
    given = {"name": "night", "workers": 8, **how, "beads": work, **settings}
    night.write(given)


@dataclass(frozen=True, kw_only=True)
class Queue:
    """What a run made of it."""

    landed: tuple[BeadId, ...]
    """In the order of the target."""
    returned: tuple[BeadId, ...]
    out_of_order: tuple[str, ...]
    red: tuple[str, ...]
    """Commits of the target whose check fails, run again one by one."""
    checks: int
    """Verdicts on merged trees, one each."""
    twice: tuple[str, ...]
    """Trees that were checked although they had passed."""


def look(night: Night, check: str = "CHECK_S=0 sh check.sh") -> Queue:
    """`check` is run again on every commit of the target."""
    target = "orchestrator/night"
    with reading(night.repository) as read:
        events = read.events
    rows = night.git("log", "--reverse", "--format=%(trailers:key=Bead,valueonly,separator=)", f"main..{target}")
    checks = [event for event in events if isinstance(event, m.CarChecked)]
    passed = [event.tree for event in checks if event.passed]
    return Queue(
        landed=tuple(BeadId(row) for row in rows.split("\n") if row),
        returned=tuple(event.bead for event in events if isinstance(event, m.BeadReturned)),
        out_of_order=tuple(_out_of_order(events)),
        red=tuple(_red(night, target, check)),
        checks=len(checks),
        twice=tuple(tree for tree in set(passed) if passed.count(tree) > 1),
    )


def _out_of_order(events: tuple[m.Event, ...]) -> list[str]:
    """Who boarded although another came before it, by the four rules written out; and who landed before its turn."""
    state = State.replay(events[:1])
    found = []
    for event in events[1:]:
        if isinstance(event, m.CarComposed | m.CarSetAside) and event.bead not in state.train:
            able = [bead for bead, until in state.merging.items() if not until and bead not in state.train]
            specs = state.graph.beads
            first = min(
                able, key=lambda bead: (specs[bead].priority, -state.graph.unblocks_s(bead), _since(state, bead), bead)
            )
            if first != event.bead:
                found.append(f"{event.bead} boarded before {first}")
        if isinstance(event, m.BeadLanded) and event.bead != next(iter(state.train), None):
            found.append(f"{event.bead} landed before {next(iter(state.train), None)}")
        state.apply(event)
    return found


def _since(state: State, bead: BeadId) -> float:
    return state.beads[bead].since


def _red(night: Night, target: str, check: str) -> list[str]:
    tree = night.folder / "afterwards"
    night.git("worktree", "add", "--quiet", "--detach", str(tree), "main")
    found = []
    for commit in night.git("rev-list", "--reverse", f"main..{target}").split():
        night.git("-C", str(tree), "checkout", "--quiet", commit)
        if _fails(tree, check):
            found.append(commit)
    night.git("worktree", "remove", "--force", str(tree))
    return found


def _fails(tree: Path, check: str) -> bool:
    return subprocess.run(check, shell=True, cwd=tree, stdout=subprocess.DEVNULL).returncode != 0
