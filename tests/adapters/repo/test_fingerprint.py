"""Whatever is changed of what is the person's shows, and what helps to tell who did it."""

from __future__ import annotations

from pathlib import Path

from orchestrator.repo.fingerprint import fingerprint, keep, person
from orchestrator.repo.repository import open_repository
from tests.adapters.repo.conftest import World, git

TARGETS = ["night"]


def test_every_touch_of_what_is_the_persons_changes_the_fingerprint(top: Path) -> None:
    repository = open_repository(top)
    seen = [fingerprint(repository, TARGETS)]
    assert fingerprint(repository, TARGETS) == seen[0]
    for argv in (
        ("branch", "new"),
        ("config", "user.name", "x"),
        ("add", "a.txt"),
        ("stash",),
        ("checkout", "--quiet", "new"),
        ("tag", "v1"),
    ):
        git(top, *argv)
        seen.append(fingerprint(repository, TARGETS))
    for text in ("x", "y"):  # again where git's own words stay the same
        (top / "another").write_text(text)
        seen.append(fingerprint(repository, TARGETS))
    assert all(one != other for number, one in enumerate(seen) for other in seen[:number])
    git(top, "branch", "night")
    git(top, "update-ref", "refs/orchestrator/attic/x/1", "HEAD")
    git(top, "status")  # writes the index anew, with the same content
    assert fingerprint(repository, TARGETS) == seen[-1]


def test_secrets_in_the_configuration_are_not_written_down(top: Path) -> None:
    git(top, "config", "http.https://me:hunter2@example.org/.proxy", "http://x:hunter2@localhost")
    git(top, "config", "credential.helper", "hunter2")
    repository = open_repository(top)
    keep(repository, "night", fingerprint(repository, TARGETS))
    kept = (repository.state / "fingerprints" / "night.json").read_text()
    assert "http.proxy" in kept
    assert "hunter2" not in kept


def test_what_the_person_did_is_told_from_what_agents_made(world: World) -> None:
    """A commit in the checkout is in its reflog; what an attempt made is below our refs and not on the target."""
    targets = [world.target]
    keep(world.repository, "night", fingerprint(world.repository, targets))
    began = world.tip()

    def look(path: Path) -> None:
        (path / "x").write_text("1")

    work = world.work("one", look)
    assert work is not None
    before = world.git("rev-parse", "theirs")
    world.git("update-ref", "refs/heads/theirs", work)
    found = person(world.repository, "night", targets, began, world.target)
    assert found is not None
    assert work in found.agents
    assert found.reached == frozenset()
    assert began not in found.agents
    world.git("update-ref", "refs/heads/theirs", before)
    found = person(world.repository, "night", targets, began, world.target)
    assert found is not None
    assert found.now == found.before
    assert person(world.repository, "another", targets, began, world.target) is None
