"""What providers and their programs say when they refuse, in every program's output alike.

Knows texts and statuses, and the class each belongs to. Does not know whether a text may be believed: an agent that
writes about rate limits says the same words. `verdict` asks only where something has ended badly.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable

from orchestrator.agents.profile import WordRule
from orchestrator.core.model import Ending


def _rule(ending: Ending, *patterns: str) -> WordRule:
    return WordRule(ending=ending, matches=re.compile("|".join(patterns), re.IGNORECASE))


NARROW = (
    _rule(Ending.RATE_LIMITED, r"quota exceeded\b.{0,300}per[ _-]?minute"),
    _rule(
        Ending.USAGE_LIMITED,
        r"(?:hit|reached|exceeded|exhausted) your (?!rate|request)(?:(?!rate|request)[\w-]+ ){0,3}(?:limit|quota)s?\b",
        r"\b(?:weekly|daily|monthly)[ _-]rate[ _-]?limit",
        r"\brequest allowance\b|\byou have no quota\b|\b(?:free|api|token) usage exceeded\b",
        r"\blimit exceeded\W{1,3}[\w-]*per[ _-]?day\b",
        r"(?:usage|session|weekly|daily|monthly|5-hour) limit (?:has been |was |is )?(?:reached|exceeded|hit)",
        r"\busage_limit_(?:reached|exceeded)\b",
        r"\binsufficient_quota\b",
        r"\bquota exceeded\b",
        r"credit balance is too low|\brequires more credits\b",
        r"\b(?:insufficient|out of|no) (?:extra )?(?:credits?|funds|balance|usage)\b",
        r"\bbilling (?:hard )?limit",
        r"\blimit reached\b.{0,80}\bresets?\b",
    ),
    _rule(
        Ending.CONTEXT_OVERFLOW,
        r"prompt is too long",
        r"maximum context length",
        r"\bcontext_length_exceeded\b",
        r"context ?window ?exceeded",
        r"exceed\w* (?:the )?(?:model's |maximum )?context (?:window|length|limit)",
        r"\bconversation (?:is )?too long\b",
        r"exhausted context window",
        r"ran out of room in the model.s context",
        r"exceeds the maximum number of (?:input )?tokens",
        r"(?:input|request|prompt) (?:is )?too (?:long|large) for (?:the|this) model",
    ),
)
"""Words that say more than the status beside them: a 429 can be a spent quota, a 400 a full context."""

WIDE = (
    _rule(
        Ending.UNAVAILABLE,
        r"(?:invalid|incorrect|missing|expired|revoked) (?:\w+ )?api[ _-]?key",
        r"\bapi[ _-]?key (?:is )?(?:not valid|invalid|missing|expired|not found)",
        r"\binvalid_api_key\b",
        r"\bauthentication[ _](?:failed|error|required)\b|\bAuthenticationError\b",
        r"\bunauthorized\b",
        r"(?:not|isn't) logged in\b|please (?:log|sign) ?in\b|please run /login",
        r"\b(?:log|login|sign|signing) in again\b",
        r"\btoken (?:refresh failed|has been invalidated)\b|\borganization has been disabled\b",
        r"\bextra usage is required\b",
        r"\boauth token (?:has |is )?(?:expired|revoked|invalid)",
        r"(?:status|error|http|code)\W{0,3}(?:code\W{0,2})?40[13]\b",
    ),
    _rule(
        Ending.RATE_LIMITED,
        r"\brate[ -]?limit|\bexhausted your capacity\b",
        r"\brate_limit(?:ed|_error|_exceeded)?\b",
        r"\btoo many requests\b",
        r"\bresource has been exhausted\b|\bRESOURCE_EXHAUSTED\b",
        r"(?:status|error|http|code)\W{0,3}(?:code\W{0,2})?429\b",
    ),
    _rule(
        Ending.OVERLOADED,
        r"\boverloaded(?:_error)?\b",
        r"\bservice unavailable\b|\bServiceUnavailableError\b",
        r"\bserver(?:s are| is) (?:down|overloaded|busy)\b",
        r"(?:status|error|http|code)\W{0,3}(?:code\W{0,2})?5(?:00|02|03|04|29)\b",
    ),
)
"""Asked after the status."""

STREAMED = (
    _rule(
        Ending.OVERLOADED,
        r"\binternal server error\b|\bInternalServerError\b",
        r"\bbad gateway\b|\bgateway time-?out\b",
        r"\bconnection (?:was )?(?:closed|reset|aborted|error|lost|dropped)\b",
        r"stream (?:disconnected|closed|ended) before",
        r"socket (?:hang up|connection was closed)|other side closed|\bECONNRESET\b|\bAPI Error: terminated",
        r"error decoding response body|error reading a body from connection",
        r"\brequest time(?:d )?out\b|\bexperiencing high demand\b|\b(?:is at|no) capacity\b",
    ),
    _rule(
        Ending.UNREACHABLE,
        r"\bENOTFOUND\b|\bEAI_AGAIN\b|\bECONNREFUSED\b|\bENETUNREACH\b|\bEHOSTUNREACH\b",
        r"name or service not known|temporary failure in name resolution|could not resolve host",
        r"\bconnection refused\b|\bnetwork is unreachable\b|\bno route to host\b",
        r"unable to connect to (?:the )?(?:api|server|\w+ services)",
        r"\berror sending request for url\b|\bfetch failed\b",
    ),
    _rule(
        Ending.UNAVAILABLE,
        r"\bmodel\b.{0,60}\b(?:not found|(?:does|may) not exist|is not supported|not available)",
        r"\bnot_found_error\b.{0,40}\bmodel\b",
    ),
)
"""Asked last, and only of programs that tell us their end in events: any script's connection can break."""


def of_status(status: int | None) -> Ending | None:
    """The class of an HTTP status, where nothing else says more."""
    match status:
        case None:
            return None
        case 401 | 403 | 404:
            return Ending.UNAVAILABLE
        case 402:
            return Ending.USAGE_LIMITED
        case 413:
            return Ending.CONTEXT_OVERFLOW
        case 429:
            return Ending.RATE_LIMITED
        case 408:
            return Ending.OVERLOADED
        case _:
            return Ending.OVERLOADED if 500 <= status <= 599 else None


def first(rules: Iterable[WordRule], text: str) -> tuple[Ending, re.Match[str]] | None:
    """The first rule that finds something, and its last find: the last word on it."""
    for rule in rules:
        if found := deque(rule.matches.finditer(text), maxlen=1):
            return rule.ending, found[0]
    return None
