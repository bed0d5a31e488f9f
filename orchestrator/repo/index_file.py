"""What an index says of itself, read without a git: cheap and cautious answers, for what is asked of every worktree.

Does not know paths, nor which of them differ from anything.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

_HEAD = struct.Struct("!4sII")
_TRAILER = hashlib.sha1().digest_size
_FLAGS = 60
"""Where, in an entry, its two bytes of flags are; its path comes next. As gitformat-index(5) has it for version 2."""
_UNWATCHED, _EXTENDED, _LENGTH = 0x8000, 0x4000, 0x0FFF
_LINK = b"\x00\x00\xe0\x00"
"""The mode of a link to a commit, as it is stored there."""
_SPLIT = b"link\x00"
"""Begins what says that other entries are in another file (`update-index --split-index`)."""


def may_link(index: Path) -> bool:
    """Whether it may name submodules, or repositories that are none."""
    if not index.exists():
        return False
    data = index.read_bytes()
    return _LINK in data or _SPLIT in data


def may_hide(index: Path) -> bool:
    """Whether git may have been told not to look at some of the files (`update-index --assume-unchanged`)."""
    try:
        data = index.read_bytes()
        signature, version, count = _HEAD.unpack_from(data)
    except (OSError, struct.error):
        return True
    # Only in newer versions can a file be skipped. One that is damaged, or of other object names, is git's to read.
    if (signature, version) != (b"DIRC", 2) or hashlib.sha1(data[:-_TRAILER]).digest() != data[-_TRAILER:]:
        return True
    at = _HEAD.size
    for _ in range(count):
        flags = data[at + _FLAGS] << 8 | data[at + _FLAGS + 1]
        if flags & (_UNWATCHED | _EXTENDED):
            return True
        name = at + _FLAGS + 2
        length = flags & _LENGTH
        if length == _LENGTH:  # or longer
            length = data.index(0, name) - name
        at += (_FLAGS + 2 + length + 8) & ~7
    return False
