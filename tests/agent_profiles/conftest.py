"""What the tests of the agent profiles share: a catalog, a reader, an order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from orchestrator.agents.catalog import Catalog
from orchestrator.agents.reading import OutputReader
from orchestrator.core.messages import OpenSession
from orchestrator.core.model import BeadId, RouteName, Token, WorkerId

Read = Callable[..., OutputReader]
Order = Callable[..., OpenSession]


@pytest.fixture
def outcome_file(tmp_path: Path) -> Path:
    return tmp_path / "outcome.json"


@pytest.fixture
def reader(outcome_file: Path) -> Read:
    """A reader of the named agent; of a program of one's own, `./mine.sh`, unless something else is said of it."""

    def make(name: str = "mine", override: Mapping[str, Any] | None = None) -> OutputReader:
        if name == "mine":
            override = {"command": ["./mine.sh"], **(override or {})}
        return OutputReader(Catalog({}, outcome_file.parent).profile(name, override), outcome_file, local=UTC)

    return make


@pytest.fixture
def order() -> Order:
    def make(route: str = "mine", prompt: str = "Do it.", resume: str | None = None) -> OpenSession:
        return OpenSession(
            token=Token(7),
            bead=BeadId("health"),
            number=2,
            worker=WorkerId("w1"),
            route=RouteName(route),
            prompt=prompt,
            resume=resume,
            keep=False,
            silence_s=900.0,
            grace_s=10.0,
            linger_s=20.0,
        )

    return make
