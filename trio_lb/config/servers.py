"""The servers of a pool, in each way in which people write one.

- 10.0.0.1:8080                     - {name: api-1, address: 10.0.0.1:8080, weight: 3}
- 10.0.0.1:8080*3                   - {url: http://10.0.0.1:8080}
                                    - {host: 10.0.0.1, port: 8080}
"""

from collections.abc import Mapping
from typing import Final

from trio_lb.config import lint, values
from trio_lb.config.kinds import Place, Text, show
from trio_lb.config.knobs import PORT
from trio_lb.config.nodes import Node
from trio_lb.config.schema import HealthCheckConfig, ServerConfig, UpstreamTls
from trio_lb.config.structure import (
    check_keys,
    evolved,
    fields_of,
    fill,
    read_kind,
    read_section,
)
from trio_lb.model.address import Address

_SERVER: Final = "an address or a mapping"
_HOST: Final = Text("a host name or IP address", r"[^\s/\[\]@]+")
_FORMS: Final = "address: host:port"

# Stands in for an address that can't be read, so that the other fields are still looked at.
_NOWHERE: Final = Address("nowhere.invalid", 1)


def read_servers(node: Node, check: HealthCheckConfig) -> tuple[ServerConfig, ...]:
    """Return the servers of a list; ids and addresses that come twice are refused.

    ``check`` is the pool's health check, from which a server's own one starts.
    """
    read = [(each, read_server(each, check)) for each in node.items("a list of servers")]
    lint.refuse_same_servers([(each, server) for each, server in read if server is not None])
    return tuple(server for _, server in read if server is not None)


def read_server(node: Node, check: HealthCheckConfig) -> ServerConfig | None:
    """Return one server, or None when its address can't be read."""
    if isinstance(node.value, str):
        return _read_text(node)
    if not isinstance(node.value, Mapping):
        node.refuse(f"{show(node.value)} is not {_SERVER}")
        return None
    check_keys(node, ServerConfig, more=("host", "port"))
    address, is_tls = _read_address(node)
    base = ServerConfig(
        id=str(address or _NOWHERE),
        address=address or _NOWHERE,
        tls=UpstreamTls() if is_tls else None,
    )
    server = fill(node, base, own=("address", "health_check"))
    probe = fields_of(node, ServerConfig).get("health_check")
    if probe is not None and probe.value is not None:
        server = evolved(server, {"health_check": read_section(probe, check)})
    return server if address is not None else None


def _read_text(node: Node) -> ServerConfig | None:
    """``HOST:PORT[*WEIGHT]``, the form of ``--backends``."""
    try:
        return server_of(str(node.value))
    except ValueError as error:
        node.refuse(f"{show(node.value)} {error}")
        return None


def server_of(text: str) -> ServerConfig:
    """Return the server that ``HOST:PORT[*WEIGHT]`` or a URL names.

    Raises:
      ValueError: it names none; the text is the rest of a sentence that begins with it.
    """
    address, weight = values.weighted_address(text)
    return ServerConfig(
        id=str(address),
        address=address,
        weight=1 if weight is None else weight,
        tls=UpstreamTls() if values.asks_for_tls(text) else None,
    )


def _read_address(node: Node) -> tuple[Address | None, bool]:
    """From ``address`` (or ``url``), or ``host`` with ``port``; and whether TLS is spoken there."""
    keys = node.mapping()
    whole = fields_of(node, ServerConfig).get("address")
    host, port = keys.get("host"), keys.get("port")
    if whole is not None:
        for part in (host, port):
            if part is not None:
                part.refuse(f"given twice: '{whole.path[-1]}' has it already")
        return _address_of(whole)
    if host is None and "app" in keys:
        return _inside(keys), False
    if host is None:
        (port or node).refuse(f"no address here: write {_FORMS}")
        return None, False
    if port is None:
        host.refuse(f"no port beside it: add 'port', or write {_FORMS}")
        return None, False
    return _joined(host, port), False


def _inside(keys: Mapping[str, Node]) -> Address:
    """An application has no address but its name."""
    name = (keys.get("id") or keys.get("name") or keys["app"]).value
    return Address(f"app:{name if isinstance(name, str) else getattr(name, '__name__', 'app')}", 0)


def _address_of(node: Node) -> tuple[Address | None, bool]:
    address = read_kind(node, Place())
    if not isinstance(address, Address):
        return None, False
    return address, values.asks_for_tls(str(node.value))


def _joined(host: Node, port: Node) -> Address | None:
    name, number = read_kind(host, _HOST), read_kind(port, PORT)
    if not isinstance(name, str) or not isinstance(number, int):
        return None
    try:
        values.check_host(name)
    except ValueError as error:
        host.refuse(f"{show(name)} {error}")
        return None
    return Address(name, number)
