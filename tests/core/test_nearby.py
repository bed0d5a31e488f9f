"""The index of who holds what, against a look at everybody."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.claims import clash
from orchestrator.core.locks import Locks
from orchestrator.core.model import BeadId, Claim
from orchestrator.core.nearby import Nearby

segments = st.sampled_from(["a", "b", "*", "a*", "**", "?", "[ab]"])
claims = st.builds(Claim, pattern=st.lists(segments, min_size=1, max_size=4).map("/".join), shared=st.booleans())
Steps = list[tuple[int, tuple[Claim, ...] | None]]
sets = st.lists(claims, max_size=3).map(tuple)


@given(st.lists(st.tuples(st.integers(0, 3), st.one_of(st.none(), sets)), max_size=12), sets)
def test_whoever_could_be_met_is_near(
    steps: list[tuple[int, tuple[Claim, ...] | None]], asked: tuple[Claim, ...]
) -> None:
    """After any takings and releases: the same holders as by looking at each."""
    locks = Locks()
    for number, taken in steps:
        bead = BeadId(f"b{number}")
        if taken is None:
            locks.release(bead)
        else:
            locks.hold(bead, taken)
    expected = {bead for bead, held in locks.held.items() if clash(asked, held)}
    assert set(locks.against(BeadId("me"), asked)) == expected


@given(st.lists(sets, max_size=6))
def test_what_is_released_leaves_nothing_behind(takings: list[tuple[Claim, ...]]) -> None:
    locks = Locks()
    for number, taken in enumerate(takings):
        locks.hold(BeadId(f"b{number % 3}"), taken)
    for number in range(3):
        locks.release(BeadId(f"b{number}"))
    assert locks.nearby == Nearby()
