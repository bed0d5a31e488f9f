"""A night that proposes what it lands: a stand-in for `gh` on PATH, a bare remote, and kills in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.night import Night, beads, wait_for

TARGET = "orchestrator/night"
GH = """\
#!/usr/bin/env python3
import json, os, pathlib, sys, time
words, kept = sys.argv[1:], pathlib.Path(os.environ["HOME"], "far.json")
said = {name: words[at + 1] for at, name in enumerate(words) if name.startswith("--") and at + 1 < len(words)}
known = json.loads(kept.read_text()) if kept.exists() else []
with open(kept.with_name("calls"), "a") as calls:
    print(" ".join(words[:2]), file=calls)
if kept.with_name("down").exists():
    sys.exit("error connecting to api.github.com")
if words[1] == "list":
    print(json.dumps([{"url": one["url"]} for one in known if one["head"] == said["--head"]]))
elif words[1] == "create":
    url = f"https://github.com/o/r/pull/{len(known) + 1}"
    body = pathlib.Path(said["--body-file"]).read_text()
    known.append({"url": url, "head": said["--head"], "base": said["--base"], "title": said["--title"], "body": body})
    kept.write_text(json.dumps(known))
    if kept.with_name("slow").exists():
        time.sleep(60)
    print(f"Creating pull request\\n\\n{url}")
else:
    [one] = [one for one in known if one["url"] == words[2]]
    one.update(title=said["--title"], body=pathlib.Path(said["--body-file"]).read_text())
    kept.write_text(json.dumps(known))
"""


@pytest.fixture
def night(tmp_path: Path) -> Night:
    made = Night(tmp_path / "night")
    made.make_repository({"README.md": "A repository.\n"})
    subprocess.run(["git", "init", "--quiet", "--bare", str(made.folder / "far.git")], check=True)
    made.git("remote", "add", "origin", "../far.git")
    made.git("push", "--quiet", "origin", "main")
    program = made.folder / "bin" / "gh"
    program.parent.mkdir()
    program.write_text(GH)
    program.chmod(0o755)
    made.environment["PATH"] = f"{program.parent}{os.pathsep}{made.environment['PATH']}"
    return made


def home(night: Night, name: str) -> Path:
    return Path(night.environment["HOME"]) / name


def opened(night: Night) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(home(night, "far.json").read_text())
    return found


def far(night: Night, *argv: str) -> str:
    return night.git("--git-dir", str(night.folder / "far.git"), *argv)


def settings(**more: Any) -> dict[str, Any]:
    named = beads(["a", "b", "c"], 0, {"b": ["a"]})
    how = {"name": "night", "workers": 2, "backoff": {"first": "100ms"}, "mode": "pull-request", "verify": ["true"]}
    return {**how, "beads": named, **more}


def test_one_for_the_night_has_all_that_landed(night: Night) -> None:
    try:
        night.write(settings())
        done = night.run()
        assert done.returncode == 0, done.stdout + done.stderr
        [one] = opened(night)
        assert (one["head"], one["base"], one["title"]) == (TARGET, "main", "night: 3 beads")
        assert "All 3 beads landed." in one["body"]
        assert "it passed `true`" in one["body"]
        assert far(night, "rev-parse", TARGET) == night.git("rev-parse", TARGET)
        [said] = night.look("status")["pull_requests"]
        assert (said["url"], said["open"], said["reason"]) == ("https://github.com/o/r/pull/1", True, None)
        told = night.look("report")["pull_requests"]
        assert told == {"said": "Pull request: https://github.com/o/r/pull/1.", "done": True}
        proof = night.look("prove")
        [finding] = [each for each in proof["findings"] if "pull request" in each["claim"]]
        assert proof["holds"]
        assert finding["holds"]
        far(night, "update-ref", f"refs/heads/{TARGET}", "main")
        [finding] = [each for each in night.look("prove")["findings"] if "pull request" in each["claim"]]
        assert not finding["holds"]
    finally:
        night.close()


def test_each_bead_has_its_own_with_its_change_alone(night: Night) -> None:
    try:
        night.write(settings(pull_request={"per": "bead"}))
        done = night.run()
        assert done.returncode == 0, done.stdout + done.stderr
        by_head = {one["head"].rsplit("/", 1)[-1]: one for one in opened(night)}
        assert sorted(by_head) == ["a", "b", "c"]
        assert [by_head[name]["base"] for name in "abc"] == ["main", "orchestrator-pr/night/a", "main"]
        for name, one in by_head.items():
            changed = far(night, "diff", "--name-only", f"{one['base']}...{one['head']}")
            assert changed == f"{name}.txt"
            assert far(night, "log", "-1", "--format=%(trailers:key=Bead,valueonly)", one["head"]).strip() == name
        assert TARGET not in far(night, "branch", "--list", "--format=%(refname:short)")
        assert sorted(night.landed(TARGET)) == ["a", "b", "c"]
        assert night.look("prove")["holds"]
    finally:
        night.close()


@pytest.mark.parametrize("per", ["night", "bead"])
def test_a_kill_while_one_is_opened_opens_none_twice(night: Night, per: str) -> None:
    """It is open at the host, and we die before we hear of it."""
    try:
        home(night, "slow").touch()
        night.write(settings(pull_request={"per": per}))
        process = night.start()
        wait_for(home(night, "far.json").exists)
        process.send_signal(signal.SIGKILL)
        process.wait()
        home(night, "slow").unlink()
        done = night.run()
        assert done.returncode == 0, done.stdout + done.stderr
        heads = [one["head"] for one in opened(night)]
        assert len(heads) == len(set(heads)) == (1 if per == "night" else 3)
        assert all(each["open"] for each in night.look("status")["pull_requests"])
    finally:
        night.close()


def test_a_command_of_ones_own_that_cannot_be_asked_is_doubted_and_not_run_twice(night: Night) -> None:
    try:
        home(night, "slow").touch()
        own = "gh pr create --head {head} --base {base} --title {title} --body-file {body_file}"
        night.write(settings(pull_request={"open": own}))
        process = night.start()
        wait_for(home(night, "far.json").exists)
        process.send_signal(signal.SIGKILL)
        process.wait()
        home(night, "slow").unlink()
        done = night.run()
        assert done.returncode == 0, done.stdout + done.stderr
        assert home(night, "calls").read_text().splitlines() == ["pr create"]
        assert far(night, "rev-parse", TARGET) == night.git("rev-parse", TARGET)
        told = night.look("report")["pull_requests"]
        assert not told["done"]
        assert "is not known" in told["said"]
    finally:
        night.close()


def test_a_host_that_is_down_keeps_nothing_from_landing(night: Night) -> None:
    """It is said, and the next start opens it."""
    try:
        home(night, "down").touch()
        night.write(settings(push={"tries": 2}))
        done = night.run()
        assert done.returncode == 0, done.stdout + done.stderr
        assert sorted(night.landed(TARGET)) == ["a", "b", "c"]
        [said] = night.look("status")["pull_requests"]
        assert not said["open"]
        assert "error connecting" in said["reason"]
        assert not night.look("report")["pull_requests"]["done"]
        home(night, "down").unlink()
        again = night.run()
        assert again.returncode == 0, again.stdout + again.stderr
        assert len(opened(night)) == 1
    finally:
        night.close()


def test_what_does_not_go_onto_the_base_by_itself_brings_what_landed_before(night: Night) -> None:
    """Two that write one file, and do not say that one needs the other."""
    agent = "#!/bin/sh\nset -e\necho $ORCHESTRATOR_BEAD >> all.txt\ngit add --all\ngit commit -qm x\n"
    try:
        both = [{"id": name, "prompt": "0\n", "files": ["all.txt"]} for name in "ab"]
        night.write(settings(beads=both, pull_request={"per": "bead"}), agent)
        done = night.run()
        assert done.returncode == 0, done.stdout + done.stderr
        heads = {one["head"].rsplit("/", 1)[-1]: one["head"] for one in opened(night)}
        tip = night.git("rev-parse", TARGET)
        assert tip in {far(night, "rev-parse", head) for head in heads.values()}
        assert {one["base"] for one in opened(night)} == {"main"}
    finally:
        night.close()


def test_a_target_that_begins_on_no_branch_must_be_told_where_to(night: Night) -> None:
    try:
        night.write(settings(base=night.git("rev-parse", "main")))
        done = night.run()
        assert done.returncode == 2
        assert "pull_request.base" in done.stdout + done.stderr
        assert TARGET not in night.git("branch", "--list", "--format=%(refname:short)")
    finally:
        night.close()
