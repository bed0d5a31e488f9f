"""The health of workers in a real night: shown, told as it falls, and an agent that is stopped is not waited for."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.night import Night, wait_for


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    made = Night(tmp_path / "night")
    made.make_repository()
    made.write({"workers": 1, "beads": [{"id": "a", "prompt": "600"}]})
    yield made
    made.close()


def test_an_agent_that_somebody_stops_is_known_within_half_a_minute(night: Night) -> None:
    night.start("--worktrees", str(night.worktrees))
    wait_for(lambda: night.state.joinpath("samples.json").exists() and worker(night)["health"] is not None, 60)
    shown = worker(night)
    assert shown["health"] > 0.9
    assert set(shown["health_parts"]) == {"liveness", "activity", "errors", "resources", "velocity", "limits"}
    assert "MiB" in night.orchestrator("status", "--repo", str(night.repository)).stdout
    os.killpg(shown["pid"], signal.SIGSTOP)
    log = night.state / "logs" / "run.jsonl"
    wait_for(lambda: '"health.fell"' in log.read_text(), 30)
    wait_for(lambda: worker(night)["weakest"] == "liveness", 30)
    os.killpg(shown["pid"], signal.SIGCONT)
    wait_for(lambda: '"health.rose"' in log.read_text(), 30)


def worker(night: Night) -> Any:
    return night.look("status")["workers"][0]
