"""Pull requests: a branch is pushed, and a command of the person's opens one for it, or brings the open one up to date.

Of a bead: its change alone, on the base or on the branches of those that it needs; where it does not go there by
itself, the target as it was with it. Does not know when one is due, nor what it says.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from orchestrator.core.messages import Propose
from orchestrator.core.model import BeadId, Commit, PullRequests
from orchestrator.core.pull_request_commands import PLACEHOLDERS
from orchestrator.core.template import Text
from orchestrator.core.values import Struct
from orchestrator.repo import refs
from orchestrator.repo.desk import Run
from orchestrator.repo.merging import Clashes, merge
from orchestrator.repo.objects import Stored, stored, write
from orchestrator.repo.plumbing import Git
from orchestrator.repo.pushing import Remote, push, push_new, without_secrets
from orchestrator.repo.refs import Move, quoted
from orchestrator.repo.repository import OURSELVES, Person
from orchestrator.repo.signing import Signing, write_commit
from orchestrator.runtime.ports import Brought, Commands, InDoubt, Leaving, Letter, WorkspaceFault

_ADDRESS = re.compile(r"https?://[^\s\"'<>]+")
_NUMBERED = re.compile(r"https?://[^\s\"'<>]+?/(?:pulls?|merge_requests|pull-requests|pullrequest)/\d+")
_NOBODY = {"GH_PROMPT_DISABLED": "1", "NO_PROMPT": "1", "GIT_TERMINAL_PROMPT": "0", "NO_COLOR": "1"}
"""There is nobody to ask."""


def branch_of(run: str, bead: BeadId) -> str:
    return f"orchestrator-pr/{quoted(run)}/{quoted(bead)}"


class Proposing(Struct, frozen=True, kw_only=True):
    """Everything that a pull request needs beside its order."""

    git: Git
    run: Run
    remote: Remote
    how: PullRequests
    commands: Commands
    logs: Path
    start: Commit
    """Where the target began."""
    signing: Signing | None
    within_s: float
    """How long a push, or one command, may take."""

    def bring(self, order: Propose, letter: Letter) -> Brought:
        """Raises `WorkspaceFault`, `InDoubt`, `Leaving` and `GitRefused`."""
        if order.bead:
            branch, commit = branch_of(self.run.name, order.bead), self._own(order)
            push_new(self.git, self.run, self.remote, commit, branch, within_s=self.within_s)
        else:
            branch = self.run.target
            commit = push(self.git, self.run, self.remote, within_s=self.within_s)
        if order.only_push:
            return Brought(url="", branch=branch, commit=commit, found=True)
        file = self.logs / f"pull-request.{quoted(order.bead) if order.bead else 'night'}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(letter.body, encoding="utf-8")
        values = {
            "head": branch,
            "base": order.base,
            "title": letter.title,
            "body_file": str(file),
            "bead": order.bead,
            "run": self.run.name,
            "remote": self.remote.name,
            "url": order.url,
        }
        url = _address(self._said(self.how.find, values, order)) if self.how.find else order.url
        if not url:
            return Brought(
                url=_address(self._said(self.how.open, values, order)), branch=branch, commit=commit, found=False
            )
        if self.how.update:
            self._said(self.how.update, {**values, "url": url}, order)
        return Brought(url=url, branch=branch, commit=commit, found=True)

    def _said(self, template: str, values: dict[str, str], order: Propose) -> str:
        """What a command printed. Raises `WorkspaceFault` where it failed, `InDoubt` where it was not heard out."""
        words = {name: shlex.quote(value) for name, value in values.items()}
        command = Text.parse(template, PLACEHOLDERS).fill(words)
        log = self.logs / f"pull-request.{quoted(order.bead) if order.bead else 'night'}.log"
        done = self.commands.run(
            command, cwd=self.remote.cwd, env=_NOBODY, timeout_s=self.within_s, log=log, name=f"propose {order.bead}"
        )
        said = without_secrets(done.output.strip())
        if done.cancelled:
            raise Leaving(command)
        if done.not_run:
            raise WorkspaceFault(f"`{command}` could not be run: {said}")
        if done.timed_out:
            raise InDoubt(f"`{command}` was ended after {self.within_s:g} s: it had not finished. {said}")
        if done.code:
            raise WorkspaceFault(f"`{command}` failed: {said or f'exit code {done.code}'}")
        return done.output

    def _own(self, order: Propose) -> Commit:
        """The commit that has a bead's change alone, where that goes. Made once: asked twice, it is the same."""
        name, place = refs.proposed_as(self.run.target, order.bead, order.task), self.run.repository.place
        if made := stored(self.git, place, name):
            return made.commit
        landed = stored(self.git, place, order.commit) if order.commit else None
        if landed is None:
            raise WorkspaceFault(f"the commit as which {order.bead} landed is gone: {order.commit}")
        commit = self._alone(order, landed) or landed.commit
        refs.move(self.git, place, [Move(name=name, new=commit)], why="propose")
        return commit

    def _alone(self, order: Propose, landed: Stored) -> Commit | None:
        """None: it does not go there by itself."""
        place = self.run.repository.place
        several = stored(self.git, place, refs.ground_of(self.run.target, order.bead, order.task))
        below = several.commit if several else landed.parents[0]
        ground = self._together(order.grounds or (self.start,))
        if ground is None:
            return None
        if ground == below:
            return landed.commit
        there = stored(self.git, place, ground)
        assert there is not None
        moved = write(self.git, place, there.tree, [below], "On top of what is there", OURSELVES, OURSELVES)
        tree = merge(self.git, place, moved, landed.commit)
        if isinstance(tree, Clashes) or tree == there.tree:
            return None
        author = Person(name=landed.author.name, mail=landed.author.mail)
        person, date = self.run.repository.person, f"@{landed.author.date}"
        message = landed.message.strip()
        return write_commit(self.signing, self.git, place, tree, [ground], message, author, person, date)

    def _together(self, grounds: Sequence[Commit]) -> Commit | None:
        """A commit that has all of them; None: they do not go together by themselves."""
        place, person = self.run.repository.place, self.run.repository.person
        ground = grounds[0]
        for other in grounds[1:]:
            tree = merge(self.git, place, ground, other)
            if isinstance(tree, Clashes):
                return None
            parents = [ground, other]
            ground = write_commit(
                self.signing, self.git, place, tree, parents, "Merge what this stands on", person, person
            )
        return ground


def _address(said: str) -> str:
    """Of what a command printed, the address that looks like a pull request's; else the last that there is."""
    if found := _NUMBERED.search(said):
        return found[0]
    addresses = _ADDRESS.findall(said)
    return str(addresses[-1]) if addresses else ""
