"""Nights in which verified beads come in faster than they can be checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.night import Night
from tests.e2e.queues import look, queue

RENAMES_AND_CALLS = """\
#!/bin/sh
# `rename` renames a function, `call` adds a call of it. Told of a failure, it looks at what is there now, and mends.
set -e
cp "$1" "$LEDGER.$ORCHESTRATOR_BEAD.$ORCHESTRATOR_ATTEMPT"
case "$ORCHESTRATOR_BEAD" in
  rename) sleep 1; sed -i 's/def greet/def salute/' lib.py ;;
  call)
    if grep -q 'def salute' lib.py; then sed -i 's/greet/salute/' extra.py
    else printf 'from lib import greet\\ngreet()\\n' > extra.py; sleep 1; fi ;;
esac
"""


@pytest.fixture
def bare(tmp_path: Path) -> Night:
    """A folder without a repository."""
    return Night(tmp_path / "night")


def test_a_full_train_lands_all_in_order_and_green_at_every_commit(bare: Night) -> None:
    """Two of them break together with another, leave, are mended, and land."""
    try:
        queue(bare, beads=12, red=2, train=4, seconds=0.3)
        done = bare.run()
        assert done.returncode == 0, done.stdout + done.stderr
        seen = look(bare)
        assert sorted(seen.landed) == sorted([f"b{number:02}" for number in range(8)] + ["x1", "x2", "y1", "y2"])
        assert len(seen.returned) == 2
        assert (seen.out_of_order, seen.red, seen.twice) == ((), (), ())
        assert bare.look("prove")["holds"]
    finally:
        bare.close()


def test_two_that_break_only_together_both_land_in_the_end(bare: Night) -> None:
    """One renames a function, one adds a call of it; the second comes back with the evidence, is mended, and lands."""
    try:
        check = "for file in *.py; do PYTHONDONTWRITEBYTECODE=1 python3 $file || exit 1; done"
        bare.make_repository({"lib.py": "def greet():\n    print('hello')\n", "README.md": "Two files.\n"})
        rename = {"id": "rename", "title": "Rename greet", "prompt": "Rename it.", "priority": "P0"}
        call = {"id": "call", "title": "Call greet", "prompt": "Call it.", "priority": "P1"}
        settings = {"name": "night", "workers": 2, "train": 2, "verify": check, "beads": [rename, call]}
        bare.write(settings, agent=RENAMES_AND_CALLS)
        done = bare.run()
        assert done.returncode == 0, done.stdout + done.stderr
        seen = look(bare, check)
        assert seen.landed == ("rename", "call")
        assert (seen.returned, seen.red) == (("call",), ())
        told = (bare.folder / "ledger.call.2").read_text()
        assert "cannot import name 'greet'" in told
        assert "Landed since you began: rename." in told
        assert bare.git("show", "orchestrator/night:extra.py") == "from lib import salute\nsalute()"
        assert bare.look("prove")["holds"]
    finally:
        bare.close()
