"""Planted keys: what an agent or a check prints of them is in no log, recording, report, database or message."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.night import Night

NAMED = "plantedvalue-of-a-named-key-0001"
SHAPED = "ghp_plantedValueOfNoName0002"
IN_ADDRESS = "plantedpassword0003"
OF_THE_PROFILE = "plantedvalue-of-the-profile-0004"
NOT_PASSED = "plantedvalue-not-passed-0005"
KEYS = (NAMED, SHAPED, IN_ADDRESS, OF_THE_PROFILE)

AGENT = """\
#!/bin/sh
# Says its keys on its terminal, in pieces too, and as the reason of its end.
env > environment.txt
echo "using $ACME_API_KEY and $ACME_SETTING at $HTTPS_PROXY with $PROFILE_TOKEN"
printf 'pieces: %s' "$(printf %s "$ACME_API_KEY" | cut -c 1-9)"; sleep 0.3
printf '%s\\n' "$(printf %s "$ACME_API_KEY" | cut -c 10-)"
case "$ORCHESTRATOR_BEAD" in
  fails) echo "cannot sign in with $ACME_API_KEY, $ACME_SETTING, $PROFILE_TOKEN" >&2; exit 7 ;;
  asks) printf '{"outcome": "blocked", "reason": "is %s or %s right, or %s?"}' \\
      "$ACME_API_KEY" "$ACME_SETTING" "$PROFILE_TOKEN" > "$ORCHESTRATOR_OUTCOME" ;;
  *) rm environment.txt; echo "$ORCHESTRATOR_BEAD" > "$ORCHESTRATOR_BEAD.txt" ;;
esac
"""


def test_a_planted_key_is_found_nowhere(night: Night) -> None:
    """By its value: named as a key, shaped like one, in an address, or set by the manifest for the agent alone."""
    night.environment |= {
        "ACME_API_KEY": NAMED,
        "ACME_SETTING": SHAPED,
        "HTTPS_PROXY": f"http://me:{IN_ADDRESS}@localhost:9",
        "OTHER_API_KEY": NOT_PASSED,
    }
    beads = [{"id": name, "prompt": "Do it.", "tries": 1} for name in ("works", "fails", "asks")]
    beads.append(
        {
            "id": "red",
            "prompt": "Do it.",
            "tries": 2,
            "verify": 'echo "check with $ACME_API_KEY $ACME_SETTING $HTTPS_PROXY"; false',
        }
    )
    night.write({"name": "night", "backoff": {"first": "100ms"}, "beads": beads}, agent=AGENT)
    whole = json.loads(night.manifest.read_text())
    whole["agents"]["sh"] |= {
        "pass_env": ["ACME_API_KEY", "ACME_SETTING"],
        "env": {"PROFILE_TOKEN": OF_THE_PROFILE},
        "continues": True,
    }
    night.manifest.write_text(json.dumps(whole))
    done = night.run()
    assert done.returncode == 1, done.stdout + done.stderr
    told = {"run": done.stdout + done.stderr}
    for command in (["status"], ["report"], ["logs"], ["explain", "red"], ["explain", "fails"], ["explain", "asks"]):
        for form in ([], ["--json"]):
            said = night.orchestrator(*command, *form, "--repo", str(night.repository))
            told[" ".join([*command, *form])] = said.stdout + said.stderr
    written = {str(path.relative_to(night.state)): path.read_bytes() for path in _kept(night.state)}
    for name in ("state.db", "logs/run.jsonl", "reports/night.md", "recordings/works.1.cast"):
        assert name in written, sorted(written)
    everything = {**written, **{name: text.encode() for name, text in told.items()}}
    found = [(place, key) for place, text in everything.items() for key in KEYS if key.encode() in text]
    assert found == []
    assert b"[redacted]" in written["recordings/works.1.cast"]
    passed = night.git("show", "refs/orchestrator/attic/fails/1:environment.txt")
    assert NAMED in passed, "the manifest names it, so the agent has it"
    assert NOT_PASSED not in passed, "nobody named this one"


def _kept(folder: Path) -> list[Path]:
    """All that stays; what an attempt itself was given and wrote lies in its own scratch folder."""
    return [path for path in folder.rglob("*") if path.is_file() and "scratch" not in path.parts]
