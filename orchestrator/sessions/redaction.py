"""Keeps keys out of what is written down, by their values: of variables that are named like secrets, of values that are
shaped like the keys of well-known services, and passwords in addresses.

Knows text only. A secret that a program prints in another form (encoded, wrapped over two lines) is not found.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping

from orchestrator.sessions.processes import TOKEN

HIDDEN = "[redacted]"
_PART = 1 << 20

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|AUTH", re.IGNORECASE)
_SECRET_SHAPE = re.compile(r"sk-|gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|AKIA|ASIA|AIza|eyJ|-----BEGIN ")
_IN_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^/@\s]*:([^/@\s]+)@", re.IGNORECASE)
_LEAST = 8
"""Shorter values are left: they would be found in words that are no secret."""


def secrets_of(env: Mapping[str, str]) -> tuple[str, ...]:
    """The longest first, so that one that contains another is hidden whole."""
    values = {value for name, value in env.items() if name != TOKEN and _is_secret(name, value)}
    values |= {found for value in env.values() for found in _IN_ADDRESS.findall(value)}
    return tuple(sorted((value for value in values if len(value) >= _LEAST), key=len, reverse=True))


def _is_secret(name: str, value: str) -> bool:
    """An address or a path is none, whatever its variable is called: all of them stand in messages that are needed."""
    if value.startswith("/") or "://" in value:
        return False
    return bool(_SECRET_NAME.search(name) or _SECRET_SHAPE.match(value))


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


def mask(output: int, begin: int, env: Mapping[str, str]) -> None:
    """Paint over the secrets in a file, from `begin` to its end. Its length stays, so that others may go on writing."""
    secrets = [secret.encode() for secret in secrets_of(env)]
    longest, at, end = max(map(len, secrets), default=0), begin, os.fstat(output).st_size
    while secrets and at < end:
        part = os.pread(output, _PART + longest, at)
        for secret in secrets:
            place = part.find(secret)
            while place >= 0:
                with open(f"/proc/self/fd/{output}", "r+b") as file:  # `output` itself only appends
                    file.seek(at + place)
                    file.write(HIDDEN.encode()[: len(secret)].ljust(len(secret), b"*"))
                place = part.find(secret, place + len(secret))
        at += _PART
