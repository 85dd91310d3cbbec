"""The proxies to measure, in the order of the table's columns."""

from typing import Final

from benchmarks.peers.base import Peer
from benchmarks.peers.caddy import Caddy
from benchmarks.peers.haproxy import HAProxy
from benchmarks.peers.nginx import Nginx, NginxTuned
from benchmarks.peers.python_programs import Aiohttp, PlainH11
from benchmarks.peers.trio_lb import TrioLB

PEERS: Final[tuple[Peer, ...]] = (
    Nginx(),
    NginxTuned(),
    HAProxy(),
    Caddy(),
    Aiohttp(),
    PlainH11(),
    TrioLB(),
)
OURS: Final = TrioLB.name
