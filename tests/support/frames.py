"""WebSocket frames, written and read by the book (RFC 6455 section 5.2), for tests."""

from collections.abc import Iterator, Sequence

import attrs

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK = b"\x01\x02\x03\x04"


@attrs.frozen
class Frame:
    """One frame; ``is_final`` says whether its message ends with it."""

    opcode: int
    payload: bytes = b""
    is_final: bool = True
    is_masked: bool = False

    def __bytes__(self) -> bytes:
        first = self.opcode | (0x80 if self.is_final else 0)
        bit, size = 0x80 if self.is_masked else 0, len(self.payload)
        if size <= 125:
            head = bytes((first, bit | size))
        elif size < 2**16:
            head = bytes((first, bit | 126)) + size.to_bytes(2)
        else:
            head = bytes((first, bit | 127)) + size.to_bytes(8)
        return head + (MASK + masked(self.payload, MASK) if self.is_masked else self.payload)


def masked(payload: bytes, mask: bytes) -> bytes:
    """Mask or unmask (RFC 6455 section 5.3)."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(size)


def from_client(opcode: int, payload: bytes = b"", *, is_final: bool = True) -> bytes:
    """A frame as clients send it."""
    return bytes(Frame(opcode, payload, is_final, is_masked=True))


def from_server(opcode: int, payload: bytes = b"", *, is_final: bool = True) -> bytes:
    """A frame as servers send it."""
    return bytes(Frame(opcode, payload, is_final))


def close_payload(status: int) -> bytes:
    """What a Close carries."""
    return status.to_bytes(2)


def frames_in(data: bytes) -> list[Frame]:
    """The frames that ``data`` consists of, payloads unmasked; the last one must be whole."""
    return list(_read(data))


def whole_frames(data: bytes) -> list[Frame]:
    """The frames that are whole already; of the last one something may be missing."""
    frames = []
    reader = _read(data)
    while True:
        try:
            frames.append(next(reader))
        except (StopIteration, IndexError, AssertionError):
            return frames


def _read(data: bytes) -> Iterator[Frame]:
    at = 0
    while at < len(data):
        first, second = data[at], data[at + 1]
        size, at = second & 0x7F, at + 2
        if size > 125:
            width = 2 if size == 126 else 8
            size, at = int.from_bytes(data[at : at + width]), at + width
        is_masked = bool(second & 0x80)
        mask, at = (data[at : at + 4], at + 4) if is_masked else (bytes(4), at)
        assert at + size <= len(data), "the last frame is cut"
        payload = masked(data[at : at + size], mask)
        yield Frame(first & 0x0F, payload, bool(first & 0x80), is_masked)
        at += size


def message_of(parts: Sequence[tuple[bytes, Sequence[Frame]]]) -> list[Frame]:
    """One message in frames: payloads, each with the control frames that follow it."""
    frames: list[Frame] = []
    for number, (payload, between) in enumerate(parts):
        opcode = CONTINUATION if number else BINARY
        frames += [Frame(opcode, payload, number == len(parts) - 1), *between]
    return frames
