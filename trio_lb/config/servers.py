"""The servers of a pool, in any way in which people write one.

10.0.0.1:8080                                   10.0.0.1:8080*3
{address: 10.0.0.1:8080, weight: 3, id: api-1}  {url: https://10.0.0.1}
{host: 10.0.0.1, port: 8080, name: api-1}       {id: api, app: package.module:name}
                                                {id: api, app: <the callable itself>}, in Python
"""

from collections.abc import Mapping
from typing import Final

import attrs

from trio_lb.config import lint, values
from trio_lb.config.kinds import Text, show
from trio_lb.config.knobs import PORT
from trio_lb.config.net_kinds import Place
from trio_lb.config.nodes import Node
from trio_lb.config.schema import PoolConfig, ServerConfig, UpstreamTls
from trio_lb.config.structure import (
    check_keys,
    evolved,
    fields_of,
    fill,
    read_kind,
    read_section,
    tell,
)
from trio_lb.model.address import Address

_SERVER: Final = "an address or a mapping"
_HOST: Final = Text("a host name or an IP address", r"[^\s/\[\]@]+")
_FORMS: Final = "address: host:port"

# Stands in for an address that can't be read, so that the rest of its server is looked at.
_NOWHERE: Final = Address("nowhere.invalid", 1)


def read_servers(node: Node, pool: PoolConfig) -> tuple[ServerConfig, ...]:
    """Return the servers of a list; ids and addresses that come twice are refused.

    ``pool`` is theirs: a server's own health check and TLS start from the pool's.
    """
    read = [(each, read_server(each, pool)) for each in node.items("a list of servers")]
    found = [(each, server) for each, server in read if server is not None]
    lint.refuse_same_servers(found)
    return tuple(server for _, server in found)


def read_server(node: Node, pool: PoolConfig) -> ServerConfig | None:
    """Return one server, or None when its address can't be read."""
    if isinstance(node.value, str):
        return _read_text(node, pool)
    if not isinstance(node.value, Mapping):
        node.refuse(f"{show(node.value)} is not {_SERVER}")
        return None
    check_keys(node, ServerConfig, more=("host", "port"))
    address = _read_address(node)
    base = ServerConfig(id=str(address or _NOWHERE), address=address or _NOWHERE)
    server = fill(node, base, own=("address", "health_check", "tls"))
    server = evolved(server, _over_the_pool(node, server, pool))
    tell(node, server)
    lint.refuse_nameless(node, server, pool)
    return server if address is not None else None


def server_of(text: str, pool: PoolConfig | None = None) -> ServerConfig:
    """Return the server that ``HOST:PORT[*WEIGHT]`` or a URL names, as one of ``pool``.

    Raises:
      ValueError: it names none; the text is the rest of a sentence that begins with it.
    """
    address, weight = values.weighted_address(text)
    return ServerConfig(
        id=str(address),
        address=address,
        weight=1 if weight is None else weight,
        tls=_tls_of(values.scheme_of(text), pool or PoolConfig()),
    )


def _read_text(node: Node, pool: PoolConfig) -> ServerConfig | None:
    """``HOST:PORT[*WEIGHT]``, the form of ``--backends``."""
    text = str(node.value)
    try:
        server = server_of(text, pool)
    except ValueError as error:
        node.refuse(f"{show(text)} {error}")
        return None
    _warn_of_plain(node, text, pool)
    lint.refuse_nameless(node, server, pool)
    return server


def _over_the_pool(node: Node, server: ServerConfig, pool: PoolConfig) -> dict[str, object]:
    """The sections in which a server says only where it differs from its pool."""
    written, changes = fields_of(node, ServerConfig), dict[str, object]()
    check, tls, address = (written.get(name) for name in ("health_check", "tls", "address"))
    if check is not None and check.value is not None:
        changes["health_check"] = read_section(check, pool.health_check)
    if tls is not None and tls.value is not None:
        changes["tls"] = own = read_section(tls, pool.tls or UpstreamTls())
        _refuse_other_scheme(tls, own, address)
    elif address is not None:
        changes["tls"] = _tls_of(_scheme(address), pool)
        _warn_of_plain(address, str(address.value), pool)
    return changes


def _tls_of(scheme: str | None, pool: PoolConfig) -> UpstreamTls | None:
    """A URL decides whether TLS is spoken; how, the pool may say. Without one the pool decides."""
    if scheme == "https":
        return attrs.evolve(pool.tls or UpstreamTls(), enabled=True)
    if scheme == "http" and pool.tls is not None:
        return attrs.evolve(pool.tls, enabled=False)
    return None


def _refuse_other_scheme(node: Node, own: UpstreamTls, address: Node | None) -> None:
    scheme = None if address is None else _scheme(address)
    if scheme is not None and own.enabled != (scheme == "https"):
        node.refuse(f"contradicts the address, which begins with {scheme}://")


def _warn_of_plain(node: Node, text: str, pool: PoolConfig) -> None:
    """Said since ``http://`` is also just the usual way to begin an address."""
    if values.scheme_of(text) == "http" and pool.tls is not None and pool.tls.enabled:
        node.warn("is spoken to without TLS, as http:// says, though its pool has tls")


def _scheme(address: Node) -> str | None:
    return values.scheme_of(address.value) if isinstance(address.value, str) else None


def _read_address(node: Node) -> Address | None:
    """From ``address`` (or ``url``), or ``host`` with ``port``, or of an ``app``: one of them."""
    keys = node.mapping()
    whole = fields_of(node, ServerConfig).get("address")
    host, port = keys.get("host"), keys.get("port")
    if keys.get("app") is not None and keys["app"].value is not None:
        for part in (whole, host, port):
            if part is not None:
                part.refuse("given twice: an app has no other address")
        return _inside(keys)
    if whole is not None:
        for part in (host, port):
            if part is not None:
                part.refuse(f"given twice: '{whole.path[-1]}' has it already")
        return _address_of(whole)
    if host is None:
        (port or node).refuse(f"no address here: write {_FORMS}")
        return None
    if port is None:
        host.refuse(f"no port beside it: add 'port', or write {_FORMS}")
        return None
    return _joined(host, port)


def _inside(keys: Mapping[str, Node]) -> Address:
    """An application is called, not connected to: its address is its name."""
    named = keys.get("id") or keys.get("name")
    code = keys["app"].value
    own = code if isinstance(code, str) else getattr(code, "__name__", "app")
    name = own if named is None else named.value
    return Address(f"app:{name if isinstance(name, str) else 'app'}", 0)


def _address_of(node: Node) -> Address | None:
    address = read_kind(node, Place())
    return address if isinstance(address, Address) else None


def _joined(host: Node, port: Node) -> Address | None:
    name = read_kind(host, _HOST)
    number = read_kind(port, PORT)
    if not isinstance(name, str) or not isinstance(number, int):
        return None
    try:
        values.check_host(name)
    except ValueError as error:
        host.refuse(f"{show(name)} {error}")
        return None
    return Address(name, number)
