"""A handful of WebSockets through a real proxy, and what is made of them."""

import pytest

from benchmarks.peers import PEERS
from benchmarks.peers.base import Peer
from benchmarks.peers.python_programs import Aiohttp
from benchmarks.results import RowResult
from benchmarks.rows.base import Bench
from benchmarks.rows.tunnels import Tunnels

pytestmark = pytest.mark.real
ABLE = [peer for peer in PEERS if peer.takes_part_in("tunnels")]


@pytest.mark.parametrize("peer", ABLE, ids=lambda peer: peer.name)
def test_a_word_comes_back_through_every_peer_that_is_here(peer: Peer, bench: Bench) -> None:
    if not peer.is_present():
        pytest.skip(f"absent ({peer.install})")
    result = RowResult()
    Tunnels(count=20, rest_seconds=0.0001).run([peer], bench, result)
    assert result.failures == {}
    first, second = result.samples[peer.name]
    assert first.figures.keys() == {figure.key for figure in Tunnels.figures}
    assert second.figures["rss_mib"] > 1


def test_a_proxy_that_carries_no_frames_fails_in_its_column_alone(bench: Bench) -> None:
    if not Aiohttp().is_present():
        pytest.skip("absent")
    result = RowResult()
    Tunnels(count=1, rest_seconds=0.0001).run([Aiohttp()], bench, result)
    assert "a WebSocket through aiohttp" in result.failures["aiohttp"]
