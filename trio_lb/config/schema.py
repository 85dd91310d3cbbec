"""The configuration as frozen values: every name, default and bound of one balancer.

A ``Config`` is always valid and complete: ``config.load`` makes one from a file or a
dict and reports every problem at once; programs may also build one directly, under
the same bounds (``ConfigError``). All times are seconds, all sizes bytes, all shares
fractions in [0, 1]. Each field says what it is for and whose default it has; the
reference (docs/reference/configuration.md) is made of nothing else.
"""

from collections.abc import Mapping

import attrs

from trio_lb.config.choices import (
    ACCESS_FORMAT,
    ALGORITHM,
    BACKOFF,
    FLAG,
    LABEL,
    LEVEL,
    POOL_NAME,
    PROBE,
    PROTOCOL,
    SERVER_ID,
    WEIGHT,
)
from trio_lb.config.http_kinds import HEADER_NAME, HEADER_VALUE, METHOD, TARGET, Statuses
from trio_lb.config.kinds import Anything, Network, Place, Text
from trio_lb.config.knobs import (
    FRACTION,
    PORT,
    RATE,
    SECONDS,
    SECONDS_OR_OFF,
    ListOf,
    MapOf,
    Section,
    count,
    described,
    fits,
    knob,
    maybe,
    section,
    size_from,
)
from trio_lb.model.address import Address

DEFAULT_POOL = "default"


@attrs.frozen(slots=True, kw_only=True)
class ListenerConfig:
    """One place to accept connections. ``port: 80`` alone binds 0.0.0.0."""

    protocol: str = knob("http", PROTOCOL, "what is spoken there")
    bind: Address = knob(
        Address("127.0.0.1", 8000), Place(bind=True), "where; port 0 takes any free port"
    )
    pool: str = knob(DEFAULT_POOL, POOL_NAME, "the pool that answers")


@attrs.frozen(slots=True, kw_only=True)
class ServerConfig:
    """One server of a pool. Identity is pool + address; ``id`` is its name there."""

    id: str = attrs.field(
        validator=fits,
        metadata=described(
            SERVER_ID, "its name, unique in the pool; its address if not given", aliases=("name",)
        ),
    )
    address: Address = attrs.field(
        validator=fits,
        metadata=described(Place(), "where it is; or `host` and `port`", aliases=("url",)),
    )
    weight: int = knob(
        1,
        WEIGHT,
        "its share beside the others: of the picks, or of what runs at once (least_connections);"
        " round_robin and random look at none",
    )
    max_connections: int | None = knob(
        None,
        maybe(count()),
        "most requests at once there; null is no cap",
        source="HAProxy and nginx 0 = no cap; Envoy 1024",
    )
    disabled: bool = knob(False, FLAG, "takes no requests, by the operator's wish")
    backup: bool = knob(False, FLAG, "is used only while no other server can be")
    zone: str | None = knob(None, maybe(LABEL), "where it stands")
    priority: int = knob(0, count(0), "0 is used first; a higher number waits its turn")
    metadata: Mapping[str, object] = knob(
        attrs.Factory(dict), Anything(), "anything of your own; kept and never read"
    )


@attrs.frozen(slots=True, kw_only=True)
class HealthCheckConfig:
    """Active probes. Interval/timeout/rise/fall are HAProxy-like (rise 2, fall 3).

    ``fast_interval`` is used while a server is in transition (some but not enough
    checks agree); ``jitter_fraction`` spreads each wait by that share either way.
    """

    enabled: bool = knob(True, FLAG, "whether servers are probed; writing the section says yes")
    type: str = knob("http", PROBE, "http asks and reads the status; tcp only connects")
    path: str = knob("/", TARGET, "what an http probe asks for")
    method: str = knob("GET", METHOD, "how it asks")
    headers: Mapping[str, str] = knob(
        attrs.Factory(dict),
        MapOf(HEADER_NAME, HEADER_VALUE),
        "what it sends beside Host; a value may be `file:/path` of a secret",
    )
    expected_status: tuple[int, ...] | None = knob(
        None, maybe(Statuses()), "the statuses that are good; null is 200-399"
    )
    expected_body: str | None = knob(
        None, maybe(Text("text that is not empty", r"[\s\S]+")), "text that the body must hold"
    )
    port: int | None = knob(None, maybe(PORT), "probe that port of the server's host instead")
    interval: float = knob(
        5.0,
        SECONDS,
        "from one probe to the next",
        source="nginx Plus 5 s; HAProxy 2 s; Caddy and Traefik 30 s",
    )
    timeout: float = knob(
        2.0, SECONDS, "for the whole probe", source="Caddy and Traefik 5 s; HAProxy its interval"
    )
    fast_interval: float = knob(
        1.0, SECONDS, "while checks begin to disagree with the state", source="HAProxy's fastinter"
    )
    jitter_fraction: float = knob(
        0.1, FRACTION, "spreads each wait by this share either way, so that probes do not march"
    )
    healthy_threshold: int = knob(
        2, count(), "good checks that make it healthy", source="HAProxy rise 2", aliases=("rise",)
    )
    unhealthy_threshold: int = knob(
        3, count(), "bad checks that make it unhealthy", source="HAProxy fall 3", aliases=("fall",)
    )


@attrs.frozen(slots=True, kw_only=True)
class OutlierConfig:
    """Passive health: ejection of a server by what requests met there."""

    enabled: bool = knob(True, FLAG, "whether servers are ejected")
    consecutive_failures: int = knob(
        5, count(), "failures in a row that eject", source="Envoy 5; Finagle 5; linkerd 7; nginx 1"
    )
    base_ejection_time: float = knob(
        5.0,
        SECONDS,
        "how long the first ejection lasts; each further one doubles it",
        source="Finagle 5 s; Envoy 30 s; nginx 10 s",
    )
    max_ejection_time: float = knob(
        300.0, SECONDS, "how long an ejection lasts at most", source="Envoy 300 s; Finagle 300 s"
    )
    max_ejection_fraction: float = knob(
        0.5,
        FRACTION,
        "share of the pool that may be out; one server always stays in",
        source="Envoy 10 %, which rounds to nobody among 2-9 servers",
    )


@attrs.frozen(slots=True, kw_only=True)
class BudgetConfig:
    """The share of extra attempts that retries may add (Finagle's and tower's form)."""

    enabled: bool = knob(True, FLAG, "whether retries are limited as a whole")
    fraction: float = knob(
        0.2, FRACTION, "retries for each request", source="Finagle, tower and Envoy 20 %"
    )
    min_per_second: float = knob(
        3.0, RATE, "retries that are always allowed", source="Envoy at least 3; Finagle 10/s"
    )
    window: float = knob(
        10.0, SECONDS, "how far back requests count", source="Finagle and tower 10 s"
    )


@attrs.frozen(slots=True, kw_only=True)
class RetryConfig:
    """When a failed attempt is tried again: idempotent or never sent, another server first."""

    max_retries: int = knob(
        2, count(0, 100), "further attempts after the first", source="Envoy 1; HAProxy 3"
    )
    backoff: str = knob("exponential", BACKOFF, "how the delay grows, with full jitter")
    base_delay: float = knob(0.025, SECONDS_OR_OFF, "the first delay", source="Envoy 25 ms")
    max_delay: float = knob(
        1.0, SECONDS_OR_OFF, "the longest delay", source="HAProxy's turn-around of 1 s"
    )
    budget: BudgetConfig = section(BudgetConfig, "how much load retries may add")


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
    connect: float = knob(
        3.0, SECONDS, "to connect to a server", source="Caddy 3 s; Envoy 5 s; nginx 60 s"
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
        None, maybe(SECONDS), "for the whole answer; null lets a download take its time"
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


@attrs.frozen(slots=True, kw_only=True)
class LimitsConfig:
    """Every buffer and count has a bound."""

    max_connections: int = knob(
        1000,
        count(),
        "connections of clients at once; one more is answered 503",
        source="requirement 004; Envoy 1024",
    )
    per_client: int | None = knob(None, maybe(count()), "the same for one client address")
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


@attrs.frozen(slots=True, kw_only=True)
class AccessLogConfig:
    """One line a request: ``combined``, ``json``, ``logfmt`` or ``off``; ``-`` is stderr."""

    format: str = knob("off", ACCESS_FORMAT, "its form; combined when only a file is named")
    file: str = knob("-", LABEL, "where it goes; - is stderr")


@attrs.frozen(slots=True, kw_only=True)
class LoggingConfig:
    """What is written where."""

    level: str = knob("info", LEVEL, "the least that is written")
    access: AccessLogConfig = section(AccessLogConfig, "one line for each request")


@attrs.frozen(slots=True, kw_only=True)
class PoolConfig:
    """Servers that can answer the same requests, and how one of them is chosen."""

    name: str = DEFAULT_POOL
    algorithm: str = knob("round_robin", ALGORITHM, "how a server is chosen", source="nginx, Envoy")
    servers: tuple[ServerConfig, ...] = knob(
        (), ListOf(Section(ServerConfig)), "its servers", aliases=("backends", "targets")
    )
    health_check: HealthCheckConfig = section(
        HealthCheckConfig, "active probes; off unless the section is written", enabled=False
    )
    outlier_detection: OutlierConfig = section(OutlierConfig, "passive health")
    retry: RetryConfig = section(RetryConfig, "second attempts")


@attrs.frozen(slots=True, kw_only=True)
class Config:
    """One load balancer. ``pools`` holds the default pool under ``"default"``."""

    name: str = knob("trio-lb", LABEL, "how it calls itself")
    listeners: tuple[ListenerConfig, ...] = knob(
        (), ListOf(Section(ListenerConfig)), "where it accepts connections"
    )
    pools: Mapping[str, PoolConfig] = knob(
        attrs.Factory(dict),
        MapOf(POOL_NAME, Section(PoolConfig)),
        "further pools by name; what they leave out is as in the default pool",
    )
    timeouts: TimeoutsConfig = section(TimeoutsConfig, "the end of each wait")
    limits: LimitsConfig = section(LimitsConfig, "the bound of each buffer and count")
    logging: LoggingConfig = section(LoggingConfig, "what is written where")
    trusted_proxies: tuple[str, ...] = knob(
        (), ListOf(Network()), "peers whose forwarding headers are believed and appended to"
    )
    forwarded_headers: bool = knob(
        True,
        FLAG,
        "X-Forwarded-*, X-Real-IP and X-Request-ID towards servers;"
        " an untrusted client's own never pass, on or off",
    )
    answer_headers: bool = knob(False, FLAG, "X-Backend-* and X-Load-Balanced on answers")
    drain_timeout: float = knob(
        30.0, SECONDS_OR_OFF, "for all that is open at the end", source="Envoy 5 s; linkerd 120 s"
    )
    accept_grace: float = knob(
        5.0,
        SECONDS_OR_OFF,
        "how long a stop goes on accepting, while others learn of it",
        source="Traefik 0",
    )
