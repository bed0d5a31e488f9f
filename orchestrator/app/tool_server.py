"""The tool by which an agent asks for files: an MCP server on standard input and output, for one session.

Of the protocol only what a server of one tool needs: JSON-RPC 2.0, a message or a batch of them a line; `initialize`,
`tools/list`, `tools/call`, `ping`. And the same question, asked by a hook before an edit. Decides nothing: each is
`ask_for`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any

from orchestrator import __version__
from orchestrator.app.locking import Reply, ask_for
from orchestrator.app.orders import Refused
from orchestrator.core.claims import escaped
from orchestrator.core.values import Struct
from orchestrator.runtime.ports import StoreFault

VERSIONS = ("2025-06-18", "2025-03-26", "2024-11-05")
"""Of the protocol, the newest first; what is used here is the same in all."""
LONGEST_S = 600.0
PARSE_ERROR, INVALID_REQUEST, NO_SUCH_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602

TOOL = {
    "name": "lock_files",
    "title": "Ask for files",
    "description": "Other agents work on this repository at the same time, each in a worktree of its own. Ask for "
    "files that your task did not name before you change them: all of them are yours from then on, or none, and you "
    "are told who has them. Work that changes files which another agent holds may collide with theirs, and be sent "
    "back to you.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "paths": {
                "type": "array",
                "items": {"type": "string"},
                "minItems": 1,
                "description": "Files, folders or globs, relative to the worktree.",
            },
            "read": {"type": "boolean", "description": "Only to rely on: others may read them too. Default false."},
            "wait_s": {
                "type": "number",
                "minimum": 0,
                "maximum": LONGEST_S,
                "description": "Seconds to wait where another agent holds them. Default 0.",
            },
            "hand_back": {
                "type": "boolean",
                "description": "Where they are held: end this session, and start it again when they are free.",
            },
        },
        "required": ["paths"],
        "additionalProperties": False,
    },
}

Ask = Callable[..., Reply]
"""`ask_for`, in its worktree."""


def serve_session(worktree: Path, lines: Iterable[str], out: IO[str]) -> None:
    """For the session that this process is in."""
    serve(lines, out, partial(ask_for, cwd=worktree))


class BeforeEdit(Struct, frozen=True, kw_only=True):
    refused: str = ""
    """What is said to the hook; empty: nothing stands in the way."""
    fault: str = ""
    """Why nobody could be asked: the edit goes on all the same, and is seen later."""


def before_edit(worktree: Path, question: str, ask: Ask = ask_for) -> BeforeEdit:
    """The answer to Claude Code's `PreToolUse`. What is not in the worktree is not for locks to say."""
    from orchestrator.agents.hooks import edited, refusal

    try:
        path = edited(question)
    except ValueError as fault:
        return BeforeEdit(fault=f"the hook's question cannot be read ({fault})")
    inner = _inside(worktree, path) if path else None
    if path is None or inner is None:
        return BeforeEdit()
    try:
        reply = ask([escaped(inner)], cwd=worktree, edits=True)
    except (Refused, StoreFault) as fault:
        return BeforeEdit(fault=str(fault))
    return BeforeEdit() if reply.yours else BeforeEdit(refused=refusal(inner, reply.text))


def _inside(worktree: Path, path: str) -> str | None:
    """As seen from the worktree; None: it is elsewhere."""
    for top, file in ((worktree, worktree / path), (worktree.resolve(), (worktree / path).resolve())):
        whole = Path(os.path.normpath(file))
        if whole.is_relative_to(top):
            return whole.relative_to(top).as_posix()
    return None


def serve(lines: Iterable[str], out: IO[str], ask: Ask) -> None:
    """Until the agent closes its end."""
    for line in lines:
        if not line.strip():
            continue
        answer = _of_line(line, ask)
        if answer:
            out.write(json.dumps(answer) + "\n")
            out.flush()


def _of_line(line: str, ask: Ask) -> dict[str, Any] | list[dict[str, Any]] | None:
    """What is written for a line; nothing where nothing was asked."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError) as fault:
        return _error(None, PARSE_ERROR, str(fault))
    if isinstance(told, list) and told:
        return [answer for each in told if (answer := _answered(each, ask)) is not None]
    return _answered(told, ask)


def _answered(told: Any, ask: Ask) -> dict[str, Any] | None:
    """None: it was told something, and asked nothing."""
    if not isinstance(told, dict) or not isinstance(told.get("method"), str):
        return _error(None, INVALID_REQUEST, "a request has a method")
    if "id" not in told:
        return None
    params = told.get("params") or {}
    if not isinstance(params, dict):
        return _error(told["id"], INVALID_PARAMS, "params: an object")
    match told["method"]:
        case "initialize":
            wanted = params.get("protocolVersion")
            return _result(told, {
                "protocolVersion": wanted if wanted in VERSIONS else VERSIONS[0],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "orchestrator", "version": __version__},
            })  # fmt: skip
        case "ping":
            return _result(told, {})
        case "tools/list":
            return _result(told, {"tools": [TOOL]})
        case "tools/call":
            return _called(told, params, ask)
    return _error(told["id"], NO_SUCH_METHOD, f"there is no method {told['method']}")


def _called(told: Mapping[str, Any], params: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
    if params.get("name") != TOOL["name"]:
        return _error(told["id"], INVALID_PARAMS, f"there is no tool {params.get('name')}")
    given = params.get("arguments") or {}
    if not isinstance(given, dict):
        return _error(told["id"], INVALID_PARAMS, "arguments: an object")
    paths, wait = given.get("paths"), given.get("wait_s", 0)
    shared, hand_back = given.get("read", False), given.get("hand_back", False)
    if not isinstance(paths, list) or not paths or not all(isinstance(path, str) and path for path in paths):
        return _said(told, "paths: a list of files, folders or globs", failed=True)
    if isinstance(wait, bool) or not isinstance(wait, int | float) or not 0 <= wait <= LONGEST_S:
        return _said(told, f"wait_s: seconds, from 0 to {LONGEST_S:g}", failed=True)
    if not isinstance(shared, bool) or not isinstance(hand_back, bool):
        return _said(told, "read, hand_back: true or false", failed=True)
    try:
        reply = ask(paths, shared=shared, wait_s=float(wait), hand_back=hand_back)
    except (Refused, StoreFault) as fault:
        return _said(told, str(fault), failed=True)
    return _said(told, reply.text, failed=not reply.yours)


def _said(told: Mapping[str, Any], text: str, *, failed: bool) -> dict[str, Any]:
    return _result(told, {"content": [{"type": "text", "text": text}], "isError": failed})


def _result(told: Mapping[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": told["id"], "result": result}


def _error(asked: Any, code: int, text: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": asked, "error": {"code": code, "message": text}}
