"""Runs the benchmarks by name, each in a process of its own, and says which figures miss what is asked of them."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time

NAMES = ("version", "decide", "locks", "starts", "sessions", "landing", "sixteen", "hundred", "worktrees", "train")


def main() -> int:
    wanted = sys.argv[1:] or list(NAMES)
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        print(f"bench: no such benchmark: {', '.join(unknown)}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    day = time.strftime("%Y-%m-%d")
    print(f"{day}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}", flush=True)
    missed = [
        name
        for name in wanted
        if subprocess.run([sys.executable, "-m", f"scripts.benchmarks.{name}"], check=False).returncode
    ]
    print(f"missed: {', '.join(missed)}" if missed else "every figure is within what is asked of it")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
