"""The settings of a run, gathered from the manifest and the `orchestrator.toml` near it.

Knows which file has the last word and where each word of it stands. Does not know beads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestrator.core.model import AUTO, Budget, Limit, Policy, PullRequests
from orchestrator.core.pull_request_commands import KNOWN
from orchestrator.core.values import Struct
from orchestrator.manifest.document import Document, KeyPath, bare
from orchestrator.manifest.faults import Fault
from orchestrator.manifest.hours import closed
from orchestrator.manifest.schema import SettingsTable
from orchestrator.runtime.dependencies import Dependency

DEFAULTS_FILE = "orchestrator.toml"

_POLICY = {
    "workers": ("workers",),
    "most_workers": ("max_workers",),
    "min_workers": ("min_workers",),
    "max_starts": ("max_starts",),
    "start_timeout_s": ("start_timeout",),
    "grace_s": ("grace",),
    "linger_s": ("linger",),
    "checkpoint_s": ("checkpoint",),
    "health_floor": ("health_floor",),
    "breaker_failures": ("breaker", "failures"),
    "breaker_rate": ("breaker", "rate"),
    "provider_failures": ("breaker", "provider_failures"),
    "breaker_window_s": ("breaker", "window"),
    "breaker_cooldown_s": ("breaker", "cooldown"),
    "breaker_cooldown_max_s": ("breaker", "max_cooldown"),
    "outage_cooldown_max_s": ("breaker", "max_outage"),
    "reset_jitter_s": ("breaker", "jitter"),
    "slow_s": ("breaker", "slow"),
    "slow_max_s": ("breaker", "max_slow"),
    "backoff_s": ("backoff", "first"),
    "backoff_max_s": ("backoff", "most"),
    "same_failures": ("same_failures",),
    "tries_per_route": ("tries_per_route",),
    "starts_in_vain": ("starts_in_vain",),
    "worker_failures": ("worker_failures",),
    "memory_floor": ("memory_floor",),
    "max_load": ("max_load",),
    "disk_floor": ("disk_floor",),
    "pack_logs": ("logs", "compress"),
    "recordings": ("logs", "recordings"),
    "check_timeout_s": ("check_timeout",),
    "verify_slots": ("verify_slots",),
    "train": ("train",),
    "train_load": ("train_load",),
    "batch": ("batch",),
    "check_tries": ("check_tries",),
    "landing": ("landing",),
    "message": ("message",),
    "follow_base": ("follow_base",),
    "push_to": ("push", "remote"),
    "push_when": ("push", "when"),
    "push_tries": ("push", "tries"),
    "on_question": ("on_question",),
    "question_wait_s": ("question_wait",),
    "predict": ("locks", "predict"),
    "unasked": ("locks", "unasked"),
    "watch_s": ("locks", "watch"),
    "collisions": ("locks", "collisions"),
    "put_back_first": ("locks", "put_back_first"),
}
"""The fields of Policy, and the keys that they come from."""


def names_of_policy() -> dict[str, str]:
    """What a person calls each field of the policy."""
    hours = {"closed": "curfew or active", "limits": "limits", "auto": "workers"}
    return {name: ".".join(keys) for name, keys in _POLICY.items()} | hours


class Layer(Struct, frozen=True, kw_only=True):
    """One file's settings."""

    table: SettingsTable
    document: Document
    directory: Path
    """What relative paths in it start from."""


@dataclass(frozen=True, slots=True)
class Layers:
    """Settings by precedence: the manifest first."""

    layers: tuple[Layer, ...]

    def get(self, *keys: str) -> Any:
        """What the first layer that has an opinion says; else None."""
        found = self.source(*keys)
        return None if found is None else _value(found.table, keys)

    def source(self, *keys: str) -> Layer | None:
        """The layer that `get` takes its answer from."""
        return next((layer for layer in self.layers if _value(layer.table, keys) is not None), None)

    def first(self, *alternatives: tuple[str, ...]) -> Any:
        """The first answer of any of the alternatives, where a nearer file goes before a better alternative."""
        for layer in self.layers:
            for keys in alternatives:
                if (value := _value(layer.table, keys)) is not None:
                    return value
        return None

    def at_fault(self, *keys: str) -> bool:
        """Whether some layer says something here that did not fit: then what follows from its absence is no news."""
        return any(
            bare(layer.document.get(keys)) is not None and _value(layer.table, keys) is None for layer in self.layers
        )

    def agents(self) -> dict[str, Mapping[str, Any]]:
        """The changes to each agent's profile, those of the nearer file laid over those of the farther."""
        merged: dict[str, Any] = {}
        for layer in reversed(self.layers):
            merged = _laid_over(merged, layer.table.agents)
        return merged

    def confined(self, agents: Mapping[str, Mapping[str, Any]], known: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """The same, with the sandbox of all laid under each known agent's own."""
        common = self.sandbox()
        if common is None:
            return dict(agents)
        under = {"sandbox": common}
        return {**agents, **{name: _laid_over(under, dict(agents.get(name, {}))) for name in known}}

    def dependencies(self) -> tuple[Dependency, ...]:
        """Those of the nearer file go before those of the farther, folder by folder."""
        tables = {
            folder: table for layer in reversed(self.layers) for folder, table in layer.table.dependencies.items()
        }
        return tuple(
            Dependency(folder=folder, lock=table.lock, make=table.make, link=bool(table.link))
            for folder, table in sorted(tables.items())
        )

    def sandbox(self) -> dict[str, Any] | None:
        """What every agent is confined to that does not say otherwise; an empty table is a sandbox, too."""
        merged: dict[str, Any] | None = None
        for layer in reversed(self.layers):
            if layer.table.sandbox is not None:
                merged = _laid_over(merged or {}, layer.table.sandbox)
        return merged

    def alerts(self) -> dict[str, Any]:
        """Who is told, and of what; the rules of the nearer file laid over those of the farther."""
        merged: dict[str, Any] = {}
        for layer in reversed(self.layers):
            if layer.table.alerts.model_fields_set:
                merged = _laid_over(merged, layer.table.alerts.model_dump(exclude_none=True, exclude_defaults=True))
        return merged

    def agent_names(self) -> set[str]:
        """All that have a profile in some layer, be it at fault."""
        profiles = (layer.document.value.get("agents") for layer in self.layers)
        return {name for mapping in profiles if isinstance(mapping, dict) for name in mapping}

    def fault(self, path: KeyPath, message: str, *, expected: str = "", hint: str = "") -> Fault:
        """A fault at the key path, in the nearest file that has it, or has what encloses it."""
        for end in range(len(path), 0, -1):
            for layer in self.layers:
                if layer.document.has(path[:end]):
                    where = layer.document.at_key(path[:end])
                    return layer.document.fault(where, message, expected=expected, hint=hint)
        document = self.layers[0].document
        return document.fault(document.at(()), message, expected=expected, hint=hint)

    def policy(self, now: datetime) -> Policy:
        given = {name: value for name, keys in _POLICY.items() if (value := self.get(*keys)) is not None}
        if given.get("workers") == AUTO:
            given |= {"workers": Policy().workers, "auto": True}
        hours = closed(self.get("curfew") or (), self.get("active") or (), now)
        requests = self.requests()
        if requests is not None:
            given.setdefault("push_to", "origin")
        return Policy(**given, limits=self.limits(), closed=hours, requests=requests)

    def requests(self) -> PullRequests | None:
        """Own commands go before those of the host; whoever only says how one is opened has no others."""
        if self.get("mode") != "pull-request":
            return None
        said = {name: self.get("pull_request", name) for name in ("per", "base", "find", "open", "update")}
        host = self.get("pull_request", "host") or ("" if said["open"] else "gh")
        known = KNOWN[host]._asdict() if host else {}
        return PullRequests(**{**known, **{name: value for name, value in said.items() if value is not None}})

    def limits(self) -> tuple[Limit, ...]:
        """Those of the nearer file laid over those of the farther, key by key."""
        merged: dict[str, dict[str, Any]] = {}
        for layer in reversed(self.layers):
            for pool, table in layer.table.limits.items():
                said = {key: value for key, value in table.model_dump().items() if value is not None}
                merged[pool] = merged.get(pool, {}) | said
        return tuple(Limit(pool=pool, **said) for pool, said in merged.items())

    def budget(self) -> Budget:
        names = ("usd", "bead_usd", "day_usd", "tokens", "bead_tokens", "day_tokens", "warn", "hard", "stop")
        given = {name: self.get("budget", name) for name in names}
        for name in ("time", "bead_time", "day_time"):
            seconds = self.get("budget", name)
            given[name.replace("time", "minutes")] = None if seconds is None else seconds / 60.0
        return Budget(**{name: value for name, value in given.items() if value is not None})

    def repo(self) -> Path | None:
        layer = self.source("repo")
        return None if layer is None else repo_of(layer.table, layer.directory)


def repo_of(table: SettingsTable, directory: Path) -> Path | None:
    return None if table.repo is None else (directory / Path(table.repo).expanduser()).resolve()


def _value(table: SettingsTable, keys: tuple[str, ...]) -> Any:
    value: Any = table
    for key in keys:
        value = getattr(value, key)
    return value


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Tables key by key; anything else as a whole."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if isinstance(value, dict) and isinstance(under, dict):
            merged[key] = _laid_over(under, value)
        else:
            merged[key] = value
    return merged


def defaults_file(manifest: Path, repo: Path | None) -> Path | None:
    """The first `orchestrator.toml`: beside the manifest, in the folder above, in the root of the repository.

    Without a repository in the manifest, that of the folder it is in counts.
    """
    folder = manifest.parent
    if repo is None:
        repo = next((place for place in (folder, *folder.parents) if (place / ".git").exists()), None)
    for place in (folder, folder.parent, *([] if repo is None else [repo])):
        candidate = place / DEFAULTS_FILE
        if candidate.is_file() and candidate != manifest:
            return candidate
    return None
