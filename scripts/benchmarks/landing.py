"""Landing without checks, through the product's own `Workspaces`, beside a plain `git merge` in a worktree.

Repositories of 5,000 and of 50,000 files, made on the spot; each branch changes three files of its own. Both ways land
the same branches, one by one, in turns, so that whatever else the machine does hits both.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from orchestrator.core.messages import Advance, Compose, Stop
from orchestrator.core.model import BeadId, Commit, RouteName, Token
from orchestrator.repo.refs import base_of
from orchestrator.repo.repository import open_repository
from orchestrator.repo.workspaces import GitWorkspaces
from orchestrator.runtime.ports import Composition, Marks
from orchestrator.sessions.commands import ShellCommands
from scripts.benchmarks.figures import Figures

BRANCHES = 24
PER_FOLDER = 50
ASKED = {5_000: 4.0, 50_000: 20.0}
"""How many times faster than a merge in a worktree a landing is to be, by the repository's files."""


def history(files: int) -> Iterator[bytes]:
    """For `git fast-import`: a commit of that many files, and on top of it `BRANCHES` branches."""
    yield b"blob\nmark :1\ndata 12\nsome lines\n\n\n"
    yield from _commit("main", "Begin")
    for number in range(files):
        yield f"M 100644 :1 {_path(number)}\n".encode()
    for branch in range(BRANCHES):
        yield from _commit(f"work/{branch}", f"Work {branch}", parent="refs/heads/main")
        for part in range(3):
            text = f"{branch} {part}\n".encode()
            path = _path((branch * 3 + part) * (files // (BRANCHES * 3)))
            yield f"M 100644 inline {path}\ndata {len(text)}\n".encode() + text + b"\n"


def _path(number: int) -> str:
    folder = number // PER_FOLDER
    return f"src/{folder // 40}/{folder % 40}/file{number}.txt"


def _commit(branch: str, message: str, parent: str = "") -> Iterator[bytes]:
    said = message.encode()
    yield f"commit refs/heads/{branch}\ncommitter Ann <ann@localhost> 1700000000 +0000\n".encode()
    yield f"data {len(said)}\n".encode() + said + b"\n" + (f"from {parent}\n".encode() if parent else b"")


def git(folder: Path, *argv: str, stdin: bytes | None = None) -> str:
    done = subprocess.run(("git", "-C", str(folder), *argv), input=stdin, capture_output=True, check=True)
    return done.stdout.decode().strip()


def measured(files: int) -> tuple[list[float], list[float]]:
    """Seconds of each landing, and of each merge in a worktree."""
    with tempfile.TemporaryDirectory(prefix="landing-") as name:
        root = Path(name)
        folder = root / "repo"
        git(root, "init", "--quiet", "--initial-branch", "main", str(folder))
        git(folder, "config", "user.name", "Ann")
        git(folder, "config", "user.email", "ann@localhost")
        git(folder, "fast-import", "--quiet", stdin=b"".join(history(files)))
        git(folder, "worktree", "add", "--quiet", "-b", "merged", str(root / "merges"), "main")
        repository = open_repository(folder)
        workspaces = GitWorkspaces(
            repository=repository,
            run_name="landing",
            target="landed",
            base="main",
            worktrees=root / "worktrees",
            commands=ShellCommands(Marks(repository=str(repository.state))),
            logs=root / "logs",
        )
        workspaces.start()
        landings, merges = [], []
        for branch in range(BRANCHES):
            # As `prepare` leaves it: where the bead began.
            git(folder, "update-ref", base_of("landing", BeadId(f"b{branch}")), "main")
            order = Compose(
                token=Token(branch + 1),
                bead=BeadId(f"b{branch}"),
                number=1,
                route=RouteName("sh"),
                title=f"Work {branch}",
                commit=Commit(git(folder, "rev-parse", f"work/{branch}")),
                onto=None,
                onto_tree=None,
            )
            begun = time.perf_counter()
            made = workspaces.compose(order)
            assert isinstance(made, Composition), made
            stop = Stop(bead=order.bead, number=1, task="", commit=made.commit)
            move = Advance(token=order.token, old=made.onto, new=made.commit, stops=(stop,))
            assert workspaces.advance(move)
            landings.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            git(root / "merges", "merge", "--quiet", "--no-edit", f"work/{branch}")
            merges.append(time.perf_counter() - begun)
        workspaces.close()
        assert git(folder, "rev-parse", "landed^{tree}") == git(folder, "rev-parse", "merged^{tree}")
        return landings, merges


figures = Figures(f"landing {BRANCHES} branches without checks, beside `git merge` in a worktree")
for files, times in ASKED.items():
    landings, merges = measured(files)
    landing, merge = statistics.median(landings), statistics.median(merges)
    figures.tell(
        f"{files:,} files: a landing, median (slowest)", f"{landing * 1e3:8.1f} ms ({max(landings) * 1e3:.1f})"
    )
    figures.tell(f"{files:,} files: a merge, median (slowest)", f"{merge * 1e3:8.1f} ms ({max(merges) * 1e3:.1f})")
    figures.ask(f"{files:,} files: a merge / a landing", merge / landing, "x", at_least=times)
figures.end()
