"""Three servers, a proxy and light traffic on this machine; one server dies and returns.

It needs nothing and leaves nothing behind. Ctrl-C ends it.
"""

import argparse
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

import trio

from trio_lb.app import LoadBalancer, open_load_balancer
from trio_lb.cli.arguments import of_kind, port
from trio_lb.cli.backend_server import BackendServer, Behaviour
from trio_lb.cli.binding import cannot_bind
from trio_lb.cli.demo_script import (
    NAMES,
    REQUESTS_PER_SECOND,
    SHORTEST_SECONDS,
    Tally,
    clock,
    opening,
    outages,
    report_period_seconds,
)
from trio_lb.cli.demo_traffic import USER_AGENT, ask_steadily
from trio_lb.cli.exits import Exit
from trio_lb.cli.program import STANDARD_OUTPUT
from trio_lb.config.kinds import YEAR_SECONDS, Number
from trio_lb.config.values import DURATION_FORM, duration
from trio_lb.model import events
from trio_lb.model.address import Address
from trio_lb.net.env import Env
from trio_lb.net.real import RealEnv
from trio_lb.observe.escape import escape_line
from trio_lb.observe.lines import Lines, open_lines
from trio_lb.observe.logs import open_logs
from trio_lb.observe.throttle import Throttle

HOST: Final = "127.0.0.1"
USUAL_PORT: Final = 8000
LATENCY_SECONDS: Final = 0.005
"""Long enough that a request is likely in flight when its server dies."""

_REBIND_SECONDS: Final = 0.5
_LAST_REQUESTS_SECONDS: Final = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``trio-lb demo``."""
    long_enough = Number(DURATION_FORM, SHORTEST_SECONDS, YEAR_SECONDS, unit="s", parse=duration)
    parser.add_argument(
        "--seconds",
        metavar="N",
        type=of_kind(long_enough),
        help="end after N seconds, at least 15 (goes on until Ctrl-C)",
    )
    parser.add_argument(
        "-p", "--port", type=port, help="the proxy's port (8000, or a free one if that is taken)"
    )


def run(args: argparse.Namespace) -> int:
    """Play and return the exit code."""
    return trio.run(main, RealEnv(), args.seconds, args.port)


async def main(env: Env, seconds: float | None, wanted_port: int | None) -> Exit:
    """Play for ``seconds``, or until a signal comes when that is None."""
    async with open_logs(env, level="error") as logs:
        sink = env.open_sink(STANDARD_OUTPUT)
        async with open_lines(sink, "standard output", tell=logs.say) as out:
            try:
                front = await _choose_front(env, wanted_port, out)
            except OSError as error:
                logs.say(f"trio-lb demo: {cannot_bind([Address(HOST, wanted_port or 0)], error)}")
                return Exit.CANNOT_BIND
            return await _play(env, front, seconds, out)


async def _choose_front(env: Env, wanted_port: int | None, out: Lines) -> Address:
    """Return a free address: the wanted one, else the usual one, else any.

    Raises:
      OSError: the wanted port is not free.
    """
    try:
        return await _free(env, USUAL_PORT if wanted_port is None else wanted_port)
    except OSError:
        if wanted_port is not None:
            raise
    front = await _free(env, 0)
    out.put(f"(port {USUAL_PORT} is taken; this one is free: {front.port})\n".encode())
    return front


async def _free(env: Env, number: int) -> Address:
    listener = await env.network.listen(Address(HOST, number))
    await listener.aclose()
    return listener.address


async def _play(env: Env, front: Address, seconds: float | None, out: Lines) -> Exit:
    async with env.signals(["SIGINT", "SIGTERM"]) as signals, trio.open_nursery() as machines:
        servers = [DemoServer(env, name) for name in NAMES]
        for server in servers:
            await server.start(machines)
        async with open_load_balancer(_configuration(front, servers), env=env) as lb:
            show = Show(lb, front, servers, out)
            show.open(seconds)
            async with trio.open_nursery() as stage:
                await stage.start(lb.serve)
                await _until_a_signal(signals, show, seconds)
                show.close()
                await lb.shutdown(_LAST_REQUESTS_SECONDS)
        machines.cancel_scope.cancel()
    return Exit.OK


async def _until_a_signal(signals: AsyncIterator[str], show: "Show", seconds: float | None) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_cancel_at, signals, nursery.cancel_scope)
        await show.play(seconds)
        nursery.cancel_scope.cancel()


async def _cancel_at(signals: AsyncIterator[str], scope: trio.CancelScope) -> None:
    await anext(aiter(signals))
    scope.cancel()


def _configuration(front: Address, servers: Sequence["DemoServer"]) -> dict[str, object]:
    return {
        "name": "demo",
        "listeners": [{"bind": str(front)}],
        "servers": [{"id": each.name, "address": str(each.address)} for each in servers],
        "health_check": {"interval": 1, "timeout": 0.5, "fast_interval": 0.5},
        "outlier_detection": {"enabled": True},
        "retry": {"max_retries": 2, "budget": {"enabled": True}},
        "accept_grace": 0,
    }


class DemoServer:
    """A server that can die and return at the same address."""

    def __init__(self, env: Env, name: str) -> None:
        self.name = name
        self.address = Address(HOST, 0)
        self._env = env
        self._server: BackendServer | None = None

    async def start(self, nursery: trio.Nursery) -> None:
        """Listen: on any free port the first time, on the same one ever after."""
        listener = await self._env.network.listen(self.address)
        self.address = listener.address
        self._server = BackendServer(self._env, listener, Behaviour(self.name, LATENCY_SECONDS))
        nursery.start_soon(self._server.serve, name=f"server {self.name}")

    async def revive(self, nursery: trio.Nursery) -> None:
        """Listen again, as soon as the port is free of any connection that passed over it."""
        while True:
            try:
                return await self.start(nursery)
            except OSError:
                await trio.sleep(_REBIND_SECONDS)

    async def die(self) -> None:
        """Refuse and reset everything from now on."""
        assert self._server is not None, "it was started"
        await self._server.crash()


class Show:
    """One play: it moves the servers, listens to the balancer, and tells."""

    def __init__(
        self, lb: LoadBalancer, front: Address, servers: Sequence[DemoServer], out: Lines
    ) -> None:
        self._lb = lb
        self._front = front
        self._servers = {server.name: server for server in servers}
        self._out = out
        self._tally = Tally()
        self._visits = Throttle(1.0)
        self._start = lb.env.now()
        self._undo: list[Callable[[], None]] = []

    def open(self, seconds: float | None) -> None:
        """Say what there is to see, and begin to listen to the balancer."""
        places = {name: str(server.address) for name, server in self._servers.items()}
        self._print(opening(f"http://{self._front}", places, next(outages(seconds))))
        self._undo = [
            self._lb.on(events.ServerHealthChanged, self._on_health),
            self._lb.on(events.ServerEjected, self._on_ejected),
            self._lb.on(events.ServerReadmitted, self._on_readmitted),
            self._lb.on(events.RequestCompleted, self._on_completed),
        ]

    async def play(self, seconds: float | None) -> None:
        """Play all acts; returns after ``seconds``, never when that is None."""
        await self._lb.wait_ready()
        self._start = self._lb.env.now()
        fail = self._tally.count_failure
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask_steadily, self._lb.env, self._front, REQUESTS_PER_SECOND, fail)
            nursery.start_soon(self._report, report_period_seconds(seconds))
            nursery.start_soon(self._act, seconds, nursery)

    async def _act(self, seconds: float | None, stage: trio.Nursery) -> None:
        for outage in outages(seconds):
            victim = self._servers[outage.victim]
            await trio.sleep_until(self._start + outage.dies_at)
            self._tell(f">>> {victim.name} dies")
            await victim.die()
            await trio.sleep_until(self._start + outage.returns_at)
            await victim.revive(stage)
            self._tell(f">>> {victim.name} is back")
            if outage.ends_at is not None:
                await trio.sleep_until(self._start + outage.ends_at)
        stage.cancel_scope.cancel()

    async def _report(self, period_seconds: float) -> None:
        due = self._start
        while True:
            due += period_seconds
            await trio.sleep_until(due)
            self._tell(self._tally.row())

    def close(self) -> None:
        """Say the last words, and listen no more."""
        for each in self._undo:
            each()
        self._tell(">>> the end")
        self._print(self._tally.summary())

    # -- what the balancer says

    def _on_health(self, event: events.ServerHealthChanged) -> None:
        verdict = "is healthy" if event.is_healthy else "is unhealthy"
        self._tell(f"{event.server_id} {verdict} ({event.reason})")

    def _on_ejected(self, event: events.ServerEjected) -> None:
        self._tell(f"{event.server_id} is ejected ({event.reason}); the others take over")

    def _on_readmitted(self, event: events.ServerReadmitted) -> None:
        self._tell(f"{event.server_id} is readmitted")

    def _on_completed(self, event: events.RequestCompleted) -> None:
        record = event.record
        self._tally.count(event.server_id or "", record.attempts)
        if record.user_agent != USER_AGENT:
            more = self._visits.admit("visit", event.at)
            if more is not None:
                page = escape_line(record.target[:60])
                others = f" (and {more} more before)" if more else ""
                self._tell(f"you asked for {page}, {event.server_id} answered{others}")

    # -- saying it

    def _tell(self, text: str) -> None:
        self._print(f"{clock(self._lb.env.now() - self._start)}  {text}")

    def _print(self, text: str) -> None:
        self._out.put(f"{text}\n".encode("ascii", "backslashreplace"))
