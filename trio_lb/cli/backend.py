"""A test server that names itself: any path and any method is answered with its name.

trio-lb backend -p 9001 -c "Server A"
trio-lb backend -p 9002 -c "Server B" --latency 20ms --fail 0.05
"""

import argparse
import sys

import trio

from trio_lb.cli.arguments import listen_host, of_kind, port
from trio_lb.cli.backend_server import BackendServer, Behaviour
from trio_lb.cli.binding import cannot_bind
from trio_lb.cli.exits import Exit
from trio_lb.config.knobs import FRACTION, SECONDS_OR_OFF
from trio_lb.model.address import Address
from trio_lb.net.env import Env
from trio_lb.net.real import RealEnv


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``trio-lb backend``."""
    parser.add_argument(
        "-p", "--port", type=port, default=8080, help="listen port; 0 takes any free one (8080)"
    )
    parser.add_argument(
        "--host", type=listen_host, default="127.0.0.1", help="listen address (127.0.0.1)"
    )
    parser.add_argument(
        "-c",
        "--content",
        default="Backend Server",
        help="its name, in the body and the header X-Server (Backend Server)",
    )
    parser.add_argument(
        "--latency",
        metavar="TIME",
        type=of_kind(SECONDS_OR_OFF),
        default=0.0,
        help="how long each answer takes: 20ms, 1s (0)",
    )
    parser.add_argument(
        "--fail",
        metavar="SHARE",
        type=of_kind(FRACTION),
        default=0.0,
        help="share of the answers that are 500: 0.05 (0)",
    )


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM and return the exit code."""
    behaviour = Behaviour(args.content, args.latency, args.fail)
    return trio.run(main, RealEnv(), Address(args.host, args.port), behaviour)


async def main(env: Env, address: Address, behaviour: Behaviour) -> Exit:
    """Serve on ``address`` until a signal comes."""
    try:
        listener = await env.network.listen(address)
    except OSError as error:
        print(f"trio-lb backend: {cannot_bind(address, error)}", file=sys.stderr)
        return Exit.CANNOT_BIND
    server = BackendServer(env, listener, behaviour)
    async with env.signals(["SIGINT", "SIGTERM"]) as signals, trio.open_nursery() as nursery:
        nursery.start_soon(server.serve)
        where = f"http://{listener.address}"
        print(f"trio-lb backend: {behaviour.content!r} listening on {where}", file=sys.stderr)
        await anext(aiter(signals))
        nursery.cancel_scope.cancel()
    return Exit.OK
