"""An agent that goes where it has no business: nothing of the person's changes, and nothing that it planted runs."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.night import Night, wait_for

STRAY = """\
#!/bin/sh
# Does all that a worktree's agent must not, and its task. Nothing of it stops it.
if [ "$ORCHESTRATOR_BEAD" = good ]; then
    while [ ! -e "$LEDGER.done" ]; do sleep 0.05; done
    # Tags are put back after branches: then it has been seen to.
    until [ "$(git rev-parse v1)" = "$(git rev-parse orchestrator/night)" ]; do sleep 0.05; done
    echo good > good.txt
    exit 0
fi
until git show-ref --quiet refs/heads/orchestrator-work/night/good; do sleep 0.05; done
common=$(git rev-parse --path-format=absolute --git-common-dir)
main=$(dirname "$common")
cat > "$LEDGER.sh" <<END
#!/bin/sh
# An agent's own git may well run what it planted. Ours has no such name in its environment.
[ -n "\\$ORCHESTRATOR_BEAD" ] || echo "\\$0" "\\$@" >> "$LEDGER.planted"
END
chmod +x "$LEDGER.sh"
echo "written by its absolute path" > "$main/escaped.txt"
echo "changed by its absolute path" > "$main/README.md"
git commit --quiet --allow-empty --message "Nobody asked for this"
git update-ref -d refs/heads/orchestrator-work/night/good
git branch --quiet --force precious HEAD
git update-ref refs/heads/main HEAD
git tag --force v1 HEAD
git branch litter
git config core.hooksPath "$(dirname "$LEDGER.sh")"
git config core.fsmonitor "$LEDGER.sh"
git config filter.evil.clean "$LEDGER.sh"
echo '* filter=evil' > .gitattributes
cp "$LEDGER.sh" "$common/hooks/post-checkout"
cp "$LEDGER.sh" "$common/hooks/reference-transaction"
git gc --quiet --prune=now
ln -s "$main" way-out
echo bad > bad.txt
: > "$LEDGER.done"
exit 0
"""


def everything(night: Night) -> dict[str, object]:
    """What is the person's, byte for byte."""
    git = night.repository / ".git"
    refs = night.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return {
        "files": {
            str(path.relative_to(night.repository)): path.read_bytes()
            for path in sorted(night.repository.rglob("*"))
            if path.is_file() and git not in path.parents
        },
        "refs": [row for row in refs if "orchestrator" not in row],
        "config": (git / "config").read_bytes(),
        "hooks": sorted(path.name for path in (git / "hooks").iterdir()),
        "head": (git / "HEAD").read_text(),
        "status": night.git("status", "--porcelain"),
    }


def test_an_agent_that_wanders_off_leaves_nothing_behind(night: Night) -> None:
    """All is as before, nothing planted was run, the bead says why it failed, and another one lands beside it."""
    night.git("branch", "precious")
    night.git("tag", "v1")
    (night.repository / "mine.txt").write_text("not committed\n")
    night.write(
        {
            "name": "night",
            "workers": 2,
            "defaults": {"tries": 1, "timeout": "60s"},
            "beads": [{"id": "good", "prompt": "x"}, {"id": "bad", "prompt": "x"}],
        },
        STRAY,
    )
    before = everything(night)
    done = night.run()
    assert done.returncode == 1, done.stdout + done.stderr
    assert not Path(f"{night.environment['LEDGER']}.planted").exists()
    assert everything(night) == before
    assert night.landed("orchestrator/night") == ["good"]
    status = {bead["id"]: bead for bead in night.look("status")["beads"]}
    assert (status["good"]["state"], status["bad"]["state"]) == ("done", "failed")
    assert status["bad"]["reason"].startswith("it went beyond its worktree: ")
    report = night.look("report")
    [crossing] = report["beyond_worktrees"]
    what = {each["what"] for each in crossing["strays"] if each["shown"]}
    assert {"refs/heads/main", "refs/heads/precious", "refs/tags/v1", "refs/heads/litter", "way-out"} <= what
    assert {"core.hookspath", "core.fsmonitor", "filter.evil.clean"} <= what
    assert "refs/heads/orchestrator-work/night/good" in what
    assert "went beyond its worktree" in done.stdout + done.stderr
    for command in ("explain bad", "report"):
        told = night.orchestrator(*command.split(), "--repo", str(night.repository)).stdout
        assert "refs/heads/main" in told, command
    log = (night.state / "logs" / "run.jsonl").read_text().splitlines()
    assert [line for line in map(json.loads, log) if line["event"] == "fence.crossed"]
    assert night.look("prove")["holds"]


def test_what_the_person_does_meanwhile_stays(night: Night) -> None:
    """Commits, branches, settings, hooks and files of theirs, made while agents are at work."""
    agent = """\
#!/bin/sh
touch "$LEDGER.up"
while [ ! -e "$LEDGER.go" ]; do sleep 0.05; done
git merge --quiet main
git log --oneline main > log.txt
echo done > done.txt
"""
    night.write({"name": "night", "beads": [{"id": "a", "prompt": "x"}]}, agent)
    process = night.start()
    ledger = night.environment["LEDGER"]
    wait_for(lambda: Path(f"{ledger}.up").exists())
    (night.repository / "theirs.txt").write_text("new\n")
    night.git("add", "theirs.txt")
    night.git("commit", "--quiet", "--message", "Theirs")
    night.git("branch", "made-by-a-person")
    night.git("tag", "theirs")
    night.git("config", "alias.st", "status")
    (night.repository / ".git" / "hooks" / "pre-commit").write_text("#!/bin/sh\n")
    (night.repository / "README.md").write_text("half an edit\n")
    after = everything(night)
    Path(f"{ledger}.go").touch()
    process.wait(60)  # the proof says that something is another than at the start, and so it is
    assert everything(night) == after
    assert night.landed("orchestrator/night") == ["a"]
    assert not [each for each in night.look("report")["beyond_worktrees"] if any(s["shown"] for s in each["strays"])]
