"""Addresses: how they are written, and that what is written can be read back."""

import ipaddress

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.model.address import Address


@pytest.mark.parametrize(
    ("host", "port", "text"),
    [
        ("127.0.0.1", 80, "127.0.0.1:80"),
        ("a.example", 8080, "a.example:8080"),
        ("localhost", 0, "localhost:0"),
        ("::1", 80, "[::1]:80"),
        ("fe80::1%eth0", 65535, "[fe80::1%eth0]:65535"),
        ("unix:/run/app.sock", 0, "unix:/run/app.sock"),
        ("unix:a:b.sock", 0, "unix:a:b.sock"),
    ],
)
def test_it_is_written_as_a_url_would_write_it(host: str, port: int, text: str) -> None:
    assert str(Address(host, port)) == text


@pytest.mark.parametrize(
    ("host", "is_unix"),
    [("unix:/run/app.sock", True), ("unix", False), ("unix.example", False), ("::1", False)],
)
def test_only_the_prefix_makes_a_unix_socket(host: str, is_unix: bool) -> None:
    assert Address(host, 0).is_unix is is_unix


def test_equal_addresses_are_one_key() -> None:
    books = {Address("a", 1): "first"}
    books[Address("a", 1)] = "second"
    assert books == {Address("a", 1): "second"}
    assert Address("a", 1) != Address("a", 2)


def test_an_address_does_not_change() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Address("a", 1).port = 2  # type: ignore[misc]  # That it is refused is the point.


@given(st.ip_addresses().map(str), st.integers(0, 65535))
def test_host_and_port_can_be_read_back_from_the_text(host: str, port: int) -> None:
    before, _, after = str(Address(host, port)).rpartition(":")
    assert int(after) == port
    assert before == (f"[{host}]" if ipaddress.ip_address(host).version == 6 else host)
