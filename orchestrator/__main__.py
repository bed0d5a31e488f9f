"""`orchestrator`, and `python -m orchestrator`."""

from __future__ import annotations

import sys


def main() -> None:
    if sys.argv[1:] == ["--version"]:
        # Answered before the command line's own imports, which take longer than the answer.
        from orchestrator import __version__

        print(f"orchestrator {__version__}")
        return
    from orchestrator.cli import program

    program()


if __name__ == "__main__":
    main()
