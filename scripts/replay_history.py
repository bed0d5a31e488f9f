"""A repository's own history once more, as a night: each commit a bead, all of them at once, nothing said of order.

Each bead's scripted agent applies its commit's change three-way in its worktree. Where the change does not apply there
(it needs one that has not landed yet), the agent fails as one would whose task needs another's; it is tried again.
Counted is what locks are for: how often work that was done could not be merged.
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
from pathlib import Path

AGENT = """\
#!/bin/sh
# Takes the change of the commit that its prompt names, three-way; a while of thinking, so that agents overlap.
commit=$(head -n 1 "$1")
sleep "$(tail -n 1 "$1")"
git diff --binary --full-index "$commit^" "$commit" > "$ORCHESTRATOR_OUTCOME.patch"
git apply --3way --index "$ORCHESTRATOR_OUTCOME.patch" 2> /dev/null && exit 0
git reset --quiet --hard
exit 3
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    how: str
    beads: int
    landed: int
    landings: int
    """Asked for: those that went through, and those that were refused."""
    conflicts: int
    not_yet: int
    """Attempts whose change did not apply: what it builds on had not landed."""
    whole: bool
    """The target's tree is the newest commit's."""
    seconds: float

    @property
    def share(self) -> float:
        return 100.0 * self.conflicts / max(self.landings, 1)


def git(repo: Path, *argv: str) -> str:
    return subprocess.run(("git", *argv), cwd=repo, check=True, capture_output=True, text=True).stdout.strip()


def commits_of(repo: Path, count: int) -> list[str]:
    """The newest, oldest first, whose changes follow upon each other; the first commit of all is no change."""
    found = git(repo, "rev-list", "--first-parent", "--no-merges", "--min-parents=1", f"--max-count={count}", "HEAD")
    return found.split()[::-1]


def files_of(repo: Path, commit: str) -> list[str]:
    """As patterns: a path with wildcards in it is written so that it means itself."""
    paths = git(repo, "diff", "--name-only", "-z", "--no-renames", f"{commit}^", commit).split("\0")
    return [re.sub(r"([*?\[])", r"[\1]", path) for path in paths if path]


def replay(repo: Path, count: int, how: str, *, workers: int, think_s: float, folder: Path) -> Told:
    """`how`: `files` names each bead's files, `none` locks nothing, `seen` locks what agents are seen to change."""
    folder.mkdir(parents=True)
    clone = folder / "repo"
    git(folder, "clone", "--quiet", "--no-local", "--single-branch", str(repo), str(clone))
    commits = commits_of(clone, count)
    base, newest = git(clone, "rev-parse", f"{commits[0]}^"), commits[-1]
    beads = [
        {
            "id": f"c{place:03}-{commit[:8]}",
            "title": f"Change {place}",
            "prompt": f"{commit}\n{think_s}",
            "tries": 1000,
            "estimate": 1,
        }
        | ({"files": files_of(clone, commit)} if how == "files" else {})
        for place, commit in enumerate(commits)
    ]
    agent = folder / "tasks" / "agent.sh"
    agent.parent.mkdir()
    agent.write_text(AGENT)
    agent.chmod(0o755)
    manifest = agent.with_name("replay.json")
    settings = {
        "version": 1, "name": "replay", "repo": str(clone), "base": base, "workers": workers, "max_starts": workers,
        "routes": ["sh"], "agents": {"sh": {"command": ["./agent.sh", "{prompt_file}"]}}, "tries_per_route": 1000,
        "same_failures": 1000, "backoff": {"first": "200ms", "most": "2s"},
        "locks": {"unasked": "ignore" if how == "none" else "wait", "watch": "0" if how != "seen" else "200ms"},
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
    return Told(
        how=how,
        beads=len(commits),
        landed=landed,
        landings=landed + conflicts,
        conflicts=conflicts,
        not_yet=sum(line["event"] == "attempt.ended" and line["outcome"] == "crashed" for line in lines),
        whole=git(clone, "rev-parse", f"{target}^{{tree}}") == git(clone, "rev-parse", f"{newest}^{{tree}}"),
        seconds=seconds,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repo", type=Path, default=Path())
    parser.add_argument("--commits", type=int, default=150)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--think", type=float, default=1.0, metavar="SECONDS")
    parser.add_argument("how", nargs="*", default=["files", "seen", "none"], metavar="files|seen|none")
    options = parser.parse_args()
    print("locks from    beads  landed  conflicts  of landings  not yet  whole     s")
    for how in options.how:
        with tempfile.TemporaryDirectory(prefix="replay-") as folder:
            told = replay(
                options.repo.resolve(), options.commits, how, workers=options.workers, think_s=options.think,
                folder=Path(folder) / "night",
            )  # fmt: skip
        print(
            f"{told.how:<12}{told.beads:>7}{told.landed:>8}{told.conflicts:>11}{told.share:>12.1f}%{told.not_yet:>9}"
            f"{'yes' if told.whole else 'NO':>7}{told.seconds:>6.0f}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
