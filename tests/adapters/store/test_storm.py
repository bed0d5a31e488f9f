"""Many processes on one lock table, killed and stopped at random: a smaller one of `scripts/storm-locks`."""

from __future__ import annotations

from pathlib import Path

from scripts.storm_locks import storm


def test_no_file_is_ever_held_by_two_and_no_lease_is_left(tmp_path: Path) -> None:
    """Every process gets its leases, whoever dies with some in its hands."""
    told = storm(6, 400, kill_every_s=0.2, seed=7, folder=tmp_path / "state")
    assert told.granted >= 400
    assert told.overlaps == 0
    assert told.leaked == 0
    assert told.least > 0
    assert told.kills + told.stops > 0
