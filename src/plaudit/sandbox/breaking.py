"""Breaking a TCP connection so that the other side sees a reset, not a polite end."""

from __future__ import annotations

import asyncio
import socket
import struct


def drop(transport: asyncio.Transport) -> None:
    sock = transport.get_extra_info("socket")
    if sock is not None:  # lingering for 0 seconds makes the close a reset
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
