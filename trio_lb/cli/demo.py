"""Three servers, a proxy and light traffic on this machine; the servers fail, the proxy copes.

One falls ill and its circuit breaker opens, tries, opens for longer, and closes; one dies and
returns; one falters and is ejected; one is repaired. It needs nothing and leaves nothing
behind. Ctrl-C ends it. The exit code is 0 if and only if no request of its client failed.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import trio

from trio_lb.app import LoadBalancer, open_load_balancer
from trio_lb.app.front import CannotListen
from trio_lb.cli.arguments import of_kind, port
from trio_lb.cli.binding import cannot_bind
from trio_lb.cli.demo_certificate import Certify, Files, no_certificate, self_signed
from trio_lb.cli.demo_script import NAMES, SHORTEST_SECONDS, Play, settings
from trio_lb.cli.demo_server import HOST, DemoServer
from trio_lb.cli.demo_show import Show, Style
from trio_lb.cli.exits import Exit
from trio_lb.cli.program import STANDARD_OUTPUT
from trio_lb.config.kinds import YEAR_SECONDS, Number
from trio_lb.config.values import DURATION_FORM, duration
from trio_lb.model.address import Address
from trio_lb.net.env import Env
from trio_lb.net.real import RealEnv
from trio_lb.observe.lines import Lines, open_lines
from trio_lb.observe.logs import open_logs

USUAL_PORT: Final = 8000
USUAL_TLS_PORT: Final = 8443

_LAST_REQUESTS_SECONDS: Final = 2.0
"""How long the end waits for requests that are under way; each takes a few milliseconds."""


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
    terminal = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    with tempfile.TemporaryDirectory(prefix="trio-lb-demo-") as folder:
        certify = partial(self_signed, Path(folder))
        style = _bold if terminal else str
        return trio.run(main, RealEnv(), args.seconds, args.port, certify, style)


def _bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m"


async def main(
    env: Env,
    seconds: float | None,
    wanted_port: int | None,
    certify: Certify = no_certificate,
    style: Style = str,
) -> Exit:
    """Play for ``seconds``, or until a signal comes when that is None."""
    async with open_logs(env, level="error") as logs:
        sink = env.open_sink(STANDARD_OUTPUT)
        async with open_lines(sink, "standard output", tell=logs.say) as out:
            files = await certify()
            try:
                front = await _choose_front(env, wanted_port, out)
            except OSError as error:
                lost = CannotListen(Address(HOST, wanted_port or 0), 0, error)
            else:
                ended = await _play(env, front, files, Play.of(seconds), out, style)
                if not isinstance(ended, CannotListen):
                    return ended
                lost = ended
            logs.say(f"trio-lb demo: {cannot_bind(lost.address, lost)}")
            return Exit.CANNOT_BIND


async def _choose_front(env: Env, wanted_port: int | None, out: Lines) -> Address:
    """Return a free address: the wanted one, else the usual one, else any.

    Raises:
      OSError: the wanted port is not free.
    """
    if wanted_port is not None:
        return await _free(env, wanted_port)
    front = await _free_or_any(env, USUAL_PORT)
    if front.port != USUAL_PORT:
        out.put(f"(port {USUAL_PORT} is taken; this one is free: {front.port})\n".encode())
    return front


async def _free_or_any(env: Env, number: int) -> Address:
    try:
        return await _free(env, number)
    except OSError:
        return await _free(env, 0)


async def _free(env: Env, number: int) -> Address:
    """Return the address if nobody listens there now; who comes first gets it all the same.

    Its configuration names a port, because the opening words do, before anything listens.
    """
    listener = await env.network.listen(Address(HOST, number))
    await listener.aclose()
    return listener.address


async def _play(
    env: Env, front: Address, files: Files | None, play: Play, out: Lines, style: Style
) -> Exit | CannotListen:
    """Play to the end; or return what happened if a free port was taken in between."""
    fronts = {"http": front}
    if files is not None:
        fronts["https"] = await _free_or_any(env, USUAL_TLS_PORT)
    async with env.signals(["SIGINT", "SIGTERM"]) as signals, trio.open_nursery() as machines:
        servers = [DemoServer(env, name, machines) for name in NAMES]
        for server in servers:
            await server.start()
        configuration = _configuration(fronts, files, servers, play)
        async with open_load_balancer(configuration, env=env) as lb:
            ended = await _perform(lb, Show(lb, play, fronts, servers, out, style), signals)
        machines.cancel_scope.cancel()
    return ended


async def _perform(
    lb: LoadBalancer, show: Show, signals: AsyncIterator[str]
) -> Exit | CannotListen:
    show.open()
    lost: CannotListen | None = None
    async with trio.open_nursery() as stage:
        try:
            await stage.start(lb.serve)
        except CannotListen as error:
            lost = error
        else:
            await _until_a_signal(signals, show)
            show.close()
            # What ends from now on is not told any more: the last line is the last line.
            await lb.shutdown(_LAST_REQUESTS_SECONDS)
    return lost or (Exit.FAILURE if show.tally.failed else Exit.OK)


async def _until_a_signal(signals: AsyncIterator[str], show: Show) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_cancel_at, signals, nursery.cancel_scope)
        await show.run()
        nursery.cancel_scope.cancel()


async def _cancel_at(signals: AsyncIterator[str], scope: trio.CancelScope) -> None:
    await anext(aiter(signals))
    scope.cancel()


def _configuration(
    fronts: Mapping[str, Address], files: Files | None, servers: Sequence[DemoServer], play: Play
) -> dict[str, Any]:
    """Return what a configuration file would say: the demo uses nothing that others can't."""
    listeners: list[dict[str, Any]] = [
        {"bind": str(address), "protocol": scheme} for scheme, address in fronts.items()
    ]
    if files is not None:
        pair = {"certificate": str(files.certificate), "private_key": str(files.private_key)}
        listeners[-1]["ssl"] = pair
    return {
        "name": "demo",
        "listeners": listeners,
        "servers": [{"id": each.name, "address": str(each.address)} for each in servers],
        "accept_grace": 0,
        **settings(play),
    }
