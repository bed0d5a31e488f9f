"""How much went over the TCP connections of some processes, as the kernel counts it.

Knows sockets and their counters. Does not know whose they are, nor what went over them. Linux tells the bytes of a
socket by netlink only (sock_diag(7)); psutil has the connections, and no bytes.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable, Mapping

_SOCK_DIAG, _BY_FAMILY, _DONE, _ERROR = 4, 20, 3, 2
_REQUEST_DUMP = 0x301
_INFO = 2
_ESTABLISHED = 1
_HEADER = struct.Struct("=IHHII")
_QUERY = struct.Struct("=BBBBI48x")
_INODE_AT, _ANSWER = 68, 72
_BYTES_AT = 120
"""In `struct tcp_info`: acknowledged, then received."""


def traffic(pids: Iterable[int]) -> Mapping[int, int] | None:
    """Bytes sent and received by each established connection of these processes, by inode. None: it cannot be told."""
    wanted = {inode for pid in pids for inode in _sockets(pid)}
    if not wanted:
        return {}
    try:
        counted = {**_counted(socket.AF_INET), **_counted(socket.AF_INET6)}
    except OSError:  # a sandbox that forbids it
        return None
    return {inode: count for inode, count in counted.items() if inode in wanted}


def _sockets(pid: int) -> list[int]:
    """None for a process that is gone, or that we may not look into."""
    found = []
    try:
        for entry in os.scandir(f"/proc/{pid}/fd"):
            link = os.readlink(entry.path)
            if link.startswith("socket:["):
                found.append(int(link[8:-1]))
    except OSError:
        return found
    return found


def _counted(family: int) -> dict[int, int]:
    query = _QUERY.pack(family, socket.IPPROTO_TCP, 1 << (_INFO - 1), 0, 1 << _ESTABLISHED)
    found: dict[int, int] = {}
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _SOCK_DIAG) as asked:
        asked.settimeout(1.0)
        asked.send(_HEADER.pack(_HEADER.size + len(query), _BY_FAMILY, _REQUEST_DUMP, 1, 0) + query)
        while True:
            answer = memoryview(asked.recv(1 << 17))
            while len(answer) >= _HEADER.size:
                length, kind, *_ = _HEADER.unpack_from(answer)
                if kind == _DONE:
                    return found
                if kind == _ERROR or length < _HEADER.size:
                    raise OSError("the kernel does not tell of sockets")
                _read(answer[_HEADER.size : length], found)
                answer = answer[(length + 3) & ~3 :]


def _read(body: memoryview, found: dict[int, int]) -> None:
    (inode,) = struct.unpack_from("=I", body, _INODE_AT)
    rest = body[_ANSWER:]
    while len(rest) >= 4:
        length, kind = struct.unpack_from("=HH", rest)
        if length < 4:
            return
        if kind == _INFO and length >= 4 + _BYTES_AT + 16:
            found[inode] = sum(struct.unpack_from("=QQ", rest, 4 + _BYTES_AT))
        rest = rest[(length + 3) & ~3 :]
