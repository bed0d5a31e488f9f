"""How much room recordings may take: beyond that the oldest go.

Knows files and their age. Does not know what is in them.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path


def let_go(folder: Path, most_bytes: float, spare: Collection[str]) -> list[str]:
    """Remove the oldest until all of them fit, but none whose name is in `spare`, nor the newest; which went.

    Raises `OSError`.
    """
    with os.scandir(folder) as entries:
        found = sorted((entry.stat().st_mtime_ns, entry.stat().st_size, entry.name) for entry in entries)
    total = sum(size for _, size, _ in found)
    gone = []
    for _, size, name in found[:-1]:
        if total <= most_bytes:
            break
        if name.endswith(".cast") and name not in spare:
            (folder / name).unlink(missing_ok=True)
            total -= size
            gone.append(name)
    return gone
