"""Figures out of reports, and the order A B C A B C."""

import sys
from typing import ClassVar, Final

import attrs
import pytest
from typing_extensions import override

from benchmarks import wrk
from benchmarks.origin import CHUNKED_PATH
from benchmarks.peers.base import Peer, Setup, Target
from benchmarks.peers.nginx import Nginx, NginxTuned
from benchmarks.program import ProgramFailed
from benchmarks.results import DIRECT, RowResult, Sample
from benchmarks.rows.base import Bench, Figure, LoadRow
from benchmarks.rows.browser import Browser
from benchmarks.rows.bulk import Bulk, Chunked
from benchmarks.rows.connections import Connections1000, Connections2000
from benchmarks.rows.new_connections import NewConnections
from benchmarks.rows.single import Single
from benchmarks.rows.small import Small
from benchmarks.rows.tls import TLS

REPORT: Final = wrk.Report(
    requests=10_000, seconds=2.0, p50_us=300.0, p99_us=900.0, errors={"read": 3}
)


@attrs.frozen
class ScriptedBench(Bench):
    """Each load takes half a second of CPU and gives the same report."""

    @override
    def load(self, load: wrk.Load, target: Target) -> tuple[wrk.Report, float]:
        return REPORT, 0.5


@pytest.fixture
def scripted(bench: Bench) -> ScriptedBench:
    return ScriptedBench(bench.folder, bench.cores, bench.origin, bench.seconds, bench.rounds)


@pytest.fixture
def target(bench: Bench) -> Target:
    return Target("someone", bench.origin.port, bench.origin.program)


def test_small_divides_cpu_and_requests(scripted: ScriptedBench, target: Target) -> None:
    sample = Small().sample(target, scripted, None)
    assert sample == Sample(
        {"cpu_us": 50.0, "rate": 5000.0, "p50_ms": 0.3, "p99_ms": 0.9}, {"read": 3}
    )


def test_two_thousand_connections_also_give_the_spread(
    scripted: ScriptedBench, target: Target
) -> None:
    sample = Connections2000().sample(target, scripted, None)
    assert sample.figures["spread"] == pytest.approx(3.0)
    assert sample.errors == {"read": 3}


def test_single_gives_the_difference_to_the_origin(scripted: ScriptedBench, target: Target) -> None:
    direct = Sample({"p50_us": 90.0, "p99_us": 150.0})
    figures = Single().sample(target, scripted, direct).figures
    assert (figures["added_p50_us"], figures["added_p99_us"]) == (210.0, 750.0)


def test_bulk_counts_a_request_as_a_mebibyte_each_way(
    scripted: ScriptedBench, target: Target
) -> None:
    assert Bulk().sample(target, scripted, None) == Sample(
        {"down_us": 50.0, "down_rate": 5000.0, "up_us": 50.0, "up_rate": 5000.0}, {"read": 6}
    )
    assert [load.upload_bytes for load in Bulk.loads] == [0, 2**20]


def test_chunks_are_asked_for_both_ways_and_hold_as_many_bytes() -> None:
    down, up = Chunked.loads
    assert (down.path, down.upload_bytes) == (CHUNKED_PATH, 0)
    assert (up.chunked, up.upload_bytes) == (True, 2**20)


def test_tls_tells_requests_on_kept_connections_from_handshakes(
    scripted: ScriptedBench, target: Target
) -> None:
    sample = TLS().sample(target, scripted, None)
    assert sample.figures == {
        "cpu_us": 50.0,
        "rate": 5000.0,
        "p50_ms": 0.3,
        "handshake_us": 50.0,
        "handshake_rate": 5000.0,
    }
    assert sample.errors == {"read": 6}
    assert [load.headers for load in TLS.loads] == [(), ("Connection: close",)]
    assert TLS.wishes.tls


def test_a_browser_s_request_has_fourteen_fields_with_host() -> None:
    (load,) = Browser.loads
    names = [line.partition(":")[0].lower() for line in load.headers]
    assert len({"host", *names}) == 14
    assert not {"connection", "keep-alive"} & set(names)


def test_a_new_connection_for_each_request_is_what_its_client_asks_for() -> None:
    (load,) = NewConnections.loads
    assert load.headers == ("Connection: close",)


@pytest.mark.parametrize(("row", "count"), [(Connections1000(), 1000), (Connections2000(), 2000)])
def test_many_connections_are_within_what_ours_is_allowed(row: Small, count: int) -> None:
    (load,) = row.loads
    assert load.connections == count
    assert row.wishes.max_connections == 5000


class Recorder(LoadRow):
    """Loads nothing; notes whom it was asked to measure."""

    name = "recorder"
    title = "recorder"
    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("after", "after"),
        Figure("cost", "cost", is_cost=True),
    )
    loads = ()
    with_direct = True

    def __init__(self) -> None:
        self.measured: list[str] = []
        self.broken: set[str] = set()

    @override
    def sample(self, target: Target, bench: Bench, direct: Sample | None) -> Sample:
        self.measured.append(target.name)
        if target.name in self.broken:
            raise ProgramFailed("it broke")
        return Sample({"after": 0.0 if direct is None else 1.0, "cost": 7.0})


class Stillborn(Peer):
    """A peer that does not start."""

    name = "stillborn"
    install = "nothing helps"

    @override
    def is_present(self) -> bool:
        return True

    @override
    def version(self) -> str:
        return "0"

    @override
    def command(self, setup: Setup) -> list[str]:
        return [sys.executable, "-c", "import sys; sys.exit('no port')"]


@pytest.mark.real
def test_rounds_go_round_all_peers_and_start_with_the_origin_itself(bench: Bench) -> None:
    row, result = Recorder(), RowResult()
    row.run([Nginx(), NginxTuned()], bench, result)
    assert row.measured == [DIRECT, "nginx", "nginx-256k"] * 2
    assert {name: len(samples) for name, samples in result.samples.items()} == {
        DIRECT: 2,
        "nginx": 2,
        "nginx-256k": 2,
    }
    assert all(sample.figures["after"] == 1.0 for sample in result.samples["nginx"])


@pytest.mark.real
def test_the_origin_itself_has_no_cost_to_compare(bench: Bench) -> None:
    result = RowResult()
    Recorder().run([Nginx()], bench, result)
    assert [sample.figures for sample in result.samples[DIRECT]] == [{"after": 0.0}] * 2
    assert [sample.figures["cost"] for sample in result.samples["nginx"]] == [7.0, 7.0]


@pytest.mark.real
def test_a_peer_that_does_not_start_is_left_out_and_the_others_go_on(bench: Bench) -> None:
    row, result = Recorder(), RowResult()
    row.run([Stillborn(), Nginx()], bench, result)
    assert result.failures == {"stillborn": "stillborn ended with exit code 1: no port"}
    assert row.measured == [DIRECT, "nginx"] * 2


@pytest.mark.real
def test_a_peer_that_breaks_is_not_measured_again(bench: Bench) -> None:
    row, result = Recorder(), RowResult()
    row.broken = {"nginx"}
    row.run([Nginx(), NginxTuned()], bench, result)
    assert result.failures == {"nginx": "it broke"}
    assert row.measured == [DIRECT, "nginx", "nginx-256k", DIRECT, "nginx-256k"]
