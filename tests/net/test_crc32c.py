"""CRC-32C against published values, and against the division it is defined as."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.net.crc32c import crc32c


@pytest.mark.parametrize(
    ("data", "checksum"),
    [
        (b"", 0x00000000),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
    ],
    ids=["empty", "digits", "zeros", "ones", "rising", "falling"],
)
def test_has_the_values_that_rfc_3720_prints(data: bytes, checksum: int) -> None:
    assert crc32c(data) == checksum


def long_division(data: bytes) -> int:
    """The remainder by the polynomial, bit by bit, lowest bit of each byte first."""
    remainder = 0xFFFFFFFF
    for byte in data:
        for place in range(8):
            remainder ^= byte >> place & 1
            remainder = remainder >> 1 ^ (0x82F63B78 if remainder & 1 else 0)
    return remainder ^ 0xFFFFFFFF


@given(st.binary(max_size=64))
def test_is_the_remainder_of_a_division(data: bytes) -> None:
    assert crc32c(data) == long_division(data)


@given(st.binary(min_size=1, max_size=64), st.data())
def test_no_flipped_bit_goes_unseen(data: bytes, draw: st.DataObject) -> None:
    bit = draw.draw(st.integers(0, 8 * len(data) - 1))
    flipped = (int.from_bytes(data, "big") ^ 1 << bit).to_bytes(len(data), "big")
    assert crc32c(flipped) != crc32c(data)
