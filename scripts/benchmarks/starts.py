"""Starting many sessions whose agents take a second to give their first sign: at once against in turn."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from orchestrator.core import messages as m
from orchestrator.core.model import Bead, BeadId, Budget, Commit, Manifest, Policy, ProcessName, RouteName, Token
from orchestrator.core.state import State
from orchestrator.runtime.lanes import Lanes
from orchestrator.runtime.loop import ControlLoop, Inbox
from orchestrator.runtime.ports import Marks
from orchestrator.sessions.sessions import PtySessions
from orchestrator.store import Database
from scripts.benchmarks.figures import Figures
from tests.e2e.night import Night
from tests.runtime.stand_ins import Blind, OneProgram, PlainFolders, Quiet

AGENT = """\
#!/bin/sh
sleep 1
echo up
sleep 3600 &
trap 'kill $!; exit 0' TERM
wait
"""


def muster_s(workers: int, at_once: int) -> float:
    """Seconds from the opening of the run to the first sign of the last worker, worktrees included."""
    with tempfile.TemporaryDirectory(prefix="starts-") as folder:
        night = Night(Path(folder) / "night")
        try:
            night.make_repository()
            beads = [{"id": f"b{number}", "prompt": "wait"} for number in range(workers)]
            night.write(
                {"name": "night", "workers": workers, "max_starts": at_once, "grace": "1s", "beads": beads}, AGENT
            )
            manifest = json.loads(night.manifest.read_text())
            manifest["agents"]["sh"]["started"] = "output"
            night.manifest.write_text(json.dumps(manifest))
            run = night.start()
            log = night.repository / ".git" / "orchestrator" / "logs" / "run.jsonl"
            while run.poll() is None:
                time.sleep(0.2)
                lines = log.read_text().splitlines(keepends=True) if log.exists() else []
                said = [json.loads(line) for line in lines if line.endswith("\n")]
                for told in (line for line in said if line["event"] == "workers.started"):
                    assert told["started"] == workers, told
                    return float(told["seconds"])
            raise AssertionError((night.folder / "output").read_text())
        finally:
            night.close()


def sessions_alone_s(workers: int) -> float:
    """The same through the real loop, lanes, terminals and store, but with plain folders in place of worktrees."""
    with tempfile.TemporaryDirectory(prefix="starts-") as folder:
        root = Path(folder)
        policy = Policy(workers=workers, max_starts=workers)
        routes = (RouteName("x"),)
        beads = tuple(Bead(id=BeadId(f"b{n}"), title="", prompt="", routes=routes) for n in range(workers))
        manifest = Manifest(name="n", base=None, target="t", beads=beads, policy=policy)
        planned = m.RunPlanned(at=time.time(), manifest=manifest, target_base=Commit("0"), token=Token(0))
        database = Database.write(root / "state")
        store, state, inbox, clock = database.begin(planned, ""), State(planned), Inbox(), Clock()
        sessions = PtySessions(Marks(repository=folder), root / "recordings", clock)
        lanes = Lanes(
            predictor=Blind(),
            workspaces=PlainFolders(root / "work"),
            commands=Quiet(),
            sessions=sessions,
            agents=OneProgram(("/bin/sh", "-c", AGENT)),
            clock=clock,
            policy=policy,
            emit=inbox.put,
            fail=inbox.fail,
        )
        watch = Watch(inbox)
        terms = m.Terms(policy=policy, budget=Budget(), token=Token(0))
        loop = ControlLoop(state=state, store=store, lanes=lanes, inbox=inbox, clock=clock, listeners=(watch,))
        try:
            loop.run(epoch=1, process=ProcessName(pid=1, started=0.0), host="here", terms=terms)
        finally:
            lanes.close()
            database.close()
        assert watch.told is not None
        assert watch.told.started == workers, watch.told
        return watch.told.seconds


class Clock:
    def now(self) -> float:
        return time.time()


class Watch:
    """Stops the run once its first wave is over."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self.told: m.WorkersStarted | None = None

    def heard(self, event: m.Event) -> None:
        if isinstance(event, m.WorkersStarted):
            self.told = event
            self._inbox.put(m.Asked(at=event.at, verb=m.Verb.STOP))

    def close(self) -> None: ...


figures = Figures("starts: agents that take 1 s to give their first sign")
for workers in (16, 32):
    in_turn, ten, all_at_once = muster_s(workers, 1), muster_s(workers, 10), muster_s(workers, workers)
    figures.tell(f"{workers} sessions with their worktrees, in turn", f"{in_turn:8.2f} s")
    figures.tell(f"{workers} sessions with their worktrees, 10 at once", f"{ten:8.2f} s")
    figures.tell(f"{workers} sessions with their worktrees, all at once", f"{all_at_once:8.2f} s")
    figures.ask(f"{workers} sessions: in turn / 10 at once", in_turn / ten, "x", at_least=7)
figures.ask("32 sessions all at once / the second that each takes", sessions_alone_s(32), "x", at_most=1.25)
figures.end()
