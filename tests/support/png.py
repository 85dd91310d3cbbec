"""Reads PNG pictures, those that browsers write: 8 bits a channel, not interlaced."""

import struct
import zlib
from pathlib import Path
from typing import Final

import attrs

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CHANNELS: Final = {0: 1, 2: 3, 4: 2, 6: 4}


@attrs.frozen(slots=True)
class Picture:
    """Rows of pixels; each pixel is ``channels`` bytes."""

    width: int
    height: int
    channels: int
    rows: tuple[bytes, ...]

    def pixel(self, x: int, y: int) -> tuple[int, int, int]:
        """Return the red, green and blue of a pixel."""
        at = x * self.channels
        red, green, blue = self.rows[y][at : at + 3]
        return red, green, blue

    def inked(self, x: int, y: int, width: int, height: int) -> float:
        """Return the share of a box's pixels that differ from the picture's first pixel."""
        paper = self.rows[0][: self.channels]
        differ = sum(
            row[at : at + self.channels] != paper
            for row in self.rows[y : y + height]
            for at in range(x * self.channels, (x + width) * self.channels, self.channels)
        )
        return differ / (width * height)


def read_png(path: Path) -> Picture:
    """Return the picture in a file."""
    data = path.read_bytes()
    assert data.startswith(_SIGNATURE), f"{path} is no PNG"
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", data[16:29])
    assert (depth, interlaced) == (8, 0), "only plain pictures of 8 bits a channel are read"
    channels = _CHANNELS[colour]
    return Picture(
        width, height, channels, _rows(_pixels(data), width * channels, height, channels)
    )


def _pixels(data: bytes) -> bytes:
    """Return what the chunks of pixels hold together."""
    at, parts = len(_SIGNATURE), []
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            parts.append(data[at + 8 : at + 8 + length])
        at += 12 + length
    return zlib.decompress(b"".join(parts))


def _rows(raw: bytes, stride: int, height: int, channels: int) -> tuple[bytes, ...]:
    rows: list[bytes] = []
    above = bytes(stride)
    for number in range(height):
        begin = number * (stride + 1)
        above = _unfiltered(raw[begin], raw[begin + 1 : begin + 1 + stride], above, channels)
        rows.append(above)
    return tuple(rows)


def _unfiltered(kind: int, row: bytes, above: bytes, step: int) -> bytes:
    """Return a row without its filter (PNG specification, section 9)."""
    if kind == 0:
        return row
    if kind == 2:  # The most frequent one, and the quickest to undo.
        return bytes((value + up) & 255 for value, up in zip(row, above, strict=True))
    found = bytearray(row)
    for at in range(len(row)):
        left = found[at - step] if at >= step else 0
        corner = above[at - step] if at >= step else 0
        predicted = (0, left, above[at], (left + above[at]) // 2, _paeth(left, above[at], corner))
        found[at] = (row[at] + predicted[kind]) & 255
    return bytes(found)


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))
