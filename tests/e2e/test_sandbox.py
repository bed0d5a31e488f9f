"""Agents in a sandbox: they do their work, and nothing else; where none can be had, nothing begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.sessions.sandbox import why_no_sandbox
from tests.e2e.night import Night

TRYING = """\
#!/bin/sh
# Does its task, and writes down what else it could do.
{
    for place in "$MAIN" "$WORLD" /etc /tmp "$HOME"; do
        touch "$place/touched" 2> /dev/null && echo "wrote $place"
    done
    cat "$WORLD/home/.netrc"
    ls -d /proc/[0-9]* | wc -l
    ulimit -f
} > seen.txt
echo done > "$ORCHESTRATOR_BEAD.txt"
git add --all
git commit --quiet --message "Done in a sandbox"
"""


def test_an_agent_in_a_sandbox_does_its_task_and_nothing_else(night: Night) -> None:
    """It writes its worktree, commits, has a home and a /tmp of its own; it sees no key and no process."""
    if fault := why_no_sandbox():
        pytest.skip(f"no sandbox can be made here: {fault}")
    (night.folder / "home" / ".netrc").write_text("a password\n")
    agents = {"sh": {"command": ["./agent.sh"], "env": {"MAIN": str(night.repository), "WORLD": str(night.folder)}}}
    bead = [{"id": "a", "prompt": "x"}, {"id": "b", "run": "touch $HOME/b && cp $HOME/b b.txt && echo b > b.txt"}]
    night.write({"name": "night", "sandbox": {"file_size": "1MiB"}, "beads": bead, "agents": agents}, TRYING)
    done = night.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert night.landed("orchestrator/night") == ["a", "b"]
    seen = night.git("show", "orchestrator/night:seen.txt").splitlines()
    wrote, (processes, limit) = seen[:-2], seen[-2:]
    homes = [line for line in wrote if line.endswith("/home")]
    assert len(homes) == 1
    assert str(night.folder / "home") not in homes[0]
    assert "wrote /tmp" in wrote
    assert "wrote /etc" not in wrote
    assert f"wrote {night.repository}" not in wrote
    assert "a password" not in wrote
    places = ("/etc", "/tmp", night.repository, night.folder, night.folder / "home")
    assert not [place for place in places if Path(place, "touched").exists()]
    assert int(processes) < 10
    assert int(limit) * 512 == 2**20
    assert night.look("prove")["holds"]
    assert not night.left_over()


def test_without_bubblewrap_nothing_is_run_that_is_to_be_in_a_sandbox(night: Night) -> None:
    """It is not run without: nothing is touched, and it is said what to install."""
    night.hide("bwrap")
    night.write({"name": "night", "sandbox": {}, "beads": [{"id": "a", "prompt": "x"}]})
    done = night.run()
    assert done.returncode == 4, done.stdout + done.stderr
    assert "install bubblewrap" in done.stderr
    assert not night.worktrees.exists()
