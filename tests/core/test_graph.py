"""The task graph: waves, the critical path, ranks, collisions."""

from __future__ import annotations

from orchestrator.core.graph import DEFAULT_ESTIMATE_S, TaskGraph, backoff
from orchestrator.core.model import BeadId
from tests.core.scene import bead


def test_a_wave_holds_what_only_needs_the_waves_before() -> None:
    """By the longest chain before it, each wave in the order in which its beads are taken."""
    graph = TaskGraph(
        [bead("d", "b", "c"), bead("c", "a", priority=3), bead("b", "a", priority=1), bead("a"), bead("e")]
    )
    assert graph.waves() == [["a", "e"], ["b", "c"], ["d"]]
    assert graph.width() == 2


def test_the_critical_path_is_the_chain_that_takes_longest() -> None:
    """Not the one with the most beads."""
    graph = TaskGraph(
        [
            bead("a", estimate_s=10.0),
            bead("b", "a", estimate_s=10.0),
            bead("c", "b", estimate_s=10.0),
            bead("d", estimate_s=99.0),
        ]
    )
    assert graph.critical_path() == ["d"]
    assert graph.critical_seconds() == 99.0


def test_a_bead_without_an_estimate_counts_as_an_ordinary_one() -> None:
    """Only the proportions matter."""
    graph = TaskGraph([bead("a"), bead("b", "a")])
    assert graph.critical_seconds() == 2 * DEFAULT_ESTIMATE_S
    assert graph.critical_path() == ["a", "b"]


def test_an_estimate_of_nothing_is_not_an_unknown_one() -> None:
    """Zero seconds are zero seconds."""
    assert TaskGraph([bead("a", estimate_s=0.0)]).critical_seconds() == 0.0


def test_a_graph_without_beads_has_no_path() -> None:
    """Nothing to do takes no time."""
    graph = TaskGraph([])
    assert graph.critical_path() == []
    assert graph.critical_seconds() == 0.0
    assert graph.width() == 0
    assert graph.waves() == []


def test_beads_are_taken_by_priority_then_by_what_waits_then_by_place() -> None:
    """An urgent bead first; of equals the one that most work waits for; of those the one that was written first."""
    graph = TaskGraph([bead("last"), bead("equal"), bead("long"), bead("after", "long"), bead("urgent", priority=0)])
    order = sorted((BeadId(each) for each in ("last", "equal", "long", "urgent")), key=graph.ranks.__getitem__)
    assert order == ["urgent", "long", "last", "equal"]


def test_two_beads_collide_where_their_files_may_meet() -> None:
    """Once each, and only what could run side by side."""
    graph = TaskGraph(
        [
            bead("a", files="src/** docs"),
            bead("b", files="src/x.py"),
            bead("c", "a", files="src/x.py"),
            bead("d", files="read:docs"),
            bead("e", files="read:docs/one.md"),
        ]
    )
    assert [(each.one, each.other, each.patterns) for each in graph.collisions()] == [
        ("a", "b", ("src/**", "src/x.py")),
        ("a", "d", ("docs",)),
        ("a", "e", ("docs", "docs/one.md")),
        ("b", "c", ("src/x.py",)),
    ]


def test_a_wait_doubles_for_each_failure_up_to_its_limit() -> None:
    """Spread by up to a quarter, so that neighbours do not all come back at once."""
    waits = [backoff(5.0, failures, 100.0, 0) for failures in (0, 1, 2, 3, 4, 5, 6, 5000)]
    assert waits == [5.0, 5.0, 10.0, 20.0, 40.0, 80.0, 100.0, 100.0]
    spread = {backoff(100.0, 1, 1000.0, dice) for dice in range(50)}
    assert len(spread) == 50
    assert min(spread) >= 100.0
    assert max(spread) <= 125.0
