"""What may be called what: ids, run names, branches, revisions, agents and routes.

Knows the rules of file systems and of `git check-ref-format`. Does not know which names are taken.
"""

from __future__ import annotations

import re

from orchestrator.core.model import ANSWER, FAIL, HOLD, SHELL_ROUTE, RouteName
from orchestrator.manifest.faults import Unfit
from orchestrator.manifest.patterns import printable

MAX_ID = 100
"""Characters; an id becomes part of file names, which many systems end at 255 bytes."""

ROUTE = "'agent:model' or 'agent'"

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9._-]", re.ASCII)
_NOT_IN_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]")


def check_id(text: str) -> str:
    """The text, if it can be a branch and a file. Raises Unfit that says what is not safe."""
    if wrong := _wrong_id(text):
        raise Unfit(
            f"'{printable(text)}' cannot be a branch and a file name: {wrong}",
            expected="letters, digits, '.', '_', '-'",
        )
    return text


def _wrong_id(text: str) -> str:
    if not text:
        return "it is empty"
    if found := _NOT_IN_ID.search(text):
        return f"it has {printable(found.group())!r}" if found.group() != " " else "it has a space"
    if not _ID.fullmatch(text):
        return "it begins with a sign"
    if len(text) > MAX_ID:
        return f"it has {len(text)} characters, more than {MAX_ID}"
    if ".." in text:
        return "it has '..'"
    if text.endswith("."):
        return "it ends with '.'"
    if text.lower().endswith(".lock"):
        return "it ends with '.lock'"
    return ""


def derived_id(text: str) -> str:
    """The text, or what is nearest to it and safe as an id."""
    safe = re.sub(r"\.{2,}", ".", _NOT_IN_ID.sub("-", _without_accents(text))).strip("._-")[:MAX_ID].rstrip("._-")
    safe = re.sub(r"(?i)\.lock$", "-lock", safe)
    return safe or "run"


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    from unicodedata import combining, normalize

    return "".join(each for each in normalize("NFKD", text) if not combining(each))


def check_branch(text: str) -> str:
    """The text, if `git check-ref-format --branch` would take it. Raises Unfit."""
    if wrong := _wrong_branch(text):
        raise Unfit(f"'{printable(text)}' cannot be a branch: {wrong}")
    return text


def _wrong_branch(text: str) -> str:
    if not text:
        return "it is empty"
    if text.startswith("refs/"):
        return "give the branch's name without 'refs/heads/'"
    if text == "HEAD" or text == "@":
        return "git keeps this name for itself"
    if text.startswith("-"):
        return "it begins with '-'"
    if found := _NOT_IN_BRANCH.search(text):
        return "it has a space" if found.group() == " " else f"it has '{printable(found.group())}'"
    for sign in ("..", "@{"):
        if sign in text:
            return f"it has '{sign}'"
    if text.endswith("."):
        return "it ends with '.'"
    for part in text.split("/"):
        if not part:
            return "it has an empty part between slashes"
        if part.startswith("."):
            return "a part of it begins with '.'"
        if part.lower().endswith(".lock"):
            return "a part of it ends with '.lock'"
    return ""


def check_revision(text: str) -> str:
    """The text, if it may be given to git as a revision. Whether it exists, the repository knows."""
    if not text or text.startswith("-") or any(char.isspace() or not char.isprintable() for char in text):
        raise Unfit(f"'{printable(text)}' cannot be a revision", expected="a branch, a tag or a commit")
    return text


def check_remote(text: str) -> str:
    """The text, if it may be given to git as a remote. Whether there is one, the repository knows."""
    if not text or text.startswith("-") or any(char.isspace() or not char.isprintable() for char in text):
        raise Unfit(f"'{printable(text)}' cannot be a remote", expected="the name of a remote, or a URL")
    return text


def check_agent(text: str) -> str:
    if not _ID.fullmatch(text):
        raise Unfit(f"'{printable(text)}' cannot be an agent's name", expected="letters, digits, '.', '_', '-'")
    return text


def check_folder(text: str) -> str:
    """A folder below the top of a repository. Raises Unfit."""
    parts = text.removesuffix("/").split("/")
    if not all(parts) or {".", "..", ".git"} & set(parts) or "\0" in text:
        raise Unfit(f"'{printable(text)}' is no folder of the repository", expected="a path such as web/node_modules")
    return "/".join(parts)


def check_on_question(text: str) -> str:
    """The text, if it says what becomes of a question. Raises Unfit."""
    if text in (HOLD, FAIL) or (text.startswith(ANSWER) and text.removeprefix(ANSWER).strip()):
        return text
    raise Unfit(f"'{printable(text)}' does not fit", expected="hold, fail, or answer: and a text")


def check_route(text: str) -> RouteName:
    """The route, if it is well formed. Whether its agent exists is not known here."""
    agent, colon, model = text.partition(":")
    if not _ID.fullmatch(agent) or (colon and not model) or any(c.isspace() or not c.isprintable() for c in model):
        raise Unfit(f"'{printable(text)}' is not a route", expected=ROUTE)
    if agent == SHELL_ROUTE:
        raise Unfit(f"'{printable(text)}' is not a route: '{SHELL_ROUTE}' is for beads with 'run:'", expected=ROUTE)
    return RouteName(text)


def check_pool(text: str) -> str:
    """A provider, an agent or a route. Whether it exists is not known here."""
    return text if text == SHELL_ROUTE else check_route(text)


def agent_of(route: str) -> str:
    return route.partition(":")[0]
