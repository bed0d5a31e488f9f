"""What this machine has that a run needs: git, the repository, agent programs."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.app.loading import load
from orchestrator.app.looking import holder

if TYPE_CHECKING:
    from orchestrator.agents.catalog import Catalog
    from orchestrator.repo.repository import Repository


def examine(repo: Path, manifest: Path | None = None) -> dict[str, Any]:
    """What this machine has that a run needs: git, the repository, agent programs; a manifest's own as well.

    Raises `ManifestFaults`.
    """
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
            _walls(repository),
            *_sandboxes(),
            *_large_files(repository),
            {"what": "at work", "found": f"pid {at_work.process.pid}" if at_work else "nobody", "ok": True},
        ]
    catalog = Catalog({}, repo) if manifest is None else load(manifest, require_routes=False)[1]
    return {"machine": machine, "agents": _agents(catalog)}


def _walls(repository: Repository) -> dict[str, Any]:
    """Whether agents can be kept from writing to the checkout."""
    from orchestrator.runtime.confinement import Walls
    from orchestrator.sessions.walls import why_not

    top = repository.checkout or repository.common_dir
    fault = why_not(Walls(mounts=((top, False), (repository.common_dir, True))))
    found = f"none can be made ({fault}): what agents write there is looked for after the fact" if fault else "yes"
    return {"what": "walls around agents", "found": found, "ok": True}


def _large_files(repository: Repository) -> list[dict[str, Any]]:
    """Where the repository has files that Git LFS keeps: whether they will be there."""
    from orchestrator.repo import lfs

    if repository.checkout is None or not lfs.is_used(repository.checkout):
        return []
    fault = lfs.warning(repository)
    return [{"what": "files in Git LFS", "found": fault or "there in worktrees, too", "ok": not fault}]


def _sandboxes() -> list[dict[str, Any]]:
    """Whether the manifest may ask for `sandbox`, and for limits in it."""
    from orchestrator.sessions.sandbox import why_no_limits, why_no_sandbox

    asked = (("sandboxes", why_no_sandbox()), ("limits of agents", why_no_limits()))
    return [{"what": what, "found": f"none ({fault})" if fault else "yes", "ok": True} for what, fault in asked]


def _agents(catalog: Catalog) -> list[dict[str, Any]]:
    """What is to be told of each. Asked for at once: some need seconds to say their version."""
    from concurrent.futures import ThreadPoolExecutor

    from orchestrator.agents.diagnosis import diagnose

    with ThreadPoolExecutor(max_workers=os.cpu_count(), thread_name_prefix="doctor") as pool:
        found = list(pool.map(lambda name: diagnose(catalog, name, os.environ), catalog.names()))
    return [
        {
            "name": each.name,
            "found": str(each.program) if each.program else None,
            "hint": each.install or "not installed",
            "version": each.version,
            "signed_in": each.signed_in,
            "sign_in": each.sign_in,
            "command": shlex.join(each.command),
            "resumes": each.resumes,
        }
        for each in found
    ]
