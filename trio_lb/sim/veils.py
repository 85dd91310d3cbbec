"""Which simulated clients speak TLS, and what they are shown."""

from collections.abc import Mapping
from functools import partial

from trio_lb.model.address import Address
from trio_lb.sim.actors.end import End
from trio_lb.sim.actors.tls_end import TlsEnd
from trio_lb.sim.balancer import Balancer
from trio_lb.sim.certificates import NAME, client_context
from trio_lb.sim.happening import What, Wire
from trio_lb.sim.stream import VirtualStream


class Veils:
    """Puts TLS over a client's connection to a listener that speaks it.

    A client that is shown another certificate than the time before tells so.
    """

    def __init__(self, wire: Wire, balancers: Mapping[str, Balancer]) -> None:
        self._wire = wire
        self._balancers = balancers
        self._shown: dict[tuple[str, Address], str] = {}

    def over(self, client: str, stream: VirtualStream) -> End:
        """Return what the client speaks over."""
        if not any(stream.peer in each.secured for each in self._balancers.values()):
            return stream
        on_shaken = partial(self._shaken, client, stream.peer)
        return TlsEnd(stream, client_context(), server_name=NAME, on_shaken=on_shaken)

    def _shaken(self, client: str, peer: Address, end: TlsEnd) -> None:
        if self._shown.get((client, peer)) != end.shown:
            self._shown[client, peer] = end.shown
            self._wire.tell(What.NOTE, client, end.serial, 0, "is shown the certificate", end.shown)
