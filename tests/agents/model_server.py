"""A model provider on loopback that plays a script, for tests that drive real agent programs.

It speaks four wire APIs (Anthropic Messages, OpenAI Chat Completions, OpenAI Responses, Gemini generateContent),
streaming and not, and answers with tool calls chosen from the tools that a request offers, then with a final text.
On demand a session meets a trouble instead: a limit, a refusal, an overload, a connection that breaks or goes silent.

It keeps no state of a conversation: how far a script has been played is counted from the tool results in the request
itself, so that retries, resumed sessions and many agents at once need nothing more. What it does keep, per session,
is the script, the faults that are still to be met, and a record of every request.

It does not judge what an agent made of the answers, and it knows of agent programs only the marks noted above
`Dialogue`. Error bodies imitate each provider's published format; they are not captures.

    with ModelServer() as server:
        server.script("one", [Write("a.txt", "a"), Shell("git add -A && git commit -qm a"), Say("done")])
        server.fault("one", Trouble.USAGE_LIMIT, times=1, turn=1)
        ... start an agent on server.url("one") ...
        server.requests("one")
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import fnmatch
import json
import re
import shlex
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote, unquote, urlsplit

Json = dict[str, Any]

# What the agent is told to do -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Write:
    """Write a file by the agent's own tool for it, or by its shell if it has none. Relative to where it works."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Shell:
    """Run a command by the agent's shell tool."""

    command: str


@dataclass(frozen=True, slots=True)
class Use:
    """Call a tool by (the end of) its name: one that a tool server of ours offers."""

    tool: str
    arguments: Json


@dataclass(frozen=True, slots=True)
class Say:
    """Answer with a text, which ends the agent's work on a prompt."""

    text: str


Turn = Write | Shell | Use | Say

DEFAULT_SCRIPT: tuple[Turn, ...] = (
    Write("hello.txt", "hello\n"),
    Shell("git add -A && git commit -q -m 'Add hello.txt'"),
    Say("Done: hello.txt is written and committed."),
)
_SCRIPT_LINE = re.compile(r"SCRIPT:([A-Za-z0-9+/]+=*)")


def script_line(turns: Iterable[Turn]) -> str:
    """A line that carries a script inside a prompt, so that many prompts share one URL. No blank, no quote."""
    return "SCRIPT:" + base64.b64encode(json.dumps([asdict(turn) for turn in turns]).encode()).decode()


def script_in(prompt: str) -> tuple[Turn, ...] | None:
    """The script that a prompt carries: the last one, if there are several."""
    found = _SCRIPT_LINE.findall(prompt)
    return tuple(_turn(**item) for item in json.loads(base64.b64decode(found[-1]))) if found else None


def _turn(**fields: Any) -> Turn:
    """The turn that has these fields: path and text, command, tool and arguments, or text alone."""
    if "tool" in fields:
        return Use(**fields)
    return Write(**fields) if "path" in fields else Shell(**fields) if "command" in fields else Say(**fields)


# What it meets instead --------------------------------------------------------------------------------------


class Trouble(StrEnum):
    RATE_LIMIT = "rate-limit"  # 429 with retry-after
    OVERLOADED = "overloaded"  # 529 by Anthropic, 503 by the others
    UNAVAILABLE = "unavailable"  # 503
    SERVER_ERROR = "server-error"  # 500
    BAD_KEY = "bad-key"  # 401; 400 by Gemini
    CREDIT = "credit"  # the account has no money left
    USAGE_LIMIT = "usage-limit"  # the plan's limit, with the time of its reset
    CONTEXT = "context"  # the conversation is longer than the model's window
    DROP = "drop"  # the connection breaks in the middle of an answer
    STALL = "stall"  # an answer begins, and then nothing comes any more
    SILENCE = "silence"  # nothing ever comes


@dataclass(slots=True, kw_only=True)
class Fault:
    """A trouble and who meets it: the next `times` requests (None: every one), of that turn and model only if given.

    `retry_after` is in seconds, `resets_at` in seconds since 1970; `model` is a pattern as of a shell. A usage limit is
    lifted at its reset.
    """

    trouble: Trouble
    times: int | None = None
    turn: int | None = None
    model: str = "*"
    retry_after: int = 1
    resets_at: int = 0

    @property
    def seconds_left(self) -> int:
        return max(1, self.resets_at - int(time.time()))

    def strikes(self, dialogue: Dialogue) -> bool:
        of_turn = self.turn is None or self.turn == dialogue.turn
        if self.trouble is Trouble.USAGE_LIMIT and time.time() >= self.resets_at:
            return False
        return self.times != 0 and of_turn and fnmatch.fnmatchcase(dialogue.model, self.model)


class Refusal(NamedTuple):
    """An error as a provider words it: an HTTP status, or (`in_stream`) an event of a stream that began with 200."""

    status: int
    body: Json
    headers: dict[str, str]
    in_stream: bool = False


# What a request says ----------------------------------------------------------------------------------------


class Role(StrEnum):
    SYSTEM = "system"
    USER = "user"
    MODEL = "model"
    TOOL = "tool"


class Item(NamedTuple):
    """One piece of a conversation. A tool's is what a call gave."""

    role: Role
    text: str = ""


# Programs put context of their own in the user's role: in a tag, or as codex does AGENTS.md. That is no prompt.
_CONTEXT = re.compile(r"\s*(<[a-z][\w-]*[ >]|# AGENTS\.md|\[Request interrupted)")
# Some write tools insist on a read or an absolute path first. Such a result is no turn played: the shell does it next.
_REFUSED = re.compile(r"not been read yet|must (first )?(read|be absolute)|read the file first|modified since", re.I)
# aider has no tools: this is how it asks for whole files in a text.
_AIDER = "*file listing*"
# mini-swe-agent wants to be told by its shell that the work is done.
_MINI = "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """A request, whatever its wire API: the tools that it offers (name to JSON schema) and the conversation so far."""

    model: str
    stream: bool
    tools: Mapping[str, Json]
    items: Sequence[Item]

    @property
    def prompts(self) -> list[str]:
        """What the user asked for, oldest first."""
        return [item.text for item in self.items if _is_prompt(item)]

    @property
    def results(self) -> list[str]:
        """What the tool calls gave since the last prompt."""
        last = max((index for index, item in enumerate(self.items) if _is_prompt(item)), default=0)
        return [item.text for item in self.items[last:] if item.role is Role.TOOL]

    @property
    def turn(self) -> int:
        """How many turns of the script have been played for the last prompt."""
        return self._played()[0]

    @property
    def was_refused(self) -> bool:
        """The turn that is due has been tried, and the tool would not have it."""
        return self._played()[1]

    def _played(self) -> tuple[int, bool]:
        played, refused = 0, False
        for result in self.results:
            # Never twice for one turn: a shell may print these words as well.
            refused = not refused and bool(_REFUSED.search(result))
            played += not refused
        return played, refused

    @property
    def wants_listing(self) -> bool:
        return not self.tools and any(_AIDER in item.text for item in self.items if item.role is Role.SYSTEM)

    @property
    def is_side_request(self) -> bool:
        """A title, a summary, a commit message: asked without tools. It uses up no turn and no fault."""
        return not self.tools and not self.wants_listing


def _is_prompt(item: Item) -> bool:
    return item.role is Role.USER and (not _CONTEXT.match(item.text) or bool(_SCRIPT_LINE.search(item.text)))


# What the model answers -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call of an answer."""

    tool: str
    arguments: Json
    id: str = field(default_factory=lambda: f"call_{uuid.uuid4().hex[:20]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer, and the tokens that it is said to have cost."""

    model: str
    text: str
    call: Call | None = None
    tokens_in: int
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:24])

    @property
    def tokens_out(self) -> int:
        return 1 + (len(self.text) + len(json.dumps(self.call.arguments) if self.call else "")) // 4


def reply_to(dialogue: Dialogue, script: Sequence[Turn], tokens_in: int) -> Reply:
    """The next turn of the script, as the program that asks can carry it out."""

    def reply(text: str, call: Call | None = None) -> Reply:
        return Reply(model=dialogue.model, text=text, call=call, tokens_in=tokens_in)

    if dialogue.is_side_request:
        return reply("A scripted piece of work")
    if dialogue.wants_listing:
        files = [f"{turn.path}\n```\n{turn.text.rstrip()}\n```\n" for turn in script if isinstance(turn, Write)]
        return reply("\n".join(files) or "Done.")
    turn = script[dialogue.turn] if dialogue.turn < len(script) else Say("Done.")
    if isinstance(turn, Say) and any(_MINI in prompt for prompt in dialogue.prompts):
        turn = Shell(f"echo {_MINI}")
    if isinstance(turn, Say):
        return reply(turn.text)
    call = choose_call(turn, dialogue.tools, avoid_writer=dialogue.was_refused)
    return reply("Working on it.", call) if call else reply(f"No tool that was offered can do this: {turn}")


_SHELLS = ("Bash", "bash", "run_shell_command", "exec_command", "shell", "shell_command")
_WRITERS = ("Write", "write_file", "write", "create", "create_file")
_PATHS, _TEXTS, _COMMANDS = (("file_path", "filePath", "path"), ("content", "file_text", "text"), ("command", "cmd"))


def choose_call(turn: Write | Shell | Use, tools: Mapping[str, Json], *, avoid_writer: bool = False) -> Call | None:
    """A call that does this by a tool that is offered; None when there is none for it."""
    if isinstance(turn, Use):
        found = next((name for name in tools if name.endswith(turn.tool)), None)
        return Call(found, turn.arguments) if found else None
    if isinstance(turn, Write) and not avoid_writer:
        for name in _WRITERS:
            if name in tools and (filled := _fill(tools[name], (_PATHS, turn.path), (_TEXTS, turn.text))):
                return Call(name, filled)
    command = turn.command if isinstance(turn, Shell) else _write_command(turn)
    for name in _SHELLS:
        if name in tools and (filled := _fill(tools[name], (_COMMANDS, command))):
            return Call(name, filled)
    return None


def _write_command(turn: Write) -> str:
    path, text = shlex.quote(turn.path), base64.b64encode(turn.text.encode()).decode()
    return f'mkdir -p "$(dirname {path})" && printf %s {text} | base64 -d > {path}'


def _fill(schema: Json, *wanted: tuple[tuple[str, ...], str]) -> Json | None:
    """Arguments for a tool: each value under the first of its names that the schema has, and what else is required."""
    properties, filled = schema.get("properties", {}), {}
    for names, value in wanted:
        name = next((name for name in names if name in properties), None)
        if name is None:
            return None
        filled[name] = ["bash", "-lc", value] if properties[name].get("type") == "array" else value
    plain: Json = {"boolean": False, "integer": 0, "number": 0, "array": [], "object": {}}
    for name in schema.get("required", []):
        kind = str(properties.get(name, {}).get("type")).lower()
        filled.setdefault(name, plain.get(kind, "as asked"))
    return filled


# The four wire APIs -----------------------------------------------------------------------------------------


class Wire(Protocol):
    """How one API's requests are read and its answers written."""

    def read(self, body: Json, path: str) -> Dialogue: ...

    def whole(self, reply: Reply) -> Json: ...

    def stream(self, reply: Reply) -> list[bytes]: ...

    def refuse(self, fault: Fault) -> Refusal: ...


def _sse(data: Json, *, named: bool = True) -> bytes:
    event = f"event: {data['type']}\n" if named else ""
    return f"{event}data: {json.dumps(data)}\n\n".encode()


def _texts(content: object) -> Iterator[str]:
    """The texts in a message's content: a string, or a list of parts, of any provider."""
    for part in content if isinstance(content, list) else [content]:
        text = part.get("text") if isinstance(part, dict) else part
        if isinstance(text, str):
            yield text


def _items(role: object, content: object) -> list[Item]:
    """A message as items, one per text. A role that no provider shares (system, developer) is the system's."""
    roles = {"user": Role.USER, "assistant": Role.MODEL, "model": Role.MODEL, "tool": Role.TOOL}
    return [Item(roles.get(str(role), Role.SYSTEM), text) for text in _texts(content)]


class Messages:
    """Anthropic's `/v1/messages`."""

    def read(self, body: Json, path: str) -> Dialogue:
        items = _items(Role.SYSTEM, body.get("system"))
        for message in body["messages"]:
            content = message["content"]
            for block in content if isinstance(content, list) else [content]:
                if isinstance(block, dict) and block["type"] == "tool_result":
                    items.append(Item(Role.TOOL, "\n".join(_texts(block.get("content")))))
                else:
                    items += _items(message["role"], block)
        # What the provider runs by itself (web search) has no schema.
        tools = {tool["name"]: tool["input_schema"] for tool in body.get("tools", []) if "input_schema" in tool}
        return Dialogue(model=body["model"], stream=bool(body.get("stream")), tools=tools, items=items)

    def whole(self, reply: Reply) -> Json:
        content: list[Json] = [{"type": "text", "text": reply.text}]
        if call := reply.call:
            content.append({"type": "tool_use", "id": call.id, "name": call.tool, "input": call.arguments})
        ended = {"stop_reason": "tool_use" if call else "end_turn", "stop_sequence": None}
        usage = {"input_tokens": reply.tokens_in, "output_tokens": reply.tokens_out}
        head = {"id": f"msg_{reply.id}", "type": "message", "role": "assistant", "model": reply.model}
        return head | {"content": content} | ended | {"usage": usage}

    def stream(self, reply: Reply) -> list[bytes]:
        whole = self.whole(reply)
        started = whole | {"content": [], "stop_reason": None, "usage": whole["usage"] | {"output_tokens": 1}}
        events: list[Json] = [{"type": "message_start", "message": started}]
        for index, block in enumerate(whole["content"]):
            if block["type"] == "text":
                empty, delta = Json(text=""), {"type": "text_delta", "text": block["text"]}
            else:
                empty, delta = ({"input": {}}, {"type": "input_json_delta", "partial_json": json.dumps(block["input"])})
            events.append({"type": "content_block_start", "index": index, "content_block": block | empty})
            events.append({"type": "content_block_delta", "index": index, "delta": delta})
            events.append({"type": "content_block_stop", "index": index})
        ended = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
        events.append({"type": "message_delta", "delta": ended, "usage": {"output_tokens": reply.tokens_out}})
        return [_sse(event) for event in [*events, {"type": "message_stop"}]]

    def refuse(self, fault: Fault) -> Refusal:
        bad = "invalid_request_error"
        status, kind, said = {
            Trouble.RATE_LIMIT: (429, "rate_limit_error", "This request would exceed your organization's rate limit."),
            Trouble.USAGE_LIMIT: (429, "rate_limit_error", "This request would exceed your account's rate limit."),
            Trouble.OVERLOADED: (529, "overloaded_error", "Overloaded"),
            Trouble.UNAVAILABLE: (503, "api_error", "Service unavailable"),
            Trouble.BAD_KEY: (401, "authentication_error", "invalid x-api-key"),
            Trouble.CREDIT: (400, bad, "Your credit balance is too low to access the Anthropic API."),
            Trouble.CONTEXT: (400, bad, "prompt is too long: 213462 tokens > 200000 maximum"),
        }.get(fault.trouble, (500, "api_error", "Internal server error"))
        headers = {"request-id": f"req_{uuid.uuid4().hex[:24]}"}
        if fault.trouble is Trouble.RATE_LIMIT:
            headers["retry-after"] = str(fault.retry_after)
        if fault.trouble is Trouble.USAGE_LIMIT:
            limits = {"status": "rejected", "5h-status": "rejected", "overage-status": "rejected"}
            limits |= {"representative-claim": "five_hour", "5h-utilization": "1.0"}
            limits |= {"reset": str(fault.resets_at), "5h-reset": str(fault.resets_at)}
            headers |= {f"anthropic-ratelimit-unified-{key}": value for key, value in limits.items()}
            headers |= {"retry-after": str(fault.seconds_left), "x-should-retry": "false"}
        body = {"type": "error", "error": {"type": kind, "message": said}, "request_id": headers["request-id"]}
        return Refusal(status, body, headers)


class _OpenAI:
    """The error bodies that both of OpenAI's APIs share."""

    def refuse(self, fault: Fault) -> Refusal:
        quota = (429, "insufficient_quota", "You exceeded your current quota, please check your plan and billing.")
        busy = (503, "server_error", "The engine is currently overloaded, please try again later")
        status, code, said = {
            Trouble.RATE_LIMIT: (429, "rate_limit_exceeded", "Rate limit reached on requests per min."),
            Trouble.USAGE_LIMIT: quota,
            Trouble.CREDIT: quota,
            Trouble.OVERLOADED: busy,
            Trouble.UNAVAILABLE: busy,
            Trouble.BAD_KEY: (401, "invalid_api_key", "Incorrect API key provided."),
            Trouble.CONTEXT: (400, "context_length_exceeded", "This model's maximum context length is 128000 tokens."),
        }.get(fault.trouble, (500, "server_error", "The server had an error while processing your request."))
        kind = "invalid_request_error" if status in (400, 401) else code
        headers = {"x-request-id": f"req_{uuid.uuid4().hex[:24]}"}
        if fault.trouble is Trouble.RATE_LIMIT:
            headers["retry-after"] = str(fault.retry_after)
        return Refusal(status, {"error": {"message": said, "type": kind, "param": None, "code": code}}, headers)


class ChatCompletions(_OpenAI):
    """OpenAI's `/v1/chat/completions`."""

    def read(self, body: Json, path: str) -> Dialogue:
        items: list[Item] = []
        for message in body["messages"]:
            role, content = message["role"], message.get("content")
            # One result is one item, however many parts it has.
            items += _items(role, "\n".join(_texts(content)) if role == "tool" else content)
        functions = [tool["function"] for tool in body.get("tools") or [] if "function" in tool]
        tools = {function["name"]: function.get("parameters", {}) for function in functions}
        return Dialogue(model=body["model"], stream=bool(body.get("stream")), tools=tools, items=items)

    def whole(self, reply: Reply) -> Json:
        message: Json = {"role": "assistant", "content": reply.text}
        if call := reply.call:
            function = {"name": call.tool, "arguments": json.dumps(call.arguments)}
            message["tool_calls"] = [{"id": call.id, "type": "function", "function": function}]
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if call else "stop"}
        return self._head(reply, "chat.completion") | {"choices": [choice], "usage": self._usage(reply)}

    def stream(self, reply: Reply) -> list[bytes]:
        choice = self.whole(reply)["choices"][0]
        deltas: list[Json] = [{"role": "assistant", "content": ""}, {"content": reply.text}]
        deltas += [{"tool_calls": [{"index": 0} | call]} for call in choice["message"].get("tool_calls", [])]
        choices: list[list[Json]] = [[{"index": 0, "delta": delta, "finish_reason": None}] for delta in deltas]
        choices += [[{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}], []]
        head = self._head(reply, "chat.completion.chunk")
        chunks = [head | {"choices": each} | ({} if each else {"usage": self._usage(reply)}) for each in choices]
        return [*(_sse(chunk, named=False) for chunk in chunks), b"data: [DONE]\n\n"]

    def _head(self, reply: Reply, kind: str) -> Json:
        return {"id": f"chatcmpl-{reply.id}", "object": kind, "created": int(time.time()), "model": reply.model}

    def _usage(self, reply: Reply) -> Json:
        used = {"prompt_tokens": reply.tokens_in, "completion_tokens": reply.tokens_out}
        return used | {"total_tokens": reply.tokens_in + reply.tokens_out}


class Responses(_OpenAI):
    """OpenAI's `/v1/responses`."""

    def read(self, body: Json, path: str) -> Dialogue:
        items = _items(Role.SYSTEM, body.get("instructions"))
        given = body["input"]
        for item in given if isinstance(given, list) else [{"role": "user", "content": given}]:
            if str(item.get("type")).endswith("_call_output"):
                output = item.get("output")
                items.append(Item(Role.TOOL, "\n".join(_texts(output)) or json.dumps(output)))
            else:
                items += _items(item.get("role"), item.get("content"))
        # What the provider runs by itself, and free-form tools, have no parameters.
        tools = {tool["name"]: tool["parameters"] for tool in body.get("tools") or [] if "parameters" in tool}
        for space in body.get("tools") or []:  # those of a tool server are together in one
            if space["type"] == "namespace":
                tools |= {f"{space['name']}/{tool['name']}": tool["parameters"] for tool in space["tools"]}
        return Dialogue(model=body["model"], stream=bool(body.get("stream")), tools=tools, items=items)

    def whole(self, reply: Reply) -> Json:
        part = {"type": "output_text", "text": reply.text, "annotations": []}
        output: list[Json] = [{"id": f"msg_{reply.id}", "type": "message", "role": "assistant", "content": [part]}]
        if call := reply.call:
            space, _, name = call.tool.rpartition("/")
            function = {"call_id": call.id, "name": name, "arguments": json.dumps(call.arguments)}
            function |= {"namespace": space} if space else {}
            output.append({"id": f"fc_{reply.id}", "type": "function_call"} | function)
        used = {"input_tokens": reply.tokens_in, "output_tokens": reply.tokens_out}
        used |= {"total_tokens": reply.tokens_in + reply.tokens_out}
        output = [item | {"status": "completed"} for item in output]
        head = {"id": f"resp_{reply.id}", "object": "response", "created_at": int(time.time()), "model": reply.model}
        return head | {"status": "completed", "output": output, "usage": used, "error": None}

    def stream(self, reply: Reply) -> list[bytes]:
        whole = self.whole(reply)
        begun = whole | {"status": "in_progress", "output": [], "usage": None}
        events: list[Json] = [{"type": "response.created", "response": begun}]
        for index, item in enumerate(whole["output"]):
            is_text, empty = item["type"] == "message", Json(status="in_progress")
            empty |= Json(content=[]) if is_text else Json(arguments="")
            events.append({"type": "response.output_item.added", "output_index": index, "item": item | empty})
            kind, text = ("output_text", reply.text) if is_text else ("function_call_arguments", item.get("arguments"))
            at = {"item_id": item["id"], "output_index": index, "content_index": 0}
            events.append({"type": f"response.{kind}.delta", "delta": text} | at)
            events.append({"type": "response.output_item.done", "output_index": index, "item": item})
        events.append({"type": "response.completed", "response": whole})
        return [_sse(event | {"sequence_number": number}) for number, event in enumerate(events)]

    def refuse(self, fault: Fault) -> Refusal:
        refusal = super().refuse(fault)
        if fault.trouble is Trouble.USAGE_LIMIT:
            limit: Json = {"type": "usage_limit_reached", "message": "The usage limit has been reached"}
            limit |= {"plan_type": "plus", "resets_at": fault.resets_at}
            return refusal._replace(body={"error": limit | {"resets_in_seconds": fault.seconds_left}})
        return refusal._replace(in_stream=fault.trouble in (Trouble.CREDIT, Trouble.CONTEXT))


class Gemini:
    """Google's `/v1beta/models/<model>:generateContent` and `:streamGenerateContent`."""

    def read(self, body: Json, path: str) -> Dialogue:
        model, _, method = path.rpartition("/")[2].partition(":")
        items = _items(Role.SYSTEM, (body.get("systemInstruction") or {}).get("parts"))
        for content in body["contents"]:
            for part in content["parts"]:
                if answered := part.get("functionResponse"):
                    items.append(Item(Role.TOOL, json.dumps(answered.get("response"))))
                else:
                    items += _items(content.get("role", "user"), part)
        functions = [function for tool in body.get("tools") or [] for function in tool.get("functionDeclarations", [])]
        schemas = ("parametersJsonSchema", "parameters")
        tools: dict[str, Json] = {}
        for each in functions:
            tools[each["name"]] = next((each[key] for key in schemas if key in each), {})
        return Dialogue(model=model, stream=method.startswith("stream"), tools=tools, items=items)

    def whole(self, reply: Reply) -> Json:
        return self._piece(reply, [{"text": reply.text}, *self._call(reply)], ended=True)

    def stream(self, reply: Reply) -> list[bytes]:
        pieces = [([{"text": reply.text}], False), (self._call(reply) or [{"text": ""}], True)]
        return [_sse(self._piece(reply, parts, ended=ended), named=False) for parts, ended in pieces]

    def _call(self, reply: Reply) -> list[Json]:
        call = reply.call
        return [{"functionCall": {"id": call.id, "name": call.tool, "args": call.arguments}}] if call else []

    def _piece(self, reply: Reply, parts: list[Json], *, ended: bool) -> Json:
        candidate: Json = {"content": {"role": "model", "parts": parts}, "index": 0}
        used = {"promptTokenCount": reply.tokens_in, "candidatesTokenCount": reply.tokens_out}
        used |= {"totalTokenCount": reply.tokens_in + reply.tokens_out}
        candidate |= {"finishReason": "STOP"} if ended else {}
        return {"candidates": [candidate], "usageMetadata": used, "modelVersion": reply.model, "responseId": reply.id}

    def refuse(self, fault: Fault) -> Refusal:
        spent = (
            429,
            "RESOURCE_EXHAUSTED",
            "You exceeded your current quota, please check your plan and billing details.",
        )
        busy = (503, "UNAVAILABLE", "The model is overloaded. Please try again later.")
        bad = "INVALID_ARGUMENT"
        status, kind, said = {
            Trouble.RATE_LIMIT: spent,
            Trouble.USAGE_LIMIT: spent,
            Trouble.CREDIT: (429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."),
            Trouble.OVERLOADED: busy,
            Trouble.UNAVAILABLE: busy,
            Trouble.BAD_KEY: (400, bad, "API key not valid. Please pass a valid API key."),
            Trouble.CONTEXT: (
                400,
                bad,
                "The input token count (1200000) exceeds the maximum number of tokens allowed.",
            ),
        }.get(fault.trouble, (500, "INTERNAL", "An internal error has occurred."))
        prefix, details = "type.googleapis.com/google.rpc.", list[Json]()
        if period := {Trouble.RATE_LIMIT: "PerMinute", Trouble.USAGE_LIMIT: "PerDay"}.get(fault.trouble):
            violation = {"quotaId": f"GenerateRequests{period}PerProjectPerModel"}
            details.append({"@type": f"{prefix}QuotaFailure", "violations": [violation]})
        if fault.trouble is Trouble.RATE_LIMIT:
            details.append({"@type": f"{prefix}RetryInfo", "retryDelay": f"{fault.retry_after}s"})
        return Refusal(status, {"error": {"code": status, "message": said, "status": kind, "details": details}}, {})


_WIRES: Mapping[str, Wire] = {
    r"/v1/messages": Messages(),
    r"/v1/chat/completions": ChatCompletions(),
    r"/v1/responses": Responses(),
    r"/v1beta/models/[^/]+:(generateContent|streamGenerateContent)": Gemini(),
}

# The server -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it was met. `at` is in seconds since 1970; `kind` is turn, side, count, models or unknown."""

    at: float
    method: str
    path: str
    kind: str
    model: str = ""
    turn: int = 0
    prompt: str = ""
    trouble: Trouble | None = None
    reply: Reply | None = None
    body: Json = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


OUTSIDE = "outside"
"""The session of requests that were meant for other machines: what came here by `ModelServer.proxy`."""


class ModelServer:
    """The provider. A context manager: leaving it closes every connection, stalled ones included."""

    def __init__(self, port: int = 0) -> None:
        self._lock = threading.Condition()
        self._scripts: dict[str, tuple[Turn, ...]] = {}
        self._faults: dict[str, list[Fault]] = {}
        self._requests: dict[str, list[Request]] = {}
        self._http = _HttpServer(("127.0.0.1", port), self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), name="model-server", daemon=True)

    def __enter__(self) -> ModelServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.hang_up()
        self._http.server_close()
        self._thread.join()

    def url(self, session: str = "default") -> str:
        """The base URL of a session: the part before `/v1`. A request without `/s/<session>` belongs to `default`."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/s/{quote(session, safe='')}"

    @property
    def proxy(self) -> str:
        """For `HTTPS_PROXY`: whoever wants to reach another machine is refused at once, and recorded as `OUTSIDE`."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def script(self, session: str, turns: Iterable[Turn]) -> None:
        """What is played for each prompt of a session, unless the prompt carries a script of its own."""
        with self._lock:
            self._scripts[session] = tuple(turns)

    def fault(
        self,
        session: str,
        trouble: Trouble,
        *,
        times: int | None = None,
        turn: int | None = None,
        model: str = "*",
        retry_after: int = 1,
        resets_at: int | None = None,
    ) -> None:
        """From now on a session meets this. Without `resets_at`, a usage limit is lifted in an hour."""
        reset = int(time.time()) + 3600 if resets_at is None else resets_at
        met = Fault(trouble=trouble, times=times, turn=turn, model=model, retry_after=retry_after, resets_at=reset)
        with self._lock:
            self._faults.setdefault(session, []).append(met)

    def heal(self, session: str) -> None:
        """A session meets no more faults. What has stalled stays so."""
        with self._lock:
            self._faults.pop(session, None)

    def requests(self, session: str, kind: str | None = None) -> list[Request]:
        """What a session asked so far, in order; of one kind, if given."""
        with self._lock:
            return [each for each in self._requests.get(session, []) if kind in (None, each.kind)]

    def wait_for(self, session: str, count: int = 1, *, trouble: Trouble | None = None, timeout: float = 30) -> None:
        """Until a session has asked for that many turns (that met this trouble, if given); TimeoutError in seconds."""

        def asked() -> bool:
            turns = self.requests(session, "turn")
            return sum(trouble in (None, each.trouble) for each in turns) >= count

        with self._lock:
            if not self._lock.wait_for(asked, timeout):
                raise TimeoutError(f"session {session!r} has not asked for {count} turns in {timeout} s")

    def met(self, session: str, request: Request) -> None:
        with self._lock:
            self._requests.setdefault(session, []).append(request)
            self._lock.notify_all()

    def answer(self, session: str, dialogue: Dialogue, tokens_in: int) -> tuple[Reply, Fault | None]:
        """The reply that is due, and the fault that comes instead of it or in the midst of it."""
        carried = [script for prompt in reversed(dialogue.prompts) if (script := script_in(prompt)) is not None]
        with self._lock:
            script = carried[0] if carried else self._scripts.get(session, DEFAULT_SCRIPT)
            faults = [] if dialogue.is_side_request else self._faults.get(session, [])
            fault = next((each for each in faults if each.strikes(dialogue)), None)
            if fault and fault.times is not None:
                fault.times -= 1
        return reply_to(dialogue, script, tokens_in), fault


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # many agents start at once

    def __init__(self, address: tuple[str, int], model: ModelServer) -> None:
        super().__init__(address, _Connection)
        self.model = model
        self._open: set[socket.socket] = set()

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's own looks up the machine's name, which can take long
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """An agent that is killed resets its connection, which is nothing to report. Anything else is our bug."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _HttpServer

    def do_GET(self) -> None:
        session, path = self._address()
        known = path == "/v1/models"
        self._met(session, path, kind="models" if known else "unknown")
        model = {"id": "stub-1", "object": "model", "type": "model", "created": 0, "owned_by": "test"}
        self._json(200 if known else 404, {"object": "list", "data": [model], "has_more": False} if known else {})

    do_HEAD = do_GET

    def do_CONNECT(self) -> None:
        """We were taken for a proxy: somebody wants to leave this machine. Nobody does; who wanted to is recorded.

        Who asks for ourselves (there are programs that ask a proxy even for loopback) goes on with us as it is.
        """
        if self.path == "{}:{}".format(*self.server.server_address[:2]):
            self.send_response(200)
            self.end_headers()
            self.close_connection = False  # whatever the asker says of it: it is the tunnel now
            return
        self.server.model.met(OUTSIDE, Request(at=time.time(), method="CONNECT", path=self.path, kind="unknown"))
        self.close_connection = True
        self._json(502, {"error": {"message": "there is no way out of this machine"}})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        session, path = self._address()
        tokens, body = len(raw) // 4, json.loads(raw or b"{}")
        wire = next((wire for pattern, wire in _WIRES.items() if re.fullmatch(pattern, path)), None)
        if wire:
            self._turn(wire, session, path, body, tokens)
        elif path == "/v1/messages/count_tokens":
            self._met(session, path, kind="count", body=body)
            self._json(200, {"input_tokens": tokens})
        else:
            self._met(session, path, kind="unknown", body=body)
            self._json(404, {"error": {"type": "not_found_error", "message": f"{path} is not served here"}})

    def _turn(self, wire: Wire, session: str, path: str, body: Json, tokens: int) -> None:
        try:
            dialogue = wire.read(body, path)
            reply, fault = self.server.model.answer(session, dialogue, tokens)
        except (KeyError, TypeError, ValueError) as failure:  # of a test's script, or a shape that we do not know
            self._met(session, path, kind="unknown", body=body)
            self._json(400, {"error": {"message": f"the model server cannot read this: {failure!r}"}})
            return
        self._met(
            session,
            path,
            kind="side" if dialogue.is_side_request else "turn",
            model=dialogue.model,
            turn=dialogue.turn,
            prompt=dialogue.prompts[-1] if dialogue.prompts else "",
            trouble=fault.trouble if fault else None,
            reply=reply,
            body=body,
        )
        match fault:
            case None if dialogue.stream:
                self._stream(wire.stream(reply))
            case None:
                self._json(200, wire.whole(reply))
            case Fault(trouble=Trouble.SILENCE):
                self._wait()
            case Fault(trouble=Trouble.DROP | Trouble.STALL):
                self._break_off(wire, reply, dialogue.stream)
                if fault.trouble is Trouble.STALL:
                    self._wait()
            case _:
                refusal = wire.refuse(fault)
                if refusal.in_stream and dialogue.stream:
                    failed = {"id": f"resp_{reply.id}", "status": "failed"} | refusal.body
                    self._stream([_sse({"type": "response.failed", "response": failed})])
                else:
                    self._json(refusal.status, refusal.body, refusal.headers)

    def _address(self) -> tuple[str, str]:
        """The session and the path within it."""
        asked = urlsplit(self.path)
        if asked.netloc not in ("", "{}:{}".format(*self.server.server_address[:2])):  # as a proxy is asked
            return OUTSIDE, self.path
        path = asked.path
        found = re.fullmatch(r"/s/([^/]+)(/.*)?", path)
        return (unquote(found[1]), found[2] or "/") if found else ("default", path)

    def _met(self, session: str, path: str, *, kind: str, **more: Any) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        met = Request(at=time.time(), method=self.command, path=path, kind=kind, headers=headers, **more)
        self.server.model.met(session, met)

    def _json(self, status: int, body: Json, headers: Mapping[str, str] | None = None) -> None:
        payload = json.dumps(body).encode()
        self._head(status, {"Content-Type": "application/json", "Content-Length": str(len(payload)), **(headers or {})})
        if self.command != "HEAD":
            self.wfile.write(payload)

    def _stream(self, events: list[bytes]) -> None:
        self._head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        self._chunks([*events, b""])

    def _break_off(self, wire: Wire, reply: Reply, stream: bool) -> None:
        """The first half of an answer, and no sign that it was all."""
        self.close_connection = True
        if stream:
            events = wire.stream(reply)
            self._head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
            self._chunks(events[: len(events) // 2])
            time.sleep(0.3)  # else the client may see a reset, and never what came before it
        else:
            payload = json.dumps(wire.whole(reply)).encode()
            self._head(200, {"Content-Type": "application/json", "Content-Length": str(len(payload))})
            self.wfile.write(payload[: len(payload) // 2])

    def _wait(self) -> None:
        """Until one side hangs up."""
        self.close_connection = True
        while self.connection.recv(4096):
            pass

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _chunks(self, parts: Iterable[bytes]) -> None:
        """An empty part ends the answer."""
        for part in parts:
            self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")

    def log_message(self, format: str, *args: object) -> None:
        """Requests are recorded, not printed."""


def main() -> None:
    """Serve until interrupted, to try an agent by hand: `python model_server.py --fault usage-limit --times 1`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--fault", type=Trouble, choices=list(Trouble))
    parser.add_argument("--times", type=int)
    given = parser.parse_args()
    with ModelServer(given.port) as server:
        if given.fault:
            server.fault("default", given.fault, times=given.times)
        print(server.url("default"), flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
