"""Faults on runs of the whole: what the product makes of waits that end too early."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from trio_lb.net.haste import WAITS
from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.actors.server import Streaming
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.distributions import Fixed
from trio_lb.sim.faults.fluent import SlowlorisBody, SpuriousTimeout, StalledReader, Timed, during
from trio_lb.sim.happening import Happening, What
from trio_lb.sim.result import Result
from trio_lb.sim.simulation import Simulation

PATIENT: Mapping[str, object] = {
    "health_check": {"interval": "1s", "timeout": "900ms"},
    "timeouts": {"connect": "10s", "first_byte": "60s", "idle": "60s", "client_body_idle": "60s"},
    "limits": {"upstream_idle": 1},
}
"""Nothing in it is over while a run of ten seconds lasts, a probe apart, which takes 2 ms."""


@attrs.frozen
class Seen:
    result: Result
    said: Counter[tuple[object, ...]]


def ran(*faults: Timed, seed: int = 7, **settings: Any) -> Seen:
    """Ten seconds; count retries by outcome, bad verdicts of probes by reason, errors by code."""
    sim = Simulation(seed)
    for name in ("s1", "s2", "s3"):
        sim.server(name, service=Fixed(0.2), **settings)
    sim.balancer(PATIENT)
    sim.clients("web", OpenLoop(Poisson(20)), policy=ClientPolicy(timeout=20, retries=0, posts=0.3))
    sim.faults(*faults)
    said: Counter[tuple[object, ...]] = Counter()

    def note(each: Happening) -> None:
        place = {What.RETRY: 3, What.HEALTH: 3, What.ERROR: 5}[each.what]
        if each.what is not What.HEALTH or not each.values[2]:
            said[each.what, each.values[place]] += 1

    sim.wire.hear(note, What.RETRY, What.HEALTH, What.ERROR)
    return Seen(sim.run(until=10, settle=5), said)


def early(point: str, fires: float = 0.5) -> Timed:
    return during(1, 9, SpuriousTimeout(f"point:{point}", on=1.0, fires=fires))


def test_where_no_point_is_armed_nobody_waits_in_vain() -> None:
    assert ran().said == {}


@pytest.mark.parametrize(
    ("point", "what"),
    [
        ("connect", (What.RETRY, "connect timed out")),
        ("first_byte", (What.RETRY, "no answer in time")),
        ("probe", (What.HEALTH, "3 checks failed: timed out after 0.9 s")),
    ],
)
def test_a_wait_that_ends_early_ends_as_its_timeout_does(
    point: str, what: tuple[object, ...]
) -> None:
    seen = ran(early(point))
    assert seen.said[what] > 0
    assert seen.result.ok, "each law holds all the same"


def test_a_body_that_is_not_waited_for_is_cut_and_the_client_sees_it() -> None:
    seen = ran(early("idle"), streaming=Streaming(pieces=5, every_seconds=0.1), size=Fixed(1000))
    assert seen.said[What.ERROR, "upstream_truncated"] > 0
    assert seen.result.ok


def test_a_slow_upload_that_is_not_waited_for_is_refused() -> None:
    slow = during(1, 9, SlowlorisBody("client:web", share=0.5, every=1.0))
    seen = ran(early("client_body_idle"), slow)
    assert seen.said[What.ERROR, "request_timeout"] > 0
    assert seen.result.ok


def test_a_client_that_does_not_read_is_not_waited_for() -> None:
    deaf = during(2, 3, StalledReader("web", "lb"))
    seen = ran(early("write_stall"), deaf, size=Fixed(1_000_000))
    assert seen.said[What.ERROR, "client_gone"] > 0


def test_the_same_seed_ends_the_same_waits_early() -> None:
    every = [early(point, fires=0.25) for point in WAITS]
    once, again = ran(*every, seed=3), ran(*every, seed=3)
    assert once.result.trace_hash == again.result.trace_hash != ran(seed=3).result.trace_hash
    assert once.result.ok
