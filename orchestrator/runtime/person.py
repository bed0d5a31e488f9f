"""What is the person's, as it was and as it is: whether anything was touched, and by whom as far as git can tell.

A person may work on while a run does: what their checkout's own reflog shows, they did themselves. What only agents
have made does not get onto their branches or into their stash by itself. Of anything else, nothing shows who did it.
Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestrator.core.values import Struct
from orchestrator.runtime.findings import Finding, found, listed


class Fingerprint(Struct, frozen=True, kw_only=True):
    """Everything of the person's that we must not change. Two of them are equal, or something was touched."""

    head: str
    """The HEAD file of their checkout."""
    at: str
    """The commit that it comes to."""
    staged: Mapping[str, str]
    """Paths whose entry in the index differs from HEAD, each with a digest of how."""
    files: Mapping[str, str]
    """Paths whose file differs from the index, or that are new, likewise."""
    stash: Mapping[str, str]
    """Commits, newest first, with what they are called."""
    config: Mapping[str, str]
    """The repository's own settings, each value as a digest: there are secrets among them."""
    refs: Mapping[str, str]
    """All but the targets of runs and what is ours."""
    moves: int = 0
    """How often HEAD has moved, by its reflog."""


class Person(Struct, frozen=True, kw_only=True):
    """The evidence: two fingerprints, and what helps to tell who did it."""

    before: Fingerprint
    now: Fingerprint
    reached: frozenset[str] = frozenset()
    """The commits at which their own HEAD has been since `before`."""
    agents: frozenset[str] = frozenset()
    """Commits that only attempts have made, and that have not landed."""
    work: str = "refs/heads/orchestrator-work/"
    """What agents' branches begin with."""


def touched(person: Person | None) -> Iterator[Finding]:
    """A finding for each thing of the person's. None: no fingerprint was kept at the start."""
    if person is None:
        yield Finding(
            holds=False,
            claim="what is yours is as it was at the start",
            detail="not known: no fingerprint of the start is kept",
            command="git reflog",
            promised=False,
        )
        return
    before, now = person.before, person.now
    worked = now.moves > before.moves  # they were at work in their checkout: its files and index are theirs to change
    yield _refs(person)
    yield _head(person)
    for claim, was, is_, command in (
        ("your staged changes are as at the start", before.staged, now.staged, "git diff --cached --stat"),
        ("the files of your checkout are as at the start", before.files, now.files, "git status --short"),
    ):
        differ = sorted(path for path in {*was, *is_} if was.get(path) != is_.get(path))
        yield _unsure(claim, differ, command, theirs=worked)
    yield _stash(person)
    settings = sorted(name for name in {*before.config, *now.config} if before.config.get(name) != now.config.get(name))
    yield _unsure("the repository's configuration is as at the start", settings, "git config --local --list")


def _unsure(claim: str, differ: list[str], command: str, *, theirs: bool = False) -> Finding:
    """Nothing tells who did it."""
    said = "changed since then, as was your HEAD: " if theirs else "changed since then, by you or by an agent: "
    return Finding(
        holds=theirs or not differ,
        claim=claim,
        detail=said + listed(differ) if differ else "",
        command=command,
        promised=False,
    )


def _refs(person: Person) -> Finding:
    before, now = person.before.refs, person.now.refs
    against: list[str] = []
    unclear: list[str] = []
    said: list[str] = []
    for name in sorted({*before, *now}):
        was, is_ = before.get(name), now.get(name)
        if was == is_:
            continue
        short = name.removeprefix("refs/heads/").removeprefix("refs/")
        theirs = is_ in person.reached or name.startswith("refs/remotes/")
        if is_ is None:
            (said if theirs else unclear).append(f"{short} is gone (it was at {(was or '')[:12]})")
        elif was is None:
            said.append(f"{short} is new")
        elif is_ in person.agents:
            against.append(f"{short} was moved from {was[:12]} to {is_[:12]}, which an attempt of ours made")
        elif not theirs and f"ref: {name}" == person.now.head:
            against.append(f"{short} was moved under your checkout, from {was[:12]} to {is_[:12]}")
        else:
            said.append(f"{short} was moved from {was[:12]} to {is_[:12]}")
    claim, command = "your branches and tags are as at the start, but for what you did", "git for-each-ref"
    if against or not unclear:
        return found(claim, [*against, *unclear] if against else [], command, said=said)
    return Finding(holds=False, claim=claim, detail=listed(unclear), command=command, promised=False)


def _head(person: Person) -> Finding:
    before, now = person.before, person.now
    claim, command = "your HEAD is where it was, or where you moved it", "git reflog HEAD"
    if (before.head, before.at) == (now.head, now.at):
        return found(claim, [], command)
    said = f"it was at {_place(before)}, and is at {_place(now)}"
    if now.at in person.reached:
        return found(claim, [], command, said=[said])
    return found(claim, [f"{said}, and your reflog does not know of it"], command)


def _place(one: Fingerprint) -> str:
    branch = one.head.removeprefix("ref: refs/heads/") if one.head.startswith("ref: ") else "no branch"
    return f"{branch} ({one.at[:12]})"


def _stash(person: Person) -> Finding:
    before, now = person.before.stash, person.now.stash
    branch = person.work.removeprefix("refs/heads/")
    added = [commit for commit in now if commit not in before]
    from_agents = [commit for commit in added if branch in now[commit]]
    gone = [commit for commit in before if commit not in now]
    claim, command = "your stash is as at the start, but for what you put there", "git stash list"
    against = [f"{commit[:12]} is an agent's ({now[commit]})" for commit in from_agents]
    lost = [f"{commit[:12]} is gone ({before[commit]})" for commit in gone]
    if lost and not against:
        return Finding(holds=False, claim=claim, detail=listed(lost), command="git fsck --unreachable", promised=False)
    return found(claim, [*against, *lost], command, said=[f"{commit[:12]} is new" for commit in added])
