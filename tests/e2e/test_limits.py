"""Limits, outages and budgets, in real time: the installed command, and agents that are scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.night import Night

PARKED_S = 4
PROVIDERS = """\
#!/bin/sh
# $1 is the provider, $2 the prompt, $3 the session to take up again.
now=$(date +%s); provider=$1
refuse() {
    outcome="{\\"outcome\\": \\"$1\\", \\"reason\\": \\"$2\\", \\"session\\": \\"s-$ORCHESTRATOR_BEAD\\"}"
    echo "$outcome" > "$ORCHESTRATOR_OUTCOME"
    echo "$1 $now $provider $ORCHESTRATOR_BEAD" >> "$LEDGER"
    exit 1
}
if [ "$ORCHESTRATOR_BEAD $ORCHESTRATOR_ATTEMPT" = "only 1" ]; then
    echo half > only.txt
    refuse usage-limited "usage limit reached|$((now + 4))"
fi
if [ "$provider" = flaky ] && [ $((now % 6)) -ge 4 ]; then refuse unreachable "no such host"; fi
if [ "$provider" = slow ]; then sleep 1; fi
echo "asked $now $provider $ORCHESTRATOR_BEAD $3 $(cat only.txt 2>/dev/null)" >> "$LEDGER"
sleep 0.6
echo "$ORCHESTRATOR_BEAD" > "$ORCHESTRATOR_BEAD.txt"
echo '{"outcome": "done", "usage": {"usd": 0.4, "tokens_in": 10, "tokens_out": 5}}' > "$ORCHESTRATOR_OUTCOME"
"""


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    made = Night(tmp_path / "night")
    made.make_repository()
    yield made
    made.close()


def agents(*names: str) -> dict[str, Any]:
    return {
        name: {
            "command": ["./agent.sh", name, "{prompt_file}"],
            "resume": ["./agent.sh", name, "{prompt_file}", "{session}"],
            "pass_env": ["LEDGER"],
            "continues": True,
        }
        for name in names
    }


def test_a_short_night_with_three_providers(night: Night) -> None:
    """One is limited, one away a third of the time, one slow: all land, a parked one is asked nothing, and the session
    that it cut off is resumed by its id."""
    chain = ["limited", "flaky", "slow"]
    beads: list[dict[str, Any]] = [{"id": f"b{n}", "prompt": "x"} for n in range(20)]
    beads.append({"id": "only", "prompt": "x", "routes": ["limited"], "priority": "P0"})
    night.write(
        {
            "name": "three",
            "workers": 3,
            "routes": chain,
            "agents": agents(*chain),
            "limits": {name: {"sessions": 1} for name in chain},
            "breaker": {"cooldown": "1s", "max_outage": "2s", "jitter": 0},
            "backoff": {"first": 0},
            "beads": beads,
        },
        agent=PROVIDERS,
    )
    done = night.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert night.landed("orchestrator/three") == sorted(str(bead["id"]) for bead in beads)
    lines = [line.split() for line in night.ledger()]
    [refused] = [int(now) for what, now, *_ in lines if what == "usage-limited"]
    asked = [(int(now), rest) for what, now, provider, *rest in lines if what == "asked" and provider == "limited"]
    assert not [now for now, _ in asked if refused < now < refused + PARKED_S], "it was asked while it was parked"
    [again] = [rest for _, rest in asked if rest[0] == "only"]
    assert again == ["only", "s-only", "half"], "its session, in its worktree as it was"
    others = [int(now) for what, now, provider, *_ in lines if what == "asked" and provider != "limited"]
    assert [now for now in others if refused < now < refused + PARKED_S], "the others waited with it"
    assert any(what == "unreachable" for what, *_ in lines)


def test_a_budget_pauses_the_run_and_another_one_goes_on_with_it(night: Night) -> None:
    """Exit 3, and what is spent stays spent."""
    night.write(
        {
            "name": "dear",
            "workers": 1,
            "routes": ["dear"],
            "agents": agents("dear"),
            "budget": {"usd": 1, "bead_usd": 0.5},
            "beads": [{"id": f"b{n}", "prompt": "x"} for n in range(4)],
        },
        agent=PROVIDERS,
    )
    done = night.run()
    assert done.returncode == 3, done.stdout + done.stderr
    assert len(night.landed("orchestrator/dear")) == 2
    told = night.look("status")
    assert told["run"]["state"] == "paused"
    assert "the budget is $1.00" in told["run"]["reason"]
    resumed = night.orchestrator("resume", "--repo", str(night.repository), "--budget", "5")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert len(night.landed("orchestrator/dear")) == 4
    effort = night.look("report")["effort"]
    assert (effort["usd"], effort["usd_said"], effort["usd_computed"], effort["unpriced"]) == (1.6, 1.6, 0.0, 0)
