"""A catalog of agents that knows a few names, and a moment that is now."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.model import AgentName, AgentTraits
from orchestrator.manifest import Loaded, Overrides, load

NOW = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)


class Catalog:
    """Four built-in agents. A profile has `command`, `env`, `provider`, and `sandbox` with `memory`; no more."""

    def names(self) -> Collection[str]:
        return ("claude", "codex", "gemini", "run")

    def traits(self, name: str, override: Mapping[str, Any] | None) -> AgentTraits:
        provider = (override or {}).get("provider", f"{name}-provider")
        return AgentTraits(name=AgentName(name), provider=provider, resumes=name == "claude")

    def faults(self, name: str, override: Mapping[str, Any]) -> list[tuple[tuple[str | int, ...], str]]:
        wrong: list[tuple[tuple[str | int, ...], str]] = [
            ((key,), f"unknown key '{key}'") for key in override if key not in {"command", "env", "provider", "sandbox"}
        ]
        said = override.get("sandbox") or {}
        wrong += [(("sandbox", key), f"unknown key '{key}'") for key in said if key != "memory"]
        if name not in self.names() and "command" not in override:
            wrong.append(((), "it has no command"))
        return wrong


Load = Callable[..., Loaded]


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    """Writes a manifest into a folder `tasks` and loads it."""

    def write_and_load(
        text: str, *, name: str = "night.yaml", overrides: Overrides | None = None, require_routes: bool = True
    ) -> Loaded:
        path = tmp_path / "tasks" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text, encoding="utf-8", newline="")
        return load(path, agents=Catalog(), overrides=overrides or Overrides(), now=NOW, require_routes=require_routes)

    return write_and_load


@pytest.fixture
def load_path() -> Load:
    def plain_load(path: Path, *, overrides: Overrides | None = None, require_routes: bool = True) -> Loaded:
        return load(path, agents=Catalog(), overrides=overrides or Overrides(), now=NOW, require_routes=require_routes)

    return plain_load
