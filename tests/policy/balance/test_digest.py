"""The hash is pinned: another value would send every key elsewhere after an upgrade."""

from trio_lb.policy.balance.digest import digest, hash64


def test_it_is_the_same_in_every_process_and_version() -> None:
    assert hash64("") == 0xE4A6A0577479B2B4
    assert hash64("10.0.0.1") == 0x538EF646E14D03E6
    assert digest("10.0.0.1", 8) == hash64("10.0.0.1").to_bytes(8, "big")


def test_any_text_can_be_hashed() -> None:
    assert len({hash64(text) for text in ("", "\0", "é", "\udcff", "x" * 100_000)}) == 5
