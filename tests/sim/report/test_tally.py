"""A tally agrees with whoever counts by brute force, in bounded memory."""

import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sim.report.fake_run import UNTIL, FakeRun
from trio_lb.sim.happening import Happening, Value, What, Wire
from trio_lb.sim.report.tally import MOST_REASONS, OTHER, SHARES, FaultSpan, Tally


@pytest.fixture(scope="module")
def story() -> list[Happening]:
    """Ten seconds of a made-up run."""
    heard: list[Happening] = []
    FakeRun(heard.append, seed=3, rate=200).run(12.0)
    return heard


def tally_of(story: list[Happening], horizon: float = UNTIL) -> Tally:
    tally = Tally(horizon)
    for happening in story:
        tally.hear(happening)
    tally.close(story[-1].at if story else 0.0)
    return tally


def tell(tally: Tally, at: float, what: What, entity: str, req: int, *values: Value) -> None:
    tally.hear(Happening(at, what, entity, 1, req, values))


def test_how_long_a_websocket_stayed_is_no_latency() -> None:
    tally = Tally(60.0)
    for req, status, seconds in ((1, 101, 50), (2, 200, 1)):
        tell(tally, 0.0, What.ARRIVE, "web", req, "GET")
        tell(tally, 50.0, What.ANSWER, "web", req, status, 0, seconds * 10**9, "s1")
        tell(tally, 50.0, What.DONE, "web", req, 1, 1, seconds * 10**9, "")
    tally.close(60.0)
    assert sum(tally.columns["good"]) == 2
    assert (tally.calm.count, tally.statuses) == (1, {"101": 1, "200": 1})
    assert [each for each in tally.quantiles if each] == [tally.calm.quantiles(SHARES)]


REQUESTS = st.lists(
    st.tuples(
        st.floats(0, 9.9),  # when it comes
        st.floats(0, 5),  # how long it takes
        st.sampled_from(["", "", "", "reset", "503"]),
    ),
    max_size=60,
)


@given(REQUESTS)
@settings(deadline=None)
def test_columns_are_what_counting_bucket_by_bucket_gives(
    requests: list[tuple[float, float, str]],
) -> None:
    tally = Tally(15.0)
    step = tally.grid.step
    told: list[tuple[float, int, Happening]] = []
    for req, (at, lasts, reason) in enumerate(requests, 1):
        ns = round(lasts * 1e9)
        done = (int(not reason), 1, ns, reason)
        told.append((at, 0, Happening(at, What.ARRIVE, "web", 1, req, ("GET",))))
        told.append((at + lasts, 1, Happening(at + lasts, What.DONE, "web", 1, req, done)))
    for _, _, happening in sorted(told, key=lambda each: (each[0], each[1])):
        tally.hear(happening)
    tally.close(15.0)

    def counted(instants: list[float]) -> list[int]:
        found = Counter(int(at / step) for at in instants)
        return [found[bucket] for bucket in range(tally.grid.count + 1)]

    good = [(at + lasts, lasts) for at, lasts, reason in requests if not reason]
    assert tally.columns["offered"] == counted([at for at, _, _ in requests])
    assert tally.columns["good"] == counted([at for at, _ in good])
    for reason in {reason for _, _, reason in requests} - {""}:
        failed = [at + lasts for at, lasts, why in requests if why == reason]
        assert tally.errors[reason] == counted(failed)
    for bucket, quantiles in enumerate(tally.quantiles):
        here = sorted(round(lasts * 1e9) for at, lasts in good if int(at / step) == bucket)
        assert (quantiles is None) == (not here)
        for share, seen in zip(SHARES, quantiles or (), strict=False):
            true = here[max(1, math.ceil(round(share * len(here), 6))) - 1]
            assert abs(seen - true) <= true / 32 + 1
    assert tally.waiting.level == 0
    for req, (_, lasts, reason) in enumerate(requests, 1):
        assert tally.latency_ns[req] == round(lasts * 1e9)
        assert tally.reasons[tally.outcomes[req]] == reason


def test_a_story_is_counted_by_server(story: list[Happening]) -> None:
    tally = tally_of(story)
    taken = Counter(each.entity for each in story if each.what is What.TAKE)
    picked = Counter(each.values[0] for each in story if each.what is What.SELECT)
    failed = Counter(
        each.entity
        for each in story
        if (each.what is What.REPLY and int(each.values[0]) >= 500)
        or (each.what is What.DROP and each.values[0] != "gone")
    )
    for name, server in tally.servers.items():
        assert sum(server.taken) == taken[name]
        assert sum(server.picked) == picked[name]
        assert sum(server.failed) == failed[name]
    assert sum(tally.columns["taken"]) == sum(taken.values())
    assert sum(tally.columns["retries"]) == sum(each.what is What.RETRY for each in story)


def test_what_all_servers_hold_is_the_sum_of_what_each_holds(story: list[Happening]) -> None:
    tally = Tally(UNTIL)
    for happening in story:
        tally.hear(happening)
        if happening.what in (What.TAKE, What.BEGIN, What.REPLY, What.DROP):
            servers = tally.servers.values()
            assert tally.present.level == sum(server.present.level for server in servers)
            assert tally.queued.level == sum(server.queued.level for server in servers)


def test_a_wire_brings_it_everything() -> None:
    tally = Tally(1.0)
    wire = Wire(lambda: 0.5)
    tally.attach(wire)
    wire.tell(What.ARRIVE, "web", 0, 1, "GET")
    wire.tell(What.PROBE, "s1", 0, 0, 200)
    wire.tell(What.PHASE, "sim", 0, 0, "safety")
    bucket = tally.grid.index(0.5)
    assert tally.columns["offered"][bucket] == tally.columns["probes"][bucket] == 1
    assert tally.phases == [("safety", 0.5)]


def test_a_failure_is_put_down_to_the_fault_that_began_last() -> None:
    tally = Tally(60.0)
    tell(tally, 1.0, What.INJECT, "server:s1", 0, "slow", 0, "{}")
    tell(tally, 2.0, What.DONE, "web", 1, 0, 1, 10, "reset")
    tell(tally, 4.5, What.DONE, "web", 2, 0, 1, 10, "reset")
    tell(tally, 5.0, What.INJECT, "host:s2", 0, "crash", 1, "{}")
    tell(tally, 5.25, What.DONE, "web", 3, 0, 1, 10, "refused")
    tell(tally, 6.0, What.HEALED, "server:s1", 0, "slow", 0)
    assert [(fault.failures, fault.failover, fault.end) for fault in tally.faults] == [
        (2, 3.5, 6.0),
        (1, 0.25, None),
    ]


def test_an_outage_ends_with_the_last_failure_that_the_heal_or_another_is_near() -> None:
    fault = FaultSpan(0, "crash", "host:s1", "{}", begin=100.0)
    fault.blame(160.0)
    assert fault.failover == 60.0, "it is still on: whatever fails is its outage"
    fault.end = 170.0
    for at in (179.0, 188.0):
        fault.blame(at)
    assert fault.failover == 88.0
    for at in (250.0, 255.0):
        fault.blame(at)
    assert (fault.failures, fault.failover) == (5, 88.0), "all was well between"


def test_latencies_are_kept_apart_with_a_fault_and_without_one() -> None:
    tally = Tally(60.0)
    tell(tally, 0.5, What.DONE, "web", 1, 1, 1, 100, "")
    tell(tally, 1.0, What.INJECT, "server:s1", 0, "slow", 0, "{}")
    tell(tally, 2.0, What.DONE, "web", 2, 1, 1, 900, "")
    tell(tally, 3.0, What.HEALED, "server:s1", 0, "slow", 0)
    tell(tally, 4.0, What.DONE, "web", 3, 1, 1, 200, "")
    assert (tally.calm.count, tally.calm.most) == (2, 200)
    assert (tally.faulty.count, tally.faulty.most) == (1, 900)


def test_a_fault_of_one_instant_is_over_at_once() -> None:
    tally = Tally(60.0)
    tell(tally, 1.0, What.INJECT, "host:s1", 0, "restart", 0, "{}")
    tell(tally, 2.0, What.DONE, "web", 1, 1, 1, 100, "")
    assert tally.faults[0].end == 1.0
    assert (tally.calm.count, tally.faulty.count) == (1, 0)


def test_a_deployment_goes_on_until_its_last_wave_is_back_or_faults_are_over() -> None:
    tally = Tally(60.0)
    args = '{"every": 10.0, "servers": 3, "share": 0.34}'
    tell(tally, 10.0, What.INJECT, "lb:lb", 0, "deploy_wave", 0, args)
    tell(tally, 35.0, What.INJECT, "lb:lb", 0, "deploy_wave", 1, args)
    tell(tally, 40.0, What.PHASE, "sim", 0, "liveness")
    assert [fault.end for fault in tally.faults] == [21.0, 40.0]


def test_reasons_beyond_the_bound_share_a_column() -> None:
    tally = Tally(1.0)
    for req in range(1, MOST_REASONS + 11):
        tell(tally, 0.0, What.DONE, "web", req, 0, 1, 10, f"reason {req}")
    assert len(tally.errors) == MOST_REASONS + 1
    assert tally.errors[OTHER][0] == 10
    assert tally.reasons[tally.outcomes[MOST_REASONS + 5]] == OTHER


def test_what_comes_after_the_horizon_counts_in_totals_and_in_no_bucket() -> None:
    tally = Tally(10.0)
    tell(tally, 9.9, What.ARRIVE, "web", 1, "GET")
    tell(tally, 35.0, What.DONE, "web", 1, 0, 1, 10, "timeout")
    tally.close(36.0)
    assert sum(tally.columns["failed"]) == 1
    assert sum(tally.columns["failed"][: tally.grid.count]) == 0


def test_memory_does_not_grow_with_requests_but_for_ten_bytes_each() -> None:
    tally = Tally(10.0)
    for req in range(1, 20_001):
        at = req / 2_000
        tell(tally, at, What.ARRIVE, "web", req, "GET")
        tell(tally, at, What.DONE, "web", req, 1, 1, 1000 + req % 7, "")
    assert len(tally.sample.living) < 2 * tally.grid.count + 100
    assert tally.latency_ns.itemsize + tally.outcomes.itemsize == 10
    assert len(tally.latency_ns) == 20_001


def test_a_request_that_a_check_objects_to_is_kept() -> None:
    tally = Tally(10.0)
    for req in range(1, 100):
        tell(tally, req / 10, What.ARRIVE, "web", req, "GET")
        tell(tally, req / 10, What.DONE, "web", req, 1, 1, 1000, "")
        if req == 50:
            tally.keep(req)
    assert [life.req for life in tally.sample.chosen(limit=1)] == [50]


def test_closing_twice_changes_nothing(story: list[Happening]) -> None:
    tally = tally_of(story)
    before = (list(tally.waiting.peaks), list(tally.quantiles))
    tally.close(story[-1].at)
    assert (tally.waiting.peaks, tally.quantiles) == before
