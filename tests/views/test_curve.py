"""The curve of what more workers bring."""

from __future__ import annotations

from orchestrator.views.curve import as_svg, as_text, recommended

POINTS = [(1, 10.0), (2, 19.0), (4, 36.0), (8, 38.0), (16, 30.0)]


def test_the_fewest_that_bring_nearly_the_most_are_recommended() -> None:
    assert recommended(POINTS) == 4
    assert recommended([(1, 10.0)]) == 1
    assert recommended([(1, 0.0), (2, 0.0)]) is None
    assert recommended([]) is None


def test_each_has_a_bar_and_its_share_of_what_it_could_bring() -> None:
    lines = as_text(POINTS).splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2", "4", "8", "16"]
    assert [line.split()[-1] for line in lines] == ["100%", "95%", "90%", "48%", "19%"]
    bars = [line.count("█") for line in lines]
    assert bars == sorted(bars[:4]) + bars[4:]
    assert max(bars) == bars[3] == 48


def test_it_is_drawn_as_a_picture() -> None:
    picture = as_svg(POINTS, "night")
    assert picture.count("<circle") == 5
    assert "night: beads an hour" in picture
