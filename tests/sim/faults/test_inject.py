"""The table of injectors, and the law of all of them: after the heals the world is as before."""

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sim.faults.play import Play, make_fault, play
from tests.sim.faults.support import required
from trio_lb.sim.cpu import CpuNetwork
from trio_lb.sim.faults.agenda import Agenda
from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.shape import FaultKind
from trio_lb.sim.faults.target import Sort

# What they do stays done: nobody unreads a configuration.
LASTING = {"clock_jump", "reload", "scale_up", "scale_down"}
PLACES: dict[Sort, list[object]] = {
    Sort.LINK: [{"link": ["lb", "s1"]}, {"link": ["zone:a", "lb"]}, {"link": ["zone:b", "zone:a"]}],
    Sort.HOST: ["host:s2", "host:lb"],
    Sort.SERVER: ["server:s1", "server:s2"],
    Sort.RESOLVER: ["resolver:api.local"],
    Sort.LB: ["lb:lb"],
}


def places_of(kind: FaultKind) -> list[object]:
    if kind.name == "shrink":
        return ["point:window", "point:backlog"]
    if kind.name == "one_byte_reads":
        return ["point:reads"]
    if kind.name == "spurious_timeout":
        return ["point:connect", "point:probe"]
    if kind.name in ("clock_skew", "clock_jump"):
        return ["host:lb"]
    return [place for sort in kind.targets for place in PLACES.get(sort, [])]


OURS = [
    kind
    for kind in KINDS.values()
    if kind.family not in ("app", "client")
    and kind.name != "memory_limit"  # These need real actors: see their own tests.
]


@st.composite
def faults(draw: st.DrawFn) -> Fault:
    kind = draw(st.sampled_from([kind for kind in OURS if kind.name not in LASTING]))
    at = 12.0 + draw(st.integers(0, 40)) / 2
    length = draw(st.integers(1, 40)) / 2
    ends = "until" if kind.lasts.value == "span" or draw(st.booleans()) else ""
    until = at + length if ends and kind.lasts.value != "instant" else None
    args = required(kind) | ({"on": 1.0} if kind.family == "buggify" else {})
    return make_fault(at, kind.name, draw(st.sampled_from(places_of(kind))), until, args)


def state_of(world: Play) -> dict[str, object]:
    """Every switch that a fault may turn."""
    state: dict[str, object] = {}
    for one in world.net.hosts:
        state[one.name] = (
            one.connects,
            one.backlog_cap,
            one.overflow,
            one.accept_delay_seconds,
            one.cannot_accept,
            one.out_of_descriptors,
            list(one.greeters),
            one.is_down,
            one.is_paused,
            one.client_ports.allowed,
            None if one.cpu is None else one.cpu.factor,
        )
        for other in world.net.hosts:
            link = world.net.link(one.name, other.name)
            path = link.path_from(one.name)
            state[f"{one.name}>{other.name}"] = (
                link.connects,
                link.idle_drop_seconds,
                list(link.greeters),
                path.latency_seconds,
                path.jitter_seconds,
                path.bandwidth_bytes_per_second,
                path.queue_bytes,
                path.loss,
                path.is_stalled,
            )
    for actor in (*world.servers.values(), *world.balancers.values()):
        armed = sum(map(len, actor.env.tosses.values()))
        state[f"actor {actor.name}"] = (
            actor.slow_factor,
            actor.is_expired,
            actor.env.epoch,
            armed,
        )
    certificates = world.balancers["lb"].certificates
    state["certificate"] = None if certificates is None else certificates.spoilt
    entry = world.net.names.entry("api.local")
    state["api.local"] = (entry.truth(), entry.is_failing, entry.delay_seconds, entry.stale)
    return state


@settings(max_examples=100)
@given(st.lists(faults(), min_size=1, max_size=8), st.integers(5, 60))
def test_whatever_overlaps_after_the_heals_the_world_is_as_before(
    given_faults: list[Fault], stop_at: int
) -> None:
    async def scene(world: Play) -> None:
        world.net.set_name("api.local", ["10.0.0.7"])
        CpuNetwork(world.net.host("lb"))
        for server in ("s1", "s2", "s3"):
            await world.listen(server)
            await world.dial(server)
            await world.net.host("web").connect(world.net.host(server).listeners[0].address)
        assert trio.current_time() == 12.0
        before = state_of(world)
        agenda = Agenda(world, given_faults)
        agenda.start()
        await trio.sleep(stop_at)
        agenda.stop()
        assert state_of(world) == before
        assert agenda.site.overlays.is_clear
        assert agenda.in_force == []
        for stream in world.net.open_streams():
            for pipe in (stream.incoming, stream.outgoing):
                assert (pipe.rules, pipe.valves, pipe.window) == ([], [], world.net.window_bytes)
        await trio.sleep(200)
        assert state_of(world) == before, "and stays so"

    play(scene)


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.name)
def test_each_kind_can_be_injected_wherever_it_may_be_aimed(kind: FaultKind) -> None:
    async def scene(world: Play) -> None:
        CpuNetwork(world.net.host("lb"))
        for place in places_of(kind):
            heal = world.inject(kind.name, place, **required(kind))
            heal()
            heal()
        assert world.site.overlays.is_clear or kind.name == "clock_jump"

    play(scene)
