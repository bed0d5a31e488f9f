"""Keeps keys out of what is written down: the values of variables that are named like secrets.

Knows text only. A secret that a program prints in another form (encoded, wrapped over two lines) is not found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from orchestrator.sessions.processes import TOKEN

HIDDEN = "[redacted]"

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|AUTH", re.IGNORECASE)
_LEAST = 8
"""Shorter values are left: they would be found in words that are no secret."""


def secrets_of(env: Mapping[str, str]) -> tuple[str, ...]:
    """The longest first, so that one that contains another is hidden whole."""
    values = {
        value
        for name, value in env.items()
        if name != TOKEN and len(value) >= _LEAST and not value.startswith("/") and _SECRET_NAME.search(name)
    }
    return tuple(sorted(values, key=len, reverse=True))


class Redaction:
    """Text in pieces goes in, and comes out without the secrets, those that lie across pieces included."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        """The longest secret first."""
        self.secrets = secrets
        self._pattern = re.compile("|".join(re.escape(secret) for secret in secrets) or r"(?!)")
        self._rest = ""

    def __call__(self, text: str) -> str:
        """What may be written by now: an end that could be the beginning of a secret waits for the next piece."""
        text = self._rest + text
        parts, at, held = [], 0, self._held(text, 0)
        while (found := self._pattern.search(text, at)) and found.start() < held:
            parts += [text[at : found.start()], HIDDEN]
            at = found.end()
            held = max(held, self._held(text, at))
        self._rest = text[held:]
        return "".join([*parts, text[at:held]])

    def rest(self) -> str:
        """What waited, when nothing more comes."""
        rest, self._rest = self._rest, ""
        return self._pattern.sub(HIDDEN, rest)

    def _held(self, text: str, at: int) -> int:
        """From where on the text is the beginning of a secret, and not the whole."""
        first = len(text)
        for secret in self.secrets:
            start = text.find(secret[0], max(at, len(text) - len(secret) + 1))
            while 0 <= start < first:
                if secret.startswith(text[start:]):
                    first = start
                start = text.find(secret[0], start + 1)
        return first


def hiding_in_notes(env: Mapping[str, str]) -> Callable[[str], str]:
    """As `hiding`, for texts that were cut to a length, with `…` for the rest: the beginning of a secret before that is
    hidden as well."""
    whole, secrets = hiding(env), secrets_of(env)

    def hide(text: str) -> str:
        text = whole(text)
        if not text.endswith("…"):
            return text
        said = text[:-1]
        longest = max(map(len, secrets), default=0)
        for size in range(min(longest, len(said)), _LEAST - 1, -1):
            if any(secret.startswith(said[-size:]) for secret in secrets):
                return f"{said[:-size]}{HIDDEN}…"
        return text

    return hide


def hiding(env: Mapping[str, str]) -> Callable[[str], str]:
    """What hides the secrets of an environment in whole texts."""
    secrets = secrets_of(env)
    pattern = re.compile("|".join(re.escape(secret) for secret in secrets) or r"(?!)")
    return lambda text: pattern.sub(HIDDEN, text)
