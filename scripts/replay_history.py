"""A repository's own history once more, as a night: each commit a bead, all of them at once, nothing said of order.

Each bead's scripted agent applies its commit's change three-way in its worktree. Where the change does not apply there
(it needs one that has not landed yet), or one before it would find its place no more, the agent fails, as one would
whose task needs another's; it is tried again. Counted is what locks are for: how often work that was done could not be
merged, and how often two beads changed one file at the same time.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

AGENT = """\
#!PYTHON
# Takes the change of the commit that its bead names, three-way; a while of thinking, so that agents overlap.
# What an earlier commit would not find its place beside is left for later: no author would write it before that one.
# Until then it looks for what has landed, for a while.
import json, os, shutil, subprocess, sys, time

def git(*argv, **how):
    return subprocess.run(("git", *argv), capture_output=True, **how)

def takes(commit, *where, env=None):
    patch = git("diff", "--binary", "--full-index", f"{commit}^", commit).stdout
    return git("apply", "--3way", *where, input=patch, env=env).returncode == 0

def fits():
    landed = set(git("log", "--format=%(trailers:key=Bead,valueonly)", "BASE..HEAD", text=True).stdout.split())
    if not takes(commit, "--index"):
        return False
    index = git("rev-parse", "--path-format=absolute", "--git-path", "index", text=True).stdout.strip()
    for bead, (earlier, theirs) in order.items():
        if bead == mine:
            return True
        if bead not in landed and set(files) & set(theirs):
            copy = shutil.copy(index, os.environ["ORCHESTRATOR_OUTCOME"] + ".index")
            if not takes(earlier, "--cached", env={**os.environ, "GIT_INDEX_FILE": copy}):
                return False

order = json.load(open(ORDER))
mine = os.environ["ORCHESTRATOR_BEAD"]
commit, files = order[mine]
until = time.monotonic() + PATIENCE
time.sleep(THINK)
while not fits():
    if time.monotonic() > until:
        git("reset", "--quiet", "--hard")
        sys.exit(3)
    time.sleep(THINK)
    git("reset", "--quiet", "--hard", "orchestrator/replay")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    how: str
    beads: int
    landed: int
    landings: int
    """Asked for: those that went through, and those that were refused."""
    conflicts: int
    met: int
    """Pairs of beads that were between their start and their landing at the same time, and changed one file."""
    not_yet: int
    """Attempts whose change did not apply: what it builds on had not landed."""
    whole: bool
    """The target's tree is the newest commit's."""
    seconds: float
    precision: float | None
    """Of what was predicted, the share that was touched."""
    recall: float | None
    """Of what was touched, the share that was predicted."""

    @property
    def share(self) -> float:
        return 100.0 * self.conflicts / max(self.landings, 1)


def met(lines: list[dict[str, Any]]) -> int:
    """From the log of a run."""
    begun: dict[str, str] = {}
    changed: dict[str, set[str]] = {}
    spans: list[tuple[str, str, set[str]]] = []
    for line in lines:
        bead = line.get("bead", "")
        if line["event"] == "attempt.started":
            begun[bead] = line["ts"]
        elif line["event"] == "attempt.ended" and line["outcome"] == "delivered":
            changed[bead] = set(line["files"])
        elif line["event"] == "bead.landed":
            spans.append((begun[bead], line["ts"], changed[bead]))
    pairs = combinations(spans, 2)
    return sum(one[0] < other[1] and other[0] < one[1] and bool(one[2] & other[2]) for one, other in pairs)


def git(repo: Path, *argv: str) -> str:
    return subprocess.run(("git", *argv), cwd=repo, check=True, capture_output=True, text=True).stdout.strip()


def commits_of(repo: Path, count: int) -> list[str]:
    """The newest, oldest first, whose changes follow upon each other; the first commit of all is no change."""
    found = git(repo, "rev-list", "--first-parent", "--no-merges", "--min-parents=1", f"--max-count={count}", "HEAD")
    return found.split()[::-1]


def files_of(repo: Path, commit: str) -> list[str]:
    paths = git(repo, "diff", "--name-only", "-z", "--no-renames", f"{commit}^", commit).split("\0")
    return [path for path in paths if path]


LOCKS = {
    "files": {"predict": "off", "watch": "0"},
    "predicted": {"predict": "bold", "unasked": "ignore", "watch": "0"},
    "ordinary": {"predict": "bold", "watch": "200ms"},
    "seen": {"predict": "off", "watch": "200ms"},
    "none": {"predict": "off", "unasked": "ignore", "watch": "0"},
}
"""`files` are each bead's own, all of them; `predicted` those that its commit's message leads to, and nothing else is
locked; `seen` those that its agent is seen to change; `ordinary` predicted and seen; `none` are locked."""
MOST_CONFLICTS = {"files": 0.0, "predicted": 5.0}
"""Percent of landings."""


def replay(repo: Path, count: int, how: str, *, workers: int, think_s: float, folder: Path) -> Told:
    """`how` is one of `LOCKS`. A bead's prompt is its commit's message."""
    folder.mkdir(parents=True)
    clone = folder / "repo"
    git(folder, "clone", "--quiet", "--no-local", "--single-branch", str(repo), str(clone))
    commits = commits_of(clone, count)
    base, newest = git(clone, "rev-parse", f"{commits[0]}^"), commits[-1]
    touched = {commit: files_of(clone, commit) for commit in commits}
    beads = [
        {
            "id": f"c{place:03}-{commit[:16]}",
            "prompt": git(clone, "show", "--no-patch", "--format=%B", commit) or "Nothing is said.",
            "tries": 400,
            "estimate": 1,
        }
        | ({"files": [re.sub(r"([*?\[])", r"[\1]", path) for path in touched[commit]]} if how == "files" else {})
        for place, commit in enumerate(commits)
    ]
    agent = folder / "tasks" / "agent.py"
    agent.parent.mkdir()
    order = folder / "order.json"
    order.write_text(
        json.dumps({bead["id"]: (commit, touched[commit]) for bead, commit in zip(beads, commits, strict=True)})
    )
    said = {"PYTHON": sys.executable, "THINK": str(think_s), "ORDER": repr(str(order)), "BASE": base, "PATIENCE": "2.0"}
    agent.write_text(re.sub("|".join(said), lambda found: said[found[0]], AGENT))
    agent.chmod(0o755)
    manifest = agent.with_name("replay.json")
    settings = {
        "version": 1, "name": "replay", "repo": str(clone), "base": base, "workers": workers, "max_starts": workers,
        "routes": ["sh"], "agents": {"sh": {"command": ["./agent.py"]}}, "tries_per_route": 400,
        "same_failures": 400, "backoff": {"first": "1s", "most": "20s"},
        "locks": LOCKS[how],
        "beads": beads,
    }  # fmt: skip
    manifest.write_text(json.dumps(settings))
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator", "run", str(manifest), "--worktrees", str(folder / "worktrees")],
        capture_output=True, text=True, check=False, cwd=folder, env=os.environ,
    )  # fmt: skip
    seconds = time.monotonic() - begun
    if done.returncode not in (0, 1):
        raise SystemExit(done.stdout + done.stderr)
    log = clone / ".git" / "orchestrator" / "logs"
    lines = [
        json.loads(line)
        for file in sorted(log.glob("run.jsonl*"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    landed = sum(line["event"] == "bead.landed" for line in lines)
    conflicts = sum(
        line["event"] == "bead.returned" and line["reason"].startswith("conflicts with what has landed")
        for line in lines
    )
    target = "orchestrator/replay"
    told = subprocess.run(
        [sys.executable, "-m", "orchestrator", "report", "--repo", str(clone), "--json"],
        capture_output=True, text=True, check=True, cwd=folder, env=os.environ,
    )  # fmt: skip
    foretold = json.loads(told.stdout)["effort"]["prediction"]
    return Told(
        how=how,
        beads=len(commits),
        landed=landed,
        landings=landed + conflicts,
        conflicts=conflicts,
        met=met(lines),
        not_yet=sum(line["event"] == "attempt.ended" and line["outcome"] == "crashed" for line in lines),
        whole=git(clone, "rev-parse", f"{target}^{{tree}}") == git(clone, "rev-parse", f"{newest}^{{tree}}"),
        seconds=seconds,
        precision=foretold["precision"],
        recall=foretold["recall"],
    )


def _share(part: float | None) -> str:
    return "" if part is None else f"{part:.2f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repo", type=Path, default=Path())
    parser.add_argument("--last", type=int, default=150, metavar="COMMITS", help="fewer where there are fewer")
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--think", type=float, default=1.0, metavar="SECONDS")
    parser.add_argument("how", nargs="*", default=[*LOCKS], metavar="|".join(LOCKS))
    options = parser.parse_args()
    for how in options.how:
        if how not in LOCKS:
            parser.error(f"{how}: choose from {', '.join(LOCKS)}")
    if not commits_of(options.repo, options.last):
        print("its history has no change to be replayed: it has one commit, or is cut off")
        return 0
    print("locks from    beads  landed  conflicts  of landings  met  not yet  whole     s  precision  recall")
    missed = []
    for how in options.how:
        with tempfile.TemporaryDirectory(prefix="replay-") as folder:
            told = replay(
                options.repo.resolve(), options.last, how, workers=options.workers, think_s=options.think,
                folder=Path(folder) / "night",
            )  # fmt: skip
        print(
            f"{told.how:<12}{told.beads:>7}{told.landed:>8}{told.conflicts:>11}{told.share:>12.1f}%{told.met:>5}"
            f"{told.not_yet:>9}{'yes' if told.whole else 'NO':>7}{told.seconds:>6.0f}"
            f"{_share(told.precision):>11}{_share(told.recall):>8}",
            flush=True,
        )
        if told.landed < told.beads or not told.whole:
            missed.append(f"{how}: not everything landed as it was")
        if told.share > MOST_CONFLICTS.get(how, 100.0):
            missed.append(f"{how}: more conflicts than {MOST_CONFLICTS[how]:g} % of landings")
    for words in missed:
        print(words)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
