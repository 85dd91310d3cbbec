"""What every connection of one balancer shares: its limits, books and seams, bound once."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from trio_lb.config.schema import Config
from trio_lb.model.message import RequestHead
from trio_lb.net.bus import Bus
from trio_lb.net.codec import HeadCodec
from trio_lb.net.connection_pool import ConnectionPools, Dial
from trio_lb.net.env import Env
from trio_lb.net.h1_downstream import RequestReader
from trio_lb.net.h1_upstream import ResponseReader
from trio_lb.policy.access import AccessList
from trio_lb.proxy.answer_out import DateLine
from trio_lb.proxy.request_out import Trust
from trio_lb.proxy.websockets import Due, WebSockets
from trio_lb.state.ledger import Ledger

if TYPE_CHECKING:
    from trio_lb.proxy.dispatch import Router
    from trio_lb.proxy.exchange import Exchange

_ROOM_BYTES: Final = 4096
_ROOM_FIELDS: Final = 16


class Around(Protocol):
    """What stands around every request: the middleware, if there is any."""

    async def answer(self, exchange: "Exchange", head: RequestHead, router: "Router") -> None:
        """End the exchange; never raises for what a client, a server or a program did."""
        ...


class ProxyContext:
    """Shared by reference; a new plan rebinds it, and ``draining`` changes once, to true."""

    def __init__(
        self,
        config: Config,
        env: Env,
        codec: HeadCodec,
        bus: Bus,
        touch: Callable[[Due], None],
        dial: Dial | None = None,
    ) -> None:
        self.env = env
        self.bus = bus
        self.ledger = Ledger()
        self.middleware: Around | None = None
        self.draining = False
        self.websockets = WebSockets(config.websocket, env, touch)
        self._codec = codec
        self.date = DateLine()
        self.pick_rng = env.rng("pick")
        self.retry_rng = env.rng("retry")
        self.pseudonym = f"trio-lb-{env.token(4)}"
        self.connections = ConnectionPools(
            env,
            idle_limit=config.limits.upstream_idle,
            idle_seconds=config.timeouts.upstream_keep_alive,
            first_read=config.limits.buffer_size,
            on_due=touch,
            dial=dial,
        )
        self.rebind(config)

    def rebind(self, config: Config) -> None:
        """Go by ``config`` from now on: connections that are open keep what they began with."""
        limits = self.limits = config.limits
        self.timeouts = config.timeouts
        self.forwarded_headers = config.forwarded_headers
        self.answer_headers = config.answer_headers
        self.trust = Trust(config.trusted_proxies)
        access = config.access
        self.access = AccessList(access.allow, access.deny) if access.allow or access.deny else None
        self.websockets.config = config.websocket
        self.connections.configure(
            idle_limit=limits.upstream_idle,
            idle_seconds=config.timeouts.upstream_keep_alive,
            first_read=limits.buffer_size,
        )
        codec = self._codec
        self.request_reader = RequestReader(
            codec,
            head_size=limits.head_size,
            target_size=limits.target_size,
            header_count=limits.header_count,
        )
        self.response_reader = ResponseReader(
            codec, head_size=limits.head_size, header_count=limits.header_count
        )

    @property
    def own_answer_reader(self) -> ResponseReader:
        """Reads what we wrote ourselves: a server's head, with room for what was put in."""
        limits = self.limits
        return ResponseReader(
            self._codec,
            head_size=limits.head_size + _ROOM_BYTES,
            header_count=limits.header_count + _ROOM_FIELDS,
        )

    def date_line(self) -> bytes:
        """The Date field for an answer that leaves now."""
        return self.date.at(self.env.wall())
