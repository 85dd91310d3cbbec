"""Every filter that a PNG's row may have is undone."""

import struct
import zlib
from pathlib import Path

import pytest

from tests.support.png import read_png

# Two rows of three pixels, in grey, red and blue.
PIXELS = [bytes([9, 9, 9, 200, 0, 0, 9, 9, 9]), bytes([9, 9, 9, 9, 9, 9, 0, 0, 250])]


def paeth(left: int, up: int, corner: int) -> int:
    distances = [(abs(up - corner), left), (abs(left - corner), up)]
    distances.append((abs(left + up - 2 * corner), corner))
    return min(distances, key=lambda each: each[0])[1]


def filtered(kind: int) -> bytes:
    """The rows as an encoder writes them."""
    out, above = b"", bytes(9)
    for row in PIXELS:
        out += bytes([kind])
        for at, value in enumerate(row):
            left = row[at - 3] if at >= 3 else 0
            corner = above[at - 3] if at >= 3 else 0
            guesses = [0, left, above[at], (left + above[at]) // 2, paeth(left, above[at], corner)]
            out += bytes([(value - guesses[kind]) & 255])
        above = row
    return out


def chunk(name: bytes, data: bytes) -> bytes:
    check = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)


@pytest.mark.parametrize("kind", range(5))
def test_a_picture_is_read_whatever_filter_its_rows_have(kind: int, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    header = struct.pack(">IIBBBBB", 3, 2, 8, 2, 0, 0, 0)
    packed = zlib.compress(filtered(kind))
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", packed[:7]) + chunk(b"IDAT", packed[7:])
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IEND", b""))
    picture = read_png(path)
    assert picture.rows == tuple(PIXELS)
    assert picture.pixel(1, 0) == (200, 0, 0)
    assert picture.inked(0, 0, 3, 2) == pytest.approx(2 / 6)
