"""`prove` after a real night: clean as it ended, and each of its claims broken by hand once, each found."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.app.looking import reading
from orchestrator.app.proving import prove as hold
from orchestrator.core.model import BeadId
from orchestrator.runtime.findings import Finding
from tests.e2e.night import AGENT, Night, beads

WORDS = AGENT.replace(
    'echo "$ORCHESTRATOR_BEAD" >', 'if [ "$ORCHESTRATOR_BEAD" = bad ]; then echo half > half.txt; exit 1; fi\necho >'
)
Sabotage = Callable[[Path], object]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """Three beads that land and one that fails with uncommitted work, beside a person's stash and dirty checkout."""
    night = Night(tmp_path_factory.mktemp("proof") / "night")
    night.make_repository({"README.md": "A repository.\n", "notes.txt": "1\n"})
    (night.repository / "stashed.txt").write_text("x")
    night.git("stash", "push", "--include-untracked")
    night.git("branch", "precious")
    night.git("tag", "v1")
    (night.repository / "notes.txt").write_text("2\n")
    named = [*beads(["a", "b", "c"], 0, {"b": ["a"]}), *({**bad, "tries": 1} for bad in beads(["bad"], 0))]
    night.write({"name": "night", "verify": ["test -f README.md"], "beads": named}, agent=WORDS)
    done = night.run("--worktrees", str(night.worktrees))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "not so" not in done.stderr
    yield night
    night.close()


@pytest.fixture
def broken(ended: Night, tmp_path: Path) -> Path:
    """A copy of the repository as the night left it, to be broken."""
    return Path(shutil.copytree(ended.repository, tmp_path / "repo", symlinks=True))


def git(top: Path, *argv: str) -> str:
    done = subprocess.run(
        ("git", "-c", "user.name=Ann", "-c", "user.email=ann@localhost", *argv),
        cwd=top, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.strip()


def prove(top: Path) -> list[Finding]:
    with reading(top) as read:
        return hold(read)


TARGET = "refs/heads/orchestrator/night"
ATTIC = "refs/orchestrator/attic/bad/1"


def forget_an_attempt(top: Path) -> None:
    for ref in (ATTIC, "refs/heads/orchestrator-work/night/bad"):
        git(top, "update-ref", "-d", ref)


def put_back(top: Path) -> None:
    git(top, "update-ref", TARGET, f"{TARGET}^")


def land_again(top: Path) -> None:
    """The same change with the same trailer a second time."""
    commit = git(
        top, "commit-tree", f"{TARGET}^{{tree}}", "-p", TARGET, "-m", git(top, "log", "-1", "--format=%B", TARGET)
    )
    git(top, "update-ref", TARGET, commit)


def note_another(top: Path) -> None:
    """Our own note says another commit than the state does."""
    name, task = (
        git(top, "for-each-ref", "--format=%(refname)", "refs/orchestrator/landed").splitlines()[0].rsplit("/", 1)
    )
    land_again(top)
    git(top, "update-ref", f"{name}/{task}", TARGET)


def land_unsaid(top: Path) -> None:
    """A bead that the state does not say to have landed."""
    task = task_of(top, "bad")
    land_again(top)
    git(top, "update-ref", f"refs/orchestrator/landed/orchestrator%2Fnight/bad/{task}", TARGET)


def task_of(top: Path, bead: str) -> str:
    with reading(top) as read:
        return read.state.tasks[BeadId(bead)]


def forget_checks(top: Path) -> None:
    (top / ".git" / "orchestrator" / "verified.jsonl").unlink()


def in_database(top: Path, *statement: object) -> None:
    database = sqlite3.connect(top / ".git" / "orchestrator" / "state.db")
    with database:
        database.execute(str(statement[0]), statement[1:])
    database.close()


def lease(top: Path) -> None:
    in_database(top, "INSERT OR REPLACE INTO owners VALUES ('run 1', 9e12)")
    in_database(top, "INSERT INTO leases VALUES (999, 'run 1', 'night/bad', 0)")


def need(top: Path) -> None:
    """As if `c` had needed what failed."""
    database = sqlite3.connect(top / ".git" / "orchestrator" / "state.db")
    (body,) = database.execute("SELECT body FROM events WHERE kind = 'RunPlanned'").fetchone()
    database.close()
    said = json.loads(body)
    (c,) = [bead for bead in said["manifest"]["beads"] if bead["id"] == "c"]
    c["needs"] = ["bad"]
    in_database(top, "UPDATE events SET body = ? WHERE kind = 'RunPlanned'", json.dumps(said))


def worktree(top: Path) -> None:
    reason = "orchestrator: night/bad"
    git(top, "worktree", "add", "--detach", "--lock", "--reason", reason, str(top.parent / "left"), "main")


def unkept(top: Path) -> None:
    worktree(top)
    label = {"run": "night", "bead": "bad", "number": 1}
    (top / ".git" / "worktrees" / "left" / "orchestrator.json").write_text(json.dumps(label))
    (top.parent / "left" / "precious.txt").write_text("nowhere else\n")


def stash_of_an_agent(top: Path) -> None:
    where = top.parent / "agent"
    git(top, "worktree", "add", "-B", "orchestrator-work/night/bad", str(where), "main")
    (where / "README.md").write_text("changed\n")
    git(where, "stash")
    git(top, "worktree", "remove", str(where))


def write(name: str, text: str = "x\n") -> Sabotage:
    return lambda top: (top / name).write_text(text)


def run_git(*argv: str) -> Sabotage:
    return lambda top: git(top, *argv)


BRANCHES = "your branches and tags are as at the start, but for what you did"
OURS = "every commit on the target was put there by a landing of ours"
BROKEN: dict[str, tuple[str, Sabotage]] = {
    "a landed bead is taken off the target": ("each bead said to have landed is on the target", put_back),
    "a landed bead is there twice": ("none is there twice", land_again),
    "a bead is done before what it needs": ("nothing is done before what it needs", need),
    "somebody else has put a commit on the target": (OURS, land_again),
    "a bead is on the target as another commit": ("each is there as the very commit that was said", note_another),
    "something landed that nobody says": ("nothing has landed that is not said to have", land_unsaid),
    "no record of the checks": ("each landed tree passed the manifest's checks", forget_checks),
    "the work of an attempt is lost": ("the work of every attempt is in a branch or in the attic", forget_an_attempt),
    "a worktree holds what is nowhere else": ("every file in a worktree of ours is in a commit, too", unkept),
    "a worktree is left": ("no worktree is left over", worktree),
    "files are still held": ("no lock is left over", lease),
    "a lock of git is left": ("no lock is left over", write(".git/refs/orchestrator/x.lock", "")),
    "a checkpoint is left": (
        "no checkpoint is left over",
        run_git("update-ref", "refs/orchestrator/checkpoints/night/bad", ATTIC),
    ),
    "a temporary file is left": ("no temporary file is left over", write(".git/orchestrator/excludes.orchestrator")),
    "a branch was moved to an agent's work": (
        BRANCHES,
        run_git("update-ref", "refs/heads/precious", ATTIC),
    ),
    "a branch is gone": (
        BRANCHES,
        run_git("branch", "-D", "precious"),
    ),
    "a tag is gone": (BRANCHES, run_git("tag", "-d", "v1")),
    "HEAD was changed behind git's back": (
        "your HEAD is where it was, or where you moved it",
        write(".git/HEAD", "ref: refs/heads/precious\n"),
    ),
    "something was staged": ("your staged changes are as at the start", run_git("add", "notes.txt")),
    "a file of the checkout was changed": ("the files of your checkout are as at the start", write("notes.txt", "3\n")),
    "a file is new in the checkout": ("the files of your checkout are as at the start", write("new.txt")),
    "the stash was dropped": ("your stash is as at the start, but for what you put there", run_git("stash", "drop")),
    "an agent left a stash": ("your stash is as at the start, but for what you put there", stash_of_an_agent),
    "the configuration was changed": (
        "the repository's configuration is as at the start",
        run_git("config", "user.name", "Agent"),
    ),
    "the fingerprint is gone": (
        "what is yours is as it was at the start",
        lambda top: (top / ".git" / "orchestrator" / "fingerprints" / "night.json").unlink(),
    ),
}  # fmt: skip


def test_a_night_that_ended_is_proved(broken: Path) -> None:
    """Every claim holds, each with the command that shows it; only what the failed bead left is in the attic."""
    findings = prove(broken)
    assert [finding for finding in findings if not finding.holds] == []
    assert all(finding.command for finding in findings)
    broken_somewhere = {claim for claim, _ in BROKEN.values()} | {"no process is left over"}
    assert {finding.claim for finding in findings} == broken_somewhere - {"what is yours is as it was at the start"}
    assert git(broken, "show", f"{ATTIC}:half.txt") == "half"


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_by_hand_is_found(broken: Path, what: str) -> None:
    claim, sabotage = BROKEN[what]
    sabotage(broken)
    found = [finding for finding in prove(broken) if not finding.holds]
    assert claim in {finding.claim for finding in found}
    assert all(finding.detail and finding.command for finding in found)


def test_a_process_that_is_left_is_found(broken: Path) -> None:
    mark = {"ORCHESTRATOR_MARK": str((broken / ".git" / "orchestrator").resolve())}
    left = subprocess.Popen([sys.executable, "-c", "input()"], env={**os.environ, **mark}, stdin=subprocess.PIPE)
    try:
        (found,) = [finding for finding in prove(broken) if not finding.holds]
        assert found.claim == "no process is left over"
        assert str(left.pid) in found.detail
        shown = subprocess.run(["/bin/sh", "-c", found.command], capture_output=True, text=True, check=False).stdout
        assert f"/proc/{left.pid}/environ" in shown
    finally:
        left.communicate()


def test_a_person_who_worked_on_is_no_fault_but_is_said(broken: Path) -> None:
    """They committed, moved a branch and changed files meanwhile."""
    git(broken, "commit", "--all", "--message", "Mine")
    git(broken, "branch", "--force", "precious", "HEAD")
    git(broken, "branch", "new")
    (broken / "notes.txt").write_text("4\n")
    findings = {finding.claim: finding for finding in prove(broken)}
    assert [finding for finding in findings.values() if not finding.holds] == []
    assert "main was moved from" in findings[BRANCHES].detail
    assert "it was at main" in findings["your HEAD is where it was, or where you moved it"].detail
    assert "notes.txt" in findings["the files of your checkout are as at the start"].detail


def test_a_commit_under_the_checkout_is_a_fault(broken: Path) -> None:
    """Their branch was moved, but not from their checkout."""
    commit = git(broken, "commit-tree", "main^{tree}", "-p", "main", "-m", "Not mine")
    (broken / ".git" / "logs").rename(broken / ".git" / "logs.mine")
    git(broken, "-c", "core.logAllRefUpdates=false", "update-ref", "refs/heads/main", commit)
    (broken / ".git" / "logs.mine").rename(broken / ".git" / "logs")
    found = [finding for finding in prove(broken) if not finding.holds and finding.promised]
    assert [finding.claim for finding in found] == [
        BRANCHES,
        "your HEAD is where it was, or where you moved it",
    ]
