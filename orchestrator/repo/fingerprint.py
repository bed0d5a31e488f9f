"""The person's side of a repository, read and kept: their refs, checkout, index, stash and configuration.

Only reads git. Says what is there; `runtime.person` says what a difference means.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from orchestrator.core.values import to_builtins
from orchestrator.repo import refs
from orchestrator.repo.plumbing import Git, Place
from orchestrator.repo.repository import Repository
from orchestrator.repo.status import status
from orchestrator.repo.whole import put
from orchestrator.runtime.person import Fingerprint, Person

_READ_UP_TO = 2**20
"""Bytes: of a larger file that differs from the index, its size and time stand for its content."""


def fingerprint(repository: Repository, targets: Collection[str]) -> Fingerprint:
    """`targets` are the target branches of runs, which are not the person's."""
    git = Git()
    place = Place(git_dir=repository.git_dir, work_tree=repository.checkout)
    staged: dict[str, str] = {}
    files: dict[str, str] = {}
    if repository.checkout is not None:
        for path, in_index, in_file in _differing(git, place, repository.checkout):
            shown = path.decode("utf-8", "backslashreplace")
            staged |= {shown: in_index} if in_index else {}
            files |= {shown: in_file} if in_file else {}
    listed = git(place, "for-each-ref", "--format=%(refname) %(objectname)").text.split("\n")
    named = dict(row.split(" ") for row in listed if row)
    ours = {f"refs/heads/{target}" for target in targets}
    stash = git(place, "stash", "list", "--format=%H %gs", codes=(0, 1, 128)).text.split("\n")
    return Fingerprint(
        head=(repository.git_dir / "HEAD").read_text().strip(),
        at=git(place, "rev-parse", "--verify", "--quiet", "HEAD", codes=(0, 1, 128)).text,
        staged=staged,
        files=files,
        stash={row[0]: row[2] for row in (entry.partition(" ") for entry in stash if entry)},
        config=dict(_settings(git, repository)),
        refs={
            name: at
            for name, at in named.items()
            if name not in ours and name != "refs/stash" and not name.startswith((refs.WORK, refs.OURS))
        },
        moves=len(_moves(repository)),
    )


def keep(repository: Repository, run: str, taken: Fingerprint) -> None:
    """For the proof at the run's end, whichever process comes to that."""
    file = _file(repository, run)
    file.parent.mkdir(parents=True, exist_ok=True)
    put(file, json.dumps(to_builtins(taken)))


def person(repository: Repository, run: str, targets: Collection[str], began: str, target: str) -> Person | None:
    """What a run found at its start, and what is there now. None: nothing was kept at its start."""
    try:
        before = Fingerprint(**json.loads(_file(repository, run).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    git, now = Git(), fingerprint(repository, targets)
    agents: frozenset[str] = frozenset()
    if any(name in before.refs and before.refs[name] != at for name, at in now.refs.items()):
        known = git(repository.place, "rev-parse", "--verify", "--quiet", f"refs/heads/{target}", codes=(0, 1)).text
        theirs = [
            f"^{commit}" for commit in {began, known, *before.refs.values()} if _is_commit(git, repository, commit)
        ]
        made = ("rev-list", f"--glob={refs.ATTIC}*", f"--glob={refs.WORK}*", *theirs)
        agents = frozenset(git(repository.place, *made).text.split())
    reached = frozenset(_moves(repository)[before.moves :])
    return Person(before=before, now=now, reached=reached, agents=agents, work=refs.WORK)


def _is_commit(git: Git, repository: Repository, name: str) -> bool:
    """It may be a tag of something else, or gone by now."""
    return bool(name) and git(repository.place, "cat-file", "-e", f"{name}^{{commit}}", codes=(0, 1, 128)).code == 0


def _file(repository: Repository, run: str) -> Path:
    return repository.state / "fingerprints" / f"{refs.quoted(run)}.json"


def _moves(repository: Repository) -> list[str]:
    """Where the checkout's HEAD has been, oldest first."""
    with suppress(FileNotFoundError):
        lines = (repository.git_dir / "logs" / "HEAD").read_text(errors="replace").splitlines()
        return [line.split(" ")[1] for line in lines if line.count(" ") > 1]
    return []


def _differing(git: Git, place: Place, top: Path) -> Iterator[tuple[bytes, str, str]]:
    """Each path with what its entry in the index is, and what its file is, where they differ from what is below."""
    for entry in status(git, place, persons=True).entries:
        path, about = entry.path, entry.about
        match entry.kind:
            case b"1":
                in_index = "" if about[0][:1] == b"." else _digest(about[0][:1] + about[3] + about[6])
                in_file = (
                    "" if about[0][1:] == b"." else _digest(about[0][1:] + about[1] + about[4] + _content(top, path))
                )
                yield path, in_index, in_file
            case b"u":
                yield path, _digest(b" ".join((*about, path))), _digest(_content(top, path))
            case b"?":
                yield path, "", _digest(b"?" + _content(top, path))


def _content(top: Path, path: bytes) -> bytes:
    file = top / path.decode("utf-8", "surrogateescape")
    try:
        if file.is_symlink():
            return bytes(file.readlink())
        if file.is_dir():  # a submodule, or a repository that is none: git says what it is at
            return b""
        about = file.stat()
        if about.st_size <= _READ_UP_TO:
            return file.read_bytes()
        return f"{about.st_size} {about.st_mtime_ns}".encode()
    except OSError:
        return b""


def _settings(git: Git, repository: Repository) -> Iterator[tuple[str, str]]:
    """Without subsections in the names: a URL with a password in it may be one."""
    rows = git(repository.place, "config", "--local", "--null", "--list", codes=(0, 1, 128)).out.split(b"\0")
    seen: dict[str, bytes] = {}
    for row in rows:
        key, _, _ = row.decode("utf-8", "replace").partition("\n")
        section, _, name = key.partition(".")
        short = f"{section}.{name.rpartition('.')[2]}" if name else section
        if short:
            seen[short] = seen.get(short, b"") + row + b"\0"
    for short, value in seen.items():
        yield short, _digest(value)


def _digest(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()[:32]
