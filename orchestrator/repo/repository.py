"""The repository as it was given: where it is, whose name it commits under, and whether we can work with it.

Only reads. Knows nothing of runs, beads and worktrees of ours.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from orchestrator.core.model import Commit
from orchestrator.core.values import Struct
from orchestrator.repo.faults import GitRefused, RepositoryFault, explained
from orchestrator.repo.plumbing import Git, Place, glance

OLDEST_GIT = (2, 38)
"""The first one with `git merge-tree --write-tree`."""

_STATE = "orchestrator"
_OURSELVES = ("orchestrator", "orchestrator@localhost")


class Person(Struct, frozen=True, kw_only=True):
    name: str
    mail: str

    def as_author(self, date: str | None = None) -> Mapping[str, str]:
        """`date` as git prints it raw: seconds since the epoch and the zone; None: now."""
        said = {"GIT_AUTHOR_NAME": self.name, "GIT_AUTHOR_EMAIL": self.mail}
        return {**said, "GIT_AUTHOR_DATE": date} if date else said

    def as_committer(self) -> Mapping[str, str]:
        return {"GIT_COMMITTER_NAME": self.name, "GIT_COMMITTER_EMAIL": self.mail}


OURSELVES = Person(name=_OURSELVES[0], mail=_OURSELVES[1])
"""The committer of what we commit in an agent's stead, and the author where nobody is configured."""


class Repository(Struct, frozen=True, kw_only=True):
    """A repository that git can work with, and that holds at least one commit."""

    checkout: Path | None
    """The person's: the one whose folder was given. None: that folder is a bare repository."""
    git_dir: Path
    """Of that checkout: where its HEAD and index are."""
    common_dir: Path
    """What all its worktrees share: objects, refs, configuration."""
    head: Commit
    """Where the person's HEAD was when we looked."""
    person: Person
    git_version: tuple[int, ...]

    @property
    def state(self) -> Path:
        """The folder of all that we know about this repository. It may not be there yet."""
        return self.common_dir / _STATE

    @property
    def name(self) -> str:
        """What its folder is called."""
        folder = self.checkout or self.common_dir
        return folder.name.removesuffix(".git") or folder.name

    @property
    def place(self) -> Place:
        """For commands that need no worktree."""
        return Place(git_dir=self.common_dir)


def open_repository(path: Path) -> Repository:
    """The repository that `path` is in: its top, a folder below it, a linked worktree, or a bare repository.

    Raises `RepositoryFault`.
    """
    git = Git()
    path = path.expanduser().resolve()
    if not path.is_dir():
        raise RepositoryFault(f"{path} is not a folder: `--repo` (or `repo:` in the manifest) names the repository")
    try:
        version = _version(git, path)
    except GitRefused as refusal:
        raise RepositoryFault(explained(refusal.said)) from refusal
    if version < OLDEST_GIT:
        found, wanted = (".".join(map(str, some)) for some in (version, OLDEST_GIT))
        raise RepositoryFault(f"git {found} is too old: install git {wanted} or newer (it merges without a checkout)")
    asked = ("rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir", "--is-bare-repository")
    answer = git(None, *asked, "--show-toplevel", cwd=path, codes=(0, 128))  # where there is no top, it says the rest
    told = os.fsdecode(answer.out).removesuffix("\n").split("\n")
    if len(told) < 3:
        if "not a git repository" in answer.err:
            raise RepositoryFault(
                f"{path} is not in a git repository: name one with `--repo`, or make it one: `git init`, then commit"
            )
        raise RepositoryFault(f"{path}: {explained(answer.err)}")
    git_dir, common_dir, bare, *top = told
    if bare not in ("true", "false"):
        raise RepositoryFault(f"{path}: there is a line break in {git_dir!r}…, or above it: rename that folder")
    checkout = Path("\n".join(top)) if top else None
    if checkout is None and bare == "false":
        raise RepositoryFault(f"{path} is inside git's own folder {git_dir}: name the checkout instead")
    place = Place(git_dir=Path(git_dir).resolve())
    head = git(place, "rev-parse", "--verify", "--quiet", "HEAD^{commit}", codes=(0, 1, 128))
    if head.code:
        raise RepositoryFault(f"{checkout or git_dir} has no commit yet: commit what the agents shall start from")
    said = _said(git, place)
    if said.get("extensions.refstorage", "files") != "files":
        raise RepositoryFault(
            f"{checkout or git_dir} keeps its refs as `{said['extensions.refstorage']}`, where worktrees cannot be "
            "handed on yet: convert it with `git refs migrate --ref-format=files`, which changes nothing else"
        )
    return Repository(
        checkout=checkout,
        git_dir=place.git_dir,
        common_dir=Path(common_dir).resolve(),
        head=Commit(head.text),
        person=_person(said),
        git_version=version,
    )


def state_of(path: Path) -> Path:
    """`open_repository(path).state`, for whoever needs nothing else: in a tenth of the time.

    Raises `RepositoryFault`.
    """
    said = glance(path.expanduser(), "rev-parse", "--path-format=absolute", "--git-common-dir")
    folder = Path(said).resolve() / _STATE if said else None
    return folder if folder is not None and folder.is_dir() else open_repository(path).state


def commit_named(repository: Repository, git: Git, revision: str | None) -> Commit:
    """The commit that a revision names; None: the person's HEAD. Raises `RepositoryFault`, with what is named alike."""
    if revision is None:
        return repository.head
    place = Place(git_dir=repository.git_dir)
    found = git(
        place, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", codes=(0, 1, 128)
    )
    if found.code == 0:
        return Commit(found.text.splitlines()[-1])
    names = git(place, "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/remotes", "refs/tags").text
    near = difflib.get_close_matches(revision, names.split(), n=3, cutoff=0.5)
    near += [name for name in names.split() if name.rsplit("/", 1)[-1] == revision and name not in near]
    hint = f"did you mean {' or '.join(near)}?" if near else "`git branch --all` lists what there is"
    raise RepositoryFault(
        f"base: there is no commit `{revision}` in {repository.checkout or repository.git_dir}: {hint}"
    )


def branch_named(repository: Repository, git: Git, revision: str | None) -> str:
    """The branch that a revision names, as a full ref; None: the one that the person is on. Empty: it is no branch."""
    place = Place(git_dir=repository.git_dir)
    if revision is None:
        return git(place, "symbolic-ref", "--quiet", "HEAD", codes=(0, 1)).text
    named = git(
        place, "rev-parse", "--verify", "--quiet", "--symbolic-full-name", "--end-of-options", revision,
        codes=(0, 1, 128),
    ).text  # fmt: skip
    found = named.split("\n")[-1]
    return found if found.startswith(("refs/heads/", "refs/remotes/")) else ""


def worktrees_folder(repository: Repository, workspace: Path | None, asked: Path | None) -> Path:
    """Where worktrees are made: as asked, else the workspace's `worktrees/`, else beside the repository.

    Never inside a checkout of the repository, because agents that write through absolute paths would hit it: a
    workspace that is one does not count. Whether that holds for `asked` is checked when a run starts.
    """
    if asked is not None:
        return asked.expanduser().resolve()
    top = repository.checkout or repository.common_dir
    if workspace is not None:
        folder = workspace.expanduser().resolve() / "worktrees"
        if folder.is_dir() and not folder.is_relative_to(top) and not folder.is_relative_to(main_checkout(repository)):
            return folder
    main = main_checkout(repository)
    return main.parent / f"{main.name.removesuffix('.git')}-worktrees"


def main_checkout(repository: Repository) -> Path:
    """The checkout that the repository was made with, or the bare repository itself."""
    common = repository.common_dir
    if repository.checkout and repository.git_dir == common:  # a submodule's is not called .git
        return repository.checkout
    return common.parent if common.name == ".git" else common


def _version(git: Git, path: Path) -> tuple[int, ...]:
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", git(None, "version", cwd=path).text)
    return tuple(int(part) for part in found.groups() if part) if found else (0,)


def _said(git: Git, place: Place) -> Mapping[str, str]:
    """What the configuration says of who commits here and of how refs are stored; by key, the last value of each."""
    asked = ("config", "--null", "--get-regexp", r"^((user|author)\.(name|email)|extensions\.refstorage)$")
    rows = git(place, *asked, codes=(0, 1)).out
    return dict(row.decode("utf-8", "replace").partition("\n")[::2] for row in rows.split(b"\0") if row)


def _person(said: Mapping[str, str]) -> Person:
    """As git would find it, but without its guesses from the host's name."""
    name = os.environ.get("GIT_AUTHOR_NAME") or said.get("author.name") or said.get("user.name")
    mail = os.environ.get("GIT_AUTHOR_EMAIL") or said.get("author.email") or said.get("user.email")
    return Person(name=name or _OURSELVES[0], mail=mail or _OURSELVES[1])
