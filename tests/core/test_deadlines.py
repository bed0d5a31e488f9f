"""Times at which something is due."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.deadlines import Deadlines

moves = st.lists(st.tuples(st.sampled_from("abcd"), st.one_of(st.none(), st.integers(0, 9))), max_size=30)


@given(moves, st.integers(0, 9))
def test_what_is_due_comes_in_order_whatever_was_set_and_dropped(moves: list[tuple[str, int | None]], now: int) -> None:
    """The same as sorting what is left."""
    deadlines, left = Deadlines[str](), dict[str, int]()
    for key, at in moves:
        if at is None:
            deadlines.drop(key)
            left.pop(key, None)
        else:
            deadlines.set(key, at)
            left[key] = at
        assert deadlines.next() == min(left.values(), default=None)
    due = []
    for key in deadlines.due(now):
        due.append(left[key])
        deadlines.drop(key)
        del left[key]
    assert due == sorted(due)
    assert all(at > now for at in left.values())


def test_what_is_set_anew_while_it_is_due_comes_at_its_new_time() -> None:
    """A bead that is to be looked at again later."""
    deadlines = Deadlines[str]()
    deadlines.set("a", 1.0)
    for key in deadlines.due(2.0):
        deadlines.set(key, 5.0)
    assert deadlines.next() == 5.0


def test_a_deadline_that_nobody_deals_with_is_our_own_fault() -> None:
    """Else the loop would never end."""
    deadlines = Deadlines[str]()
    deadlines.set("a", 1.0)
    with pytest.raises(AssertionError, match="the deadline of a was not dealt with"):
        list(deadlines.due(2.0))


def test_asking_for_the_next_one_while_going_through_them_is_allowed() -> None:
    """Whoever deals with a deadline may look at the others."""
    deadlines = Deadlines[str]()
    deadlines.set("a", 1.0)
    for key in deadlines.due(2.0):
        deadlines.drop(key)
        assert deadlines.next() is None
