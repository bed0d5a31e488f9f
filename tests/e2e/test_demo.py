"""The demo, as a newcomer starts it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]


def test_the_demo_ends_with_every_bead_done(tmp_path: Path) -> None:
    """A crash, a rate limit, a failed check and a conflict on the way, and a proof that holds."""
    home = tmp_path / "home"
    home.mkdir()
    env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(home), "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [HOUSE / "scripts" / "demo"], env=env, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "All 12 beads are done" in done.stdout
