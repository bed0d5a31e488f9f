"""What Claude Code asks before it edits a file, and how it is answered: its `PreToolUse` hook, in its words.

Knows the two JSON shapes. Does not know who holds which files.
"""

from __future__ import annotations

import json
from typing import Any

EDITS = {"Write": "file_path", "Edit": "file_path", "MultiEdit": "file_path", "NotebookEdit": "notebook_path"}
"""Tools that change a file, and where each names it."""


def edited(text: str) -> str | None:
    """The file that is to be changed; None: none is. Raises `ValueError` for what is no such question."""
    told = json.loads(text)
    if not isinstance(told, dict):
        raise ValueError("it is no JSON object")
    key, given = EDITS.get(str(told.get("tool_name"))), told.get("tool_input")
    path = given.get(key) if key and isinstance(given, dict) else None
    return path if isinstance(path, str) and path else None


def refusal(path: str, reason: str) -> str:
    """The model reads this in the place of the tool's result."""
    said: dict[str, Any] = {
        "hookEventName": "PreToolUse",
        "permissionDecision": "deny",
        "permissionDecisionReason": f"{path} is not yours now: {reason}. Another agent works on it in a worktree of "
        "its own, and what both write would collide. Do what you can without this file first; if you cannot do without "
        "it, wait for it with the tool lock_files, or with `orchestrator lock --wait SECONDS` and its path.",
    }
    return json.dumps({"hookSpecificOutput": said})
