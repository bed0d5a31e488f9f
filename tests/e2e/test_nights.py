"""The installed command on real repositories: what a person would see, and what would hurt them."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.night import Night, beads, wait_for

CHECKOUT = Path(__file__).parents[2]


def states(night: Night) -> dict[str, str]:
    return {bead["id"]: bead["state"] for bead in night.look("status")["beads"]}


def test_a_night_lands_its_beads_and_touches_nothing_else(night: Night) -> None:
    """One commit per bead with its trailers; HEAD, index, stash, branches and a dirty checkout as they were."""
    (night.repository / "README.md").write_text("Changed, and not committed.\n")
    (night.repository / "new.txt").write_text("Not even tracked.\n")
    night.git("branch", "precious")
    (night.repository / "stashed").write_text("x")
    night.git("add", "stashed")
    night.git("stash", "push", "--quiet", "--", "stashed")
    night.git("add", "new.txt")
    before = [
        night.git(*look)
        for look in (
            ("status", "--porcelain"),
            ("stash", "list"),
            ("branch", "--list", "main", "precious"),
            ("rev-parse", "HEAD"),
        )
    ]
    config = (night.repository / ".git" / "config").read_text()
    night.write({"name": "night", "verify": "test -f README.md", "beads": beads(["a", "b"], 0, {"b": ["a"]})})
    done = night.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert night.landed("orchestrator/night") == ["a", "b"]
    body = night.git("log", "-1", "--format=%B", "orchestrator/night")
    assert body.splitlines() == ["Do b", "", "Bead: b", "Attempt: 1", "Route: sh"]
    assert night.git("log", "-1", "--format=%an", "orchestrator/night") == "Ann"
    after = [
        night.git(*look)
        for look in (
            ("status", "--porcelain"),
            ("stash", "list"),
            ("branch", "--list", "main", "precious"),
            ("rev-parse", "HEAD"),
        )
    ]
    assert before == after
    assert config == (night.repository / ".git" / "config").read_text()
    assert night.look("prove")["holds"]
    assert not night.left_over()
    report = night.orchestrator("report", "--repo", str(night.repository)).stdout
    assert report.startswith("# All 2 beads landed.")


@pytest.mark.parametrize("place", ["näch te/mit Ümläuten und 'Zeichen'", "plain"])
def test_a_path_with_spaces_and_umlauts_is_a_path(night_at: Callable[[str], Night], place: str) -> None:
    """Repository, manifest and worktrees below it; a detached HEAD is a base as well."""
    night = night_at(place)
    night.git("checkout", "--quiet", "--detach")
    night.write({"name": "night", "beads": beads(["a"], 0)})
    done = night.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert night.landed("orchestrator/night") == ["a"]
    assert night.git("rev-parse", "--abbrev-ref", "HEAD") == "HEAD"


def test_a_failed_bead_blocks_what_needs_it_and_the_rest_lands(night: Night) -> None:
    """Exit 1, the reason in the check's words, the work on its branch; run again, and it gets another try."""
    night.write(
        {
            "name": "night",
            "defaults": {"tries": 2},
            "backoff": {"first": "10ms"},
            "beads": [
                {"id": "bad", "prompt": "0", "verify": "test -f mended"},
                {"id": "after", "prompt": "0", "needs": "bad"},
                {"id": "good", "prompt": "0"},
            ],
        }
    )
    done = night.run()
    assert done.returncode == 1, done.stdout + done.stderr
    assert states(night) == {"bad": "failed", "after": "blocked", "good": "done"}
    reasons = {bead["id"]: bead["reason"] for bead in night.look("status")["beads"]}
    assert reasons["bad"] == "`test -f mended` failed (tried 2 times)"
    assert night.git("show", "orchestrator-work/night/bad:bad.txt") == "bad"
    explained = night.orchestrator("explain", "after", "--repo", str(night.repository)).stdout
    assert "bad" in explained
    assert "test -f mended" in explained
    assert night.look("prove")["holds"]

    agent = night.manifest.parent / "agent.sh"
    agent.write_text(agent.read_text().replace("git add", "touch mended\ngit add"))
    done = night.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert states(night) == {"bad": "done", "after": "done", "good": "done"}
    assert night.landed("orchestrator/night") == ["after", "bad", "good"]


def test_no_change_and_no_change_needed_are_two_things(night: Night) -> None:
    """Who says so is done without a commit; who only exits is told once, then failed."""
    agent = """\
#!/bin/sh
case "$ORCHESTRATOR_BEAD" in
    says-so) echo '{"outcome": "no-change-needed", "reason": "it is there already"}' > "$ORCHESTRATOR_OUTCOME" ;;
    asks) echo '{"outcome": "blocked", "reason": "which colour?"}' > "$ORCHESTRATOR_OUTCOME" ;;
esac
"""
    night.write({"name": "night", "beads": beads(["says-so", "only-exits", "asks"], 0)}, agent)
    done = night.run()
    assert done.returncode == 1, done.stdout + done.stderr
    status = {bead["id"]: bead for bead in night.look("status")["beads"]}
    assert (status["says-so"]["state"], status["says-so"]["reason"]) == ("done", "it is there already")
    assert status["says-so"]["commit"] is None
    assert (status["only-exits"]["state"], status["only-exits"]["attempts"]) == ("failed", 2)
    assert (status["asks"]["state"], status["asks"]["reason"]) == ("held", "which colour?")
    assert night.look("prove")["holds"]


def test_a_second_run_is_told_who_is_at_work(night: Night) -> None:
    """Refused with the first one's pid, host and start; the first one goes on."""
    night.write({"name": "night", "beads": beads(["a"], 2)})
    first = night.start()
    wait_for(lambda: (night.folder / "output").read_text().count("started"))
    second = night.run()
    assert second.returncode == 2
    assert f"pid {first.pid}" in second.stderr
    assert first.wait(timeout=30) == 0


def test_control_c_keeps_the_work_and_the_next_run_goes_on(night: Night) -> None:
    """130; no process is left; what had landed is not done again."""
    night.write({"name": "night", "workers": 2, "beads": [*beads(["quick"], 0), *beads(["slow"], 60)]})
    first = night.start()
    wait_for(lambda: "landed" in (night.folder / "output").read_text())
    first.send_signal(signal.SIGINT)
    assert first.wait(timeout=30) == 130
    assert not night.left_over()
    assert night.look("status")["run"]["state"] == "stopped"
    assert states(night) == {"quick": "done", "slow": "ready"}
    night.write({"name": "night", "workers": 2, "beads": [*beads(["quick"], 0), *beads(["slow"], 0)]})
    changed = night.run()
    assert changed.returncode == 2
    assert "--fresh" in changed.stderr
    done = night.run("--fresh")
    assert done.returncode == 0, done.stdout + done.stderr
    assert night.landed("orchestrator/night") == ["quick", "slow"]
    assert [line.split()[0] for line in night.ledger()] == ["quick", "slow"]


def test_control_c_twice_ends_at_once(night: Night) -> None:
    """An agent that ignores everything does not keep the terminal from its owner; nothing is left over."""
    agent = "#!/bin/sh\ntrap '' TERM INT HUP\necho up\nwhile :; do sleep 1; done\n"
    night.write({"name": "night", "grace": "60s", "beads": beads(["a"], 0)}, agent)
    run = night.start()
    wait_for(lambda: "started" in (night.folder / "output").read_text())
    wait_for(night.left_over)
    run.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert run.poll() is None
    run.send_signal(signal.SIGINT)
    assert run.wait(timeout=20) == 130
    wait_for(lambda: not night.left_over())


def test_a_terminal_that_goes_away_ends_nothing(night: Night) -> None:
    """SIGHUP: the run goes on to its end."""
    night.write({"name": "night", "beads": beads(["a"], 1)})
    run = night.start()
    wait_for(lambda: "started" in (night.folder / "output").read_text())
    run.send_signal(signal.SIGHUP)
    assert run.wait(timeout=30) == 0


def test_a_detached_run_lets_the_terminal_go(night: Night) -> None:
    """The command returns once the run is in its hands; `stop` ends it from elsewhere, `resume` goes on."""
    night.write({"name": "night", "beads": beads(["a"], 8)})
    begun = night.run("--detach")
    assert begun.returncode == 0, begun.stderr
    assert "goes on as pid" in begun.stdout
    repo = ("--repo", str(night.repository))
    stopped = night.orchestrator("stop", *repo)
    assert stopped.returncode == 0, stopped.stderr
    assert not night.look("status")["live"]
    resumed = night.orchestrator("resume", *repo)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert night.landed("orchestrator/night") == ["a"]


def test_pause_ends_with_three_and_resume_goes_on(night: Night) -> None:
    """What runs may end; nothing new starts until somebody says so."""
    night.write({"name": "night", "workers": 1, "beads": beads(["a", "b"], 5)})
    run = night.start()
    wait_for(lambda: "started" in (night.folder / "output").read_text())
    repo = ("--repo", str(night.repository))
    assert night.orchestrator("pause", *repo).returncode == 0
    assert run.wait(timeout=30) == 3
    assert sorted(states(night).values()) == ["done", "ready"]
    assert night.orchestrator("resume", *repo).returncode == 0
    assert night.landed("orchestrator/night") == ["a", "b"]


def test_abort_and_retry_of_one_bead(night: Night) -> None:
    """Given up while it runs, its work kept; tried again, it lands."""
    night.write({"name": "night", "workers": 2, "beads": [*beads(["a"], 60), *beads(["b"], 5)]})
    run = night.start()
    wait_for(lambda: (night.folder / "output").read_text().count("started") >= 2)
    repo = ("--repo", str(night.repository))
    assert night.orchestrator("abort", "a", *repo).returncode == 0
    assert run.wait(timeout=30) == 1
    assert states(night) == {"a": "cancelled", "b": "done"}
    agent = night.manifest.parent / "agent.sh"
    agent.write_text(agent.read_text().replace('sleep "$(head -n 1 "$1")"', ""))
    assert night.orchestrator("retry", "a", *repo).returncode == 0
    done = night.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert night.landed("orchestrator/night") == ["a", "b"]


def test_workers_that_do_not_start_are_named_and_hold_up_nobody(night: Night) -> None:
    """An agent that gives no sign is given up after its own time-out, with its reason; the others work."""
    agent = """\
#!/bin/sh
[ "$ORCHESTRATOR_BEAD" = mute ] && exec sleep 60
echo hello
echo x > "$ORCHESTRATOR_BEAD.txt"
sleep 1
"""
    night.write(
        {
            "name": "night",
            "workers": 3,
            "start_timeout": "2s",
            "starts_in_vain": 1,
            "beads": beads(["mute", "a", "b"], 0),
        },
        agent,
    )
    manifest = json.loads(night.manifest.read_text())
    manifest["agents"]["sh"]["started"] = "output"
    night.manifest.write_text(json.dumps(manifest))
    done = night.run()
    assert done.returncode == 1, done.stdout + done.stderr
    assert states(night) == {"mute": "failed", "a": "done", "b": "done"}
    assert "2 of 3 started in" in done.stdout
    assert "w1 (no sign of life within 2 s of its start)" in done.stdout
    assert not night.left_over()


def test_nothing_starts_without_an_agent(night: Night) -> None:
    """4, at once, with what was looked for; and nothing is touched."""
    night.write(
        {"name": "night", "agents": {"sh": {"command": ["no-such-agent", "{prompt_file}"]}}, "beads": beads(["a"], 0)}
    )
    done = night.run()
    assert done.returncode == 4
    assert "no-such-agent" in done.stderr
    assert not (night.repository / ".git" / "orchestrator").exists()
    assert night.git("branch", "--list") == "* main"


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda night: night.git("checkout", "--quiet", "-b", "orchestrator/night"), "checked out"),
        (lambda night: (night.repository / ".git" / "HEAD").write_text("ref: refs/heads/none\n"), "no commit yet"),
        (lambda night: __import__("shutil").rmtree(night.repository / ".git"), "not in a git repository"),
    ],
    ids=["target checked out", "no commit", "no repository"],
)
def test_a_repository_at_fault_is_said_and_not_touched(
    night: Night, break_it: Callable[[Night], object], said: str
) -> None:
    """2, and one sentence with what to do."""
    night.write({"name": "night", "beads": beads(["a"], 0)})
    break_it(night)
    done = night.run()
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_manifest_at_fault_touches_nothing(night: Night) -> None:
    """All faults at once, each with its place; no folder, no branch, no state."""
    night.manifest.parent.mkdir()
    night.manifest.write_text("version: 1\nrepo: ../repo\nworkres: 3\nbeads:\n  - id: a\n    promt: x\n")
    done = night.run()
    assert done.returncode == 2
    assert "night.yaml:3:1: unknown key 'workres'" in done.stderr
    assert "night.yaml:6:5: unknown key 'promt'" in done.stderr
    assert not (night.repository / ".git" / "orchestrator").exists()
    assert not night.worktrees.exists()


def test_logs_say_what_happened_as_json(night: Night) -> None:
    """One object a line, names and fields as promised, one canonical line per attempt."""
    night.write({"name": "night", "beads": beads(["a"], 0)})
    assert night.run().returncode == 0
    folder = night.repository / ".git" / "orchestrator"
    lines = [json.loads(line) for line in (folder / "logs" / "run.jsonl").read_text().splitlines()]
    assert all({"ts", "event", "level", "run"} <= line.keys() for line in lines)
    (ended,) = [line for line in lines if line["event"] == "attempt.ended"]
    assert {"seconds", "outcome", "tokens", "usd", "files", "worker", "bead", "attempt", "route"} <= ended.keys()
    assert (ended["bead"], ended["outcome"], ended["files"]) == ("a", "delivered", ["a.txt"])
    assert (folder / "logs" / "workers" / f"{ended['worker']}.jsonl").exists()
    cast = (folder / "recordings" / "a.1.cast").read_text().splitlines()
    assert json.loads(cast[0])["version"] == 2
    said = night.orchestrator("logs", "--repo", str(night.repository), "--bead", "a").stdout
    assert "landed" in said


def test_version_and_help_answer(night: Night) -> None:
    """The first things that a newcomer types."""
    assert night.orchestrator("--version").stdout.startswith("orchestrator ")
    assert "run" in night.orchestrator("--help").stdout
    assert os.environ.get("HOME") != night.environment["HOME"]


def test_a_run_goes_on_after_another_one_has_used_the_repository(night: Night) -> None:
    """Fencing tokens and attempt numbers are the repository's, not the run's."""
    long, short = [*beads(["a"], 0), *beads(["slow"], 60)], beads(["a", "b"], 0)
    night.write({"name": "first", "workers": 2, "beads": long})
    first = night.start()
    wait_for(lambda: "landed" in (night.folder / "output").read_text())
    first.send_signal(signal.SIGINT)
    assert first.wait(timeout=30) == 130
    before = night.manifest.read_text()
    night.write({"name": "second", "beads": short})
    done = night.run()
    assert done.returncode == 0, done.stdout + done.stderr
    night.manifest.write_text(before)
    program = night.manifest.parent / "agent.sh"
    program.write_text(program.read_text().replace('sleep "$(head -n 1 "$1")"', ""))
    done = night.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert night.landed("orchestrator/first") == ["a", "slow"]
    assert night.landed("orchestrator/second") == ["a", "b"]


def test_the_same_id_with_another_task_is_other_work(night: Night) -> None:
    """A night that uses its names again does its work; only the very same task is not done again."""
    night.write({"name": "night", "beads": beads(["a", "b"], 0)})
    assert night.run().returncode == 0
    other = beads(["a"], 0)[0] | {"title": "Something else", "run": "echo else > else.txt"}
    del other["prompt"]
    night.write({"name": "night", "beads": [other, *beads(["b"], 0)]})
    done = night.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All 2 beads are done: 1 landed, 1 stood on the target already." in done.stdout
    assert night.git("show", "orchestrator/night:else.txt") == "else"
    assert night.look("prove")["holds"]


def test_what_an_agent_puts_on_the_target_itself_is_named_and_not_believed(night: Night) -> None:
    """A forged trailer lands nothing: the bead's own work is still merged and checked, and the proof names the rest."""
    agent = """\
#!/bin/sh
set -e
echo "$ORCHESTRATOR_BEAD" > "$ORCHESTRATOR_BEAD.txt"
git add --all
git commit --quiet --message "Work of $ORCHESTRATOR_BEAD" --message "Bead: b"
[ "$ORCHESTRATOR_BEAD" != a ] || env -u GIT_TRACE2_EVENT git update-ref refs/heads/orchestrator/night HEAD
"""
    night.write({"name": "night", "workers": 1, "beads": beads(["a", "b"], 0)}, agent)
    done = night.run()
    assert done.returncode == 1, done.stdout + done.stderr
    assert night.git("show", "orchestrator/night:b.txt") == "b"
    proof = night.look("prove")
    broken = {finding["claim"]: finding["detail"] for finding in proof["findings"] if not finding["holds"]}
    assert "Work of a" in broken.pop("every commit on the target was put there by a landing of ours")
    assert broken == {"none is there twice": "b (2 times)"}


def test_resume_goes_on_as_the_run_was_begun(night: Night) -> None:
    """`--worktrees` and `--workers` need not be said again."""
    night.write({"name": "night", "beads": beads(["a", "b"], 60)})
    elsewhere = night.folder / "elsewhere"
    run = night.start("--worktrees", str(elsewhere), "--workers", "2")
    wait_for(lambda: (night.folder / "output").read_text().count("started") >= 2)
    run.send_signal(signal.SIGTERM)
    assert run.wait(timeout=30) == 130
    program = night.manifest.parent / "agent.sh"
    program.write_text(
        program.read_text().replace('sleep "$(head -n 1 "$1")"', 'case "$PWD" in */elsewhere/*) ;; *) exit 9;; esac')
    )
    done = night.orchestrator("resume", "--repo", str(night.repository))
    assert done.returncode == 0, done.stdout + done.stderr
    assert night.landed("orchestrator/night") == ["a", "b"]


def test_a_stop_does_not_wait_for_setup(night: Night) -> None:
    """What `setup` is doing is cut short, and owed again at the next start."""
    night.write({"name": "night", "setup": "sleep 300", "beads": beads(["a"], 0)})
    run = night.start()
    wait_for(lambda: any("sleep 300" in row for row in night.left_over()))
    run.send_signal(signal.SIGINT)
    assert run.wait(timeout=20) == 130
    assert not night.left_over()


@pytest.mark.parametrize("after_s", [0.5, 0.7, 0.8, 0.9, 1.0, 1.2])
def test_control_c_in_the_first_moments_ends_it(night: Night, after_s: float) -> None:
    """Wherever in the start it comes: it ends, and says so without a traceback."""
    night.write({"name": "night", "beads": beads(["a"], 60)})
    run = night.start()
    time.sleep(after_s)
    run.send_signal(signal.SIGINT)
    # In the very first moments it is Python itself that dies of the signal; a shell calls that 130 as well.
    assert run.wait(timeout=20) in (130, -signal.SIGINT)
    assert "Traceback" not in (night.folder / "output").read_text()
    assert not night.left_over()


def test_init_makes_a_workspace_that_plans(night: Night) -> None:
    """The README's first step, and what it makes is not overwritten."""
    made = night.orchestrator("init", str(night.repository))
    assert made.returncode == 0, made.stderr
    example = night.repository / "tasks" / "example.yaml"
    planned = night.orchestrator("plan", str(example))
    assert planned.returncode == 0, planned.stderr
    example.write_text("mine")
    assert night.orchestrator("init", str(night.repository)).returncode == 0
    assert example.read_text() == "mine"
    assert (CHECKOUT / "tasks" / "example.yaml").read_text() == (
        CHECKOUT / "orchestrator" / "cli" / "starter" / "example.yaml"
    ).read_text()


def test_many_small_beads_do_not_pile_up(night: Night) -> None:
    """Worktrees are cleared while others are made: never many more than there are workers."""
    work = [{"id": f"b{number}", "run": f"echo {number} > {number}.txt"} for number in range(150)]
    night.write({"name": "night", "workers": 4, "beads": work})
    run = night.start("--worktrees", str(night.worktrees))
    most = 0
    while run.poll() is None:
        folder = night.worktrees / "night"
        most = max(most, len(list(folder.iterdir())) if folder.exists() else 0)
        time.sleep(0.1)
    assert run.returncode == 0
    assert most <= 4 * 2 + 16, most
