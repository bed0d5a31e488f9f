"""The base branch moves while the night is at work: taken in green, left out red, only said where nobody asked."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.night import Night, beads, wait_for

TARGET = "orchestrator/night"
CHECK = "test ! -e broken"


@pytest.fixture
def night(tmp_path: Path) -> Night:
    made = Night(tmp_path / "night")
    made.make_repository({"README.md": "A repository.\n"})
    return made


def commit(night: Night, name: str) -> str:
    """A person's own commit on main, in their checkout."""
    (night.repository / name).write_text(f"{name}\n")
    night.git("add", name)
    night.git("commit", "--quiet", "--message", f"Add {name}")
    return night.git("rev-parse", "main")


def settings(**more: Any) -> dict[str, Any]:
    """`a` lands at once, `b` in a while."""
    named = [*beads(["a"], 0), *beads(["b"], 4)]
    return {"name": "night", "workers": 2, "backoff": {"first": "100ms"}, "verify": [CHECK], "beads": named, **more}


def is_landed(night: Night) -> bool:
    branches = night.git("branch", "--list", "--format=%(refname:short)")
    return TARGET in branches and "a" in night.landed(TARGET)


def files(night: Night, at: str) -> set[str]:
    return set(night.git("ls-tree", "--name-only", at).split())


def every_commit_is_green(night: Night) -> bool:
    line = night.git("rev-list", "--first-parent", f"main..{TARGET}").split()
    return all("broken" not in files(night, each) for each in line)


def test_what_is_new_on_the_base_is_merged_and_what_landed_stays(night: Night) -> None:
    try:
        night.write(settings())
        process = night.start("--follow-base")
        wait_for(lambda: is_landed(night))
        newer = commit(night, "new.txt")
        assert process.wait(60) == 0
        assert sorted(night.landed(TARGET)) == ["a", "b"]
        assert {"a.txt", "b.txt", "new.txt"} <= files(night, TARGET)
        night.git("merge-base", "--is-ancestor", newer, TARGET)
        assert every_commit_is_green(night)
        assert night.look("prove")["holds"], night.look("prove")
        assert "has been taken in" in night.look("report")["base_moved"]
        (night.state / "verified.jsonl").write_text("")
        [note] = night.git("for-each-ref", "--format=%(refname)", "refs/orchestrator/followed").split()
        night.git("update-ref", "-d", note)
        against = {each["claim"]: each["detail"] for each in night.look("prove")["findings"] if not each["holds"]}
        assert "Merge branch 'main'" in against["every commit on the target was put there by a landing of ours"]
        assert "the base, as" in against["each bead said to have landed is on the target"]
        assert "the base (" in against["each landed tree passed the manifest's checks"]
    finally:
        night.close()


def test_where_nothing_has_landed_the_target_begins_on_the_newer_base(night: Night) -> None:
    try:
        night.write(settings(beads=beads(["b"], 3), follow_base=True))
        process = night.start()
        wait_for(lambda: TARGET in night.git("branch", "--list", "--format=%(refname:short)"))
        newer = commit(night, "new.txt")
        assert process.wait(60) == 0
        assert night.git("rev-parse", f"{TARGET}^") == newer
        assert night.look("prove")["holds"], night.look("prove")
    finally:
        night.close()


def test_a_red_base_is_left_out_and_said(night: Night) -> None:
    try:
        night.write(settings(follow_base=True))
        process = night.start()
        wait_for(lambda: is_landed(night))
        commit(night, "broken")
        assert process.wait(60) == 0
        assert sorted(night.landed(TARGET)) == ["a", "b"]
        assert "broken" not in files(night, TARGET)
        assert CHECK in night.look("report")["base_moved"]
        assert night.look("prove")["holds"], night.look("prove")
    finally:
        night.close()


def test_without_being_asked_it_is_only_said(night: Night) -> None:
    try:
        night.write(settings())
        process = night.start()
        wait_for(lambda: is_landed(night))
        commit(night, "new.txt")
        assert process.wait(60) == 0
        assert "new.txt" not in files(night, TARGET)
        assert "--follow-base" in night.look("report")["base_moved"]
        assert night.look("prove")["holds"], night.look("prove")
    finally:
        night.close()


def test_a_kill_while_the_base_is_checked_costs_nothing(night: Night) -> None:
    """What was composed is checked and lands at the next start, once."""
    try:
        slow = night.folder / "slow"
        check = f"test ! -e new.txt || test ! -e {slow} || {{ touch {slow}.begun; sleep 30; }}"
        night.write(settings(follow_base=True, verify=[check]))
        slow.touch()
        process = night.start()
        wait_for(lambda: is_landed(night))
        newer = commit(night, "new.txt")
        wait_for(slow.with_name("slow.begun").exists)
        process.send_signal(signal.SIGKILL)
        process.wait()
        slow.unlink()
        done = night.run()
        assert done.returncode == 0, done.stdout + done.stderr
        assert sorted(night.landed(TARGET)) == ["a", "b"]
        merges = night.git("rev-list", "--first-parent", "--merges", "--count", TARGET)
        night.git("merge-base", "--is-ancestor", newer, TARGET)
        assert merges == "1"
        assert night.look("prove")["holds"], night.look("prove")
    finally:
        night.close()


def test_who_has_no_branch_to_follow_is_told_before_anything_begins(night: Night) -> None:
    """And a run that has begun on one goes on, whatever the person is on by then."""
    try:
        night.git("switch", "--quiet", "--detach")
        night.write(settings(follow_base=True, beads=beads(["a"], 0)))
        done = night.run()
        assert done.returncode == 2
        assert "follow_base" in done.stdout + done.stderr
        assert TARGET not in night.git("branch", "--list", "--format=%(refname:short)")
        night.git("switch", "--quiet", "main")
        night.write(settings(follow_base=True))
        process = night.start()
        wait_for(lambda: is_landed(night))
        process.send_signal(signal.SIGKILL)
        process.wait()
        night.git("switch", "--quiet", "--detach")
        newer = night.git("commit-tree", "main^{tree}", "-p", "main", "-m", "Newer")
        night.git("update-ref", "refs/heads/main", newer)
        assert night.run().returncode == 0
        night.git("merge-base", "--is-ancestor", newer, TARGET)
    finally:
        night.close()
