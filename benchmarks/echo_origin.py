"""A server that agrees to any WebSocket and echoes its short frames: `python -m ... PORT`.

Asked for anything else, it gives the small answer. It knows as much of RFC 6455 as the
row of tunnels needs: the handshake, and masked frames of at most 125 bytes.
"""

import asyncio
import base64
import hashlib
import sys
from typing import Final

from benchmarks.origin import SMALL_BODY

_MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_BACKLOG: Final = 4096


def accept_of(key: bytes) -> bytes:
    """What Sec-WebSocket-Accept says to a key (RFC 6455 section 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key + _MAGIC).digest())


def masked(payload: bytes, mask: bytes = b"\x01\x02\x03\x04") -> bytes:
    """A client's text frame of at most 125 bytes."""
    hidden = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return bytes((0x81, 0x80 | len(payload))) + mask + hidden


def bare(payload: bytes) -> bytes:
    """A server's text frame of at most 125 bytes."""
    return bytes((0x81, len(payload))) + payload


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, until the peer ends it."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            key = _field(head, b"sec-websocket-key")
            if key is not None:
                writer.write(
                    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                    b"Connection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n" % accept_of(key)
                )
                await _echo(reader, writer)
                return
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(SMALL_BODY), SMALL_BODY)
            )
    except (asyncio.IncompleteReadError, ConnectionError):
        return  # The peer has gone; whatever it wanted, nobody waits for it.
    finally:
        writer.close()


def _field(head: bytes, name: bytes) -> bytes | None:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == name:
            return value.strip()
    return None


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        _, size = await reader.readexactly(2)
        mask = await reader.readexactly(4)
        hidden = await reader.readexactly(size & 0x7F)
        writer.write(bare(bytes(byte ^ mask[i % 4] for i, byte in enumerate(hidden))))


async def main() -> None:
    """Serve until SIGTERM ends the process."""
    port = int(sys.argv[1])
    server = await asyncio.start_server(serve, "127.0.0.1", port, backlog=_BACKLOG)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
