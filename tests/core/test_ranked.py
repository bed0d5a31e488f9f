"""The first few by rank, against a look at all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.graph import Rank
from orchestrator.core.model import BeadId
from orchestrator.core.ranked import Ranked

BEADS = [BeadId(f"b{n}") for n in range(6)]

steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from(BEADS), st.integers(0, 3)),
        st.tuples(st.just("drop"), st.sampled_from(BEADS), st.just(0)),
        st.tuples(st.just("first"), st.just(BEADS[0]), st.integers(0, 7)),
    ),
    max_size=60,
)


@given(steps)
def test_the_first_are_those_of_the_lowest_ranks(steps: list[tuple[str, BeadId, int]]) -> None:
    """Beads come, go, come back and change their rank: always the same answer as by looking at each."""
    ranked, naive = Ranked(), dict[BeadId, Rank]()
    for what, bead, number in steps:
        if what == "add":
            naive[bead] = (number, 0.0, BEADS.index(bead))
            ranked.add(bead, naive[bead])
        elif what == "drop":
            naive.pop(bead, None)
            ranked.drop(bead)
        else:
            assert list(ranked.first(number)) == sorted(naive, key=naive.__getitem__)[:number]
        assert len(ranked) == len(naive)
        assert all((bead in ranked) == (bead in naive) for bead in BEADS)


def test_what_was_asked_for_often_leaves_nothing_behind() -> None:
    """Else a night of many rounds would come to cost what its whole graph does."""
    ranked = Ranked()
    for round_ in range(50):
        for place, bead in enumerate(BEADS):
            ranked.add(bead, (round_ % 2, 0.0, place))
        assert ranked.first(len(BEADS)) == tuple(BEADS)
        assert len(ranked.heap) <= 2 * len(BEADS)
