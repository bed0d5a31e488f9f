"""`^C` before a run has its own answer to it."""

from __future__ import annotations

import signal
import threading
from types import FrameType

_AGAIN_S = 0.01
_LOCKING = frozenset({"cb", "acquire", "release", "_get_module_lock", "__enter__", "__exit__", "__init__"})
"""Functions of Python's import machinery that take a lock and let go of it by themselves."""


def interrupted(number: int, frame: FrameType | None) -> None:
    """A signal's handler. Raises `KeyboardInterrupt`, but never there where an import lock is taken or let go of.

    In there it would be swallowed, or the lock would be kept, and the next thread that imports something would wait for
    ever (seen: three of 150 starts that were interrupted hung). It is raised a moment later then.
    """
    code = frame.f_code if frame is not None else None
    if code is None or code.co_name not in _LOCKING or code.co_filename != "<frozen importlib._bootstrap>":
        raise KeyboardInterrupt
    # To the main thread, which may sit in a system call by then.
    again = threading.Timer(_AGAIN_S, signal.pthread_kill, (threading.get_ident(), number))
    again.daemon = True
    again.start()
