"""Files that are nobody's work, by the person's own exclusions and by the manifest's: neither collected nor kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orchestrator.repo.plumbing import Git
from orchestrator.repo.repository import Repository
from orchestrator.repo.whole import put


def exclusions(git: Git, repository: Repository, patterns: Sequence[str]) -> Path:
    """A file of the person's own exclusions, followed by ours: git reads one such file only."""
    asked = git(repository.place, "config", "--type=path", "--get", "core.excludesFile", codes=(0, 1)).text
    home = Path.home() / ".config"
    theirs = Path(asked) if asked else home / "git" / "ignore"
    file = repository.state / "excludes"
    file.parent.mkdir(parents=True, exist_ok=True)
    own = theirs.read_text(errors="replace") if theirs.is_file() else ""
    put(file, own.rstrip("\n") + "\n" + "\n".join(patterns) + "\n")
    return file
