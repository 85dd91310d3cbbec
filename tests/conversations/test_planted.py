"""A fault planted anywhere in the data path costs whoever meets it, and nobody else.

The seams carry the faults: the network and its streams, the head codec, identity, the algorithm, the callbacks of events. Each fuse burns once, at one use of its place.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import attrs
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conversations.play import Play, check_books, config_of
from tests.support.clock import run_in_virtual_time
from tests.support.leaks import find_leaks
from tests.support.raw import RawClient
from tests.support.servers import answer_of
from tests.support.stage import VirtualStage
from tests.support.world import open_world
from trio_lb.app import open_load_balancer
from trio_lb.config.schema import OutlierConfig
from trio_lb.model.address import Address
from trio_lb.model.events import Event, RequestCompleted, RequestFailed, ServerSelected
from trio_lb.model.message import Reject
from trio_lb.net.codec import RawRequest, RawResponse
from trio_lb.net.env import Listener, Stream
from trio_lb.net.h1_downstream import RequestReader
from trio_lb.net.h1_upstream import ResponseReader
from trio_lb.net.h11_codec import H11Codec
from trio_lb.observe.access_log import AccessLog
from trio_lb.sim.env import SimEnv
from trio_lb.sim.network import VirtualNetwork

CLIENTS = 6
REQUESTS = 3
BODY = b"b" * 3000
POST = b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n" + BODY

COSTLY = (
    "client receives", "client is sent at once", "server receives", "server is sent at once",
    "connect", "request head", "answer head", "token",
)  # fmt: skip
"""Whoever meets a fault here loses a request or a connection."""
FREE = ("completed", "selected", "access log", "algorithm")
"""Nobody loses anything: what programs hang onto the balancer is asked, never trusted."""


class Planted(RuntimeError):
    """A bug, on purpose."""


@attrs.define
class Fuses:
    """Which use of which place fails; ``burnt`` did."""

    plan: Mapping[str, int]
    uses: Counter[str] = attrs.Factory(Counter)
    burnt: list[str] = attrs.Factory(list)
    is_live: bool = False

    def use(self, place: str) -> None:
        if not self.is_live:
            return
        self.uses[place] += 1
        if self.uses[place] == self.plan.get(place):
            self.burnt.append(place)
            raise Planted(place)


class FaultyStream:
    """A stream between the proxy and one of its peers."""

    def __init__(self, stream: Stream, side: str, fuses: Fuses) -> None:
        self._stream = stream
        self._side = side
        self._fuses = fuses

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def receive_some(self, max_bytes: int) -> bytes:
        self._fuses.use(f"{self._side} receives")
        return await self._stream.receive_some(max_bytes)

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        self._fuses.use(f"{self._side} is sent at once")
        return self._stream.send_nowait(data)

    async def send_some(self, data: bytes | bytearray | memoryview) -> int:
        self._fuses.use(f"{self._side} is sent")
        return await self._stream.send_some(data)

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()


class FaultyListener:
    """Hands out streams to clients that are faulty."""

    def __init__(self, listener: Listener, fuses: Fuses) -> None:
        self._listener = listener
        self._fuses = fuses

    @property
    def address(self) -> Address:
        return self._listener.address

    async def accept_batch(self, limit: int) -> Sequence[Stream]:
        batch = await self._listener.accept_batch(limit)
        return [FaultyStream(each, "client", self._fuses) for each in batch]

    async def aclose(self) -> None:
        await self._listener.aclose()


class FaultyNetwork:
    """The network of the proxy's host."""

    def __init__(self, net: VirtualNetwork, fuses: Fuses) -> None:
        self._network = net.host("lb")
        self._fuses = fuses

    async def connect(self, address: Address) -> Stream:
        self._fuses.use("connect")
        stream = await self._network.connect(address)
        return FaultyStream(stream, "server", self._fuses)

    async def listen(self, address: Address, *, backlog: int = 1024) -> Listener:
        return FaultyListener(await self._network.listen(address, backlog=backlog), self._fuses)

    async def resolve(self, name: str) -> Sequence[str]:
        return await self._network.resolve(name)


class FaultyEnv(SimEnv):
    """The proxy's outside world."""

    def __init__(self, net: VirtualNetwork, fuses: Fuses) -> None:
        super().__init__(FaultyNetwork(net, fuses))
        self._fuses = fuses

    def token(self, size_bytes: int) -> str:
        self._fuses.use("token")
        return super().token(size_bytes)


class FaultyCodec:
    """h11 with a bug."""

    def __init__(self, fuses: Fuses) -> None:
        self._codec = H11Codec()
        self._fuses = fuses

    def parse_request(self, head: bytes) -> RawRequest | Reject:
        self._fuses.use("request head")
        return self._codec.parse_request(head)

    def parse_response(self, head: bytes) -> RawResponse | Reject:
        self._fuses.use("answer head")
        return self._codec.parse_response(head)


@attrs.define
class Result:
    """What became of the clients: how many of their requests were answered well."""

    good: list[int] = attrs.Factory(list)

    @property
    def lost(self) -> int:
        return sum(1 for count in self.good if count < REQUESTS)


async def ask_all(client: RawClient, number: int, result: Result) -> None:
    good = 0
    try:
        for turn in range(REQUESTS):
            await client.send(POST % (number * 10 + turn))
            answer = await client.read_response("POST")
            good += answer.status == 200 and answer.body == b"/%d" % (number * 10 + turn)
            await trio.sleep(0.01)
    except (trio.BrokenResourceError, AssertionError):
        pass
    result.good.append(good)
    await client.close()


class FaultyLog(AccessLog):
    """An access log that cannot render a record."""

    def __init__(self, env: SimEnv, fuses: Fuses) -> None:
        super().__init__(env.open_sink("/log"), "combined", name="/log")
        self._fuses = fuses

    def _ended(self, event: RequestCompleted | RequestFailed) -> None:
        self._fuses.use("access log")
        super()._ended(event)


async def play_with(plan: Mapping[str, int]) -> tuple[Fuses, Result, list[str]]:
    """Six clients with three requests each, among the fuses; then all is asked to be well."""
    fuses, result = Fuses(plan), Result()
    net = VirtualNetwork(seed=0)
    async with open_world(VirtualStage(net)) as world:
        s1 = await world.http_server("s1")
        s1.answer = lambda request: answer_of(200, request.start.split()[1].encode())

        def choose(candidates: Sequence[Any], context: object) -> Any:
            fuses.use("algorithm")
            return candidates[0]

        env = FaultyEnv(net, fuses)
        config = config_of(world, [s1], outlier=OutlierConfig(enabled=False))
        log = FaultyLog(env, fuses)
        async with (
            open_load_balancer(config, env=env, services=[log]) as lb,
            trio.open_nursery() as nursery,
        ):
            lb.update_config(algorithm=choose)
            play = Play(world, lb, [])
            await _run(play, nursery, fuses, result)
            nursery.cancel_scope.cancel()
        check_books(play)
    return fuses, result, await find_leaks(net)


async def _run(play: Play, nursery: trio.Nursery, fuses: Fuses, result: Result) -> None:
    lb, world = play.lb, play.world
    context, limits = lb.context, lb.config.limits
    codec = FaultyCodec(fuses)
    context.request_reader = RequestReader(
        codec, head_size=limits.head_size, target_size=16384, header_count=limits.header_count
    )
    context.response_reader = ResponseReader(
        codec, head_size=limits.head_size, header_count=limits.header_count
    )
    lb.on(Event, play.news.append)
    lb.on(RequestCompleted, lambda event: fuses.use("completed"))
    lb.on(ServerSelected, lambda event: fuses.use("selected"))
    (world.front,) = await nursery.start(lb.serve)
    clients = [await world.client() for _ in range(CLIENTS)]
    fuses.is_live = True
    async with trio.open_nursery() as asking:
        for number, client in enumerate(clients):
            asking.start_soon(ask_all, client, number, result)
    fuses.is_live = False
    await trio.sleep(5.0)  # Whoever was cut may linger.
    last = Result()
    await ask_all(await world.client(), 9, last)
    assert last.good == [REQUESTS], "whatever was planted, it is over"
    await trio.sleep(5.0)
    assert lb.connection_count == 0


@pytest.mark.parametrize("place", [*COSTLY, *FREE])
@pytest.mark.parametrize("use", [1, 2, 5])
def test_a_fault_costs_whom_it_meets_and_nobody_else(place: str, use: int) -> None:
    fuses, result, leaks = run_in_virtual_time(lambda: play_with({place: use}))
    assert (fuses.burnt, leaks) == ([place], []), "it was met, and left nothing open"
    assert result.lost == (place in COSTLY)
    assert sum(result.good) >= CLIENTS * REQUESTS - (REQUESTS if place in COSTLY else 0)


def test_a_fault_in_the_very_apology_for_another_closes_the_books_as_well() -> None:
    plan = {"server receives": 1, "client is sent at once": 1}
    fuses, result, leaks = run_in_virtual_time(lambda: play_with(plan))
    assert (fuses.burnt, leaks) == (["server receives", "client is sent at once"], [])
    assert result.lost == 1


@settings(max_examples=25)
@given(st.dictionaries(st.sampled_from([*COSTLY, *FREE]), st.integers(1, 40), max_size=6))
def test_law_of_faults_each_costs_one_client_at_most(plan: dict[str, int]) -> None:
    fuses, result, leaks = run_in_virtual_time(lambda: play_with(plan))
    assert leaks == []
    assert len(result.good) == CLIENTS
    assert result.lost <= sum(place in COSTLY for place in fuses.burnt), (fuses.burnt, result)


def test_a_fault_is_logged_with_its_trace_and_told_without_details(
    caplog: pytest.LogCaptureFixture,
) -> None:
    run_in_virtual_time(lambda: play_with({"connect": 1}))
    (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert record.exc_info is not None
    assert record.exc_info[0] is Planted
