"""Each peer, from its configuration to a body through it."""

import sys
from pathlib import Path

import pytest

from benchmarks import check
from benchmarks.origin import SMALL_BODY, SMALL_PATH, Origin
from benchmarks.peers import OURS, PEERS
from benchmarks.peers.base import Peer, Setup, open_peer
from benchmarks.peers.nginx import NginxTuned
from benchmarks.peers.trio_lb import TrioLB
from benchmarks.program import find
from benchmarks.rows import ROWS
from benchmarks.rows.base import Bench, Wishes


def test_peers_differ_in_name_and_ours_stands_last() -> None:
    names = [peer.name for peer in PEERS]
    assert len(set(names)) == len(names)
    assert names[-1] == OURS


def test_ours_runs_at_its_defaults(tmp_path: Path) -> None:
    assert TrioLB().command(Setup(8000, 9000, tmp_path)) == [
        *(sys.executable, "-m", "trio_lb", "run", "--host", "127.0.0.1"),
        *("--port", "8000", "--backends", "127.0.0.1:9000"),
    ]


def test_a_row_may_allow_ours_more_connections(tmp_path: Path) -> None:
    command = TrioLB().command(Setup(8000, 9000, tmp_path, max_connections=5000))
    assert command[-2:] == ["--max-connections", "5000"]


def test_ours_writes_a_profile_where_it_is_asked_to(tmp_path: Path) -> None:
    command = TrioLB().command(Setup(8000, 9000, tmp_path, profile=tmp_path / "small.pstats"))
    assert command[1:6] == ["-m", "cProfile", "-o", str(tmp_path / "small.pstats"), "-m"]


def test_only_ours_is_profiled(bench: Bench) -> None:
    profiled = Bench(
        bench.folder, bench.cores, bench.origin, 1, 1, profile_folder=bench.folder / "profiles"
    )
    paths = [profiled.setup("small", peer).profile for peer in PEERS]
    assert paths == [*[None] * (len(PEERS) - 1), bench.folder / "profiles" / "small.pstats"]


@pytest.mark.real
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_every_peer_that_is_here_passes_bodies_whole_both_ways(
    peer: Peer, origin: Origin, bench: Bench
) -> None:
    if not peer.is_present():
        pytest.skip(f"absent ({peer.install})")
    with open_peer(peer, bench.setup("test", peer), core=bench.cores.proxy) as target:
        check.check_bulk(peer.name, target.port)
        assert target.ready_seconds > 0
        assert target.program.resident_bytes() > 1_000_000


@pytest.mark.real
@pytest.mark.parametrize(
    "peer", [p for p in PEERS if p.takes_part_in("tls")], ids=lambda peer: peer.name
)
def test_every_peer_that_is_here_speaks_tls(peer: Peer, bench: Bench) -> None:
    if not peer.is_present() or find("openssl") is None:
        pytest.skip(f"absent ({peer.install}; apt-get install openssl)")
    setup = bench.setup("test-tls", peer, Wishes(tls=True))
    with open_peer(peer, setup, core=bench.cores.proxy) as target:
        assert target.tls
        assert check.ask(target.port, "GET", SMALL_PATH, tls=True) == (200, SMALL_BODY)


def test_nginx_with_large_buffers_is_measured_where_bodies_are_large() -> None:
    taken = [row.name for row in ROWS if NginxTuned().takes_part_in(row.name)]
    assert taken == ["bulk", "chunked"]


def test_only_those_that_can_are_asked_for_tunnels_and_probes() -> None:
    asked = {
        row: [peer.name for peer in PEERS if peer.takes_part_in(row)]
        for row in ("tunnels", "probes")
    }
    assert asked == {
        "tunnels": ["nginx", "HAProxy", "Caddy", "trio_lb"],
        "probes": ["HAProxy", "trio_lb"],
    }


def test_probed_servers_stand_in_for_the_one_origin(tmp_path: Path) -> None:
    setup = Setup(8000, 9000, tmp_path, probed=["127.0.1.1:80", "127.0.1.2:80"])
    assert TrioLB().command(setup)[-3:] == ["--backends", "127.0.1.1:80", "127.0.1.2:80"]
    assert Setup(8000, 9000, tmp_path).servers == ("127.0.0.1:9000",)


@pytest.mark.real
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_every_peer_that_is_here_says_its_version(peer: Peer) -> None:
    if not peer.is_present():
        pytest.skip(f"absent ({peer.install})")
    first, dot, _ = peer.version().partition(".")
    assert (first.isdigit(), dot) == (True, ".")
