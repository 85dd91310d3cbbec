"""CRC-32C, the checksum of RFC 9260 appendix A; zlib's CRC-32 has another polynomial."""

from typing import Final

_POLYNOMIAL: Final = 0x82F63B78
"""0x1EDC6F41 with its bits in reverse: the lowest bit of a byte goes first."""


def _entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE: Final = tuple(map(_entry, range(256)))


def crc32c(data: bytes) -> int:
    """Return the checksum of ``data``. About 0.1 µs a byte: meant for headers, not for bodies."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF
