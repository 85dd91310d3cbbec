"""Which simulated clients speak TLS, and what they are shown."""

from collections.abc import Mapping, Sequence
from functools import partial

from trio_lb.model.address import Address
from trio_lb.sim.actors.end import End
from trio_lb.sim.actors.tls_end import TlsEnd
from trio_lb.sim.adopt import is_literal
from trio_lb.sim.balancer import Balancer
from trio_lb.sim.certificates import (
    NAME,
    Certificates,
    asking_context,
    client_context,
    is_meant_for,
)
from trio_lb.sim.happening import What, Wire
from trio_lb.sim.stream import VirtualStream


class Veils:
    """Puts TLS over a client's connection to a listener that speaks it.

    A client that is shown another certificate than the time before tells so. It refuses one whose
    days are over; and one for other names, where it asks for a host that has a domain.
    """

    def __init__(self, wire: Wire, balancers: Mapping[str, Balancer]) -> None:
        self._wire = wire
        self._balancers = balancers
        self._shown: dict[tuple[str, Address], str] = {}

    def over(self, client: str, stream: VirtualStream, asked: str) -> End:
        """Return what the client speaks over who asks for that host."""
        peer = stream.peer
        balancer = next((each for each in self._balancers.values() if peer in each.secured), None)
        if balancer is None or balancer.certificates is None:
            return stream
        names = balancer.names_at(peer)
        host = asked.partition(":")[0].lower()
        name = host if "." in host and not is_literal(host) and any(names) else NAME
        return TlsEnd(
            stream,
            client_context() if name == NAME else asking_context(),
            server_name=name,
            on_shaken=partial(self._shaken, client, peer),
            objection=partial(_objection, balancer.certificates, name, names),
        )

    def _shaken(self, client: str, peer: Address, end: TlsEnd) -> None:
        if self._shown.get((client, peer)) != end.shown:
            self._shown[client, peer] = end.shown
            self._wire.tell(What.NOTE, client, end.serial, 0, "is shown the certificate", end.shown)


def _objection(
    certificates: Certificates, name: str, names: Sequence[Sequence[str]], shown: str
) -> str:
    """Return what speaks against a certificate: its days, its names, or "" for nothing."""
    if certificates.is_over(shown):
        return "certificate has expired"
    if name != NAME and not is_meant_for(name, shown, names):
        return f"certificate is not for {name}"
    return ""
