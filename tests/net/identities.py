"""Certificates for tests: an authority of our own, and files as an operator has them."""

from functools import cache
from pathlib import Path

import trustme

from trio_lb.net.certificates import (
    Certificate,
    ClientTls,
    ServerTls,
    client_context,
    server_context,
)


@cache
def authority(name: str = "house") -> trustme.CA:
    """One authority a name, made once: making keys takes time."""
    return trustme.CA(organization_name=name)


@cache
def issued(*names: str, by: str = "house") -> trustme.LeafCert:
    """A certificate for these names."""
    return authority(by).issue_cert(*names)


def write(folder: Path, stem: str, leaf: trustme.LeafCert) -> Certificate:
    """The certificate with its chain, and its key, as two files."""
    chain, key = folder / f"{stem}.pem", folder / f"{stem}.key"
    chain.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    key.write_bytes(leaf.private_key_pem.bytes())
    return Certificate(str(chain), str(key))


def write_ca(folder: Path, name: str = "house") -> str:
    """The authority's own certificate."""
    path = folder / f"{name}-ca.pem"
    authority(name).cert_pem.write_to_path(str(path))
    return str(path)


def both_sides(folder: Path, *names: str) -> tuple[ServerTls, ClientTls]:
    """A server with a certificate for ``names``, and a client that trusts its authority."""
    server = server_context([write(folder, "server", issued(*names or ("a.test", "127.0.0.1")))])
    return server, client_context(ca=write_ca(folder))
