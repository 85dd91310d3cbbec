"""Caddy's `reverse_proxy` at its defaults, without ACME and without its admin port."""

from collections.abc import Mapping
from typing import Final

from typing_extensions import override

from benchmarks.peers.base import Peer, Setup, output_of
from benchmarks.program import find, require

_CADDYFILE: Final = """\
{{
    admin off
    auto_https off
}}
:{port} {{
    bind 127.0.0.1
    {tls}
    reverse_proxy 127.0.0.1:{origin_port}
}}
"""


class Caddy(Peer):
    """The proxy people pick for ease; Go sees one core and runs on one."""

    name = "Caddy"
    install = "apt-get install caddy"
    sits_out = frozenset({"probes"})

    @override
    def is_present(self) -> bool:
        return find("caddy") is not None

    @override
    def version(self) -> str:
        return output_of(*self.version_command()).split()[0].lstrip("v")

    @override
    def version_command(self) -> list[str]:
        return [require("caddy"), "version"]

    @override
    def command(self, setup: Setup) -> list[str]:
        caddyfile = setup.folder / "Caddyfile"
        certificate = setup.certificate
        tls = f"tls {certificate.chain} {certificate.key}" if certificate else ""
        text = _CADDYFILE.format(port=setup.port, origin_port=setup.origin_port, tls=tls)
        caddyfile.write_text(text, "utf-8")
        return [require("caddy"), "run", "--adapter", "caddyfile", "--config", str(caddyfile)]

    @override
    def environment(self, setup: Setup) -> Mapping[str, str]:
        # Caddy keeps state in the user's folders; ours has to go with the rest.
        folder = str(setup.folder)
        return {"HOME": folder, "XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder}
