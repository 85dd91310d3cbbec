"""Settings that change while traffic runs: what goes over a wire from then on goes by the new ones."""

from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from tests.conversations.play import GET, OK, Play, open_play, until
from tests.net.identities import authority, issued, write, write_ca
from tests.support.raw import RawClient, RawPeer
from tests.support.servers import Script
from tests.support.world import World
from trio_lb.config.schema import UpstreamTls
from trio_lb.model.errors import ConfigError
from trio_lb.net.certificates import server_context
from trio_lb.net.env import Stream
from trio_lb.net.prefaced import PrefacedStream
from trio_lb.net.tls import TlsStream
from trio_lb.net.tls_faults import TlsError

_HANDSHAKE = b"\x16"


def bilingual(folder: Path, heard: list[str]) -> Script:
    """Answer requests over TLS or without, as they come, and note what each connection spoke."""
    tls = server_context([write(folder, "s1", issued("s1.test"))])

    async def serve(peer: RawPeer) -> None:
        first = await peer.stream.receive_some(1)
        stream: Stream = PrefacedStream(peer.stream, first)
        heard.append("TLS" if first == _HANDSHAKE else "plain")
        if first == _HANDSHAKE:
            try:
                stream = await TlsStream.accept(stream, tls, deadline=trio.current_time() + 1.0)
            except TlsError:
                return  # The proxy would not have our name.
        spoken = RawPeer(stream, peer.name)
        while not await spoken.at_end():
            await spoken.read_request()
            heard.append("request")
            await spoken.send(OK)

    return serve


async def ask(client: RawClient) -> int:
    await client.send(GET)
    return (await client.read_response()).status


def changed_pool(play: Play, **pool: Any) -> None:
    """Apply the plan in force with another pool."""
    plan = play.lb.config
    pools = {"default": attrs.evolve(plan.pools["default"], **pool)}
    play.lb.apply(attrs.evolve(plan, pools=pools))


async def test_a_server_that_is_to_be_spoken_to_over_tls_hears_no_plain_request_any_more(
    world: World, tmp_path: Path
) -> None:
    heard: list[str] = []
    s1 = await world.server("s1", bilingual(tmp_path, heard))
    async with open_play(world, s1) as play:
        client = await play.client()
        assert await ask(client) == 200
        play.lb.update_server("s1", tls={"ca": write_ca(tmp_path), "server_name": "s1.test"})
        assert await ask(client) == 200
        assert heard == ["plain", "request", "TLS", "request"]
        await client.close()


async def test_a_pool_that_asks_for_another_name_reuses_no_connection_to_the_old_one(
    world: World, tmp_path: Path
) -> None:
    """Who was verified as one may not pass for another; and a failed handshake is a 502."""
    heard: list[str] = []
    s1 = await world.server("s1", bilingual(tmp_path, heard))
    good = UpstreamTls(ca=write_ca(tmp_path), server_name="s1.test")
    async with open_play(world, s1, pool={"tls": good}) as play:
        client = await play.client()
        assert await ask(client) == 200
        changed_pool(play, tls=attrs.evolve(good, server_name="other.test"))
        assert await ask(client) == 502
        changed_pool(play, tls=good)
        assert await ask(client) == 200
        await client.close()


async def test_after_a_reload_servers_over_tls_have_to_show_themselves_again(
    world: World, tmp_path: Path
) -> None:
    """As with nginx: whoever was believed by a CA that is read again is not believed for ever."""
    heard: list[str] = []
    s1 = await world.server("s1", bilingual(tmp_path, heard))
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority("house").cert_pem.bytes())
    tls = UpstreamTls(ca=str(ca), server_name="s1.test")
    async with open_play(world, s1, pool={"tls": tls}) as play:
        client = await play.client()
        assert [await ask(client) for _ in range(2)] == [200, 200]
        ca.write_bytes(authority("stranger").cert_pem.bytes())
        play.lb.reload()
        assert await ask(client) == 502
        changed_pool(play, tls=attrs.evolve(tls, enabled=False))
        play.lb.reload()
        assert [await ask(client) for _ in range(2)] == [200, 200]
        play.lb.reload()
        assert await ask(client) == 200
        assert len(s1.peers) == 1 + 3 + 1, "three tries failed; in plain text one did for all"
        await client.close()


async def test_an_answer_under_way_comes_to_its_end_but_its_connection_is_not_kept(
    world: World, tmp_path: Path
) -> None:
    s1 = await world.http_server("s1")
    s1.think_seconds = 10.0
    async with open_play(world, s1) as play, trio.open_nursery() as nursery:
        client = await play.client()
        nursery.start_soon(client.send, GET)
        await trio.sleep(5.0)
        play.lb.update_server("s1", tls={"verify": False})
        assert (await client.read_response()).body == b"s1"
        await play.settle()
        assert world.link("s1").streams == {}
        await client.close()


async def test_what_does_not_concern_the_wire_leaves_connections_alone(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        client = await play.client()
        assert await ask(client) == 200
        play.lb.update_server("s1", weight=7, metadata={"a": 1})
        play.lb.update_config(algorithm="least_connections", max_retries=5)
        assert await ask(client) == 200
        assert len(s1.peers) == 1
        await client.close()


@pytest.mark.parametrize("verb", ["add", "update"])
async def test_a_server_s_certificate_that_can_t_be_read_is_refused_and_changes_nothing(
    world: World, tmp_path: Path, verb: str
) -> None:
    s1 = await world.http_server("s1")
    tls = {"ca": str(tmp_path / "none.pem")}
    async with open_play(world, s1) as play:
        before = play.lb.config
        add = partial(play.lb.add_server, id="s2", host="10.0.9.9", port=1)
        change = add if verb == "add" else partial(play.lb.update_server, "s1")
        with pytest.raises(ConfigError, match=r"tls.*none\.pem"):
            change(tls=tls)
        assert (play.lb.config, len(play.lb.servers())) == (before, 1)
        assert (await play.ask()).body == b"s1"


async def test_a_url_brings_its_scheme_with_it(world: World, tmp_path: Path) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        moved = play.lb.update_server("s1", url="https://10.0.9.9")
        assert str(moved.address) == "10.0.9.9:443"
        assert moved.config.tls is not None
        assert moved.config.tls.enabled
        back = play.lb.update_server("s1", url="http://10.0.9.9")
        assert str(back.address) == "10.0.9.9:80"
        assert back.config.tls is None


async def test_an_id_is_not_changed_in_place(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        for spelling in ("id", "name"):
            with pytest.raises(ConfigError, match="id"):
                play.lb.pool().update_server("s1", **{spelling: "s9"})
        assert play.lb.pool().update_server("s1", name="s1", weight=3).weight == 3


async def test_connections_that_idle_are_kept_as_long_as_the_plan_in_force_says(
    world: World,
) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        client = await play.client()
        assert await ask(client) == 200
        play.lb.update_config(timeouts={"upstream_keep_alive": 20.0})
        assert await ask(client) == 200
        await trio.sleep(15.0)
        assert await ask(client) == 200
        assert len(s1.peers) == 1, "idle for 15 s, of 20 s"
        play.lb.update_config(timeouts={"upstream_keep_alive": 2.0})
        assert await ask(client) == 200
        await until(lambda: not world.link("s1").streams)
        assert 17.0 <= trio.current_time() < 17.1
        await client.close()


async def test_fewer_connections_may_be_kept_from_now_on(world: World) -> None:
    """What is too much for the new bound goes after the second that any surplus has."""
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        s1.think_seconds = 1.0
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(play.ask)
        assert len(world.link("s1").streams) == 6
        play.lb.update_config(limits={"upstream_idle": 1})
        await until(lambda: len(world.link("s1").streams) == 2)
        assert 2.0 <= trio.current_time() < 2.1
