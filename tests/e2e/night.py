"""A repository, a manifest and the installed command, for tests and measurements that run the real thing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

COMMAND = (sys.executable, "-m", "orchestrator")
AGENT = """\
#!/bin/sh
# Sleeps as long as its prompt's first line says, writes its bead's file, commits. Starting over does no harm.
set -e
sleep "$(head -n 1 "$1")"
echo "$ORCHESTRATOR_BEAD" > "$ORCHESTRATOR_BEAD.txt"
echo "$ORCHESTRATOR_BEAD $ORCHESTRATOR_ATTEMPT" >> "$LEDGER"
git add --all
git commit --quiet --message "Work of $ORCHESTRATOR_BEAD"
"""


def wait_for(condition: Callable[[], object], within_s: float = 30) -> None:
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.02)


@dataclass
class Night:
    """Everything of one run in one folder. `close` ends whatever it started."""

    folder: Path
    repository: Path = field(init=False)
    manifest: Path = field(init=False)
    worktrees: Path = field(init=False)
    environment: dict[str, str] = field(init=False)
    _started: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.repository = self.folder / "repo"
        self.manifest = self.folder / "tasks" / "night.yaml"
        self.worktrees = self.folder / "worktrees"
        home = self.folder / "home"
        home.mkdir(parents=True)
        kept = ("PATH", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH")
        self.environment = {name: os.environ[name] for name in kept if name in os.environ}
        self.environment |= {"HOME": str(home), "LEDGER": str(self.folder / "ledger"), "TZ": "UTC"}

    def make_repository(self, files: Mapping[str, str] | None = None) -> None:
        self.repository.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch", "main")
        self.git("config", "user.name", "Ann")
        self.git("config", "user.email", "ann@localhost")
        for name, text in (files or {"README.md": "A repository.\n"}).items():
            (self.repository / name).parent.mkdir(parents=True, exist_ok=True)
            (self.repository / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Begin")

    def write(self, manifest: Mapping[str, Any], agent: str = AGENT) -> None:
        """A manifest as JSON, which YAML reads too, with `agent` as the program `sh`."""
        self.manifest.parent.mkdir(parents=True, exist_ok=True)
        program = self.manifest.parent / "agent.sh"
        program.write_text(agent)
        program.chmod(0o755)
        agents = {"sh": {"command": ["./agent.sh", "{prompt_file}"], "pass_env": ["LEDGER"]}}
        whole = {"version": 1, "repo": "../repo", "routes": ["sh"], "agents": agents, **manifest}
        self.manifest.write_text(json.dumps(whole, indent=1))

    def git(self, *argv: str) -> str:
        done = subprocess.run(
            ("git", *argv), cwd=self.repository, env=self.environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def orchestrator(self, *argv: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (*COMMAND, *argv),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def run(self, *argv: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        return self.orchestrator("run", str(self.manifest), *argv, timeout_s=timeout_s)

    def start(self, *argv: str) -> subprocess.Popen[str]:
        """`run` in the background, its output in a file."""
        with (self.folder / "output").open("a") as output:
            process = subprocess.Popen(
                (*COMMAND, "run", str(self.manifest), *argv),
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
        self._started.append(process)
        return process

    def hide(self, program: str) -> None:
        """As on a machine that has all but this program."""
        places = []
        for place in map(Path, self.environment["PATH"].split(os.pathsep)):
            if not (place / program).exists():
                places.append(place)
                continue
            rest = self.folder / "tools" / str(len(places))
            rest.mkdir(parents=True)
            places.append(rest)
            for other in place.iterdir():
                if other.name != program:
                    (rest / other.name).symlink_to(other)
        self.environment["PATH"] = os.pathsep.join(map(str, places))

    def has_begun(self) -> bool:
        """There is a run to look at; for a moment there is its state's file alone."""
        made = (self.state / "state.db").exists()
        return made and self.orchestrator("status", "--repo", str(self.repository), "--json").returncode == 0

    def look(self, command: str, *argv: str) -> Any:
        """What a reading command says as JSON."""
        done = self.orchestrator(command, *argv, "--repo", str(self.repository), "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def landed(self, target: str) -> list[str]:
        """The `Bead:` trailers on the target, in no order."""
        text = self.git("log", "--format=%(trailers:key=Bead,valueonly)", f"main..{target}")
        return sorted(line for line in text.splitlines() if line)

    def ledger(self) -> list[str]:
        """What agents wrote down when their work was done, by bead and attempt."""
        file = self.folder / "ledger"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def state(self) -> Path:
        """The folder of all that the orchestrator knows of the repository; its name is the mark of its processes."""
        return (self.repository / ".git" / "orchestrator").resolve()

    def left_over(self) -> list[str]:
        """Processes with this repository's mark."""
        return self._processes(lambda process: process.environ().get("ORCHESTRATOR_MARK") == str(self.state))

    def _processes(self, ours: Callable[[psutil.Process], bool]) -> list[str]:
        found = []
        for process in psutil.process_iter(["pid", "cmdline"]):
            try:
                if ours(process):
                    found.append(f"{process.pid} {process.info['cmdline']}")
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        return found

    def worktrees_left(self) -> list[str]:
        """Registered worktrees beside the checkout, and folders."""
        registered = [line for line in self.git("worktree", "list", "--porcelain").splitlines() if "worktree " in line]
        folders = [str(path) for path in self.worktrees.rglob("*")] if self.worktrees.exists() else []
        return registered[1:] + [folder for folder in folders if not folder.endswith("README.md")]

    def close(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.wait()
        detached = self._processes(lambda process: str(self.manifest) in process.cmdline())
        for row in [*detached, *self.left_over()]:
            try:
                psutil.Process(int(row.split()[0])).kill()
            except psutil.NoSuchProcess:
                continue
        shutil.rmtree(self.folder, ignore_errors=True)


def beads(
    names: Sequence[str], seconds: float, needs: Mapping[str, Sequence[str]] | None = None
) -> list[dict[str, Any]]:
    """Beads for the agent above."""
    return [
        {"id": name, "title": f"Do {name}", "prompt": f"{seconds}\n", "needs": list((needs or {}).get(name, ()))}
        for name in names
    ]
