"""Signing what lands, where the person has git sign: with their key and program, as they were when we started.

What an agent writes into the shared configuration later chooses no key and names no program. Does not know what lands.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping

from orchestrator.core.model import Commit, Tree
from orchestrator.core.values import Struct, replace
from orchestrator.repo.faults import GitRefused, RepositoryFault, explained
from orchestrator.repo.objects import write
from orchestrator.repo.plumbing import Git, Place
from orchestrator.repo.repository import Person, Repository

_PROGRAMS = {"gpg.openpgp.program": "gpg", "gpg.x509.program": "gpgsm", "gpg.ssh.program": "ssh-keygen"}
_FORMAT, _KEY, _KEY_COMMAND = "gpg.format", "user.signingkey", "gpg.ssh.defaultkeycommand"
_NOBODY = {"SSH_ASKPASS_REQUIRE": "never", "GPG_TTY": ""}
"""There is nobody to ask."""


class Signing(Struct, frozen=True, kw_only=True):
    settings: Mapping[str, str]
    """All that decides what git signs with."""
    within_s: float
    """How long a signature may take. A program that asks somebody takes for ever: at night nobody answers."""

    def commit_tree(
        self, git: Git, place: Place, tree: Tree, parents: Iterable[Commit], message: str, author: Person,
        committer: Person, date: str | None = None,
    ) -> Commit:  # fmt: skip
        """Raises `GitRefused` where it cannot be signed in time."""
        own = replace(git, settings={**git.settings, **self.settings})
        env = {**author.as_author(date), **committer.as_committer(), **_NOBODY}
        words = [word for parent in parents for word in ("-p", parent)]
        asked = ("commit-tree", "-S", *words, "-m", message, tree)
        return Commit(own(place, *asked, env=env, within_s=self.within_s).text)


def write_commit(
    signing: Signing | None, git: Git, place: Place, tree: Tree, parents: Iterable[Commit], message: str,
    author: Person, committer: Person, date: str | None = None,
) -> Commit:  # fmt: skip
    """A commit that is to stand on the target, signed where the person has git sign."""
    made = write if signing is None else signing.commit_tree
    return made(git, place, tree, parents, message, author, committer, date)


def signing(git: Git, repository: Repository, *, within_s: float) -> Signing | None:
    """None: the person has not asked for it. It is tried out at once: better in the evening than at three.

    Raises `RepositoryFault` where git cannot sign without somebody.
    """
    said = _configured(git, repository)
    if said.get("commit.gpgsign", "false").lower() not in ("true", "yes", "on", "1", ""):
        return None
    found = Signing(settings=_settings(said, repository.person, within_s), within_s=within_s)
    place, person = repository.place, repository.person
    try:
        tree = Tree(git(place, "rev-parse", f"{repository.head}^{{tree}}").text)
        found.commit_tree(git, place, tree, [], "Can this be signed?", person, person)
    except GitRefused as refusal:
        raise RepositoryFault(f"signing: {explained(str(refusal))}") from refusal
    return found


def _configured(git: Git, repository: Repository) -> Mapping[str, str]:
    """As the person has it: what we lay over every call of ours does not count."""
    place = Place(git_dir=repository.git_dir)
    rows = git(place, "config", "--null", "--show-scope", "--list").out.decode("utf-8", "surrogateescape").split("\0")
    found: dict[str, str] = {}
    for scope, row in zip(rows[::2], rows[1::2], strict=False):
        key, _, value = row.partition("\n")
        if scope != "command":
            found[key] = value
    return found


def _settings(said: Mapping[str, str], person: Person, within_s: float) -> Mapping[str, str]:
    """Said in full, also what git would take by itself: so that there is nothing left for anybody to add."""
    kind = said.get(_FORMAT, "openpgp")
    programs = {name: said.get(name, default) for name, default in _PROGRAMS.items()}
    if "gpg.program" in said:  # the older name of one of them
        programs["gpg.openpgp.program"] = said.get("gpg.openpgp.program", said["gpg.program"])
    key = said.get(_KEY, "")
    if not key and kind == "ssh":
        key = _first_key(said.get(_KEY_COMMAND, ""), within_s)
    return {_FORMAT: kind, **programs, _KEY: key or f"{person.name} <{person.mail}>"}


def _first_key(command: str, within_s: float) -> str:
    """What git itself would ask the command for. Raises `RepositoryFault`."""
    try:
        asked = subprocess.run(
            ["/bin/sh", "-c", command], capture_output=True, text=True, timeout=within_s, check=True,
            stdin=subprocess.DEVNULL, start_new_session=True, env={**os.environ, **_NOBODY},
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as fault:
        raise RepositoryFault(f"signing: `{command}` ({_KEY_COMMAND}) names no key: {fault}") from fault
    keys = [line for line in asked.stdout.splitlines() if line.startswith(("ssh-", "key::", "ecdsa-", "sk-"))]
    if not keys:
        raise RepositoryFault(f"signing: no key is named: set `{_KEY}`, or `{_KEY_COMMAND}`, or do not ask to sign")
    return keys[0]
