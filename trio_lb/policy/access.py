"""Who may use the balancer, by the client's address: two lists of networks.

The most specific entry that holds an address decides, so a network can be denied
within an allowed one and the other way round; of two that are equally specific the
denial does. An address that no entry holds is allowed unless there is a list of those
who are. (nginx asks its rules in the order of the file; two lists have no order.)
"""

import ipaddress
from collections.abc import Sequence


class AccessList:
    """Two lists of networks (``10.0.0.0/8``) or addresses; both may be of both IP versions."""

    __slots__ = ("_default", "_rules")

    def __init__(self, allow: Sequence[str] = (), deny: Sequence[str] = ()) -> None:
        rules = [(ipaddress.ip_network(one), False) for one in deny]
        rules += [(ipaddress.ip_network(one), True) for one in allow]
        # The sort is stable: of equally specific ones, those that deny stay in front.
        self._rules = sorted(rules, key=lambda rule: -rule[0].prefixlen)
        self._default = not allow

    def permits(self, host: str) -> bool:
        """Whether the client with this literal address may come in.

        A client without an IP address (a unix socket, this process) is always let in:
        who may open a socket's file is a matter of its permissions. An IPv4 address
        that arrives within IPv6 (``::ffff:192.0.2.1``) is judged as IPv4.
        """
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return True
        if isinstance(address, ipaddress.IPv6Address):
            address = address.ipv4_mapped or address
        for network, allowed in self._rules:
            if address in network:
                return allowed
        return self._default
