"""Addresses as people write them."""

import pytest

from trio_lb.model.address import Address


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (Address("127.0.0.1", 80), "127.0.0.1:80"),
        (Address("app.example", 8000), "app.example:8000"),
        (Address("::1", 443), "[::1]:443"),
        (Address("unix:/run/app.sock", 0), "unix:/run/app.sock"),
    ],
)
def test_an_address_reads_as_it_is_configured(address: Address, text: str) -> None:
    assert str(address) == text


def test_only_a_unix_socket_is_one() -> None:
    assert Address("unix:/run/app.sock", 0).is_unix
    assert not Address("unix.example", 80).is_unix


def test_equal_addresses_are_one_key() -> None:
    assert {Address("a", 1): "x"}[Address("a", 1)] == "x"
