"""The two Python proxies are honest: they hand on what a proxy hands on."""

import pytest

from benchmarks.peers import plain_h11

ANSWER_HEADERS = [(b"content-length", b"3"), (b"connection", b"close"), (b"x", b"1"), (b"te", b"")]


def test_plain_h11_drops_what_is_for_one_hop() -> None:
    assert list(plain_h11.end_to_end(ANSWER_HEADERS)) == [(b"content-length", b"3"), (b"x", b"1")]


def test_aiohttp_drops_what_is_for_one_hop_and_what_connection_names() -> None:
    aiohttp_proxy = pytest.importorskip("benchmarks.peers.aiohttp_proxy")
    multidict = pytest.importorskip("multidict")
    headers = multidict.CIMultiDict(
        [("Connection", "close, X-Hop"), ("X-Hop", "1"), ("Upgrade", "h2c"), ("X-End", "2")]
    )
    kept = aiohttp_proxy.end_to_end(multidict.CIMultiDictProxy(headers))
    assert list(kept.items()) == [("X-End", "2")]
