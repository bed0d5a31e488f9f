"""What this machine has that a run needs: git, the repository, agent programs."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from orchestrator.app.looking import holder


def examine(repo: Path) -> dict[str, Any]:
    """What this machine has that a run needs: git, the repository, agent programs."""
    from orchestrator.agents.catalog import Catalog
    from orchestrator.repo.faults import RepositoryFault
    from orchestrator.repo.repository import open_repository, worktrees_folder

    machine: list[dict[str, Any]] = []
    python = ".".join(map(str, sys.version_info[:3]))
    machine.append({"what": "Python", "found": python, "ok": sys.version_info >= (3, 11)})
    try:
        repository = open_repository(repo)
    except RepositoryFault as fault:
        machine.append({"what": "repository", "found": str(fault), "ok": False})
    else:
        git = ".".join(map(str, repository.git_version))
        folder = worktrees_folder(repository, None, None)
        free = shutil.disk_usage(repository.common_dir).free / 2**30
        at_work = holder(repository)
        machine += [
            {"what": "git", "found": git, "ok": True},
            {"what": "repository", "found": str(repository.checkout or repository.common_dir), "ok": True},
            {"what": "worktrees would be made in", "found": str(folder), "ok": os.access(folder.parent, os.W_OK)},
            {"what": "free disk", "found": f"{free:.1f} GiB", "ok": free > 1},
            {"what": "at work", "found": f"pid {at_work.process.pid}" if at_work else "nobody", "ok": True},
        ]
    catalog = Catalog({}, repo)
    agents = []
    for name in catalog.names():
        found = catalog.found(name)
        hint = catalog.profile(name).install
        agents.append({"name": name, "found": str(found) if found else None, "hint": hint or "not installed"})
    return {"machine": machine, "agents": agents}
