"""What was seen while agents were at work, held against what happened at the landing."""

from __future__ import annotations

from orchestrator.core import messages as m
from orchestrator.core.model import BeadId, Collisions, Commit, Ending, Token, Tree
from orchestrator.views.collisions import collisions, in_words, told


def seen(bead: str, other: str = "", answer: Collisions = Collisions.TELL, paths: tuple[str, ...] = ("x",)) -> m.Event:
    return m.CollisionSeen(
        at=60.0, token=Token(1), bead=BeadId(bead), other=BeadId(other), paths=paths, commit=Commit("p"),
        against=Commit("q"), answer=answer,
    )  # fmt: skip


def refused(bead: str, *beads: str) -> m.Event:
    return m.CarSetAside(
        at=90.0, bead=BeadId(bead), onto=Commit("t"), onto_tree=Tree("t"), ending=Ending.CONFLICT, evidence="",
        beads=tuple(map(BeadId, beads)),
    )  # fmt: skip


def landed(*beads: str) -> list[m.Event]:
    commit, tree = Commit("c"), Tree("t")
    return [m.BeadLanded(at=99.0, bead=BeadId(bead), token=Token(1), commit=commit, tree=tree) for bead in beads]


def test_whether_it_did_conflict_is_told_by_the_landing() -> None:
    """With each other, whoever of them lands first; with somebody else is another matter."""
    events = [seen("b", "a"), seen("d", "c"), seen("f", "e"), seen("g"), seen("i", "h")]
    events += [refused("b", "a"), refused("c", "d", "x"), refused("f", "x"), refused("g")]
    found = collisions([*events, *landed("a", "b", "c", "d", "e", "f", "g", "h")])
    assert [each.conflicted for each in found] == [True, True, False, True, None]
    assert in_words(found) == (
        "Collisions seen while agents were at work: 5 (5 told, of which 3 of 4 conflicted at the landing)."
    )


def test_what_was_put_back_is_counted_apart() -> None:
    """It was to prevent the conflict: that there is none says nothing of how right it was."""
    found = collisions([seen("b", "a", Collisions.PUT_BACK), seen("c", "a"), *landed("a", "b")])
    assert in_words(found) == "Collisions seen while agents were at work: 2 (1 put back; 1 told)."
    assert in_words(collisions([])) == ""


def test_of_one_bead_in_sentences() -> None:
    found = collisions([seen("b", "a"), seen("b", paths=tuple("uvwxyz")), refused("b", "a"), *landed("a", "b")])
    assert told(found, BeadId("a"), 100.0) == [
        (
            "A collision of b and a in x was seen at 00:01, while both were at work: b was told; they conflicted "
            "at the landing."
        )
    ]
    assert told(found, BeadId("b"), 100.0)[1:] == [
        (
            "A collision of b and what had landed in u, v, w, x, y and 1 more was seen at 00:01, while it was at work: "
            "b was told."
        )
    ]
    assert told(found, BeadId("c"), 100.0) == []
