"""What users' programs really said when they were refused: wordings from public reports, each in its program's own
channel, and what only looks like them.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.agents.catalog import Catalog
from orchestrator.agents.reading import OutputReader
from orchestrator.core.model import Ending, Verdict
from orchestrator.runtime.ports import Exit

NOW = datetime(2026, 11, 21, 14, 30, tzinfo=UTC).timestamp()

USED, RATE, BUSY = Ending.USAGE_LIMITED, Ending.RATE_LIMITED, Ending.OVERLOADED
BARRED, AWAY, FULL, OTHER = Ending.UNAVAILABLE, Ending.UNREACHABLE, Ending.CONTEXT_OVERFLOW, Ending.CRASHED

# fmt: off
SAID: tuple[tuple[str, str, Ending, str | None], ...] = (
    ("claude", "You've hit your limit · resets 1:30am (Asia/Dhaka)", USED, "11-21 19:31:00"),
    ("claude", "Claude usage limit reached. Your limit will reset at 3pm (America/Bogota).", USED, "11-21 20:00:00"),
    ("claude", "Claude AI usage limit reached|1795280400", USED, "11-21 17:00:00"),
    ("claude", "You've hit your limit · resets May 5 at 9pm (America/New_York)", USED, "05-06 01:00:00"),
    ("claude", "You've hit your session limit · resets 8:30pm (Asia/Tokyo)", USED, "11-22 11:31:00"),
    ("claude", (
        "You’ve hit your limit for Claude messages. Limits will reset at 9:30 AM. View your usage details."
    ), USED, "11-22 09:31:00"),
    ("claude", "Weekly limit reached ∙ resets Nov 24, 5pm", USED, "11-24 17:00:00"),
    ("claude", "Opus weekly limit reached ∙ resets Mon 10:00am", USED, "11-23 10:01:00"),
    ("claude", "5-hour limit reached ∙ resets 2am", USED, "11-22 02:00:00"),
    ("claude", "Limit reached. API Error: Extra usage is required for 1M context.", BARRED, None),
    ("claude", "You're out of extra usage · resets 3pm (UTC)", USED, "11-21 15:00:00"),
    ("claude", (
        'API Error: 429 {"type":"error","error":{"type":"rate_limit_error","message":"This request would '
        'exceed your account\'s rate limit. Please try again later."},"request_id":"req_011"}'
    ), USED, None),
    ("claude", "API Error: Rate limit reached", RATE, None),
    ("claude", (
        "API Error: 529 "
        '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":null}'
    ), BUSY, None),
    ("claude", "API Error: Repeated 529 Overloaded errors", BUSY, None),
    ("claude", (
        'API Error: 500 {"type":"error","error":{"type":"api_error","message":"Internal server '
        'error"},"request_id":null}'
    ), BUSY, None),
    ("claude", "API Error: Request timed out.", BUSY, None),
    ("claude", "API Error: Connection error.", BUSY, None),
    ("claude", "API Error (Request timed out. Check your internet connection and proxy settings)", BUSY, None),
    ("claude", "API Error: terminated", BUSY, None),
    ("claude", (
        'API Error: 401 {"type":"error","error":{"type":"authentication_error","message":"OAuth token has '
        'expired. Please obtain a new token or refresh your existing token."}} · Please run /login'
    ), BARRED, None),
    ("claude", "OAuth token revoked · Please run /login", BARRED, None),
    ("claude", (
        'API Error: 403 {"type":"error","error":{"type":"permission_error","message":"OAuth token has been '
        'revoked. Please obtain a new token."}}'
    ), BARRED, None),
    ("claude", (
        'API Error: 401 {"type":"error","error":{"type":"authentication_error","message":"OAuth '
        'authentication is currently not allowed for this organization."}}'
    ), BARRED, None),
    ("claude", "This organization has been disabled.", BARRED, None),
    ("claude", (
        "Your organization does not have access to Claude. Please login again or contact your administrator."
    ), BARRED, None),
    ("claude", (
        'API Error: 404 {"type":"error","error":{"type":"not_found_error","message":"model: claude-opus-9"}}'
    ), BARRED, None),
    ("claude", (
        "There's an issue with the selected model (claude-opus-9). It may not exist or you may not have "
        "access to it."
    ), BARRED, None),
    ("claude", (
        'API Error: 400 {"type":"error","error":{"type":"invalid_request_error","message":"Your credit '
        "balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase "
        'credits."}}'
    ), USED, None),
    ("claude", (
        'API Error: 400 {"type":"error","error":{"type":"invalid_request_error","message":"You have reached '
        'your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC."}}'
    ), USED, "12-01 00:00:00"),
    ("claude", "Prompt is too long", FULL, None),
    ("claude", (
        'API Error: 400 {"type":"error","error":{"type":"invalid_request_error","message":"input length and '
        "`max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease input length or `max_tokens` "
        'and try again"}}'
    ), FULL, None),
    ("claude", (
        "API Error: 400 "
        '{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0.tool_use_id:'
        ' unexpected"}}'
    ), OTHER, None),
    ("claude", "Conversation too long. Press esc twice to go up a few messages and try again.", FULL, None),
    ("claude", "API Error: Unable to connect to API (ECONNREFUSED)", AWAY, None),
    ("claude", "API Error: Unable to connect to API due to poor internet connection", AWAY, None),
    ("claude", "getaddrinfo EAI_AGAIN api.anthropic.com", AWAY, None),
    ("claude", (
        "API Error: Claude's response exceeded the 32000 output token maximum. To configure this behavior, "
        "set the CLAUDE_CODE_MAX_OUTPUT_TOKENS environment variable."
    ), OTHER, None),
    ("codex", (
        "You've hit your usage limit. Upgrade to Pro (https://openai.com/chatgpt/pricing) or try again in 2 "
        "days 17 hours 14 minutes."
    ), USED, "11-24 07:44:00"),
    ("codex", (
        "You’ve hit your usage limit. Upgrade to Pro (https://chatgpt.com/explore/pro), visit "
        "https://chatgpt.com/codex/settings/usage to purchase more credits or try again at 2:51 PM."
    ), USED, "11-21 14:52:00"),
    ("codex", (
        "You've hit your usage limit. Upgrade to Plus to continue using Codex "
        "(https://chatgpt.com/explore/plus), or try again at Jul 5th, 2027 8:19 PM."
    ), USED, "07-05 20:20:00"),
    ("codex", (
        "You've hit your usage limit. To get more access now, send a request to your admin or try again at "
        "Dec 6th, 2026 12:04 AM."
    ), USED, "12-06 00:05:00"),
    ("codex", (
        "You've hit your usage limit. Upgrade to Pro (https://openai.com/chatgpt/pricing), or wait for "
        "limits to reset (every 5h and every week.)."
    ), USED, None),
    ("codex", (
        "You've hit your usage limit. Upgrade your plan to continue, or try again at 10 de dez. de 2026, "
        "11:52."
    ), USED, None),
    ("codex", "You've hit your usage limit. Try again in less than a minute.", USED, "11-21 14:31:00"),
    ("codex", "The usage limit has been reached", USED, None),
    ("codex", (
        "You've hit your usage limit for gpt-5.1-codex-max. Switch to another model now, or try again at "
        "3:47 PM."
    ), USED, "11-21 15:48:00"),
    ("codex", "Your workspace is out of credits. Add credits to continue.", USED, None),
    ("codex", "exceeded retry limit, last status: 401 Unauthorized, request id: 9a5793386e39fede-SIN", BARRED, None),
    ("codex", (
        "unexpected status 401 Unauthorized: You have insufficient permissions for this operation. Missing "
        "scopes: api.responses.write."
    ), BARRED, None),
    ("codex", (
        "Failed to refresh token: 401 Unauthorized: Your refresh token has already been used to generate a "
        "new access token. Please try signing in again."
    ), BARRED, None),
    ("codex", (
        "Your access token could not be refreshed because your refresh token was already used. Please log "
        "out and sign in again."
    ), BARRED, None),
    ("codex", "Your authentication token has been invalidated. Please try signing in again.", BARRED, None),
    ("codex", (
        '{"detail":"The \'gpt-5.5-codex\' model is not supported when using Codex with a ChatGPT account."}'
    ), BARRED, None),
    ("codex", (
        'unexpected status 400 Bad Request: {"detail":"The \'o9\' model is not supported when using Codex with '
        'a ChatGPT account."}'
    ), BARRED, None),
    ("codex", (
        "stream disconnected before completion: Rate limit reached for gpt-5-codex in organization org-x on "
        "tokens per min (TPM): Limit 30000, Used 28000, Requested 5000. Please try again in 6.2s. Visit "
        "https://platform.openai.com/account/rate-limits to learn more."
    ), RATE, "11-21 14:30:06"),
    ("codex", "stream disconnected before completion: stream closed before response.completed", BUSY, None),
    ("codex", "unexpected status 502 Bad Gateway: Unknown error", BUSY, None),
    ("codex", "We're currently experiencing high demand, which may cause temporary errors.", BUSY, None),
    ("codex", "Selected model is at capacity. Please try a different model.", BUSY, None),
    ("codex", "error sending request for url (https://chatgpt.com/backend-api/codex/responses)", AWAY, None),
    ("codex", (
        "Codex ran out of room in the model's context window. Start a new conversation or clear earlier "
        "history before retrying."
    ), FULL, None),
    ("codex", (
        "Your input exceeds the context window of this model. Please adjust your input and try again."
    ), FULL, None),
    ("gemini", (
        "[API Error: You have exhausted your capacity on this model. Your quota will reset after 21h41m3s.]"
    ), USED, "11-22 12:11:03"),
    ("gemini", (
        "[API Error: You have exhausted your capacity on this model. Your quota will reset after 5s.]"
    ), RATE, "11-21 14:30:05"),
    ("gemini", "[API Error: Resource has been exhausted (e.g. check quota).]", RATE, None),
    ("gemini", (
        "[API Error: Quota exceeded for quota metric 'Gemini 2.5 Pro Requests' and limit 'Gemini 2.5 Pro "
        "Requests per day per user per tier' of service 'cloudcode-pa.googleapis.com' for consumer "
        "'project_number:1'.]"
    ), USED, None),
    ("gemini", (
        "[API Error: Quota exceeded for quota metric 'Gemini 2.5 Pro Requests' and limit 'Gemini 2.5 Pro "
        "Requests per minute per user' of service 'cloudcode-pa.googleapis.com'.]"
    ), RATE, None),
    ("gemini", "[API Error: The model is overloaded. Please try again later.]", BUSY, None),
    ("gemini", "[API Error: No capacity available for model gemini-3-pro-preview on the server]", BUSY, None),
    ("gemini", "[API Error: API key not valid. Please pass a valid API key.]", BARRED, None),
    ("gemini", "[API Error: exception TypeError: fetch failed sending request]", AWAY, None),
    ("gemini", (
        "[API Error: The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).]"
    ), FULL, None),
    ("gemini", (
        "[API Error: Resource exhausted. Please try again later. Please refer to "
        "https://cloud.google.com/vertex-ai/generative-ai/docs/error-code-429 for more details.]"
    ), RATE, None),
    ("copilot", (
        "Sorry, you've hit a rate limit that restricts the number of Copilot model requests you can make "
        "within a specific time period. Please try again in 51 hours. Please review our Terms of Service"
    ), USED, "11-23 17:30:00"),
    ("copilot", (
        "You've reached your weekly rate limit. Please wait for your limit to reset on April 20, 2027 at "
        "2:00 AM or switch to auto model to continue. Learn More "
        "(https://docs.github.com/en/copilot/concepts/rate-limits). (Request ID: D0BC)"
    ), USED, "04-20 02:01:00"),
    ("copilot", (
        "Sorry, you have been rate-limited. Please wait 2 minutes before trying again or consider switching "
        "to Auto."
    ), RATE, "11-21 14:32:00"),
    ("copilot", (
        "Sorry, your request was rate-limited. Please wait 587 hours 33 minutes before trying again."
    ), USED, "12-16 02:03:00"),
    ("copilot", (
        "Sorry, you've exceeded your weekly rate limit. Please review our Terms of Service. Error Code: "
        "user_weekly_rate_limited"
    ), USED, None),
    ("copilot", "You have no quota (Request ID: x)", USED, None),
    ("copilot", "You have exceeded your monthly premium request allowance. Upgrade for more.", USED, None),
    ("opencode", (
        "This request requires more credits, or fewer max_tokens. You requested up to 32000 tokens, but can "
        "only afford 0. To increase, visit https://openrouter.ai/settings/keys and create a key with a "
        "higher monthly limit"
    ), USED, None),
    ("opencode", "Insufficient Balance", USED, None),
    ("opencode", (
        "Prompt tokens limit exceeded: 230799 > 91442. To increase, visit "
        "https://openrouter.ai/settings/keys and create a key with a higher monthly limit"
    ), OTHER, None),
    ("opencode", "Token refresh failed: 401", BARRED, None),
    ("opencode", "Free usage exceeded, add credits https://opencode.ai/zen", USED, None),
    ("opencode", (
        "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day"
    ), USED, None),
    ("opencode", "Error from provider: Upstream error: 529 overloaded", BUSY, None),
    ("qwen", "Free allocated quota exceeded.", USED, None),
    ("qwen", "401 Incorrect API key provided.", BARRED, None),
    ("qwen", (
        "Qwen API quota exceeded: Your Qwen API quota has been exhausted. Please wait for your quota to "
        "reset."
    ), USED, None),
    ("qwen", "Request timeout after 121s. Try reducing input length or increasing timeout in config.", BUSY, None),
    ("aider", (
        'litellm.BadRequestError: DeepseekException - {"error":{"message":"Insufficient '
        'Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}'
    ), USED, None),
    ("aider", (
        'litellm.APIError: APIError: OpenrouterException - {"error":{"message":"This request requires more '
        "credits, or fewer max_tokens. You requested up to 64000 tokens, but can only afford 2666. To "
        'increase, visit https://openrouter.ai/settings/credits and upgrade to a paid account","code":402}}'
    ), USED, None),
    ("aider", (
        "litellm.BadRequestError: AnthropicException - "
        '{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low '
        'to access the Anthropic API."}}'
    ), USED, None),
    ("aider", (
        "litellm.RateLimitError: AnthropicException - "
        '{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed the rate '
        'limit for your organization of 40,000 input tokens per minute."}}'
    ), RATE, None),
    ("aider", "litellm.RateLimitError: geminiException - quota exceeded, limit: 50 per day", USED, None),
    ("aider", (
        "litellm.InternalServerError: AnthropicException - "
        '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}. Handle with '
        "`litellm.InternalServerError`."
    ), BUSY, None),
)
# fmt: on


def told(agent: str, text: str) -> bytes:
    """The program's own last words about a request that failed."""
    said: list[dict[str, object]]
    match agent:
        case "claude":
            said = [{"type": "result", "subtype": "success", "is_error": True, "result": text, "session_id": "s"}]
        case "codex":
            said = [{"type": "turn.failed", "error": {"message": text}}]
        case "gemini":
            said = [{"type": "result", "status": "error", "error": {"type": "Error", "message": text}}]
        case "qwen":
            said = [{"type": "result", "subtype": "success", "is_error": False, "result": f"[API Error: {text}]"}]
        case "opencode":
            said = [{"type": "error", "sessionID": "s", "error": {"name": "APIError", "data": {"message": text}}}]
        case "copilot":
            failed: dict[str, object] = {"type": "session.error", "data": {"errorType": "query", "message": text}}
            said = [failed, {"type": "result", "sessionId": "s", "exitCode": 1}]
        case _:
            return text.encode() + b"\r\n"
    return b"".join(json.dumps(event, ensure_ascii=False).encode() + b"\r\n" for event in said)


def read(agent: str, output: bytes, code: int, tmp_path: Path) -> Verdict:
    reader = OutputReader(Catalog(OWN, tmp_path).profile(agent), tmp_path / "outcome.json", local=UTC)
    reader.feed(output)
    return reader.verdict(Exit(code=code), at=NOW)


OWN = {"mine": {"command": ["mine"]}}
"""A person's own program, of which nothing more is known."""


@pytest.mark.parametrize(("agent", "text", "ending", "lifted"), SAID)
def test_what_was_said_has_its_class_and_its_time(
    agent: str, text: str, ending: Ending, lifted: str | None, tmp_path: Path
) -> None:
    verdict = read(agent, told(agent, text), 0 if agent in ("aider", "qwen") else 1, tmp_path)
    at = verdict.retry_at
    when = None if at is None else datetime.fromtimestamp(at, UTC).strftime("%m-%d %H:%M:%S")
    assert (verdict.ending, when) == (ending, lifted)


@pytest.mark.parametrize(
    "last",
    [
        "error on line 529 of config.rs",
        "listening on :4290 failed",
        "wrote 529 bytes, 413 of them twice",
        '{"max_tokens": 16384, "timeout": 5}',
        "PASS [0.229s] (3552/3639) store tests::rate_limits_counted_in_metrics_summary",
        "FAILED tests/test_weekly_rate_limit.py::test_usage_limit_reached_is_shown",
        "test capacity::no_capacity_is_an_error ... FAILED",
        "Error: memory usage exceeded 512 MB",
        "assert parse('resets May 5 at 9pm') is None",
        "npm ERR! 404 Not Found - GET left-pad",
        "TypeError: fetch failed",
        "Error: connect ECONNREFUSED 127.0.0.1:5432",
        "Error: request timed out after 5 s, the database is not up",
        "ModuleNotFoundError: No module named 'quota'",
        "the context window of the dialog is not closed",
    ],
)
def test_what_a_failing_program_prints_of_its_own_work_is_no_limit(last: str, tmp_path: Path) -> None:
    assert read("mine", f"working\n{last}\n".encode(), 1, tmp_path).ending is Ending.CRASHED


@pytest.mark.parametrize("text", [text for _, text, _, _ in SAID[::7]])
@pytest.mark.parametrize("agent", ["claude", "codex", "gemini"])
def test_a_model_that_says_the_same_and_delivers_has_delivered(agent: str, text: str, tmp_path: Path) -> None:
    done = {
        "claude": {"type": "result", "subtype": "success", "is_error": False, "result": text, "session_id": "s"},
        "codex": {"type": "turn.completed", "usage": {}},
        "gemini": {"type": "result", "status": "success", "stats": {}},
    }[agent]
    said = {
        "claude": {"type": "assistant", "message": {"content": [{"type": "text", "text": text}]}},
        "codex": {"type": "item.completed", "item": {"id": "i", "type": "agent_message", "text": text}},
        "gemini": {"type": "message", "role": "assistant", "content": text},
    }[agent]
    output = b"".join(json.dumps(event).encode() + b"\r\n" for event in (said, done))
    verdict = read(agent, output, 0, tmp_path)
    assert (verdict.ending, verdict.retry_at) == (Ending.DELIVERED, None)


def test_a_limit_that_lasts_is_a_used_up_window_whatever_it_is_called(tmp_path: Path) -> None:
    """A rate is over in minutes; who is told to wait for hours need not ask again on another route meanwhile."""
    for wait, ending in (("14 minutes", Ending.RATE_LIMITED), ("16 minutes", Ending.USAGE_LIMITED)):
        said = f"Sorry, you have been rate-limited. Please wait {wait} before trying again."
        assert read("copilot", told("copilot", said), 1, tmp_path).ending is ending
