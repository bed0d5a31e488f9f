"""How a bead's work becomes commits on the target: squashed into one, by a merge commit, or one on top of the other.

In each style the last commit has the very tree that was merged, and is the only one with the trailer `Bead:`; whoever
wrote the work is its author. Moves no ref; does not know which style is wanted, nor why.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from orchestrator.core.messages import Compose
from orchestrator.core.model import Commit, Style, Tree
from orchestrator.core.values import Struct
from orchestrator.repo import refs
from orchestrator.repo.delivery import one_line
from orchestrator.repo.desk import Run
from orchestrator.repo.merging import Clashes, merge
from orchestrator.repo.objects import stored, write
from orchestrator.repo.plumbing import Git
from orchestrator.repo.repository import OURSELVES, Person
from orchestrator.repo.signing import Signing, write_commit
from orchestrator.repo.target import log

_FEW = 20
"""Commits of one bead that are looked at one by one."""
_TRAILER = re.compile(r"[A-Za-z0-9-]+\s*:|\s+\S|\(cherry picked from commit ")
_OURS = re.compile(r"(bead|attempt|route)\s*:", re.I)
_CREDIT = re.compile(r"co-authored-by\s*:\s*(?P<name>[^<>]*?)\s*<(?P<mail>[^<>]+)>\s*$", re.I)


class Made(Struct, frozen=True, kw_only=True):
    """One commit of the work."""

    commit: Commit
    parents: tuple[Commit, ...]
    author: Person
    date: str
    """Seconds since the epoch and the zone, as git prints it raw."""
    committer: str
    """Their address."""
    message: str


def put_on(
    git: Git, run: Run, signing: Signing | None, order: Compose, onto: Commit, onto_tree: Tree, merged: Tree
) -> Commit:
    """Commits that have the work on top of `onto`, the last one with the tree `merged`. Raises `GitRefused`."""
    made = _made(git, run, order, onto)
    match order.style:
        case Style.SQUASH:
            return _squashed(git, run, signing, order, onto, merged, made)
        case Style.MERGE:
            work = _unclaimed(git, run, order.commit, made)
            text = _with_trailers(_message(order), _trailers(order))
            person = run.repository.person
            return write_commit(signing, git, run.repository.place, merged, [onto, work], text, person, person)
        case Style.REBASE:
            return _rebased(git, run, signing, order, onto, onto_tree, merged, made)


def _squashed(
    git: Git, run: Run, signing: Signing | None, order: Compose, onto: Commit, tree: Tree, made: Sequence[Made]
) -> Commit:
    """Whoever made the last of it is the author; everybody else who had a hand in it is named."""
    author, date, others = _authors(run, made)
    credits = [f"Co-authored-by: {other.name} <{other.mail}>" for other in others]
    text = _with_trailers(_message(order), [*_trailers(order), *credits])
    place, person = run.repository.place, run.repository.person
    return write_commit(signing, git, place, tree, [onto], text, author, person, date)


def _rebased(
    git: Git,
    run: Run,
    signing: Signing | None,
    order: Compose,
    onto: Commit,
    onto_tree: Tree,
    merged: Tree,
    made: Sequence[Made],
) -> Commit:
    """Each commit is merged by itself, as if it were picked. From the first one that does not go through by itself, as
    those do not whose conflict is resolved in a later one, the rest is squashed: the whole was merged before.
    """
    place, person = run.repository.place, run.repository.person
    picked: list[tuple[Tree, Made]] = []
    tree, rest = onto_tree, list[Made]()
    plain = [each for each in reversed(made) if len(each.parents) == 1]
    for at, each in enumerate(plain):
        on_top = write(git, place, tree, each.parents, "On top of what is there", OURSELVES, OURSELVES)
        found = merge(git, place, on_top, each.commit)
        if isinstance(found, Clashes):
            rest = plain[at:]
            break
        if found != tree:  # else the target has all of it
            picked.append((found, each))
            tree = found
    if not picked:
        return _squashed(git, run, signing, order, onto, merged, made)
    if not rest and tree != merged:
        rest = [picked.pop()[1]]
    elif rest and tree == merged:
        rest = []
    for tree, each in picked if rest else picked[:-1]:
        text = _with_trailers(each.message, [])
        onto = write_commit(signing, git, place, tree, [onto], text, each.author, person, f"@{each.date}")
    if rest:
        return _squashed(git, run, signing, order, onto, merged, rest[::-1])
    _, last = picked[-1]
    own = _message(order) if last.committer == OURSELVES.mail else last.message
    text = _with_trailers(own, _trailers(order))
    return write_commit(signing, git, place, merged, [onto], text, last.author, person, f"@{last.date}")


def _unclaimed(git: Git, run: Run, work: Commit, made: Sequence[Made]) -> Commit:
    """The work's own history, which stays as it is unless one of its messages says that it is what landed."""
    anew: dict[Commit, Commit] = {}
    for each in reversed(made):
        text = _with_trailers(each.message, []) if _claims(each.message) else each.message
        if text == each.message and not any(parent in anew for parent in each.parents):
            continue
        found = stored(git, run.repository.place, each.commit)
        assert found is not None  # it has just been read
        parents = [anew.get(parent, parent) for parent in each.parents]
        committer = Person(name=found.committer.name, mail=found.committer.mail)
        anew[each.commit] = write(
            git, run.repository.place, found.tree, parents, text, each.author, committer, f"@{each.date}"
        )
    return anew.get(work, work)


def _authors(run: Run, made: Sequence[Made]) -> tuple[Person, str | None, tuple[Person, ...]]:
    """Who made the work, when, and who else had a hand in it. Our own commits in an agent's stead count last."""
    theirs = [each for each in made if each.committer != OURSELVES.mail] or made
    named = [each for each in theirs if each.author.name.strip() and each.author.mail.strip()]
    credited = [person for each in made for person in _credited(each.message)]
    if not named:
        return run.repository.person, None, tuple(dict.fromkeys(credited))
    first, *rest = named
    others = dict.fromkeys([*(each.author for each in rest), *credited])
    return first.author, f"@{first.date}", tuple(each for each in others if each.mail != first.author.mail)


def _credited(message: str) -> Iterable[Person]:
    """Whom its `Co-authored-by:` trailers name."""
    for line in _parts(message)[1]:
        if found := _CREDIT.match(line):
            yield Person(name=found["name"], mail=found["mail"])


def _message(order: Compose) -> str:
    return order.message or one_line(order.title)


def _trailers(order: Compose) -> list[str]:
    return [f"Bead: {order.bead}", f"Attempt: {order.number}", f"Route: {one_line(order.route)}"]


def _with_trailers(message: str, ours: Sequence[str]) -> str:
    """Below the trailers that it has; those under our names that somebody else wrote are left out."""
    body, block = _parts(message)
    kept, ours_go_on = list[str](), False
    for line in block:
        ours_go_on = bool(_OURS.match(line)) or (ours_go_on and line[:1].isspace())
        kept += [] if ours_go_on else [line]
    return "\n\n".join(part for part in (body, "\n".join([*kept, *ours])) if part)


def _claims(message: str) -> bool:
    return any(_OURS.match(line) for line in _parts(message)[1])


def _parts(message: str) -> tuple[str, list[str]]:
    """A message, and the lines of its trailers: its last paragraph, if it is not the only one."""
    body, gap, last = message.strip().rpartition("\n\n")
    lines = last.splitlines()
    if gap and lines and all(_TRAILER.match(line) for line in lines) and not lines[0][:1].isspace():
        return body.rstrip(), lines
    return message.strip(), []


def _made(git: Git, run: Run, order: Compose, onto: Commit) -> list[Made]:
    """Each commit that the target does not have, newest first."""
    made = _in_a_row(git, run, order, onto)
    if made is not None:
        return made
    form = ("%H", "%P", "%an", "%ae", "%ad", "%ce", "%B")
    span = ("--topo-order", "--date=raw", f"{onto}..{order.commit}")
    return [
        Made(
            commit=Commit(commit),
            parents=tuple(Commit(parent) for parent in parents.split()),
            author=Person(name=name, mail=mail),
            date=date,
            committer=committer,
            message=message,
        )
        for commit, parents, name, mail, date, committer, message in log(git, run.repository.place, form, *span)
    ]


def _in_a_row(git: Git, run: Run, order: Compose, onto: Commit) -> list[Made] | None:
    """None where it is not, as it mostly is, a few commits in a row on where the bead began: then the history tells."""
    place = run.repository.place
    began = stored(git, place, refs.base_of(run.name, order.bead))
    on_target = {onto, began.commit} if began else {onto}
    made, commit = list[Made](), order.commit
    while commit not in on_target:
        found = stored(git, place, commit)
        if found is None or len(found.parents) != 1 or len(made) == _FEW:
            return None
        made.append(
            Made(
                commit=commit,
                parents=found.parents,
                author=Person(name=found.author.name, mail=found.author.mail),
                date=found.author.date,
                committer=found.committer.mail,
                message=found.message,
            )
        )
        commit = found.parents[0]
    return made
