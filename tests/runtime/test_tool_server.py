"""The tool that asks for files, and the hook before an edit: what is said over their two pipes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestrator.app.locking import Reply, claims_of
from orchestrator.app.orders import Refused
from orchestrator.app.tool_server import INVALID_PARAMS, PARSE_ERROR, VERSIONS, before_edit, serve


class Table:
    """Gives away everything but held.txt, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[str], dict[str, Any]]] = []

    def __call__(self, paths: list[str], **how: Any) -> Reply:
        self.asked.append((paths, how))
        if "nobody" in paths:
            raise Refused("nobody is at work on the run that this session belongs to")
        held = "held.txt" in paths
        return Reply(yours=not held, text="held by b" if held else f"{', '.join(paths)}: yours")


def talk(*messages: object) -> list[dict[str, Any]]:
    out, table = io.StringIO(), Table()
    serve([each if isinstance(each, str) else json.dumps(each) for each in messages], out, table)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def call(**arguments: Any) -> dict[str, Any]:
    params = {"name": "lock_files", "arguments": arguments}
    [answer] = talk({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    result: dict[str, Any] = answer["result"]
    return result


def test_a_session_of_the_protocol() -> None:
    """It greets, is told that it was greeted (which asks for nothing), and says what it has."""
    begun, listed = talk(
        {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": VERSIONS[-1]}},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": "a", "method": "tools/list"},
    )
    assert (begun["id"], begun["result"]["protocolVersion"]) == (0, VERSIONS[-1])
    assert begun["result"]["capabilities"] == {"tools": {}}
    assert (listed["id"], [tool["name"] for tool in listed["result"]["tools"]]) == ("a", ["lock_files"])


def test_a_version_of_tomorrow_is_answered_with_ours() -> None:
    [begun] = talk({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2099-01-01"}})
    assert begun["result"]["protocolVersion"] == VERSIONS[0]


def test_files_that_are_free_and_files_that_are_held() -> None:
    """The model reads who has them; that is an answer, not a fault of the protocol."""
    assert call(paths=["a", "b"]) == {"content": [{"type": "text", "text": "a, b: yours"}], "isError": False}
    held = call(paths=["held.txt"], wait_s=5)
    assert (held["isError"], held["content"][0]["text"]) == (True, "held by b")


@pytest.mark.parametrize(
    "arguments",
    [
        {}, {"paths": []}, {"paths": "a"}, {"paths": [1]}, {"paths": ["nobody"]},
        {"paths": ["a"], "wait_s": -1}, {"paths": ["a"], "wait_s": True}, {"paths": ["a"], "read": "yes"},
        {"paths": ["a"], "hand_back": 1},
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_to_the_model(arguments: dict[str, Any]) -> None:
    """And the server goes on."""
    assert call(**arguments)["isError"]


def test_what_is_no_request_is_said_so() -> None:
    """In the order in which it came; an empty line is nothing."""
    broken, odd, unknown, pong = talk("{", [], "", {"id": 1, "method": "resources/list"}, {"id": 2, "method": "ping"})
    assert broken["error"]["code"] == PARSE_ERROR
    assert (odd["id"], unknown["id"]) == (None, 1)
    assert "error" in odd
    assert "resources/list" in unknown["error"]["message"]
    assert pong["result"] == {}


@pytest.mark.parametrize("params", [[], [1], "text", {"name": "lock_files", "arguments": [1]}, {"name": ["x"]}])
def test_what_is_called_in_no_way_of_ours_is_refused_and_the_server_goes_on(params: Any) -> None:
    refused, pong = talk({"id": 1, "method": "tools/call", "params": params}, {"id": 2, "method": "ping"})
    assert (refused["id"], refused["error"]["code"]) == (1, INVALID_PARAMS)
    assert pong["result"] == {}


def test_a_batch_is_answered_as_one() -> None:
    """Versions of the protocol before 2025-06-18 have them. Nothing is written where nothing was asked."""
    told = {"method": "notifications/initialized"}
    out = io.StringIO()
    batches = [[{"id": 1, "method": "ping"}, told, 7, {"id": 2, "method": "ping"}], [told]]
    serve([json.dumps(each) for each in batches], out, Table())
    [answers] = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [each["id"] for each in answers] == [1, None, 2]


def test_a_line_that_goes_deeper_than_anybody_reads_is_no_end() -> None:
    deep, pong = talk("[" * 200_000, {"id": 2, "method": "ping"})
    assert deep["error"]["code"] == PARSE_ERROR
    assert pong["result"] == {}


def test_what_is_not_utf8_is_said_so_and_the_server_goes_on(tmp_path: Path) -> None:
    """Whatever encoding the terminal has."""
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator", "mcp", "--worktree", str(tmp_path)],
        input=b"\xff\n" + '{"id": "\u00fc", "method": "ping"}\n'.encode(),
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    broken, pong = map(json.loads, done.stdout.splitlines())
    assert broken["error"]["code"] == PARSE_ERROR
    assert pong["id"] == "\u00fc"


@pytest.mark.parametrize("name", ["\udcff", "\ud800.txt"])
def test_a_name_that_is_not_utf8_cannot_be_asked_for(tmp_path: Path, name: str) -> None:
    (tmp_path / ".git").touch()
    with pytest.raises(Refused, match="not UTF-8"):
        claims_of(["src/a", name], tmp_path)


# ---------------------------------------------------------------- before an edit


def edit(path: str, tool: str = "Write", key: str = "file_path") -> str:
    return json.dumps({"hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": {key: path}})


def test_an_edit_of_a_free_file_goes_on_without_a_word(tmp_path: Path) -> None:
    """The file is asked for by its very name, as seen from the worktree."""
    table = Table()
    said = before_edit(tmp_path, edit(f"{tmp_path}/src/a[1].py"), table)
    assert (said.refused, said.fault) == ("", "")
    assert table.asked == [(["src/a[[]1].py"], {"cwd": tmp_path, "edits": True})]


def test_an_edit_of_a_held_file_is_refused_with_the_reason(tmp_path: Path) -> None:
    """In the words of the program that asks."""
    said = before_edit(tmp_path, edit("held.txt", "NotebookEdit", "notebook_path"), Table())
    told = json.loads(said.refused)["hookSpecificOutput"]
    assert told["permissionDecision"] == "deny"
    assert "held by b" in told["permissionDecisionReason"]


@pytest.mark.parametrize("question", [edit("/etc/hosts"), edit("a", "Read"), edit("../b"), '{"tool_name": "Write"}'])
def test_what_is_no_edit_in_the_worktree_is_not_for_locks_to_say(tmp_path: Path, question: str) -> None:
    """Nobody is asked."""
    table = Table()
    assert before_edit(tmp_path, question, table).refused == ""
    assert table.asked == []


@pytest.mark.parametrize("question", ["", "[]", edit("nobody")])
def test_where_nobody_can_be_asked_the_edit_goes_on(tmp_path: Path, question: str) -> None:
    """And why is said: not to the model."""
    said = before_edit(tmp_path, question, Table())
    assert said.refused == ""
    assert said.fault
