"""A program of the user's own on a host of the virtual network."""

from collections.abc import Awaitable, Callable

import attrs
import trio

from trio_lb.sim.env import SimEnv
from trio_lb.sim.host import HostNetwork
from trio_lb.sim.poison import Poisoned
from trio_lb.sim.shim import on_host


@attrs.define(eq=False)
class Program:
    """Lives from the begin of a run to its end; ``crash`` and ``restart`` are for faults.

    What it opens by ``trio``'s own means is on its host, too. If it raises, it is started again
    after ``revived_after`` seconds, as a supervisor would; None: that ends the run.
    """

    name: str
    host: HostNetwork
    env: SimEnv
    main: Callable[[SimEnv], Awaitable[object]]
    revived_after: float | None = None
    tell: Callable[[str], object] = lambda text: None
    _scope: trio.CancelScope | None = None
    _up: trio.Event = attrs.field(factory=trio.Event)

    async def run(self) -> None:
        """Run, and run again after each restart, until cancelled."""
        trio.lowlevel.current_task().name = f"program {self.name}"
        self._up.set()
        while True:
            await self._up.wait()
            with trio.CancelScope() as self._scope, on_host(self.host):
                await self._live()
            if self._up.is_set():
                return  # It ended by itself.

    async def _live(self) -> None:
        """Run it to its own end, and again whenever a supervisor finds it dead."""
        while True:
            try:
                await self.main(self.env)
                return
            except Exception as error:
                if self.revived_after is None or _is_poisoned(error):
                    raise
                self.tell(f"died of {type(error).__name__}")
            await trio.sleep(self.revived_after)

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


def _is_poisoned(error: Exception) -> bool:
    """Whether the real world was touched: that is the test's fault, and nothing to come back from."""
    if isinstance(error, ExceptionGroup):
        return error.subgroup(Poisoned) is not None
    return isinstance(error, Poisoned)
