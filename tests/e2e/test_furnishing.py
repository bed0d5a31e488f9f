"""What a worktree needs beside its files, from the manifest to the target."""

from __future__ import annotations

from tests.e2e.night import Night, beads, wait_for

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{:064}\nsize 1\n"


def test_dependencies_are_made_once_for_a_whole_night(night: Night) -> None:
    """Four beads in two worktrees, and the stages of their checks: each finds the folder, and the tool ran once."""
    for name, text in {"deps.lock": "one\n", ".gitignore": "deps/\n"}.items():
        (night.repository / name).write_text(text)
    night.git("add", "--all")
    night.git("commit", "--quiet", "--message", "Lock")
    make = f"mkdir deps && cp deps.lock deps/made && echo made >> {night.folder}/made"
    work = [{**each, "verify": "test -f deps/made"} for each in beads(list("abcd"), 0)]
    deps = {"deps": {"lock": "deps.lock", "make": make}}
    night.write({"name": "night", "workers": 2, "dependencies": deps, "verify": "test -f deps/made", "beads": work})
    done = night.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert night.landed("orchestrator/night") == list("abcd")
    assert (night.folder / "made").read_text() == "made\n"
    assert "deps/" not in night.git("ls-tree", "-r", "--name-only", "orchestrator/night")
    assert night.look("prove")["holds"]


def test_a_folder_that_leads_elsewhere_is_a_fault_of_the_manifest(night: Night) -> None:
    night.write({"dependencies": {"../deps": {"lock": "x", "make": "y"}}, "beads": [{"id": "a", "prompt": "x"}]})
    done = night.run()
    assert done.returncode == 2
    assert "../deps" in done.stderr


def test_without_git_lfs_its_files_are_named_before_the_run_and_by_doctor(night: Night) -> None:
    (night.repository / ".gitattributes").write_text("*.bin filter=lfs -text\n")
    for number in range(4):
        (night.repository / f"{number}.bin").write_text(POINTER.format(number))
    night.git("add", "--all")
    night.git("commit", "--quiet", "--message", "Large files")
    night.hide("git-lfs")
    night.write({"name": "night", "beads": beads(["a"], 0)})
    done = night.run()
    assert done.returncode == 0, done.stdout + done.stderr
    for said in (done.stderr, night.orchestrator("plan", str(night.manifest)).stderr):
        assert "0.bin, 1.bin, 2.bin and 1 more" in said
        assert "git-lfs is not installed" in said
    [line] = [each for each in night.look("doctor")["machine"] if each["what"] == "files in Git LFS"]
    assert not line["ok"]


def test_what_a_killed_night_leaves_is_freed_by_clean(night: Night) -> None:
    """What it would do is said first, and nothing is touched; then the work is in the attic, and the rest is gone."""
    for name, text in {"deps.lock": "one\n", ".gitignore": "deps/\n"}.items():
        (night.repository / name).write_text(text)
    night.git("add", "--all")
    night.git("commit", "--quiet", "--message", "Lock")
    deps = {"deps": {"lock": "deps.lock", "make": "mkdir deps && cp deps.lock deps/made"}}
    work = [*beads(["a", "b"], 0), *beads(["c"], 60, {"c": ["a", "b"]})]
    night.write({"name": "night", "workers": 2, "dependencies": deps, "verify": "true", "beads": work})
    run = night.start()
    worktrees = night.repository.parent / "repo-worktrees" / "night"
    wait_for(lambda: (worktrees / "c" / "deps").is_dir() and list(worktrees.glob(".spare-*")))
    (worktrees / "c" / "half").write_text("half a bead\n")
    run.kill()
    run.wait()
    old = str(night.repository)
    said = night.orchestrator("clean", "--recordings-older-than", "0s", "--repo", old).stdout
    for what in ("would keep what is in", "in which is nobody's work", "templates of dependencies", "recordings: "):
        assert what in said
    assert (worktrees / "c" / "half").exists()
    done = night.orchestrator("clean", "--yes", "--recordings-older-than", "0s", "--repo", old)
    assert done.returncode == 0, done.stdout + done.stderr
    state = night.repository / ".git" / "orchestrator"
    assert not worktrees.exists()
    assert [line for line in night.git("worktree", "list").splitlines() if "worktrees" in line] == []
    assert list((state / "templates").iterdir()) == []
    assert list((state / "recordings").iterdir()) == []
    assert night.git("show", "refs/orchestrator/attic/c/1:half") == "half a bead"
    said = night.orchestrator("clean", "--repo", old).stdout
    assert "would" not in said
