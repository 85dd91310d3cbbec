"""The request as the server sees it: hop-by-hop fields gone, our own put in.

Sources: RFC 9110 sections 7.6.1 (Connection), 7.6.2 (Max-Forwards), 7.6.3 (Via);
RFC 7239 (Forwarded); the X-Forwarded-* habit of every proxy. What an untrusted peer
says of itself is replaced, never passed on.
"""

import ipaddress
from collections.abc import Sequence

from trio_lb.model.address import Address
from trio_lb.model.message import Field, Length, RequestHead, Unsized

_HOP_BY_HOP = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-connection", b"te", b"transfer-encoding",
        b"upgrade", b"http2-settings", b"proxy-authorization",
        # Written anew below, each in its one right form.
        b"host", b"content-length", b"expect",
        # CGI and WSGI servers would take these for something else: HTTP_PROXY (httpoxy), and
        # the fields of the same names with hyphens, by which only a proxy may vouch.
        b"proxy", b"x_forwarded_for", b"x_forwarded_proto", b"x_forwarded_host", b"x_real_ip",
        b"x_request_id",
    }
)  # fmt: skip

_VOUCHED = frozenset({b"forwarded", b"x-real-ip", b"x-request-id"})
"""Fields (and x-forwarded-*) by which a proxy vouches for the client."""

_WANTS_LENGTH = frozenset({b"POST", b"PUT", b"PATCH"})


UNIX = "unix:"
"""How the peers of unix sockets are called: they have no address."""


class Trust:
    """Which peers may speak for their clients: ``trusted_proxies``, networks and ``unix:``."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self._networks = [ipaddress.ip_network(one, strict=False) for one in trusted if one != UNIX]
        self._unix = UNIX in trusted

    def covers(self, host: str) -> bool:
        """Whether the peer with this literal address is trusted."""
        if host.startswith(UNIX):
            return self._unix
        if not self._networks:
            return False
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address):
            address = address.ipv4_mapped or address
        return any(address in network for network in self._networks)

    def client_of(self, peer: str, forwarded_for: str) -> str:
        """Return the last address of ``forwarded_for, peer`` that is not trusted.

        Where something else than an address was said (``unknown``), who said it stands in:
        no word may take the place of an address that lists of networks look at.
        """
        last = peer
        for said in reversed(forwarded_for.split(",")):
            if not said.strip():
                continue
            if not self.covers(last):
                break
            host = _literal(said.strip())
            if host is None:
                break
            last = host
        return last


def _literal(said: str) -> str | None:
    """The address in an element of X-Forwarded-For; some proxies write brackets and a port.

    A zone (fe80::1%eth0) means something to its own host alone, and may hold any character.
    """
    if said.startswith("["):
        said = said[1:].partition("]")[0]
    elif said.count(":") == 1:
        said = said.partition(":")[0]
    said = said.partition("%")[0]
    try:
        ipaddress.ip_address(said)
    except ValueError:
        return None
    return said


class RequestWriter:
    """Writes request heads for the servers; one a client connection.

    What is the same for every request of the connection is encoded once.
    ``pseudonym`` is our name in Via, by which a loop is recognised.
    """

    __slots__ = ("_always", "_forwarded", "_peer", "_replaces", "_scheme", "_trusted", "_via")

    def __init__(
        self, *, peer: str, scheme: str, trusted: bool, forwarded: bool, pseudonym: str
    ) -> None:
        self._peer = peer.encode("ascii", "replace")
        self._scheme = scheme.encode("ascii")
        self._trusted = trusted
        self._forwarded = forwarded
        # Even where nothing is put in, an untrusted client's own word does not pass.
        self._replaces = forwarded or not trusted
        self._via = pseudonym.encode("ascii")
        self._always = b""
        if forwarded and not trusted:
            self._always = self._own_lines()

    @property
    def _has_no_address(self) -> bool:
        return self._peer.startswith(UNIX.encode())

    def _own_lines(self) -> bytes:
        """What we say of a peer; one without an address (a unix socket's) is not named."""
        proto = b"X-Forwarded-Proto: %b\r\n" % self._scheme
        if self._has_no_address:
            return proto
        return b"X-Forwarded-For: %b\r\n%bX-Real-IP: %b\r\n" % (self._peer, proto, self._peer)

    def write(
        self, head: RequestHead, *, request_id: str, server: Address, client: str = ""
    ) -> bytes | None:
        """Return the head to send, or None when Via says that it has been here already.

        ``client`` is who asks, as far as trust reaches; without it that is the peer.
        """
        connection = head.connection
        host = head.host or _host_of(server)
        parts = [b"%b %b HTTP/1.1\r\nHost: %b\r\n" % (head.method, head.target, host)]
        vouched: list[Field] = []
        for field in head.fields:
            lower, name, value = field
            if lower in _HOP_BY_HOP or (connection and _nominated(lower, connection)):
                continue
            if self._replaces and (lower in _VOUCHED or lower.startswith(b"x-forwarded-")):
                vouched.append(field)
                continue
            if lower == b"via" and self._via in value:
                return None
            if head.max_forwards is not None and lower == b"max-forwards":
                value = b"%d" % (head.max_forwards - 1)
            parts.append(b"%b: %b\r\n" % (name, value))
        parts.append(_framing_lines(head))
        if connection or head.upgrade:
            parts.append(_connection_lines(head))
        parts.append(b"Via: 1.%d %b\r\n" % (head.minor, self._via))
        if self._forwarded:
            parts.append(self._forwarded_lines(head, vouched, request_id, client))
        parts.append(b"\r\n")
        return b"".join(parts)

    def _forwarded_lines(
        self, head: RequestHead, vouched: list[Field], request_id: str, client: str
    ) -> bytes:
        if self._trusted:
            return self._appended(head, vouched, request_id, client)
        lines = self._always
        if head.host:
            lines += b"X-Forwarded-Host: %b\r\n" % head.host
        if vouched and any(lower == b"forwarded" for lower, _, _ in vouched):
            lines += b"Forwarded: %b\r\n" % self._element(head)
        return lines + b"X-Request-ID: %b\r\n" % request_id.encode("ascii")

    def _appended(
        self, head: RequestHead, vouched: list[Field], request_id: str, client: str
    ) -> bytes:
        """A trusted peer's words stay, with the peer itself behind them."""
        said: dict[bytes, list[bytes]] = {}
        for lower, _, value in vouched:
            said.setdefault(lower, []).append(value)
        chain = said.pop(b"x-forwarded-for", [])
        if not self._has_no_address:
            chain.append(self._peer)
        lines = [b"X-Forwarded-For: %b\r\n" % b", ".join(chain)] if chain else []
        if elements := said.pop(b"forwarded", None):
            whole = b", ".join([*elements, self._element(head)])
            lines.append(b"Forwarded: %b\r\n" % whole)
        said.setdefault(b"x-forwarded-proto", [self._scheme])
        if head.host:
            said.setdefault(b"x-forwarded-host", [head.host])
        real = client.encode("ascii") or self._peer
        if not real.startswith(UNIX.encode()):
            said.setdefault(b"x-real-ip", [real])
        said[b"x-request-id"] = [request_id.encode("ascii")]
        for lower, values in said.items():
            lines += [b"%b: %b\r\n" % (_SPELLED.get(lower, lower), value) for value in values]
        return b"".join(lines)

    def _element(self, head: RequestHead) -> bytes:
        """One element of Forwarded (RFC 7239 sections 4 and 6), for an IPv6 peer quoted."""
        peer = self._peer.partition(b"%")[0]  # A zone (fe80::1%eth0) is nobody else's business.
        if self._has_no_address:
            peer = b"unknown"
        elif b":" in peer:
            peer = b'"[%b]"' % peer
        element = b"for=%b;proto=%b" % (peer, self._scheme)
        return element + b';host="%b"' % head.host if head.host else element


_SPELLED = {
    b"x-forwarded-proto": b"X-Forwarded-Proto",
    b"x-forwarded-host": b"X-Forwarded-Host",
    b"x-real-ip": b"X-Real-IP",
    b"x-request-id": b"X-Request-ID",
}

_NEVER_NOMINATED = frozenset({b"host", b"via", b"max-forwards"})
"""Connection can't take away where the request goes or the guards against loops."""


def _host_of(server: Address) -> bytes:
    """What Host says when a client of HTTP/1.0 did not: a path could not be one."""
    return b"localhost" if server.is_unix or server.is_inside else str(server).encode()


def _nominated(lower: bytes, connection: frozenset[bytes]) -> bool:
    return lower in connection and lower not in _NEVER_NOMINATED


def _framing_lines(head: RequestHead) -> bytes:
    """How the body ends, and whether the client waits for 100 (Continue) before it."""
    framing = head.framing
    if framing is Unsized.NO_BODY:
        return b"Content-Length: 0\r\n" if head.method in _WANTS_LENGTH else b""
    lines = (
        b"Content-Length: %d\r\n" % framing.size
        if isinstance(framing, Length)
        else b"Transfer-Encoding: chunked\r\n"
    )
    return lines + b"Expect: 100-continue\r\n" if head.expects_continue else lines


def _connection_lines(head: RequestHead) -> bytes:
    """What Connection has to say on our own hop: an upgrade, or that trailers are welcome."""
    if head.upgrade:
        return b"Connection: upgrade\r\nUpgrade: %b\r\n" % head.upgrade
    if b"te" in head.connection and _takes_trailers(head):
        return b"Connection: te\r\nTE: trailers\r\n"
    return b""


def _takes_trailers(head: RequestHead) -> bool:
    codings = b",".join(value for lower, _, value in head.fields if lower == b"te").split(b",")
    return any(each.partition(b";")[0].strip(b" \t").lower() == b"trailers" for each in codings)
