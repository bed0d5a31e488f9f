"""What the machine says that it has left, and the control groups that it is divided into."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.sessions.host import cores, room


@pytest.fixture
def group(tmp_path: Path) -> Path:
    """A group in a group, as version 2 shows them; and the file that says that we are in the inner one."""
    inner = tmp_path / "groups" / "outer" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "own").write_text("0::/outer/inner\n")
    return inner


def measured(group: Path) -> tuple[int | None, int | None]:
    found = room(group.parents[1], group.parents[2] / "own")
    return found.memory, found.processes


def limit(folder: Path, **files: object) -> None:
    for name, text in files.items():
        (folder / name.replace("_", ".", 1)).write_text(f"{text}\n")


def test_this_machine_has_something_left() -> None:
    found = room()
    assert found.memory
    assert found.load is not None
    assert found.cores >= 1
    assert found.descriptors is None or found.descriptors > 0


def test_a_groups_limit_counts_without_the_cache_that_the_kernel_gives_up(group: Path) -> None:
    limit(group, memory_max=100 << 20, memory_current=90 << 20, pids_max=50, pids_current=20)
    (group / "memory.stat").write_text(f"anon 1\ninactive_file {30 << 20}\n")
    assert measured(group) == (40 << 20, 30)


def test_the_narrowest_of_the_groups_above_counts(group: Path) -> None:
    limit(group, memory_max="max", memory_current=1, pids_max="max", pids_current=1)
    limit(group.parent, memory_max=10 << 20, memory_current=20 << 20, pids_max=5, pids_current=1)
    assert measured(group) == (0, 4)


def test_cores_are_as_many_as_the_group_may_use(group: Path) -> None:
    (group / "cpu.max").write_text("100000 100000\n")
    assert cores(group.parents[1], group.parents[2] / "own") == 1


def test_without_groups_the_machine_counts(tmp_path: Path) -> None:
    assert room(tmp_path, tmp_path / "own").memory
