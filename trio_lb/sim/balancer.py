"""A balancer of a simulation: the real one, on a host of the virtual network.

It can crash, restart, stand still and be reloaded, as its process could.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import trio

from trio_lb.app.balancer import LoadBalancer
from trio_lb.app.opening import open_load_balancer
from trio_lb.app.pool_face import PoolFace
from trio_lb.config.schema import Config
from trio_lb.model.address import Address
from trio_lb.model.errors import ConfigError, UnknownServer
from trio_lb.model.events import Event
from trio_lb.sim.certificates import Certificates
from trio_lb.sim.env import SimEnv
from trio_lb.sim.happening import What, Wire
from trio_lb.sim.host import HostNetwork
from trio_lb.sim.interpreter import Interpreter

STARTS_AGAIN_SECONDS: Final = 1.0
"""From an end of the process that nobody wanted to its next begin."""


class Balancer:
    """One balancer. ``lb`` is the running ``LoadBalancer``, None while it is down, ``ended_at`` when
    it went down last.

    ``names`` maps (pool, id) of a server to what the simulation calls it, where that differs.
    """

    def __init__(
        self,
        wire: Wire,
        name: str,
        host: HostNetwork,
        env: SimEnv,
        plan: Config,
        names: dict[tuple[str, str], str],
    ) -> None:
        self.name = name
        self.host = host
        self.env = env
        self.plan = plan
        self.lb: LoadBalancer | None = None
        self.names = names
        self.certificates: Certificates | None = None
        self.lives = 0
        self.ended_at = 0.0
        self.hire: Callable[[int], list[tuple[str, Address]]] = _nobody
        self.start_soon: Callable[[Callable[[], Awaitable[object]]], None] = _nowhere
        # Of whom it was said that they are to go, until the balancer itself knows.
        self._leaving: dict[str, None] = {}
        self._wire = wire
        self._up = trio.Event()
        self._scope: trio.CancelScope | None = None
        self._stopping = False
        self._over = trio.Event()

    @property
    def addresses(self) -> list[Address]:
        """Where its listeners are, in configured order."""
        return [listener.bind for listener in self.plan.listeners]

    @property
    def secured(self) -> list[Address]:
        """Where TLS is spoken."""
        return [each.bind for each in self.plan.listeners if each.ssl is not None]

    def names_at(self, address: Address) -> list[Sequence[str]]:
        """Return the names of each certificate that is shown there."""
        shown = (each.ssl for each in self.plan.listeners if each.bind == address)
        return [
            each.server_names for tls in shown if tls is not None for each in tls.all_certificates
        ]

    @property
    def front_door(self) -> Address:
        """Where clients go: to the first listener that does not send them to another one."""
        open_ones = [each.bind for each in self.plan.listeners if not each.answers_itself]
        return [*open_ones, *self.addresses][0]

    # ------------------------------------------------------------------ its life

    async def service(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Live, die and live again until ``stop``; started when its listeners accept."""
        self._up.set()
        begun: Callable[[], object] = task_status.started
        try:
            while not self._stopping:
                await self._up.wait()
                try:
                    await self._live(begun)
                except (ConfigError, ExceptionGroup) as error:
                    self.lb = None
                    if begun is not _ignore or not _is_refusal(error):
                        raise
                    await self._wait_to_be_started()
                begun = _ignore
        finally:
            self._over.set()

    async def _live(self, begun: Callable[[], object]) -> None:
        interpreter = Interpreter(self._wire, self.name, self._server_named)
        with trio.CancelScope() as self._scope:
            async with (
                open_load_balancer(self.plan, env=self.env) as self.lb,
                trio.open_nursery() as nursery,
            ):
                self.lives += 1
                self.lb.on(Event, interpreter.hear)
                await nursery.start(self.lb.serve)
                begun()
                await trio.sleep_forever()
        self.lb, self.ended_at = None, trio.current_time()

    async def _wait_to_be_started(self) -> None:
        """A process that ended as it began, over a certificate, is started again by somebody."""
        self._wire.tell(What.NOTE, self.name, 0, 0, "does not start: a certificate is refused")
        await trio.sleep(STARTS_AGAIN_SECONDS)

    def _server_named(self, pool: str, server_id: str) -> str:
        return self.names.get((pool, server_id), server_id)

    def crash(self, *, fin: bool = False) -> None:
        """Die; what it knew is lost."""
        if self._scope is None or self.lb is None:
            return
        self._up = trio.Event()
        self._scope.cancel()
        self.lb = None
        self.host.crash(fin=fin, tasks_die=True)

    def restart(self) -> None:
        """Come up again and read the configuration."""
        self.host.restart()
        self._up.set()

    def drain(self, grace_seconds: float) -> None:
        """Stop gracefully, as on SIGTERM; what is left after that time is cut. Down till a restart."""
        if self.lb is not None:
            self._up = trio.Event()
            self.start_soon(partial(self._wind_up, self.lb, grace_seconds))

    async def _wind_up(self, lb: LoadBalancer, grace_seconds: float) -> None:
        await lb.shutdown(grace_seconds)
        if self._scope is not None and self.lb is lb:
            self._scope.cancel()

    def pause(self) -> None:
        """Stand still, as under SIGSTOP."""
        self.host.pause()

    def resume(self) -> None:
        """Go on."""
        self.host.resume()

    async def stop(self, deadline_seconds: float) -> None:
        """Stop gracefully, and for good."""
        self._stopping = True
        if self.lb is not None:
            await self.lb.shutdown(deadline_seconds)
        if self._scope is not None:
            self._scope.cancel()
        self._up.set()
        await self._over.wait()

    # ------------------------------------------------------------------ its administration

    def reload(self, plan: Config | None = None) -> None:
        """Read the configuration again, as on SIGHUP; a balancer that is down reads it at its start."""
        self.plan = plan or self.plan
        if self.lb is not None:
            with suppress(ConfigError):  # What is refused is told by the balancer itself.
                self.lb.reload(self.plan)

    def add_servers(self, count: int) -> None:
        """Let so many new servers start, and balance them, too: in the pool of the first listener."""
        if self.lb is None:
            return
        for name, address in self.hire(count):
            self._pool().add_server(id=name, address=str(address))

    def remove_servers(self, count: int) -> None:
        """Drain so many of its servers and let them go; the last to come go first, and one stays."""
        if self.lb is None:
            return
        pool = self._pool()
        staying = [each.id for each in pool.config.servers if each.id not in self._leaving]
        for server_id in staying[1:][-count:]:
            self._leaving[server_id] = None
            self.start_soon(partial(self._remove, pool, server_id))

    async def _remove(self, pool: PoolFace, server_id: str) -> None:
        """Let one go, unless the balancer died or a plan took it away since that was said."""
        del self._leaving[server_id]
        if self.lb is not None:
            with suppress(UnknownServer):
                await pool.remove_server(server_id)

    def _pool(self) -> PoolFace:
        assert self.lb is not None, "only a running balancer has pools"
        return self.lb.pool(self.plan.listeners[0].pool)


def _is_refusal(error: Exception) -> bool:
    """Whether it is about the configuration alone: certificates are read with each start."""
    if isinstance(error, ExceptionGroup):
        return error.split(ConfigError)[1] is None
    return isinstance(error, ConfigError)


def _ignore() -> None:
    """Only the first life is waited for."""


def _nobody(count: int) -> list[tuple[str, Address]]:
    raise LookupError(f"{count} servers are wanted, and nobody makes any here")


def _nowhere(task: Callable[[], Awaitable[object]]) -> None:
    raise LookupError("no simulation runs")
