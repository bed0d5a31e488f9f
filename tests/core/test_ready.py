"""The ready queue, against one that looks at every bead each time."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.graph import Rank
from orchestrator.core.model import BeadId
from orchestrator.core.ready import ReadyQueue

BEADS = [BeadId(f"b{n}") for n in range(6)]
LINES = ["x", "y", "z"]
BARRIERS = ["door", "gate", "wall"]

steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from(BEADS), st.sampled_from(LINES)),
        st.tuples(st.just("drop"), st.sampled_from(BEADS), st.just("")),
        st.tuples(st.just("shut"), st.sampled_from(LINES), st.sampled_from(BARRIERS)),
        st.tuples(st.just("release"), st.sampled_from(BARRIERS), st.just("")),
        st.tuples(st.just("ask"), st.just(""), st.just("")),
    ),
    max_size=60,
)


def rank(bead: BeadId) -> Rank:
    return (0, 0.0, int(bead[1:]))


@settings(max_examples=400, deadline=None)
@given(steps)
def test_the_first_that_nothing_keeps_is_the_best(steps: list[tuple[str, str, str]]) -> None:
    """Beads come and go, lines are shut behind barriers and released: always the same answer as by looking."""
    queue, naive = ReadyQueue(), dict[BeadId, str]()
    kept: dict[str, set[str]] = {line: set() for line in LINES}

    def barriers(bead: BeadId) -> tuple[str, ...]:
        return tuple(sorted(kept[naive[bead]]))

    for what, first, second in steps:
        if what == "add":
            queue.add(BeadId(first), rank(BeadId(first)), second)
            naive[BeadId(first)] = second
        elif what == "drop":
            queue.drop(BeadId(first))
            naive.pop(BeadId(first), None)
        elif what == "shut":
            kept[first].add(second)
        elif what == "release":
            for each in kept.values():
                each.discard(first)
            queue.release(first)
        able = [bead for bead in naive if not barriers(bead)]
        assert queue.best(barriers) == min(able, key=rank, default=None)
        assert len(queue) == len(naive)
        assert all((bead in queue) == (bead in naive) for bead in BEADS)


def test_a_line_that_is_set_aside_is_not_asked_again_until_its_barrier_goes() -> None:
    """Else each event would cost as much as there are lines."""
    queue, asked = ReadyQueue(), list[BeadId]()

    def barriers(bead: BeadId) -> tuple[str, ...]:
        asked.append(bead)
        return ("door",)

    queue.add(BEADS[0], rank(BEADS[0]), "x")
    queue.add(BEADS[1], rank(BEADS[1]), "x")
    for _ in range(3):
        assert queue.best(barriers) is None
    assert asked == [BEADS[0]]
    queue.release("door")
    assert queue.best(lambda bead: ()) == BEADS[0]


def test_a_bead_that_comes_into_a_line_set_aside_waits_with_it() -> None:
    """It asks for the same, so that the same keeps it."""
    queue = ReadyQueue()
    queue.add(BEADS[1], rank(BEADS[1]), "x")
    assert queue.best(lambda bead: ("door",)) is None
    queue.add(BEADS[0], rank(BEADS[0]), "x")
    queue.release("door")
    assert queue.best(lambda bead: ()) == BEADS[0]
