"""What each real agent program needs so that it talks to the model server and to nobody else.

Its environment, the files of its home, what the manifest says over its profile, and how its own retries are cut short.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.agents.model_server import ModelServer

CODEX = """\
model = "gpt-5-codex"
model_provider = "stub"
check_for_update_on_startup = false
[model_providers.stub]
name = "stub"
base_url = "{url}/v1"
env_key = "STUB_API_KEY"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    name: str
    """As the profile is named; so is its session at the model server."""
    model: str
    command: str = ""
    """What `scripts/install-agents` links, where that is not the profile's name."""
    env: Callable[[str], Mapping[str, str]] = lambda url: {}
    files: Callable[[str], Mapping[str, str]] = lambda url: {}
    """Of its home: path and text."""
    override: Mapping[str, Any] = field(default_factory=dict)
    """What the manifest says over its profile."""
    resumes: bool = True
    reaches: tuple[str, ...] = ()
    """Hosts, as patterns, that it wants to reach although it was told to be quiet; the proxy refuses them."""

    @property
    def route(self) -> str:
        return f"{self.name}:{self.model}"


def _opencode(url: str) -> Mapping[str, str]:
    stub = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "stub",
        "options": {"baseURL": f"{url}/v1", "apiKey": "sk-test"},
        "models": {"stub-1": {"name": "stub-1", "limit": {"context": 128000, "output": 8192}}},
    }
    settings = {"model": "stub/stub-1", "small_model": "stub/stub-1", "provider": {"stub": stub}}
    return {".config/opencode/opencode.json": json.dumps(settings)}


PROGRAMS: Mapping[str, Program] = {
    each.name: each
    for each in (
        Program(
            name="claude",
            model="claude-sonnet-4-5",
            env=lambda url: {
                "ANTHROPIC_BASE_URL": url,
                "ANTHROPIC_API_KEY": "sk-test",
                "CLAUDE_CODE_MAX_RETRIES": "1",
                **({"IS_SANDBOX": "1"} if os.geteuid() == 0 else {}),
            },
        ),
        Program(
            name="codex",
            model="gpt-5-codex",
            env=lambda url: {"STUB_API_KEY": "sk-test"},
            files=lambda url: {".codex/config.toml": CODEX.format(url=url)},
            override={"pass_env": ["STUB_API_KEY"]},
        ),
        Program(
            name="gemini",
            model="gemini-2.5-pro",
            env=lambda url: {"GEMINI_API_KEY": "sk-test", "GOOGLE_GEMINI_BASE_URL": url},
            files=lambda url: {
                ".gemini/settings.json": json.dumps(
                    {
                        "security": {"auth": {"selectedType": "gemini-api-key"}},
                        "general": {"maxAttempts": 2},
                        "privacy": {"usageStatisticsEnabled": False},
                    }
                )
            },
        ),
        Program(
            name="qwen",
            model="stub-1",
            env=lambda url: {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": f"{url}/v1", "OPENAI_MODEL": "stub-1"},
            files=lambda url: {".qwen/settings.json": json.dumps({"security": {"auth": {"selectedType": "openai"}}})},
        ),
        Program(name="opencode", model="stub/stub-1", files=_opencode, reaches=("registry.*",)),
        Program(
            name="aider",
            model="openai/stub-1",
            env=lambda url: {"OPENAI_API_KEY": "sk-test", "OPENAI_API_BASE": f"{url}/v1"},
            resumes=False,
            reaches=("raw.githubusercontent.com:443",),
        ),
        Program(
            name="mini-swe-agent",
            model="openai/stub-1",
            command="mini",
            env=lambda url: {
                "OPENAI_API_KEY": "sk-test",
                "OPENAI_API_BASE": f"{url}/v1",
                "MSWEA_MODEL_RETRY_STOP_AFTER_ATTEMPT": "1",
            },
            resumes=False,
        ),
    )
}


def settle(program: Program, server: ModelServer, home: Path) -> Mapping[str, str]:
    """Write the program's part of a home; the environment that belongs to it. No way leads out but to `server`."""
    url = server.url(program.name)
    for name, text in program.files(url).items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    quiet = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), server.proxy)
    return {**program.env(url), **quiet, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
