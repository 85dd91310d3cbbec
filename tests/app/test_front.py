"""The front over TLS: two names, clients that must show who they are, redirects, a new certificate."""

from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from tests.conversations.play import GET, LAST_GET, Play, open_play
from tests.net.identities import issued, write, write_ca
from tests.support.raw import RawClient
from tests.support.world import World
from trio_lb.config.schema import CertificateConfig, ListenerTls, UpstreamTls
from trio_lb.model.errors import ConfigError
from trio_lb.model.events import ConfigRejected
from trio_lb.net.certificates import client_context
from trio_lb.net.tls import TlsStream
from trio_lb.net.tls_faults import TlsError


def shown(folder: Path, *stems: str) -> tuple[CertificateConfig, ...]:
    """Certificates for a.test, b.test, ... in files of those stems."""
    made = [write(folder, stem, issued(f"{stem}.test")) for stem in stems]
    return tuple(
        CertificateConfig(certificate=each.certificate, private_key=each.private_key)
        for each in made
    )


def https(folder: Path, *stems: str, **tls: Any) -> dict[str, Any]:
    """What makes a play's listener one of https."""
    ssl = ListenerTls(certificates=shown(folder, *stems), **tls)
    return {"listener": {"protocol": "https", "ssl": ssl}}


async def tls_client(play: Play, folder: Path, name: str, **own: Any) -> RawClient:
    """A client that trusts our authority, over TLS."""
    raw = await play.client()
    context = client_context(ca=write_ca(folder), **own)
    return RawClient(await TlsStream.connect(raw.stream, context, name), "client")


async def test_each_name_gets_its_own_certificate(world: World, tmp_path: Path) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, **https(tmp_path, "a", "b")) as play:
        for name in ("a.test", "b.test"):
            client = await tls_client(play, tmp_path, name)
            await client.send(LAST_GET)
            assert (await client.read_response()).status == 200
            await client.close()
        with pytest.raises(TlsError):
            await tls_client(play, tmp_path, "c.test")


async def test_the_server_is_told_that_the_client_came_over_tls(
    world: World, tmp_path: Path
) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, **https(tmp_path, "a")) as play:
        client = await tls_client(play, tmp_path, "a.test")
        await client.send(GET)
        await client.read_response()
        assert b"X-Forwarded-Proto: https\r\n" in bytes(s1.peers[-1].received)
        await client.close()


async def test_a_client_without_a_certificate_is_refused_where_one_is_asked_for(
    world: World, tmp_path: Path
) -> None:
    s1 = await world.http_server("s1")
    options = https(tmp_path, "a", client_ca=write_ca(tmp_path))
    async with open_play(world, s1, **options) as play:
        stranger = await tls_client(play, tmp_path, "a.test")

        async def ask_in_vain() -> None:
            await stranger.send(GET)  # With TLS 1.3 the refusal comes after the handshake.
            await stranger.stream.receive_some(1)

        with pytest.raises((trio.BrokenResourceError, TlsError)):
            await ask_in_vain()
        stranger.reset()
        own = write(tmp_path, "me", issued("me.test"))
        friend = await tls_client(
            play, tmp_path, "a.test", certificate=own.certificate, private_key=own.private_key
        )
        await friend.send(LAST_GET)
        assert (await friend.read_response()).status == 200
        await friend.close()
        assert len(s1.peers) == 1


async def test_plain_http_on_a_tls_port_is_told_so(world: World, tmp_path: Path) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, **https(tmp_path, "a")) as play:
        client = await play.client()
        await client.send(GET)
        answer = await client.read_response()
        assert answer.status == 400
        assert b"this port speaks TLS" in answer.body
        await client.close()
        assert s1.peers == []


async def test_a_silent_handshake_ends_after_its_time_and_harms_nobody(
    world: World, tmp_path: Path
) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, **https(tmp_path, "a")) as play:
        silent = await play.client()
        began = trio.current_time()
        await silent.expect_reset()
        assert trio.current_time() - began == pytest.approx(10.0)
        client = await tls_client(play, tmp_path, "a.test")
        await client.send(LAST_GET)
        assert (await client.read_response()).status == 200
        await client.close()


async def test_a_new_certificate_counts_for_new_handshakes_and_a_bad_one_never(
    world: World, tmp_path: Path
) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, **https(tmp_path, "a")) as play:
        old = await tls_client(play, tmp_path, "a.test")
        write(tmp_path, "a", issued("b.test"))
        play.lb.reload()
        new = await tls_client(play, tmp_path, "b.test")
        (tmp_path / "a.pem").write_text("nonsense")
        with pytest.raises(ConfigError, match=r"a\.pem"):
            play.lb.reload()
        newest = await tls_client(play, tmp_path, "b.test")
        for client in (old, new, newest):
            await client.send(LAST_GET)
            assert (await client.read_response()).status == 200
            await client.close()


async def test_a_plan_may_bring_other_certificates_and_other_settings_with_them(
    world: World, tmp_path: Path
) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, **https(tmp_path, "a")) as play:
        (listener,) = play.lb.config.listeners
        tls = ListenerTls(certificates=shown(tmp_path, "b"))
        play.lb.apply(attrs.evolve(play.lb.config, listeners=(attrs.evolve(listener, ssl=tls),)))
        client = await tls_client(play, tmp_path, "b.test")
        await client.send(LAST_GET)
        assert (await client.read_response()).status == 200
        await client.close()
        with pytest.raises(TlsError):
            await tls_client(play, tmp_path, "a.test")


async def test_a_bad_certificate_refuses_all_that_came_with_it(
    world: World, tmp_path: Path
) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, **https(tmp_path, "a")) as play:
        before = play.lb.config
        (tmp_path / "a.key").write_text("nonsense")
        with pytest.raises(ConfigError, match=r"listeners\[0\]\.ssl\.certificates\[0\].*a\.key"):
            play.lb.reload(attrs.evolve(before, name="other"))
        assert play.lb.config is before
        assert len(play.told(ConfigRejected)) == 1


async def test_every_certificate_that_is_bad_is_told_at_once(world: World, tmp_path: Path) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, **https(tmp_path, "a", "b")) as play:
        for stem in ("a", "b"):
            (tmp_path / f"{stem}.key").write_text("nonsense")
        pool = play.lb.config.pools["default"]
        (server,) = pool.servers
        absent = UpstreamTls(ca=str(tmp_path / "absent.pem"))
        pool = attrs.evolve(
            pool, tls=UpstreamTls(ca=str(tmp_path / "none.pem")),
            servers=(attrs.evolve(server, tls=absent),),
        )  # fmt: skip
        with pytest.raises(ConfigError) as caught:
            play.lb.reload(attrs.evolve(play.lb.config, pools={"default": pool}))
        assert [each.path for each in caught.value.problems] == [
            "listeners[0].ssl.certificates[0]",
            "listeners[0].ssl.certificates[1]",
            "pools.default.tls.ca",
            "pools.default.servers[0].tls.ca",
        ]


async def test_who_may_name_clients_follows_the_plan(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, listener={"proxy_protocol": "v1"}) as play:
        named = b"PROXY TCP4 192.0.2.7 192.0.2.9 999 80\r\n" + LAST_GET
        assert (await play.ask(named)).status == 200
        play.lb.apply(attrs.evolve(play.lb.config, trusted_proxies=("192.0.2.0/24",)))
        client = await play.client()
        await client.send(named)
        await client.expect_reset()


async def test_a_listener_whose_certificate_is_bad_does_not_start(
    world: World, tmp_path: Path
) -> None:
    missing = CertificateConfig(certificate=str(tmp_path / "none.pem"), private_key="none.key")
    s1 = await world.http_server("s1")
    tls = ListenerTls(certificates=(missing,))
    with pytest.RaisesGroup(ConfigError, flatten_subgroups=True) as caught:
        async with open_play(world, s1, listener={"protocol": "https", "ssl": tls}):
            pytest.fail("it started")
    (error,) = caught.value.exceptions
    assert str(error).startswith("listeners[0].ssl.")


@pytest.mark.parametrize(
    ("request_line", "location"),
    [
        (b"GET /a?b=c HTTP/1.1\r\nHost: a.test", b"https://a.test:8443/a?b=c"),
        (b"GET / HTTP/1.1\r\nHost: a.test:80", b"https://a.test:8443/"),
        (b"GET / HTTP/1.1\r\nHost: [::1]", b"https://[::1]:8443/"),
    ],
)
async def test_a_redirecting_listener_sends_everybody_to_https(
    world: World, request_line: bytes, location: bytes
) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, listener={"https_redirect": 8443}) as play:
        answer = await play.ask(request_line + b"\r\nConnection: close\r\n\r\n")
        assert answer.status == 308
        assert answer.header("location") == location.decode()
        assert s1.peers == []
