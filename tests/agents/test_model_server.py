"""The model server by itself, asked over plain HTTP in each wire API as an agent program would ask."""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.agents.model_server import (
    OUTSIDE,
    Call,
    ModelServer,
    Say,
    Shell,
    Trouble,
    Turn,
    Write,
    choose_call,
    script_in,
    script_line,
)

Json = dict[str, Any]
SCRIPT: tuple[Turn, ...] = (Write("a/b.txt", "it's\n"), Shell("git commit"), Say("finished"))


def schema(*names: str) -> Json:
    return {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": list(names)}


WRITER, SHELL = schema("path", "content"), schema("command")


@dataclass(frozen=True)
class Wire:
    """How a client of one wire API writes a request and reads an answer."""

    path: str
    streamed_path: str
    user: Callable[[str], list[Json]]
    result: Callable[[str], list[Json]]
    body: Callable[[list[Json], bool], Json]
    read: Callable[[Json], tuple[str, Call | None]]
    read_stream: Callable[[list[Json]], tuple[str, Call | None]]

    def ask(
        self, server: ModelServer, session: str, *messages: list[Json], tools: bool = True, stream: bool = False
    ) -> Json:
        """One request. The body of the answer, or `{"events": [...]}` of a stream."""
        body = self.body([item for message in messages for item in message], tools)
        path = self.streamed_path if stream else self.path
        return post(server.url(session) + path, body | ({"stream": True} if stream else {}))

    def turn(
        self, server: ModelServer, session: str, *messages: list[Json], stream: bool = False
    ) -> tuple[str, Call | None]:
        answer = self.ask(server, session, *messages, stream=stream)
        return self.read_stream(answer["events"]) if stream else self.read(answer)


def post(url: str, body: Json) -> Json:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        raw = answer.read().decode()
        if answer.headers["Content-Type"] == "text/event-stream":
            data = [line.removeprefix("data: ") for line in raw.splitlines() if line.startswith("data: ")]
            return {"events": [json.loads(each) for each in data if each != "[DONE]"]}
        whole: Json = json.loads(raw)
        return whole


def refusal(call: Callable[[], object]) -> tuple[int, Json, dict[str, str]]:
    with pytest.raises(urllib.error.HTTPError) as caught:
        call()
    with caught.value as error:
        return error.code, json.loads(error.read()), {name.lower(): value for name, value in error.headers.items()}


# One client per wire API ------------------------------------------------------------------------------------


def messages_stream(events: list[Json]) -> tuple[str, Call | None]:
    text, name, arguments = "", "", ""
    for event in events:
        if event["type"] == "content_block_start" and event["content_block"]["type"] == "tool_use":
            name = event["content_block"]["name"]
        if event["type"] == "content_block_delta":
            text += event["delta"].get("text", "")
            arguments += event["delta"].get("partial_json", "")
    assert [events[0]["type"], events[-1]["type"]] == ["message_start", "message_stop"]
    return text, Call(name, json.loads(arguments), "") if name else None


def messages_whole(answer: Json) -> tuple[str, Call | None]:
    calls = [Call(block["name"], block["input"], "") for block in answer["content"] if block["type"] == "tool_use"]
    assert answer["stop_reason"] == ("tool_use" if calls else "end_turn")
    return answer["content"][0]["text"], calls[0] if calls else None


def chat_stream(events: list[Json]) -> tuple[str, Call | None]:
    deltas = [choice["delta"] for event in events for choice in event["choices"]]
    calls = [call["function"] for delta in deltas for call in delta.get("tool_calls", [])]
    assert events[-1]["usage"]["total_tokens"] > 0
    text = "".join(delta.get("content") or "" for delta in deltas)
    return text, Call(calls[0]["name"], json.loads(calls[0]["arguments"]), "") if calls else None


def chat_whole(answer: Json) -> tuple[str, Call | None]:
    message = answer["choices"][0]["message"]
    calls = [call["function"] for call in message.get("tool_calls", [])]
    return message["content"], Call(calls[0]["name"], json.loads(calls[0]["arguments"]), "") if calls else None


def responses_whole(answer: Json) -> tuple[str, Call | None]:
    text, *calls = answer["output"]
    found = Call(calls[0]["name"], json.loads(calls[0]["arguments"]), "") if calls else None
    return text["content"][0]["text"], found


def responses_stream(events: list[Json]) -> tuple[str, Call | None]:
    assert [events[0]["type"], events[-1]["type"]] == ["response.created", "response.completed"]
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert done == events[-1]["response"]["output"]
    return responses_whole({"output": done})


def gemini_stream(events: list[Json]) -> tuple[str, Call | None]:
    parts = [part for event in events for part in event["candidates"][0]["content"]["parts"]]
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    assert events[-1]["candidates"][0]["finishReason"] == "STOP"
    text = "".join(part.get("text", "") for part in parts)
    return text, Call(calls[0]["name"], calls[0]["args"], "") if calls else None


WIRES = {
    "messages": Wire(
        path="/v1/messages",
        streamed_path="/v1/messages?beta=true",
        user=lambda text: [{"role": "user", "content": [{"type": "text", "text": text}]}],
        result=lambda text: [
            {"role": "assistant", "content": [{"type": "tool_use", "id": "x", "name": "bash", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x", "content": text}]},
        ],
        body=lambda messages, tools: {
            "model": "m-1",
            "max_tokens": 100,
            "system": [{"type": "text", "text": "You are an agent."}],
            "messages": messages,
            "tools": [
                {"name": "write", "input_schema": WRITER},
                {"name": "bash", "input_schema": SHELL},
                {"name": "web_search", "type": "web_search_20250305"},
            ]
            * tools,
        },
        read=messages_whole,
        read_stream=messages_stream,
    ),
    "chat": Wire(
        path="/v1/chat/completions",
        streamed_path="/v1/chat/completions",
        user=lambda text: [{"role": "user", "content": text}],
        result=lambda text: [
            {"role": "assistant", "content": None, "tool_calls": [{"id": "x"}]},
            {"role": "tool", "tool_call_id": "x", "content": [{"type": "text", "text": text}]},
        ],
        body=lambda messages, tools: {
            "model": "m-1",
            "messages": [{"role": "system", "content": "You are an agent."}, *messages],
            "tools": [
                {"type": "function", "function": {"name": "write", "parameters": WRITER}},
                {"type": "function", "function": {"name": "bash", "parameters": SHELL}},
            ]
            * tools,
        },
        read=chat_whole,
        read_stream=chat_stream,
    ),
    "responses": Wire(
        path="/v1/responses",
        streamed_path="/v1/responses",
        user=lambda text: [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}],
        result=lambda text: [
            {"type": "function_call", "call_id": "x", "name": "bash", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "x", "output": text},
        ],
        body=lambda messages, tools: {
            "model": "m-1",
            "instructions": "You are an agent.",
            "input": messages,
            "tools": [
                {"type": "function", "name": "write", "parameters": WRITER},
                {"type": "function", "name": "bash", "parameters": SHELL},
                {"type": "web_search"},
            ]
            * tools,
        },
        read=responses_whole,
        read_stream=responses_stream,
    ),
    "gemini": Wire(
        path="/v1beta/models/m-1:generateContent",
        streamed_path="/v1beta/models/m-1:streamGenerateContent?alt=sse",
        user=lambda text: [{"role": "user", "parts": [{"text": text}]}],
        result=lambda text: [
            {"role": "model", "parts": [{"functionCall": {"name": "bash", "args": {}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "bash", "response": {"output": text}}}]},
        ],
        body=lambda messages, tools: {
            "systemInstruction": {"parts": [{"text": "You are an agent."}]},
            "contents": messages,
            "tools": [
                {
                    "functionDeclarations": [
                        {"name": "write", "parametersJsonSchema": WRITER},
                        {"name": "bash", "parameters": SHELL},
                    ]
                }
            ]
            * tools,
        },
        read=lambda answer: gemini_stream([answer]),
        read_stream=gemini_stream,
    ),
}


@pytest.fixture(params=WIRES)
def wire(request: pytest.FixtureRequest) -> Wire:
    return WIRES[request.param]


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def stream(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


# What an agent is told --------------------------------------------------------------------------------------


def test_a_script_is_played_turn_by_turn(model_server: ModelServer, wire: Wire, stream: bool) -> None:
    """How far it is, is read from the results in the request alone."""
    model_server.script("one", SCRIPT)
    ask, done = wire.user("go"), wire.result("ok")
    text, call = wire.turn(model_server, "one", ask, stream=stream)
    assert call == Call("write", {"path": "a/b.txt", "content": "it's\n"}, "")
    assert text == "Working on it."
    _, call = wire.turn(model_server, "one", ask, done, stream=stream)
    assert call == Call("bash", {"command": "git commit"}, "")
    assert wire.turn(model_server, "one", ask, done, done, stream=stream) == ("finished", None)
    assert wire.turn(model_server, "one", ask, done, done, done, stream=stream) == ("Done.", None)
    assert [met.turn for met in model_server.requests("one", "turn")] == [0, 1, 2, 3]


def test_a_request_that_is_repeated_gets_the_same_turn(model_server: ModelServer, wire: Wire) -> None:
    first = wire.turn(model_server, "one", wire.user("go"))
    assert wire.turn(model_server, "one", wire.user("go")) == first


def test_a_new_prompt_in_a_resumed_session_starts_over(model_server: ModelServer, wire: Wire) -> None:
    model_server.script("one", SCRIPT)
    history = [wire.user("go"), wire.result("ok"), wire.result("ok")]
    _, call = wire.turn(model_server, "one", *history, wire.user("again"))
    assert call is not None
    assert call.tool == "write"
    assert model_server.requests("one")[-1].prompt == "again"


def test_context_that_a_program_adds_is_no_prompt(model_server: ModelServer, wire: Wire) -> None:
    added = wire.user("<system-reminder>\nmind your manners\n</system-reminder>")
    model_server.script("one", SCRIPT)
    _, call = wire.turn(model_server, "one", added, wire.user("go"), wire.result("ok"), added)
    assert call is not None
    assert call.tool == "bash"


def test_a_prompt_carries_a_script_of_its_own(model_server: ModelServer, wire: Wire) -> None:
    """It holds for that prompt and for later ones that carry none: two beads can share one URL."""
    model_server.script("shared", [Say("not this")])
    mine = wire.user(f'"Do \\"this\\".\n{script_line([Say("first")])}\nThanks."')
    yours = wire.user(script_line([Say("second")]))
    assert wire.turn(model_server, "shared", mine) == ("first", None)
    assert wire.turn(model_server, "shared", mine, wire.user("go on")) == ("first", None)
    assert wire.turn(model_server, "shared", mine, yours) == ("second", None)


def test_a_script_survives_its_line() -> None:
    assert script_in(f"before\n{script_line(SCRIPT)}\nafter") == SCRIPT
    assert script_in("no script here") is None


def test_a_write_that_the_tool_refused_is_done_by_the_shell(model_server: ModelServer, wire: Wire) -> None:
    model_server.script("one", SCRIPT)
    refused = wire.result("Error: File has not been read yet. Read it first before writing to it.")
    _, call = wire.turn(model_server, "one", wire.user("go"), refused)
    assert call is not None
    assert call.tool == "bash"
    assert "base64 -d > a/b.txt" in call.arguments["command"]
    _, call = wire.turn(model_server, "one", wire.user("go"), refused, wire.result("ok"))
    assert call == Call("bash", {"command": "git commit"}, "")


def test_a_turn_is_refused_once_at_most(model_server: ModelServer, wire: Wire) -> None:
    """Else a command that prints the words of a refusal would be played for ever."""
    refused = wire.result("You must read the file first")
    wire.turn(model_server, "one", wire.user("go"), refused, refused, refused, refused)
    assert model_server.requests("one")[-1].turn == 2


def test_without_a_write_tool_the_shell_writes() -> None:
    call = choose_call(Write("x", "y"), {"exec_command": schema("cmd")})
    assert call is not None
    assert (call.tool, list(call.arguments)) == ("exec_command", ["cmd"])


def test_a_shell_tool_may_want_a_list_and_more() -> None:
    wants: Json = {"properties": {"command": {"type": "array"}, "wait": {"type": "boolean"}}, "required": ["wait"]}
    call = choose_call(Shell("ls"), {"shell": wants})
    assert call is not None
    assert call.arguments == {"command": ["bash", "-lc", "ls"], "wait": False}


def test_a_turn_that_no_tool_can_do_is_said() -> None:
    assert choose_call(Shell("ls"), {"read": schema("path")}) is None


def test_a_program_without_tools_gets_a_listing(model_server: ModelServer) -> None:
    """As aider asks for it."""
    system = {"role": "system", "content": "Return a *file listing*."}
    body = {"model": "m-1", "messages": [system, {"role": "user", "content": "go"}]}
    model_server.script("one", SCRIPT)
    text, _ = chat_whole(post(model_server.url("one") + "/v1/chat/completions", body))
    assert text == "a/b.txt\n```\nit's\n```\n"


def test_a_program_that_ends_by_its_shell_is_told_so(model_server: ModelServer) -> None:
    """As mini-swe-agent is."""
    wire = WIRES["chat"]
    _, call = wire.turn(
        model_server, "one", wire.user(f"{script_line([Say('')])} COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT")
    )
    assert call == Call("bash", {"command": "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"}, "")


def test_tokens_are_counted(model_server: ModelServer) -> None:
    answer = post(model_server.url() + "/v1/messages/count_tokens", {"messages": []})
    assert answer["input_tokens"] > 0
    assert [met.kind for met in model_server.requests("default")] == ["count"]


def test_models_are_listed_and_anything_else_is_not_found(model_server: ModelServer) -> None:
    with urllib.request.urlopen(model_server.url("one") + "/v1/models", timeout=5) as answer:
        assert json.load(answer)["data"][0]["id"]
    status, _, _ = refusal(lambda: post(model_server.url("one") + "/v1/else", {}))
    assert status == 404
    assert [met.kind for met in model_server.requests("one")] == ["models", "unknown"]


def test_a_script_that_makes_no_sense_is_refused_in_words(model_server: ModelServer) -> None:
    wire = WIRES["chat"]
    status, body, _ = refusal(lambda: wire.turn(model_server, "one", wire.user("SCRIPT:bm9uc2Vuc2U=")))
    assert status == 400
    assert "cannot read this" in body["error"]["message"]


def test_sessions_know_nothing_of_each_other(model_server: ModelServer, wire: Wire) -> None:
    before = time.time()
    model_server.script("a/b c", [Say("for ab")])
    model_server.fault("other", Trouble.BAD_KEY)
    assert wire.turn(model_server, "a/b c", wire.user("go")) == ("for ab", None)
    (met,) = model_server.requests("a/b c")
    assert (met.kind, met.model, met.trouble) == ("turn", "m-1", None)
    assert before <= met.at <= time.time()
    assert model_server.requests("other") == []


def test_waiting_for_a_request_that_never_comes_says_so(model_server: ModelServer) -> None:
    with pytest.raises(TimeoutError, match="'one' has not asked for 2 turns"):
        model_server.wait_for("one", 2, timeout=0.01)


def test_many_agents_at_once_are_all_served(model_server: ModelServer) -> None:
    wire, answers = WIRES["chat"], list[tuple[str, Call | None]]()

    def agent(number: int) -> None:
        answers.append(wire.turn(model_server, "shared", wire.user(script_line([Say(str(number))]))))

    agents = [threading.Thread(target=agent, args=(number,)) for number in range(40)]
    for each in agents:
        each.start()
    for each in agents:
        each.join()
    assert sorted(text for text, _ in answers) == sorted(map(str, range(40)))
    assert len(model_server.requests("shared")) == 40


# What it meets instead --------------------------------------------------------------------------------------

RESET = 2_000_000_000
STATUSES = {
    # messages, chat, responses, gemini
    Trouble.RATE_LIMIT: (429, 429, 429, 429),
    Trouble.OVERLOADED: (529, 503, 503, 503),
    Trouble.UNAVAILABLE: (503, 503, 503, 503),
    Trouble.SERVER_ERROR: (500, 500, 500, 500),
    Trouble.BAD_KEY: (401, 401, 401, 400),
    Trouble.CREDIT: (400, 429, 429, 429),
    Trouble.USAGE_LIMIT: (429, 429, 429, 429),
    Trouble.CONTEXT: (400, 400, 400, 400),
}


@pytest.mark.parametrize("trouble", STATUSES)
@pytest.mark.parametrize("name", WIRES)
def test_a_refusal_has_the_provider_s_status(model_server: ModelServer, name: str, trouble: Trouble) -> None:
    wire = WIRES[name]
    model_server.fault("one", trouble)
    status, body, _ = refusal(lambda: wire.turn(model_server, "one", wire.user("go")))
    assert status == STATUSES[trouble][list(WIRES).index(name)]
    assert body["error"]["message"]
    assert model_server.requests("one")[-1].trouble is trouble


def test_a_rate_limit_says_when_to_come_back(model_server: ModelServer, wire: Wire) -> None:
    model_server.fault("one", Trouble.RATE_LIMIT, retry_after=7)
    _, body, headers = refusal(lambda: wire.turn(model_server, "one", wire.user("go")))
    details = body["error"].get("details", [{}])
    assert headers.get("retry-after") == "7" or details[-1]["retryDelay"] == "7s"


def test_a_usage_limit_is_told_in_the_provider_s_way(model_server: ModelServer) -> None:
    def limited(name: str) -> tuple[int, Json, dict[str, str]]:
        wire = WIRES[name]
        model_server.fault(name, Trouble.USAGE_LIMIT, resets_at=RESET)
        return refusal(lambda: wire.turn(model_server, name, wire.user("go")))

    _, _, headers = limited("messages")
    assert headers["anthropic-ratelimit-unified-status"] == "rejected"
    assert headers["anthropic-ratelimit-unified-reset"] == str(RESET)
    assert headers["x-should-retry"] == "false"
    _, body, _ = limited("responses")
    assert (body["error"]["type"], body["error"]["resets_at"]) == ("usage_limit_reached", RESET)
    _, body, _ = limited("chat")
    assert body["error"]["code"] == "insufficient_quota"
    _, body, _ = limited("gemini")
    assert "PerDay" in body["error"]["details"][0]["violations"][0]["quotaId"]


@pytest.mark.parametrize("trouble", [Trouble.CREDIT, Trouble.CONTEXT])
def test_responses_tells_some_troubles_in_the_stream(model_server: ModelServer, trouble: Trouble) -> None:
    wire = WIRES["responses"]
    model_server.fault("one", trouble)
    (event,) = wire.ask(model_server, "one", wire.user("go"), stream=True)["events"]
    assert event["type"] == "response.failed"
    assert event["response"]["error"]["code"] in ("insufficient_quota", "context_length_exceeded")


def test_a_fault_ends_after_its_times(model_server: ModelServer, wire: Wire) -> None:
    model_server.fault("one", Trouble.SERVER_ERROR, times=2)
    for _ in range(2):
        refusal(lambda: wire.turn(model_server, "one", wire.user("go")))
    assert wire.turn(model_server, "one", wire.user("go"))[1] is not None


def test_a_fault_waits_for_its_turn_and_its_model(model_server: ModelServer, wire: Wire) -> None:
    model_server.fault("one", Trouble.SERVER_ERROR, model="other-*")
    model_server.fault("one", Trouble.USAGE_LIMIT, turn=1, model="m-*")
    wire.turn(model_server, "one", wire.user("go"))
    status, _, _ = refusal(lambda: wire.turn(model_server, "one", wire.user("go"), wire.result("ok")))
    assert status == 429


def test_a_healed_session_meets_no_fault(model_server: ModelServer, wire: Wire) -> None:
    model_server.fault("one", Trouble.BAD_KEY)
    refusal(lambda: wire.turn(model_server, "one", wire.user("go")))
    model_server.heal("one")
    wire.turn(model_server, "one", wire.user("go"))


def test_a_side_request_uses_up_no_fault_and_no_turn(model_server: ModelServer, wire: Wire) -> None:
    model_server.fault("one", Trouble.RATE_LIMIT, times=1)
    wire.ask(model_server, "one", wire.user("Think of a title"), tools=False)
    refusal(lambda: wire.turn(model_server, "one", wire.user("go")))
    assert [met.kind for met in model_server.requests("one")] == ["side", "turn"]


def test_a_dropped_answer_breaks_off_midway(model_server: ModelServer, wire: Wire, stream: bool) -> None:
    model_server.fault("one", Trouble.DROP, times=1)
    with pytest.raises(http.client.IncompleteRead) as caught:
        wire.turn(model_server, "one", wire.user("go"), stream=stream)
    assert caught.value.partial
    wire.turn(model_server, "one", wire.user("go"), stream=stream)


@pytest.mark.parametrize("trouble", [Trouble.STALL, Trouble.SILENCE])
def test_a_stall_lasts_until_one_side_hangs_up(wire: Wire, stream: bool, trouble: Trouble) -> None:
    with ModelServer() as server:
        server.fault("one", trouble)
        path = wire.streamed_path if stream else wire.path
        url = server.url("one").removeprefix("http://")
        address, _, prefix = url.partition("/")
        client = http.client.HTTPConnection(address, timeout=0.05)
        client.request("POST", f"/{prefix}{path}", json.dumps(wire.body(wire.user("go"), True) | {"stream": stream}))
        with pytest.raises(TimeoutError):
            client.getresponse().read()
        client.close()
        left = time.monotonic()
    assert time.monotonic() - left < 2
    assert server.requests("one")[0].trouble is trouble


def test_leaving_the_server_ends_what_stalls() -> None:
    """A test that forgets an agent must not hang."""
    wire, ended = WIRES["messages"], threading.Event()

    def agent(server: ModelServer) -> None:
        with pytest.raises((OSError, http.client.HTTPException)):
            wire.turn(server, "one", wire.user("go"))
        ended.set()

    with ModelServer() as server:
        server.fault("one", Trouble.SILENCE)
        threading.Thread(target=agent, args=(server,)).start()
        server.wait_for("one", trouble=Trouble.SILENCE)
    assert ended.wait(2)


def test_a_usage_limit_is_lifted_at_its_reset(model_server: ModelServer, wire: Wire) -> None:
    model_server.fault("one", Trouble.USAGE_LIMIT, resets_at=int(time.time()))
    wire.turn(model_server, "one", wire.user("go"))


def test_who_wants_to_leave_the_machine_is_refused_and_recorded(model_server: ModelServer) -> None:
    address = model_server.proxy.removeprefix("http://")
    away = http.client.HTTPConnection(address)
    away.set_tunnel("api.example", 443)
    with pytest.raises(OSError, match="502"):
        away.request("GET", "/")
    away.close()
    plain = http.client.HTTPConnection(address)
    plain.request("GET", "http://api.example/v1/models")
    assert plain.getresponse().status == 404
    plain.close()
    assert [met.path for met in model_server.requests(OUTSIDE)] == ["api.example:443", "http://api.example/v1/models"]


def test_who_asks_a_proxy_even_for_loopback_reaches_the_model(model_server: ModelServer) -> None:
    address = model_server.proxy.removeprefix("http://")
    tunnel = http.client.HTTPConnection(address)
    tunnel.set_tunnel(address)
    tunnel.request("GET", "/s/one/v1/models")
    assert tunnel.getresponse().status == 200
    tunnel.close()
    assert not model_server.requests(OUTSIDE)
