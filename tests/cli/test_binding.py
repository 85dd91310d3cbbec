"""An address that cannot be bound: the sentence says what, where and what to do."""

import errno
import os

import pytest

from trio_lb.cli.binding import cannot_bind
from trio_lb.model.address import Address

HERE = Address("127.0.0.1", 80)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (
            errno.EADDRINUSE,
            "cannot listen on 127.0.0.1:80: address already in use; another program listens "
            "there: stop it (ss -ltnp shows which one it is), or choose another port with -p",
        ),
        (
            errno.EACCES,
            "cannot listen on 127.0.0.1:80: permission denied; ports below 1024 need "
            "privileges: choose another port with -p",
        ),
        (
            errno.EADDRNOTAVAIL,
            "cannot listen on 127.0.0.1:80: cannot assign requested address; this machine has "
            "no such address: choose another one with --host",
        ),
        (errno.ENFILE, "cannot listen on 127.0.0.1:80: too many open files in system; nothing was"
                       " started"),
    ],
)  # fmt: skip
def test_says_what_where_and_what_to_do(code: int, sentence: str) -> None:
    assert cannot_bind(HERE, OSError(code, os.strerror(code))) == sentence


def test_advice_names_where_another_address_may_be_said() -> None:
    text = cannot_bind(HERE, OSError(errno.EACCES, "no"), port="listeners[1].bind")
    assert text.endswith("choose another port with listeners[1].bind")


def test_an_error_without_a_number_is_told_as_it_is() -> None:
    assert cannot_bind(Address("::1", 443), OSError("what")) == (
        "cannot listen on [::1]:443: what; nothing was started"
    )
