"""Nights whose target gets another history than one commit per bead: everything that is proved still holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.core.model import Style
from tests.e2e.night import Night, beads

TWO_COMMITS = """\
#!/bin/sh
set -e
for part in first second; do
  echo "$part" > "$ORCHESTRATOR_BEAD.$part"
  git add .
  git -c user.name=Agent -c user.email=agent@example.org commit --quiet -m "$ORCHESTRATOR_BEAD: $part"
done
"""


@pytest.mark.parametrize("style", list(Style))
def test_a_night_in_each_style_is_proved(tmp_path: Path, style: Style) -> None:
    night = Night(tmp_path / "night")
    try:
        night.make_repository({"README.md": "A repository.\n"})
        named = beads([f"b{number}" for number in range(4)], 0)
        settings = {"name": "night", "workers": 4, "train": 2, "verify": ["test -f README.md"], "beads": named}
        night.write({**settings, "landing": str(style), "message": "{bead}: landed\n"}, agent=TWO_COMMITS)
        done = night.run()
        assert done.returncode == 0, done.stdout + done.stderr
        trailers = night.git("log", "--format=%(trailers:key=Bead,valueonly,separator=%x2c)", "orchestrator/night")
        assert sorted(filter(None, trailers.split("\n"))) == ["b0", "b1", "b2", "b3"]
        proof = night.look("prove")
        assert proof["holds"], proof
        line = night.git("log", "--first-parent", "--format=%s", "main..orchestrator/night").split("\n")
        of_agents = [f"b{number}: {part}" for number in range(4) for part in ("first", "second")]
        landed = [f"b{number}: landed" for number in range(4)]
        assert sorted(line) == (of_agents if style is Style.REBASE else landed)
        every = night.git("log", "--format=%s", "main..orchestrator/night").split("\n")
        assert sorted(every) == sorted({Style.MERGE: [*of_agents, *landed]}.get(style, line))
    finally:
        night.close()
