"""`orchestrator`, and `python -m orchestrator`."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys


def main() -> None:
    if sys.argv[1:] == ["--version"]:
        # Answered before the command line's own imports, which take longer than the answer.
        from orchestrator import __version__

        print(f"orchestrator {__version__}")
        return
    # Imports make tens of thousands of objects that stay: looking through them again and again takes a tenth of a
    # second.
    gc.set_threshold(50_000, 20, 20)
    atexit.register(gc.freeze)  # nor need Python look through them all once more before it goes
    # pydantic would look through every installed package for plug-ins of its own; we use none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        from orchestrator.cli.interruption import interrupted

        signal.signal(signal.SIGINT, interrupted)
        from orchestrator.cli import program

        program()
    except KeyboardInterrupt:
        print("orchestrator: interrupted before anything had begun", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
