"""Fences around every turn of an agent: what is not its own is compared with what it was before, and put back.

A change is an agent's only where there is evidence for it: its own gits (`trace`), or its own words (`words`). All
else may be a person's doing and is left as it is; what it has replaced is kept, and that is said. What an agent has
done to our own refs is put back in any case, because nobody else writes them. Does not know what it means for a bead.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.core.model import BeadId, Commit, Ground, Stray
from orchestrator.repo import refs, trace, worktrees
from orchestrator.repo.checkouts import Checkout
from orchestrator.repo.desk import Run, worktree_of
from orchestrator.repo.faults import GitRefused, RefMoved
from orchestrator.repo.ledger import Ledger
from orchestrator.repo.objects import name_at
from orchestrator.repo.plumbing import Git
from orchestrator.repo.refs import NOTHING, Move
from orchestrator.repo.traps import Evidence, Seen, Traps
from orchestrator.repo.whole import put
from orchestrator.repo.words import Words

_DISPLACED = "refs/orchestrator/displaced/"
_NOTES = "strays.json"

_FILE_CLOCK = 5
"""`CLOCK_REALTIME_COARSE` of Linux: files' times are taken from it, and it is up to a tick behind the exact one."""


@dataclass(slots=True, kw_only=True)
class Turn:
    """What an agent's surroundings were when its turn began."""

    bead: BeadId
    number: int
    began: int
    """In nanoseconds, by the clock of files."""
    scratch: Path
    worktree: Path
    traps: Seen
    checkouts: tuple[Checkout, ...]


@dataclass(slots=True, kw_only=True)
class Fences:
    git: Git
    run: Run
    ledger: Ledger
    recordings: Path
    """Where the recording of each session is."""
    walled: bool = False
    """No agent can write to the files of the person's checkouts, nor to hooks: what changes there is a person's."""
    _turns: dict[BeadId, Turn] = field(default_factory=dict, init=False)
    _traps: Traps = field(init=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False)

    def __post_init__(self) -> None:
        self._traps = Traps(common=self.run.repository.common_dir)

    # ------------------------------------------------------------ a turn begins

    def learn(self) -> None:
        """Take down where all refs stand: at the start, when no agent is at work."""
        with self.ledger.held():
            self.ledger.known = self._standing()

    def raise_around(self, bead: BeadId, number: int, *, worktree: Path, scratch: Path) -> None:
        # Only reading, and of a large checkout it takes a while: beside the looks of others that start.
        checkouts = tuple(self._checkouts(scratch))
        with self._lock, self.ledger.held():
            # What a person has changed since nobody was at work is how it was.
            if not self._turns:
                self._accept_the_persons()
            self._turns[bead] = Turn(
                bead=bead,
                number=number,
                began=time.clock_gettime_ns(_FILE_CLOCK),
                scratch=scratch,
                worktree=worktree,
                traps=self._traps.seen(),
                checkouts=checkouts,
            )

    def _checkouts(self, scratch: Path) -> Iterator[Checkout]:
        """The person's: the files of the one that the run was started in, HEAD and the index of all."""
        repository = self.run.repository
        if repository.checkout is not None:
            yield Checkout.seen(self.git, repository.checkout, repository.git_dir, scratch, files=not self.walled)
        for found in worktrees.persons(repository):
            if found.path != repository.checkout:
                yield Checkout.seen(self.git, found.path, found.admin, scratch, files=False)

    # ------------------------------------------------------------ a turn is over

    def before_collecting(self, bead: BeadId) -> tuple[Stray, ...]:
        """Configuration first, so that nothing planted there is in force; and files that belong into the worktree."""
        turn = self._turns.get(bead)
        if turn is None:
            return ()
        evidence = self._evidence(turn)
        with self._lock:
            others = [other.traps for other in self._turns.values() if other is not turn]
            found = list(self._traps.mend(self.git, turn.traps, others, evidence, self._attic(turn)))
            for checkout in turn.checkouts:
                if checkout.files is not None:
                    found += checkout.mend_files(self.git, turn.worktree, evidence.words, self._attic(turn))
        return self._noted(turn, found)

    def after_collecting(self, bead: BeadId) -> tuple[Stray, ...]:
        """All the rest, refs only once what they point at is kept; and what was found before. The turn is over then."""
        turn = self._turns.get(bead)
        if turn is None:
            return ()
        evidence = self._evidence(turn)
        with self._lock:
            found: list[Stray] = []
            for checkout in turn.checkouts:
                found += checkout.mend_head(self.git, evidence.trace, self._attic(turn))
            with self.ledger.held():
                found += self._refs(turn, evidence)
            found += _links(turn)
            every = self._noted(turn, found)
            self._turns.pop(bead, None)
        return every

    def guard(self, name: str) -> None:
        """Put a ref of ours back, where an agent that is still at work has moved it: before we rely on it."""
        with self._lock, self.ledger.held():
            at, known = name_at(self.git, self.run.repository.place, name), self.ledger.known.get(name)
            if at == known or known is None:
                return
            now = Commit(at) if at else None
            for turn in self._turns.values():
                if self._evidence(turn).trace.wrote_ref(name):
                    self._noted(turn, [self._put_back(name, known, now, shown=True)])
                    return

    def _noted(self, turn: Turn, found: list[Stray]) -> tuple[Stray, ...]:
        """All that was found in this turn so far; on disk, because what was put back is not found again."""
        notes = turn.scratch / _NOTES
        known: list[Stray] = []
        with suppress(OSError, ValueError, KeyError, TypeError):
            known = [
                Stray(ground=Ground(each["ground"]), what=each["what"], how=each["how"], shown=each["shown"])
                for each in json.loads(notes.read_text())
            ]
        known += [stray for stray in found if stray not in known]
        if found:
            notes.parent.mkdir(parents=True, exist_ok=True)
            rows = [{"ground": s.ground.value, "what": s.what, "how": s.how, "shown": s.shown} for s in known]
            put(notes, json.dumps(rows))
        return tuple(known)

    def _evidence(self, turn: Turn) -> Evidence:
        cast = self.recordings / f"{turn.bead}.{turn.number}.cast"
        return Evidence(trace=trace.read(turn.scratch / trace.FILE), words=Words(cast))

    def _attic(self, turn: Turn) -> Path:
        """Where a copy of what was put back is laid that is no commit."""
        return self.run.repository.state / "displaced" / f"{refs.quoted(turn.bead)}.{turn.number}"

    # ------------------------------------------------------------ refs

    def _standing(self) -> dict[str, Commit]:
        found = self.git(self.run.repository.place, "for-each-ref", "--format=%(refname) %(objectname)")
        return {name: Commit(at) for name, at in (row.split(" ") for row in found.text.split("\n") if row)}

    def _accept_the_persons(self) -> None:
        now = self._standing()
        known = {name: at for name, at in self.ledger.known.items() if self._is_ours(name)}
        self.ledger.known = {name: at for name, at in now.items() if not self._is_ours(name)} | known

    def _is_ours(self, name: str) -> bool:
        return name.startswith((refs.OURS, refs.WORK)) or name == self.run.target_ref

    def _refs(self, turn: Turn, evidence: Evidence) -> Iterator[Stray]:
        now, known = self._standing(), self.ledger.known
        at_work = {refs.branch_of(self.run.name, other): other for other in self._turns}
        places = {f"refs/heads/{c.branch}": c.path for c in turn.checkouts if c.branch}
        for name in sorted({*now, *known}):
            old, new = known.get(name), now.get(name)
            if old == new:
                continue
            if name in at_work:
                if at_work[name] != turn.bead:
                    yield from self._siblings(name, at_work[name], new, evidence)
                elif new is not None:
                    known[name] = new
                continue
            beside = [places[name]] if name in places else []
            shown = evidence.trace.wrote_ref(name, is_new=old is None, checked_out_in=beside)
            yield from self._changed(name, old, new, shown=shown)

    def _changed(self, name: str, old: Commit | None, new: Commit | None, *, shown: bool) -> Iterator[Stray]:
        known = self.ledger.known
        # A landing by an agent's own hand: such a ref is what we believe.
        known_as_ours = (refs.LANDED, refs.GROUND, refs.CHECKPOINTS, f"{refs.OURS}base/", f"{refs.OURS}start/")
        ours = name.startswith(known_as_ours)
        if old is None:
            if (shown or ours) and not self._is_checked_out(name):
                yield self._put_back(name, None, new, shown=shown)
            elif new is not None:
                known[name] = new
        elif shown or ours or (new is None and name.startswith(refs.OURS)):
            yield self._put_back(name, old, new, shown=shown)
        elif new is None or not self._contains(new, old):
            kept = f"{_DISPLACED}{name.removeprefix('refs/')}/{old[:12]}"
            refs.move(self.git, self.run.repository.place, [Move(name=kept, new=old)], why="fences")
            became = f"went to {new[:12]}" if new else "was deleted"
            yield Stray(
                ground=_ground(name),
                what=name,
                how=f"{became} and was left so; what it was at is kept as {kept}",
                shown=False,
            )
            self._accept(name, new)
        else:
            self._accept(name, new)

    def _siblings(self, name: str, other: BeadId, new: Commit | None, evidence: Evidence) -> Iterator[Stray]:
        """The branch of a bead whose agent is at work too, and moves it: what that one cannot have done is undone."""
        found = worktree_of(self.run, other)
        if found is None or found.branch != name:
            return
        own = _last_of_reflog(found.admin) or self.ledger.known.get(name)
        shown = evidence.trace.wrote_ref(name)
        if own is None or own == new or (new is not None and not shown):
            return
        yield self._put_back(name, own, new, shown=shown)

    def _put_back(self, name: str, old: Commit | None, new: Commit | None, *, shown: bool) -> Stray:
        what = "was deleted" if new is None else "was made" if old is None else f"was moved to {new[:12]}"
        ground = _ground(name) if old is not None else Ground.REF if self._is_ours(name) else Ground.NEW_REF
        try:
            if new is not None and not name.startswith(refs.OURS):
                kept = f"{_DISPLACED}{name.removeprefix('refs/')}/{new[:12]}"
                refs.move(self.git, self.run.repository.place, [Move(name=kept, new=new)], why="fences")
            if name == "refs/stash" and old is not None and new is not None:
                self._drop_stashes(old)
            else:
                move = Move(name=name, new=old, old=new or NOTHING)
                refs.move(self.git, self.run.repository.place, [move], why="fences")
        except (GitRefused, RefMoved) as refused:
            self._accept(name, new)
            return Stray(
                ground=ground, what=name, how=f"{what}, and could not be put back: {refused.said}", shown=shown
            )
        done = "taken away again" if old is None else f"put back to {old[:12]}"
        return Stray(ground=ground, what=name, how=f"{what}; {done}", shown=shown)

    def _drop_stashes(self, old: Commit) -> None:
        """Those on top of what was the newest: a stash is a log, and the ref only its last line."""
        place = self.run.repository.place
        stashed = self.git(place, "stash", "list", "--format=%H").text.split()
        for _ in range(stashed.index(old) if old in stashed else 0):
            self.git(place, "stash", "drop", "--quiet")
        self.ledger.known["refs/stash"] = old

    def _accept(self, name: str, new: Commit | None) -> None:
        if new is None:
            self.ledger.known.pop(name, None)
        else:
            self.ledger.known[name] = new

    def _is_checked_out(self, name: str) -> bool:
        return worktrees.occupant_of(self.run.repository, name) is not None or any(
            found.branch == name for found in worktrees.registered(self.run.repository)
        )

    def _contains(self, new: Commit, old: Commit) -> bool:
        asked = ("merge-base", "--is-ancestor", old, new)
        return self.git(self.run.repository.place, *asked, codes=(0, 1, 128)).code == 0


def _ground(name: str) -> Ground:
    return Ground.REMOTE_REF if name.startswith("refs/remotes/") else Ground.REF


def _links(turn: Turn) -> Iterator[Stray]:
    """New links that lead out of the worktree. Nothing of ours follows them; who checks the tree out should know."""
    top = turn.worktree
    for folder, folders, files in os.walk(top):
        if ".git" in folders:
            folders.remove(".git")
        for name in (*folders, *files):
            path = Path(folder, name)
            if not path.is_symlink():
                continue
            aim = os.readlink(path)
            where = os.path.normpath(os.path.join(folder, aim))
            new = path.lstat().st_mtime_ns >= turn.began
            if new and where != str(top) and not where.startswith(f"{top}/"):
                shown = path.relative_to(top)
                yield Stray(ground=Ground.LINK, what=str(shown), how=f"leads to {aim}; nothing follows it", shown=True)
        folders[:] = [name for name in folders if name not in ("node_modules", ".venv", "venv", "target")]


def _last_of_reflog(admin: Path) -> Commit | None:
    """Where the worktree's own HEAD went last."""
    with suppress(OSError, IndexError):
        last = (admin / "logs" / "HEAD").read_text(errors="replace").splitlines()[-1]
        return Commit(last.split(" ")[1])
    return None
