"""The same corpus with TLS on both sides of the proxy: encryption changes no verdict.

A half-close is a close_notify, a reset is one without it; so no case has to be left out.
"""

from pathlib import Path

import attrs
import pytest

from tests.conformance.cases import CASES
from tests.conformance.judge import verdict
from tests.conformance.ours import open_virtual_stage
from tests.conformance.seen import Seen
from tests.conformance.stage import play
from tests.net.identities import both_sides
from tests.support.clock import run_in_virtual_time
from tests.support.leaks import find_leaks
from trio_lb.config.encryption import ListenerTls, UpstreamTls
from trio_lb.config.schema import Config
from trio_lb.net.certificates import ClientTls, ServerTls
from trio_lb.net.env import Stream
from trio_lb.net.tls import TlsStream
from trio_lb.net.tls_faults import TlsError
from trio_lb.sim.network import VirtualNetwork

AS_IT_SHOULD_BE = "x-forwarded-proto is [b'https']"
"""The one thing of which three cases expect what only holds without TLS."""

BY_ID = {case.id: case for case in CASES}


@attrs.frozen
class Encrypted:
    """What both peers wear. The certificate is for ``a.test``, whoever they are."""

    server_side: ServerTls
    client_side: ClientTls
    folder: Path

    async def client(self, stream: Stream) -> Stream:
        return await TlsStream.connect(stream, self.client_side, "a.test")

    async def server(self, stream: Stream) -> Stream | None:
        try:
            return await TlsStream.accept(stream, self.server_side)
        except TlsError:
            stream.abort()
            return None

    def configure(self, plan: Config) -> Config:
        """A listener that speaks TLS, and servers that are spoken to over it."""
        certificate, key = self.folder / "server.pem", self.folder / "server.key"
        shown = ListenerTls(certificate=str(certificate), private_key=str(key))
        (listener,), (pool,) = plan.listeners, plan.pools.values()
        listener = attrs.evolve(listener, protocol="https", ssl=shown)
        towards = UpstreamTls(ca=str(self.folder / "house-ca.pem"), server_name="a.test")
        pool = attrs.evolve(pool, tls=towards)
        return attrs.evolve(plan, listeners=(listener,), pools={pool.name: pool})


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Encrypted:
    folder = tmp_path_factory.mktemp("tls")
    return Encrypted(*both_sides(folder), folder)


@pytest.mark.parametrize("name", BY_ID)
def test_conforms_over_tls(name: str, encrypted: Encrypted) -> None:
    async def main() -> tuple[Seen, list[str]]:
        net = VirtualNetwork(seed=0)
        async with open_virtual_stage(net, encrypted.configure, dress=encrypted) as stage:
            seen = await play(BY_ID[name], stage)
        return seen, await find_leaks(net)

    seen, leaks = run_in_virtual_time(main)
    wrong = [each for each in verdict(BY_ID[name], seen) if AS_IT_SHOULD_BE not in each]
    assert wrong == [], "\n".join(seen.story())
    assert leaks == []


def test_the_exception_is_met_where_the_scheme_is_looked_at(encrypted: Encrypted) -> None:
    name = "via-forwarded: X-Forwarded-Proto is ours"

    async def main() -> Seen:
        net = VirtualNetwork(seed=0)
        async with open_virtual_stage(net, encrypted.configure, dress=encrypted) as stage:
            return await play(BY_ID[name], stage)

    (met,) = verdict(BY_ID[name], run_in_virtual_time(main))
    assert AS_IT_SHOULD_BE in met
