"""Linked worktrees: which ones are registered, how one is made, and how one goes without a trace.

Knows git's registrations (`<common dir>/worktrees/<id>/`) as files, because what an agent did to the `.git` file in
its worktree must not decide what we remove. Does not know whether anything in a worktree is worth keeping: whoever
calls `remove` has made sure.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from orchestrator.core.model import Commit
from orchestrator.core.values import Struct, replace
from orchestrator.repo.faults import GitRefused
from orchestrator.repo.plumbing import Git, Place
from orchestrator.repo.repository import Repository, main_checkout
from orchestrator.repo.whole import put

MARKER = "orchestrator.json"
SPARE = "orchestrator.spare"
"""In the git folder of a worktree whose files are an earlier bead's: they go before anybody works there."""
DEPENDENCIES = "orchestrator.dependencies"
"""Which folders a worktree was brought, and by which states of their lock files."""
_LONGEST = 1 << 16
"""Bytes of a file of a registration: each is a line."""
TRASH = ".trash-"
_REMOVERS = 4
"""What a folder's name begins with that is emptied at the next start, where it is still there."""
REASON = "orchestrator: "
_SPARE, _MERGED = ": spare", ": merged trees"
_ADDING = threading.Lock()
"""Several `git worktree add` on one repository trip over each other, and are slower than one after another."""


class Label(Struct, frozen=True, kw_only=True):
    """What we write into a registration once its worktree is complete. Without one it is half-made, or not ours."""

    run: str
    bead: str
    """Empty: the worktree in which merges are checked."""
    number: int


class Worktree(Struct, frozen=True, kw_only=True):
    """A registered worktree, whether or not its folder is still there."""

    path: Path
    admin: Path
    """Its own git folder."""
    head: str
    """Its HEAD file: `ref: …` or a commit; empty: it has none."""
    label: Label | None
    reason: str
    """Why it is locked; empty: it is not."""

    @property
    def is_ours(self) -> bool:
        """We made it, or began to: the reason is the first thing that git writes."""
        return self.label is not None or self.reason.startswith(REASON)

    def is_for(self, run: str, bead: str) -> bool:
        """We made it for this bead of this run; an empty one: for merged trees."""
        if self.label is not None:
            return (self.label.run, self.label.bead) == (run, bead)
        return self.reason == reason_for(run, bead)

    @property
    def place(self) -> Place:
        return Place(git_dir=self.admin, work_tree=self.path)

    @property
    def branch(self) -> str:
        """The full name of the branch that it is on; empty: detached."""
        return self.head.removeprefix("ref: ") if self.head.startswith("ref: ") else ""


def reason_for(run: str, bead: str) -> str:
    """What a worktree is locked for. Without a bead: for merged trees."""
    return f"{REASON}{run}/{bead}" if bead else f"{REASON}{run}{_MERGED}"


def spare_of(run: str) -> str:
    """What one is locked for that is put by for a later bead."""
    return f"{REASON}{run}{_SPARE}"


def holds_no_work(worktree: Worktree) -> bool:
    """Put by for a later bead, or for merged trees: what is in it is kept elsewhere."""
    if worktree.label is not None:
        return not worktree.label.bead
    return worktree.reason.startswith(REASON) and worktree.reason.endswith((_SPARE, _MERGED))


def registered(repository: Repository) -> Iterator[Worktree]:
    """Every linked worktree of the repository, the person's among them."""
    for admin in _admins(repository):
        if found := _registration(Path(admin)):
            yield found


def persons(repository: Repository) -> Iterator[Worktree]:
    """Those that we neither made nor began to."""
    for admin in _admins(repository):
        # There may be hundreds of ours, and no reason to read more of them.
        if not (_text(f"{admin}/locked") or b"").startswith(REASON.encode()):
            found = _registration(Path(admin))
            if found and not found.is_ours:
                yield found


def locked_for(repository: Repository, reason: str) -> Iterator[Worktree]:
    for admin in _admins(repository):
        if _line(f"{admin}/locked") == reason and (found := _registration(Path(admin))):
            yield found


def below(repository: Repository, folder: Path) -> Iterator[Worktree]:
    """Those that somebody made within a folder: within a worktree, say."""
    for admin in _admins(repository):
        link = _text(f"{admin}/gitdir")
        if link is not None and _place_of(admin, link).startswith(f"{folder}/"):
            found = _registration(Path(admin))
            if found and folder in found.path.parents:
                yield found


def _admins(repository: Repository) -> Iterator[str]:
    with suppress(FileNotFoundError), os.scandir(repository.common_dir / "worktrees") as entries:
        for entry in entries:
            yield entry.path


def worktree_at(repository: Repository, path: Path) -> Worktree | None:
    """The registration of the worktree in this folder."""
    with suppress(OSError, UnicodeDecodeError):  # the short way: no look at all the others
        admin = Path((path / ".git").read_text().removeprefix("gitdir: ").rstrip("\n"))
        if admin.parent == repository.common_dir / "worktrees":
            found = _registration(admin)
            if found and found.path == path:
                return found
    at = (found for found in registered(repository) if found.path == path and not is_anothers(repository, found))
    return next(at, None)


def is_anothers(repository: Repository, worktree: Worktree) -> bool:
    """It belongs to the repository that this one is a copy of: its folder names a registration there, which names it.

    One that was only moved is still ours, and so is one whose `.git` file an agent has taken away.
    """
    with suppress(OSError, UnicodeDecodeError):
        link = (worktree.path / ".git").read_text().removeprefix("gitdir: ").rstrip("\n")
        admin = os.path.realpath(worktree.path / link)
        back = _text(f"{admin}/gitdir")
        is_here = os.path.dirname(admin) == str(repository.common_dir / "worktrees")
        return not is_here and back is not None and _place_of(admin, back) == str(worktree.path)
    return False


def is_linked(worktree: Worktree) -> bool:
    """Its folder says, too, that it belongs to this registration: in a copied repository it belongs to the original."""
    with suppress(OSError, UnicodeDecodeError):
        link = (worktree.path / ".git").read_text().removeprefix("gitdir: ").rstrip("\n")
        return Path(os.path.normpath(worktree.path / link)) == worktree.admin
    return False


def occupant_of(repository: Repository, branch: str) -> Path | None:
    """The checkout or worktree that has this branch checked out, the main checkout included."""
    wanted = f"ref: {branch}".encode()
    if repository.checkout and _says(f"{repository.common_dir}/HEAD", wanted):
        return main_checkout(repository)
    # Asked at each landing, and there may be hundreds: of all but the one that it is, only HEAD is read.
    for admin in _admins(repository):
        if _says(f"{admin}/HEAD", wanted) and (found := _registration(Path(admin))) and not found.is_ours:
            return found.path
    return None


def add(
    git: Git, repository: Repository, path: Path, commit: Commit, *, branch: str = "", reason: str, filled: bool = True
) -> Worktree:
    """Make a worktree, locked from its first moment on. `branch` is the full name of one that is at the commit.

    Not `filled`, its files are left to `fill`, which may go on beside the making of other worktrees.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    form = (str(path), branch.removeprefix("refs/heads/")) if branch else ("--detach", str(path), commit)
    locked = ("--lock", "--reason", reason, *(() if filled else ("--no-checkout",)))
    hasty = _hasty(git)
    with _ADDING:
        hasty(repository.place, "worktree", "add", "--quiet", *locked, *form)
    made = worktree_at(repository, path)
    if made is None:
        raise FileNotFoundError(f"git made a worktree in {path}, and {repository.common_dir}/worktrees knows none")
    return made


def fill(git: Git, worktree: Worktree) -> None:
    """Check its commit out into it, and nothing else. Only before an agent lives there."""
    hasty, spare = _hasty(git), worktree.admin / SPARE
    hasty(worktree.place, "reset", "--hard", "--quiet", "--no-recurse-submodules")
    if spare.exists():
        try:
            hasty(worktree.place, "clean", "-ffdxq")
        except GitRefused:
            _make_deletable(worktree.path)
            hasty(worktree.place, "clean", "-ffdxq")
        spare.unlink()


def _hasty(git: Git) -> Git:
    """Does not wait for the disk: a worktree can be made again."""
    return replace(git, settings={**git.settings, "core.fsync": "none"})


def mark(worktree: Worktree, label: Label) -> None:
    """Say that this worktree is complete, and for whom."""
    text = json.dumps({"run": label.run, "bead": label.bead, "number": label.number})
    put(worktree.admin / MARKER, text)


def mend(worktree: Worktree) -> None:
    """Make the folder a worktree again for whoever works in it: its `.git` file, and no lock of a dead process.

    Only while no agent lives there.
    """
    link, wanted = worktree.path / ".git", f"gitdir: {worktree.admin}\n"
    if link.is_symlink():
        link.unlink()  # written through, it would be a file of somebody else's
    if not link.is_dir() and not (link.is_file() and link.read_text(errors="replace") == wanted):
        link.write_text(wanted)
    unlock_index(worktree)


def unlock_index(worktree: Worktree) -> None:
    """Take away the locks that a killed git left in the worktree's own folder. Only while no agent lives there."""
    for name in ("index.lock", "HEAD.lock"):
        (worktree.admin / name).unlink(missing_ok=True)


def set_head(worktree: Worktree, branch: str) -> None:
    """Put it on a branch, also where its HEAD is nothing that git would change. Only while no agent lives there."""
    lock = worktree.admin / "HEAD.lock"
    lock.write_text(f"ref: {branch}\n")
    lock.replace(worktree.admin / "HEAD")


def detach(worktree: Worktree, commit: Commit) -> None:
    """Put it on no branch. Only while no agent lives there."""
    lock = worktree.admin / "HEAD.lock"
    lock.write_text(f"{commit}\n")
    lock.replace(worktree.admin / "HEAD")


def discard(what: Path) -> None:
    """Delete a file or a folder that may be there; a link, and not what it leads to."""
    if what.is_dir() and not what.is_symlink():
        _delete(what)
    else:
        what.unlink(missing_ok=True)


def remove(repository: Repository, worktree: Worktree | None, path: Path) -> None:
    """Take a folder and its registration away, each at one stroke: a death in between leaves nothing half-deleted.

    Not `git worktree prune`, which would also drop what the person keeps on a disk that is not mounted now.
    """
    if path.is_symlink() or path.exists():
        _throw_away(path, path.parent)
    if worktree is not None and worktree.admin.exists():
        _throw_away(worktree.admin, repository.state)


def remove_all(repository: Repository, found: Iterable[Worktree]) -> None:
    """Several at once: a removal is many small waits for the kernel. One that cannot be removed keeps no other."""
    with ThreadPoolExecutor(_REMOVERS, "remove") as pool:
        removals = [pool.submit(remove, repository, one, one.path) for one in found]
    for each in removals:
        each.result()


def empty_trash(folder: Path) -> None:
    """Delete what was thrown away in a folder, by us or by one of ours that died before it came to this."""
    for left in folder.glob(f"{TRASH}*"):
        _delete(left)


def _throw_away(what: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    trash = Path(tempfile.mkdtemp(prefix=TRASH, dir=folder))
    what.rename(trash / what.name)
    _delete(trash)


def _registration(admin: Path) -> Worktree | None:
    # Each bead has many of them read, and there may be hundreds: by plain calls.
    link = _text(f"{admin}/gitdir")
    if not link or not link.strip():  # lost with the machine's power, say: it would name the folder of all of them
        return None
    label, said = None, _text(f"{admin}/{MARKER}")
    if said is not None:
        with suppress(ValueError, KeyError, TypeError):
            known = json.loads(said)
            label = Label(run=known["run"], bead=known["bead"], number=known["number"])
    return Worktree(
        path=Path(_place_of(str(admin), link)),
        admin=admin,
        head=_line(f"{admin}/HEAD"),
        label=label,
        reason=_line(f"{admin}/locked"),
    )


def _place_of(admin: str, link: bytes) -> str:
    # Git 2.48 and newer can write the link relative to the registration.
    return os.path.dirname(os.path.normpath(os.path.join(admin, os.fsdecode(link.rstrip(b"\n")))))


def _line(file: str) -> str:
    """Empty, too, where there is none that can be read."""
    return (_text(file) or b"").decode(errors="replace").strip()


def _text(file: str) -> bytes | None:
    """None: there is none that can be read."""
    try:
        number = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return os.read(number, _LONGEST)
    except OSError:
        return None
    finally:
        os.close(number)


def _says(file: str, wanted: bytes) -> bool:
    return (_text(file) or b"").rstrip() == wanted


def _delete(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except PermissionError:
        _make_deletable(folder)
        shutil.rmtree(folder)


def _make_deletable(top: Path) -> None:
    """Module caches and the like are written without the right to delete in them."""
    for folder, folders, _ in os.walk(top):
        for name in (".", *folders):
            inner = Path(folder, name)
            if not inner.is_symlink():
                inner.chmod(inner.stat().st_mode | stat.S_IRWXU)
