"""A file to a validated task graph: YAML, TOML, JSON, and the issues.jsonl of beads.

What is wrong with a file is said all at once, with line and column. Knows formats and rules; touches no repository
and starts nothing. The names below are loaded when they are first used, because pydantic takes its time.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.manifest.faults import Fault, ManifestFaults
    from orchestrator.manifest.loading import AgentCatalog, Loaded, Overrides, load
    from orchestrator.manifest.schema import json_schema

__all__ = ["AgentCatalog", "Fault", "Loaded", "ManifestFaults", "Overrides", "json_schema", "load"]

_HOMES = {"Fault": "faults", "ManifestFaults": "faults", "json_schema": "schema"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES.get(name, 'loading')}"), name)
