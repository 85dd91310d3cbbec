"""The demo's certificate: made by openssl where that is there, and else none."""

import shutil
import ssl
from pathlib import Path

import pytest

from trio_lb.cli.demo_certificate import self_signed


@pytest.mark.real
@pytest.mark.skipif(shutil.which("openssl") is None, reason="apt-get install openssl")
async def test_is_for_this_machine_alone_and_belongs_to_its_key(tmp_path: Path) -> None:
    files = await self_signed(tmp_path)
    assert files is not None
    context = ssl.create_default_context(cafile=str(files.certificate))
    context.load_cert_chain(files.certificate, files.private_key)
    (trusted,) = context.get_ca_certs()
    assert trusted["subjectAltName"] == (("DNS", "localhost"), ("IP Address", "127.0.0.1"))


@pytest.mark.parametrize("program", ["no-such-program-here", "false"])
async def test_there_is_none_when_the_program_is_absent_or_refuses(
    program: str, tmp_path: Path
) -> None:
    assert await self_signed(tmp_path, program) is None
