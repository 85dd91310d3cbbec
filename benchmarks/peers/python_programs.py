"""The two proxies in Python that live beside this file: aiohttp, and plain trio + h11."""

import importlib.metadata
import importlib.util
import sys
from typing import Final

from typing_extensions import override

from benchmarks.peers.base import Peer, Setup


def has_modules(*names: str) -> bool:
    """Whether all these modules can be imported here; none is."""
    return all(importlib.util.find_spec(name) is not None for name in names)


def run_module(module: str, setup: Setup) -> list[str]:
    """A program of ours: its port, the origin's, and for TLS a certificate and its key."""
    command = [sys.executable, "-m", module, str(setup.port), str(setup.origin_port)]
    if setup.certificate is not None:
        command += [str(setup.certificate.chain), str(setup.certificate.key)]
    return command


_NEITHER_TUNNELS_NOR_PROBES: Final = frozenset({"tunnels", "probes"})


class Aiohttp(Peer):
    """asyncio with a parser in C: what a Python team would write today."""

    name = "aiohttp"
    install = "pip install aiohttp"
    sits_out = _NEITHER_TUNNELS_NOR_PROBES

    @override
    def is_present(self) -> bool:
        return has_modules("aiohttp")

    @override
    def version(self) -> str:
        return importlib.metadata.version("aiohttp")

    @override
    def command(self, setup: Setup) -> list[str]:
        return run_module("benchmarks.peers.aiohttp_proxy", setup)


class PlainH11(Peer):
    """trio and h11 used as their documentation shows: what we are made of, unrefined."""

    name = "plain h11"
    install = "pip install trio h11"
    sits_out = _NEITHER_TUNNELS_NOR_PROBES

    @override
    def is_present(self) -> bool:
        return has_modules("trio", "h11")

    @override
    def version(self) -> str:
        return importlib.metadata.version("h11")

    @override
    def command(self, setup: Setup) -> list[str]:
        return run_module("benchmarks.peers.plain_h11", setup)
