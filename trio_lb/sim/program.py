"""A program of the user's own on a host of the virtual network."""

from collections.abc import Awaitable, Callable

import attrs
import trio

from trio_lb.sim.env import SimEnv
from trio_lb.sim.host import HostNetwork
from trio_lb.sim.shim import on_host


@attrs.define(eq=False)
class Program:
    """Lives from the begin of a run to its end; ``crash`` and ``restart`` are for faults.

    What it opens by ``trio``'s own means is on its host, too.
    """

    name: str
    host: HostNetwork
    env: SimEnv
    main: Callable[[SimEnv], Awaitable[object]]
    _scope: trio.CancelScope | None = None
    _up: trio.Event = attrs.field(factory=trio.Event)

    async def run(self) -> None:
        """Run, and run again after each restart, until cancelled."""
        self._up.set()
        while True:
            await self._up.wait()
            with trio.CancelScope() as self._scope, on_host(self.host):
                await self.main(self.env)
            if self._up.is_set():
                return  # It ended by itself.

    def crash(self, *, fin: bool = False) -> None:
        """Die, and lose all sockets."""
        self._up = trio.Event()
        if self._scope is not None:
            self._scope.cancel()
        self.host.crash(fin=fin, tasks_die=True)

    def restart(self) -> None:
        """Come up again."""
        self.host.restart()
        self._up.set()

    def pause(self) -> None:
        """Stand still."""
        self.host.pause()

    def resume(self) -> None:
        """Go on."""
        self.host.resume()
