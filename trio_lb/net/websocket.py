"""WebSocket frames, as far as a relay must know them: where one ends (RFC 6455 section 5.2).

    FIN RSV RSV RSV opcode(4) | MASK length(7) | length(16 or 64), if need be | mask(32) | payload

A frame's length stands in its first bytes, so its end is found by arithmetic: nothing is
unmasked, inflated or copied, and extensions such as permessage-deflate don't matter.
"""

from typing import Final

GOING_AWAY: Final = 1001
"""The status of a Close by a side that is about to leave (RFC 6455 section 7.4.1)."""

_CLOSE: Final = 0x88
_PING: Final = 0x89
_MASKED: Final = 0x80
_MASK_BYTES: Final = 4
_LARGEST_CONTROL: Final = 125
_LONGEST_HEADER: Final = 10
"""Without the mask, which counts as payload here."""
_ENDLESS: Final = 1 << 80
"""More bytes than will ever come: where nothing is tracked any more, a piece costs no more
than one from the middle of a frame."""

_MALFORMED, _LAST, _MORE, _CONTROL, _GOODBYE = range(5)


def _kind(first: int) -> int:
    """What a frame that begins with this byte does to the message that it is part of."""
    is_final, opcode = first & 0x80, first & 0x0F
    if opcode <= 2:
        return _LAST if is_final else _MORE
    if not is_final or opcode not in (8, 9, 10):
        return _MALFORMED
    return _GOODBYE if opcode == 8 else _CONTROL


_KINDS: Final = bytes(map(_kind, range(256)))


class FrameTracker:
    """Knows where frames end in one direction of a WebSocket; is fed each byte once, in order.

    After ``feed(piece)``, ``boundary`` is the last place in the piece where a frame had
    ended, so that a control frame may be put in there (section 5.4), and ``gap`` the last
    one where a whole message had. Both are offsets from the piece's start, -1 for none.
    ``is_closed`` says that a Close has come, and all of it; ``is_lost`` that a header was
    malformed. After either it is deaf: nothing that follows has a meaning for us.
    """

    __slots__ = (
        "_cut",
        "_in_goodbye",
        "_in_message",
        "_left",
        "_mask_bit",
        "boundary",
        "gap",
        "is_closed",
        "is_lost",
    )

    def __init__(self, *, masked: bool) -> None:
        self.boundary = self.gap = 0
        self.is_closed = self.is_lost = False
        self._mask_bit = _MASKED if masked else 0  # Section 5.1: clients always, servers never.
        self._left = 0  # Bytes of the frame under way that are still to come.
        self._cut = b""  # The beginning of a header whose rest did not come yet.
        self._in_message = self._in_goodbye = False

    @property
    def is_between_frames(self) -> bool:
        """Whether no frame has begun that is not whole."""
        return not (self._left or self._cut)

    @property
    def is_between_messages(self) -> bool:
        """Whether no message has begun that is not whole."""
        return not (self._left or self._cut or self._in_message)

    def feed(self, piece: bytes) -> None:
        """Move on by ``piece``. What it costs depends on its frames, not on its bytes."""
        at, size = self._left, len(piece)
        self.boundary = self.gap = -1
        if self._cut:
            begun = self._cut
            head = begun + piece[:_LONGEST_HEADER]
            step = self._measure(head, 0, len(head))
            if not step:
                self._cut = head
                return
            self._cut = b""
            at = step - len(begun)
        while at <= size:
            self.boundary = at
            if not self._in_message:
                self.gap = at
            if self._in_goodbye:
                self.is_closed = True
                at = _ENDLESS
            elif at == size:
                break
            elif step := self._measure(piece, at, size):
                at += step
            else:
                self._cut = piece[at:]
                at = size
                break
        self._left = at - size

    def _measure(self, data: bytes, at: int, size: int) -> int:
        """Return the length of the frame at ``at``, header and mask included.

        0 when not all of its header is here; only when it is, it has been taken note of.
        """
        header = 2
        if size - at < header:
            return 0
        second = data[at + 1]
        length = second & 0x7F
        if length > _LARGEST_CONTROL:
            header = 4 if length == 126 else 10
            if size - at < header:
                return 0
            length = int.from_bytes(data[at + 2 : at + header])
        kind = _KINDS[data[at]]
        if (
            kind == _MALFORMED
            or second & _MASKED != self._mask_bit
            or (kind >= _CONTROL and header > 2)
            or length >> 63
        ):
            self.is_lost = True
            return _ENDLESS
        if kind == _LAST:
            self._in_message = False
        elif kind == _MORE:
            self._in_message = True
        elif kind == _GOODBYE:
            self._in_goodbye = True
        return header + length + (_MASK_BYTES if self._mask_bit else 0)


def close_frame(status: int, mask: bytes = b"") -> bytes:
    """Return a Close of that status; towards a server with four unforeseeable bytes as mask."""
    return _control_frame(_CLOSE, status.to_bytes(2), mask)


def ping_frame(payload: bytes) -> bytes:
    """Return a Ping to a client; its Pong carries the same payload of at most 125 bytes."""
    return _control_frame(_PING, payload, b"")


def _control_frame(first: int, payload: bytes, mask: bytes) -> bytes:
    if not mask:
        return bytes((first, len(payload))) + payload
    masked = bytes(byte ^ mask[i % _MASK_BYTES] for i, byte in enumerate(payload))
    return bytes((first, _MASKED | len(payload))) + mask + masked
