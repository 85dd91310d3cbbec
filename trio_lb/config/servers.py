"""The servers of a pool, in each way in which people write one.

- 10.0.0.1:8080                     - {name: api-1, address: 10.0.0.1:8080, weight: 3}
- 10.0.0.1:8080*3                   - {url: http://10.0.0.1:8080}
                                    - {host: 10.0.0.1, port: 8080}
"""

from collections.abc import Mapping
from typing import Final

from trio_lb.config import lint, values
from trio_lb.config.kinds import NOT_YET, Place, Text, show
from trio_lb.config.knobs import PORT
from trio_lb.config.nodes import Node
from trio_lb.config.schema import ServerConfig
from trio_lb.config.structure import check_keys, fields_of, fill, read_kind
from trio_lb.model.address import Address

_SERVER: Final = "an address or a mapping"
_HOST: Final = Text("a host name or IP address", r"[^\s/\[\]@]+")
_FORMS: Final = "address: host:port"

# Stands in for an address that can't be read, so that the other fields are still looked at.
_NOWHERE: Final = Address("nowhere.invalid", 1)


def read_servers(node: Node) -> tuple[ServerConfig, ...]:
    """Return the servers of a list; ids and addresses that come twice are refused."""
    read = [(each, _read_server(each)) for each in node.items("a list of servers")]
    lint.refuse_same_servers([(each, server) for each, server in read if server is not None])
    return tuple(server for _, server in read if server is not None)


def _read_server(node: Node) -> ServerConfig | None:
    if isinstance(node.value, str):
        return _read_text(node)
    if not isinstance(node.value, Mapping):
        node.refuse(f"{show(node.value)} is not {_SERVER}")
        return None
    check_keys(node, ServerConfig, more=("host", "port"))
    address = _read_address(node)
    base = ServerConfig(id=str(address or _NOWHERE), address=address or _NOWHERE)
    server = fill(node, base, own=("address",))
    return server if address is not None else None


def _read_text(node: Node) -> ServerConfig | None:
    """``HOST:PORT[*WEIGHT]``, the form of ``--backends``."""
    text = str(node.value)
    try:
        address, weight = values.weighted_address(text)
    except values.TlsWanted as error:
        node.not_yet(f"{show(text)} {error}, which is {NOT_YET}")
        return None
    except ValueError as error:
        node.refuse(f"{show(text)} {error}")
        return None
    return ServerConfig(id=str(address), address=address, weight=1 if weight is None else weight)


def _read_address(node: Node) -> Address | None:
    """From ``address`` (or ``url``), or from ``host`` with ``port``; exactly one of the two."""
    keys = node.mapping()
    whole = fields_of(node, ServerConfig).get("address")
    host, port = keys.get("host"), keys.get("port")
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


def _address_of(node: Node) -> Address | None:
    address = read_kind(node, Place())
    return address if isinstance(address, Address) else None


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
