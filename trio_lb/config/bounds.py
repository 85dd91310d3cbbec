"""The end of each wait and the bound of each buffer and count, as frozen values."""

import attrs

from trio_lb.config.knobs import SECONDS, SECONDS_OR_OFF, count, knob, maybe, size_from


@attrs.frozen(slots=True, kw_only=True)
class TimeoutsConfig:
    """Every wait has an end. ``total`` covers tries and backoff up to the response head."""

    client_head: float = knob(
        10.0,
        SECONDS,
        "from a request's first byte to the end of its head",
        source="nginx and Caddy 60 s; HAProxy advises a few seconds",
    )
    client_body_idle: float = knob(
        60.0, SECONDS, "between two pieces of a request's body", source="nginx 60 s"
    )
    client_keep_alive: float = knob(
        75.0, SECONDS_OR_OFF, "for the next request; 0 closes at once", source="nginx 75 s"
    )
    tls_handshake: float = knob(
        10.0, SECONDS, "for a TLS handshake with a client", source="Envoy 10-15 s; nginx 60 s"
    )
    connect: float = knob(
        3.0,
        SECONDS,
        "to connect to a server, TLS handshake included",
        source="Caddy 3 s; Envoy 5 s; nginx 60 s",
    )
    first_byte: float = knob(
        30.0, SECONDS, "from the request to the answer's head", source="nginx 60 s; Envoy 15 s"
    )
    idle: float = knob(60.0, SECONDS, "between two pieces of an answer's body", source="nginx 60 s")
    total: float = knob(
        60.0,
        SECONDS,
        "queue, tries and backoff, up to the answer's head",
        source="Envoy 15 s; the others have none",
    )
    response: float | None = knob(
        None,
        maybe(SECONDS),
        "from the request's head to the answer's end; null lets a download take its time",
    )
    write_stall: float = knob(
        30.0, SECONDS, "for a peer that takes no byte", source="nginx 60 s (send_timeout)"
    )
    upstream_keep_alive: float = knob(
        4.0,
        SECONDS_OR_OFF,
        "how long a connection to a server is kept for reuse; 0 never",
        source="below the 5 s after which common servers close; linkerd 3 s; nginx 60 s",
    )
    tunnel_idle: float = knob(
        3600.0,
        SECONDS,
        "in which neither side of a tunnel (WebSocket) says anything",
        source="nginx's 60 s cuts WebSockets; Envoy 5 min; HAProxy none",
    )
    half_close_grace: float = knob(
        1.0,
        SECONDS_OR_OFF,
        "for an answer after the client has closed its sending side",
        source="Envoy's delayed close of 1 s",
    )

    @property
    def until_head(self) -> float:
        """Seconds in which an answer has to begin: ``total``, or ``response`` if that is less."""
        return self.total if self.response is None else min(self.total, self.response)


@attrs.frozen(slots=True, kw_only=True)
class LimitsConfig:
    """Every buffer and count has a bound."""

    max_connections: int = knob(
        1000,
        count(),
        "connections of clients at once; one more is answered 503",
        source="requirement 004; Envoy 1024",
    )
    per_client: int | None = knob(
        None,
        maybe(count()),
        "the same for one client address; who comes over a unix socket has none, unless a PROXY"
        " header names it",
    )
    head_size: int = knob(
        32 * 1024,
        size_from(1024, 16 * 1024**2),
        "of a request's or an answer's head",
        source="nginx 1 + 4 x 8 KiB; HAProxy 16 KiB; Envoy 60 KiB",
    )
    target_size: int = knob(16 * 1024, size_from(64, 16 * 1024**2), "of a request's target")
    header_count: int = knob(
        100, count(1, 10_000), "header lines of one head", source="Envoy 100; HAProxy 101"
    )
    body_size: int | None = knob(
        None,
        maybe(size_from(0)),
        "of a request's body; null is no limit, it is streamed",
        source="nginx 1 MiB; the others none",
    )
    replay_body_size: int = knob(
        64 * 1024,
        size_from(0, 2**30),
        "of a request's body that is kept for a retry",
        source="Traefik 2 MB",
    )
    requests_per_connection: int = knob(
        1000, count(), "before a client's connection is closed", source="nginx 1000"
    )
    connection_age: float = knob(
        3600.0, SECONDS, "after which a client's connection is closed", source="nginx 1 h"
    )
    upstream_idle: int = knob(
        32,
        count(0, 65535),
        "connections kept for reuse to each server",
        source="nginx 32; Caddy 32; Traefik 2",
    )
    buffer_size: int = knob(
        32 * 1024,
        size_from(1024, 16 * 1024**2),
        "of one piece that is relayed",
        source="requirement 004",
    )
