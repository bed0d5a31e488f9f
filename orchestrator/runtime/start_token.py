"""That a request comes from the very session that it names: shown by a token that only this session was given.

The token itself never leaves the session's environment and our memory: what is asked for is signed with it, because
others can read the table in which requests wait.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from orchestrator.core.messages import LocksAsked

VARIABLE = "ORCHESTRATOR_START_TOKEN"


def new() -> str:
    return secrets.token_hex(16)


def signed(asked: LocksAsked, start_token: str) -> str:
    """Of just this request: another one, or the same for another session, has another signature."""
    claims = [(claim.pattern, claim.shared) for claim in asked.claims]
    what = [asked.token, asked.wait_s, asked.hand_back, asked.edits, *claims]
    return hmac.new(start_token.encode(), repr(what).encode(), hashlib.sha256).hexdigest()


def belongs(asked: LocksAsked, start_token: str) -> bool:
    return hmac.compare_digest(asked.proof, signed(asked, start_token))
