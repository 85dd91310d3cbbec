"""How each server is reached: its own settings over its pool's, as one destination."""

from collections.abc import Callable, Iterator

from trio_lb.config.schema import Config, PoolConfig, ServerConfig
from trio_lb.model.address import Address, Ends
from trio_lb.model.errors import ConfigError, Problem
from trio_lb.net.dial import Destination, Dialer
from trio_lb.net.env import Stream
from trio_lb.state.registry import Registry
from trio_lb.state.server import Server

_PLAIN = PoolConfig()


class Reach:
    """Dials servers as the plan in force says; data path and probes share it."""

    def __init__(self, registry: Registry, dialer: Dialer) -> None:
        self._registry = registry
        self._dialer = dialer

    def destination(self, server: Server) -> Destination:
        """Return where ``server`` is and what is spoken there; a leaver's pool may be gone."""
        pool = self._registry.find_pool(server.pool)
        return _destination(_PLAIN if pool is None else pool.config, server.config)

    def redirected(self, before: Config) -> Iterator[Server]:
        """Yield the servers that are spoken to in another way than the plan ``before`` said."""
        for name, pool in self._registry.pools().items():
            old = before.pools.get(name)
            if old is None or old == pool.config:
                continue
            ways = {each.address: _destination(old, each) for each in old.servers}
            for server in pool.members:
                if ways.get(server.address) not in (None, self.destination(server)):
                    yield server

    def encrypted(self) -> Iterator[Server]:
        """Yield the servers that are spoken to over TLS."""
        for server in self._registry.servers():
            tls = self.destination(server).tls
            if tls is not None and tls.enabled:
                yield server

    async def dial(self, server: Server, address: Address, client: Ends | None) -> Stream:
        """Open a stream for a request; satisfies ``net.connection_pool.Dial``.

        Raises:
          ConnectError: see ``Dialer.dial``.
        """
        return await self._dialer.dial(self.destination(server), client)

    async def probe(self, server: Server, port: int | None) -> Stream:
        """Open a stream for a probe, on another port of the same host if ``port`` says so.

        Raises:
          ConnectError: see ``Dialer.dial``.
        """
        return await self._dialer.dial(self.destination(server).on_port(port))

    def renewal(self, plan: Config) -> Callable[[], None]:
        """Read every certificate that ``plan`` needs again; return what puts them in force.

        Raises:
          ConfigError: one is not what it should be.
        """
        dialer = self._dialer.anew()
        _load_all(dialer, plan)

        def renew() -> None:
            self._dialer = dialer

        return renew

    def prepare(self, plan: Config) -> None:
        """Load every certificate that ``plan`` needs towards servers; nothing else changes.

        Raises:
          ConfigError: one is not what it should be.
        """
        _load_all(self._dialer, plan)

    def prepare_server(self, config: ServerConfig) -> None:
        """Load what is needed towards one server beyond what its pool says.

        Raises:
          ConfigError: it is not what it should be.
        """
        self._dialer.prepare(Destination(address=config.address, tls=config.tls))


def _destination(pool: PoolConfig, server: ServerConfig) -> Destination:
    return Destination(
        address=server.address,
        tls=server.tls or pool.tls,
        proxy_protocol=pool.proxy_protocol,
        app=server.app,
    )


def _load_all(dialer: Dialer, plan: Config) -> None:
    """Load what every destination needs, or tell all that is wrong with any."""
    problems: list[Problem] = []
    for path, destination in _destinations(plan):
        try:
            dialer.prepare(destination, path)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)


def _destinations(plan: Config) -> Iterator[tuple[str, Destination]]:
    for name, pool in plan.pools.items():
        nowhere = Address("", 0)
        yield f"pools.{name}.tls", Destination(address=nowhere, tls=pool.tls)
        for index, server in enumerate(pool.servers):
            path = f"pools.{name}.servers[{index}].tls"
            yield path, Destination(address=server.address, tls=server.tls)
