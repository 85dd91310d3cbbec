"""curl and openssl before a TLS listener: names, and certificates that change under load."""

import hashlib
from pathlib import Path

import pytest
import trio

from tests.net.identities import authority, issued
from tests.real.house import needs, open_nginx
from tests.real.tls_house import TlsProxy, open_tls_proxy

pytestmark = [pytest.mark.real, needs("curl", "openssl", "nginx", "taskset")]

NOT_VERIFIED = 60
"""curl's exit code for a certificate that is not the peer's."""


async def test_each_of_two_names_is_shown_its_own_certificate(tmp_path: Path) -> None:
    async with (
        open_nginx(tmp_path, "one") as (one,),
        open_tls_proxy(tmp_path, one.address, ["a", "b"]) as house,
    ):
        for name in ("a.test", "b.test"):
            got = await house.ask(name)
            assert (got.exit_code, got.status, got.body) == (0, 200, b"one\n")
        assert (await house.ask("c.test")).exit_code == NOT_VERIFIED
        assert await house.shown("a.test") == issued("a.test").cert_chain_pems[0].bytes()
        assert await house.shown("b.test") == issued("b.test").cert_chain_pems[0].bytes()


async def test_certificates_are_swapped_under_load_and_no_handshake_fails(tmp_path: Path) -> None:
    failed: list[int] = []
    asked = 0

    async def keep_asking(house: TlsProxy, name: str) -> None:
        nonlocal asked
        while True:
            got = await house.ask(name)
            asked += 1
            if (got.exit_code, got.status) != (0, 200):
                failed.append(got.exit_code)

    async with (
        open_nginx(tmp_path, "one") as (one,),
        open_tls_proxy(tmp_path, one.address, ["a", "b"]) as house,
        trio.open_nursery() as nursery,
    ):
        for name in ("a.test", "b.test"):
            nursery.start_soon(keep_asking, house, name)
        for _ in range(5):
            before, fresh = asked, authority("house").issue_cert("a.test")
            house.replace("a", fresh)
            await house.reload()
            assert await house.shown("a.test") == fresh.cert_chain_pems[0].bytes()
            with trio.fail_after(10.0):
                while asked < before + 6:  # noqa: ASYNC110 - other processes do it.
                    await trio.sleep(0.01)
        nursery.cancel_scope.cancel()
    assert failed == []
    assert asked >= 30


async def test_a_bad_certificate_is_told_and_the_old_one_shown_on(tmp_path: Path) -> None:
    async with (
        open_nginx(tmp_path, "one") as (one,),
        open_tls_proxy(tmp_path, one.address, ["a"]) as house,
    ):
        (tmp_path / "a.pem").write_text("-----BEGIN CERTIFICATE-----\nnonsense\n")
        await house.reload(told="the old one stays in force")
        assert f"{tmp_path / 'a.pem'}" in house.proxy.output()
        assert (await house.ask("a.test")).status == 200
        assert await house.shown("a.test") == issued("a.test").cert_chain_pems[0].bytes()


async def test_a_download_goes_on_while_its_certificate_is_replaced(tmp_path: Path) -> None:
    content = hashlib.shake_256(b"file").digest(4 * 1024 * 1024)
    target = tmp_path / "got"
    exits: list[int] = []
    async with open_nginx(tmp_path, "one") as (one,):
        (one.folder / "files" / "large").write_bytes(content)
        async with open_tls_proxy(tmp_path, one.address, ["a"]) as house:

            async def download() -> None:
                slow = ("--limit-rate", "3M", "-o", str(target))
                exits.append((await house.ask("a.test", *slow, path="/files/large")).exit_code)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(download)
                with trio.fail_after(5.0):
                    while not (target.exists() and target.stat().st_size):  # noqa: ASYNC110 - curl
                        await trio.sleep(0.01)
                house.replace("a", authority("house").issue_cert("a.test"))
                await house.reload()
                assert target.stat().st_size < len(content), "it is under way"
    assert exits == [0]
    assert target.read_bytes() == content
