"""Files that are written whole or not at all, also when we die in between."""

from __future__ import annotations

import stat
from contextlib import suppress
from pathlib import Path


def put(file: Path, content: str | bytes) -> None:
    """In the place of what is there, with its mode. A death leaves one `.orchestrator` beside it at the worst.

    Raises `OSError`.
    """
    new = file.with_name(f"{file.name}.orchestrator")
    new.unlink(missing_ok=True)  # whatever it is: a link would lead elsewhere
    with new.open("xb") as written:
        written.write(content.encode() if isinstance(content, str) else content)
    with suppress(FileNotFoundError):
        new.chmod(stat.S_IMODE(file.stat().st_mode))
    new.replace(file)
