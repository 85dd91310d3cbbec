"""The demo's servers: real ones, that fall ill, die and return at the same address."""

from typing import Final

import trio

from trio_lb.cli.backend_server import BackendServer, Behaviour
from trio_lb.cli.demo_script import Deed
from trio_lb.model.address import Address
from trio_lb.net.env import Env

HOST: Final = "127.0.0.1"
LATENCY_SECONDS: Final = 0.005
"""Long enough that a request is likely in flight when its server dies."""

_REBIND_SECONDS: Final = 0.5

# Never five in a row where it only falters: that would be the breaker's business.
_DROPS: Final = {
    Deed.ILL: (True,),
    Deed.CURED: (),
    Deed.FALTERS: (True, True, True, False),
    Deed.STEADY: (),
}


class DemoServer:
    """A server to which deeds are done. Its tasks run in ``nursery``."""

    def __init__(self, env: Env, name: str, nursery: trio.Nursery) -> None:
        self.name = name
        self.address = Address(HOST, 0)
        self._env = env
        self._nursery = nursery
        self._server: BackendServer | None = None

    async def start(self) -> None:
        """Listen: on any free port the first time, on the same one ever after.

        Raises:
          OSError: the port is not free.
        """
        listener = await self._env.network.listen(self.address)
        self.address = listener.address
        self._server = BackendServer(self._env, listener, Behaviour(self.name, LATENCY_SECONDS))
        self._nursery.start_soon(self._server.serve, name=f"server {self.name}")

    async def suffer(self, deed: Deed) -> None:
        """Let ``deed`` be done; what is done by the balancer's side is nothing here."""
        if deed is Deed.DIES:
            await self._running.crash()
        elif deed is Deed.RETURNS:
            await self._revive()
        elif deed in _DROPS:
            self._running.behaviour.drops = _DROPS[deed]

    @property
    def _running(self) -> BackendServer:
        assert self._server is not None, "it was started"
        return self._server

    async def _revive(self) -> None:
        """Listen again, as soon as the port is free of any connection that passed over it."""
        while True:
            try:
                return await self.start()
            except OSError:
                await trio.sleep(_REBIND_SECONDS)
