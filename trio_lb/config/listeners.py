"""The listeners: ``bind: host:port``, or ``port: 80`` alone, which binds every IPv4 address."""

from collections.abc import Collection, Iterable
from typing import Final

import attrs

from trio_lb.config.kinds import Text
from trio_lb.config.knobs import BIND_PORT
from trio_lb.config.nodes import Node
from trio_lb.config.schema import ListenerConfig
from trio_lb.config.structure import check_keys, fill, read_kind, tell
from trio_lb.config.values import check_host
from trio_lb.model.address import Address

EVERY_ADDRESS: Final = "0.0.0.0"

_HOST: Final = Text("an IP address or a host name", r"[^\s/\[\]@]+")

# Stands in for an address that can't be read: port 0 clashes with none.
_UNREAD: Final = Address(EVERY_ADDRESS, 0)


def read_listeners(node: Node | None) -> list[tuple[Node, ListenerConfig]]:
    """Return the listeners of a list, each with where it was written."""
    written = [] if node is None or node.value is None else node.items("a list of listeners")
    return [(each, _read_listener(each)) for each in written]


def spoken_to(listeners: Iterable[ListenerConfig]) -> dict[str, set[str]]:
    """Return, by the name of each pool that has listeners, what is spoken there."""
    spoken: dict[str, set[str]] = {}
    for each in listeners:
        if not each.answers_itself:
            spoken.setdefault(each.pool, set()).add(each.protocol)
    return spoken


def _read_listener(node: Node) -> ListenerConfig:
    listener = _read_fields(node)
    tell(node, listener)
    return listener


def _read_fields(node: Node) -> ListenerConfig:
    check_keys(node, ListenerConfig, more=("host", "port"))
    keys = node.mapping()
    host, port = keys.get("host"), keys.get("port")
    if "bind" in keys:
        _refuse_parts([host, port])
        return fill(node, ListenerConfig(bind=_UNREAD))
    listener = fill(node, ListenerConfig())
    if port is not None:
        return attrs.evolve(listener, bind=_joined(host, port) or _UNREAD)
    if host is not None:
        host.refuse("no port beside it: add 'port', or write bind: host:port")
    return listener


def _refuse_parts(parts: Collection[Node | None]) -> None:
    for part in parts:
        if part is not None:
            part.refuse("given twice: 'bind' has it already")


def _joined(host: Node | None, port: Node) -> Address | None:
    """Of ``host`` and ``port``, where the host may be left out."""
    number = read_kind(port, BIND_PORT)
    name: object = EVERY_ADDRESS if host is None else read_kind(host, _HOST)
    if not isinstance(name, str) or not isinstance(number, int):
        return None
    try:
        check_host(name)
    except ValueError as error:
        (host or port).refuse(f"'{name}' {error}")
        return None
    return Address(name, number)
