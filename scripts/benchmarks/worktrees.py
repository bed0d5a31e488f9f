"""The second worktree of large repositories, as a ratio to a plain `git worktree add`: made anew, and recycled."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

from orchestrator.core.messages import Clear, OpenSession
from orchestrator.core.model import BeadId, RouteName, Token, WorkerId
from orchestrator.repo.repository import open_repository
from orchestrator.repo.workspaces import GitWorkspaces
from orchestrator.runtime.ports import Marks
from orchestrator.sessions.commands import ShellCommands
from scripts.benchmarks.figures import Figures

SIZES = (5_000, 50_000)
TIMES = 3
RECYCLED = 0.1


def git(top: Path, *argv: str) -> None:
    subprocess.run(("git", "-c", "user.name=x", "-c", "user.email=x@localhost", *argv), cwd=top, check=True)


def make(top: Path, files: int) -> None:
    """Folders of a hundred files of 1 KB."""
    top.mkdir(parents=True)
    for number in range(files):
        folder = top / f"part{number // 1000}" / f"{number % 1000 // 100}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file{number}.py").write_text(f"line of {number}\n" * 64)
    git(top, "init", "--quiet")
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--message", "Begin")


def order(bead: str) -> OpenSession:
    return OpenSession(
        token=Token(1), bead=BeadId(bead), number=1, worker=WorkerId("w1"), route=RouteName("x"), prompt="",
        resume=None, keep=False, silence_s=1, grace_s=1, linger_s=1,
    )  # fmt: skip


def seconds(workspaces: GitWorkspaces, bead: str) -> float:
    begun = time.perf_counter()
    workspaces.prepare(order(bead))
    workspaces.furnish(order(bead))
    return time.perf_counter() - begun


figures = Figures("worktrees: from the order until an agent could start, best of three")
for size in SIZES:
    with tempfile.TemporaryDirectory(prefix="worktrees-") as folder:
        top = Path(folder) / "repo"
        make(top, size)
        plain = []
        for number in range(TIMES):
            begun = time.perf_counter()
            git(top, "worktree", "add", "--quiet", "--detach", str(Path(folder) / f"plain{number}"))
            plain.append(time.perf_counter() - begun)
            git(top, "worktree", "remove", "--force", str(Path(folder) / f"plain{number}"))
        repository = open_repository(top)
        workspaces = GitWorkspaces(
            repository=repository,
            run_name="night",
            target="orchestrator/night",
            base=None,
            worktrees=Path(folder) / "trees",
            commands=ShellCommands(Marks(repository=str(repository.state))),
            logs=Path(folder) / "logs",
        )
        workspaces.start()
        fresh = [seconds(workspaces, f"fresh{number}") for number in range(TIMES)]
        recycled = []
        for number in range(TIMES):
            path = workspaces.prepare(order("work"))
            workspaces.furnish(order("work"))
            for touched in range(20):
                (path / "part0" / "0" / f"file{touched}.py").write_text("changed\n")
            (path / "left behind").write_text("by the last bead\n")
            workspaces.clear(Clear(bead=BeadId("work"), number=1, landed=False))
            recycled.append(seconds(workspaces, f"next{number}"))
            workspaces.clear(Clear(bead=BeadId(f"next{number}"), number=1, landed=False))
        workspaces.close()
        figures.tell(f"{size:,} files: plain `git worktree add`", f"{min(plain) * 1000:8.0f} ms")
        figures.tell(f"{size:,} files: made anew / plain", f"{min(fresh) / min(plain):8.2f} x")
        figures.ask(f"{size:,} files: recycled / plain", min(recycled) / min(plain), "x", at_most=RECYCLED)
figures.end()
