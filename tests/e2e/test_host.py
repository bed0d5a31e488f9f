"""A machine that is short, in a real night: it waits and says so, and `--force` does not wait."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.night import Night, wait_for


def test_a_run_waits_for_memory_and_says_so_and_can_be_forced(tmp_path: Path) -> None:
    night = Night(tmp_path / "night")
    try:
        night.make_repository()
        night.write({"memory_floor": "900TB", "beads": [{"id": "a", "prompt": "0"}]})
        waiting = night.start("--worktrees", str(night.worktrees))
        wait_for(lambda: (night.state / "state.db").exists() and _waits(night))
        assert "of memory are free" in night.look("status")["run"]["waits_for_host"]
        explained = night.orchestrator("explain", "a", "--repo", str(night.repository)).stdout
        assert "no room for another agent" in explained
        assert waiting.poll() is None
        waiting.kill()
        waiting.wait()
        forced = night.run("--force", "--worktrees", str(night.worktrees))
        assert forced.returncode == 0, forced.stdout + forced.stderr
        assert "however short this machine is" in forced.stderr
        assert night.landed("orchestrator/night") == ["a"]
    finally:
        night.close()


def _waits(night: Night) -> bool:
    done = night.orchestrator("status", "--repo", str(night.repository), "--json")
    return '"waits_for_host": "' in done.stdout
