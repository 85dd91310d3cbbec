"""The configuration as frozen values: every name, default and bound of one balancer.

A ``Config`` is always valid and complete: ``config.load`` makes one from a file or a
dict and reports every problem at once; programs may also build one directly. All
times are seconds, all sizes bytes, all shares fractions in [0, 1]. Defaults that
come from somewhere say so.
"""

from collections.abc import Mapping

import attrs

from trio_lb.model.address import Address

DEFAULT_POOL = "default"


@attrs.frozen(slots=True, kw_only=True)
class ListenerConfig:
    """One place to accept connections. ``port: 80`` alone binds 0.0.0.0."""

    protocol: str = "http"
    bind: Address = Address("127.0.0.1", 8000)
    pool: str = DEFAULT_POOL


@attrs.frozen(slots=True, kw_only=True)
class ServerConfig:
    """One server of a pool. Identity is pool + address; ``id`` is its name there."""

    id: str
    address: Address
    weight: int = 1
    max_connections: int | None = None
    disabled: bool = False
    backup: bool = False
    zone: str | None = None
    priority: int = 0
    metadata: Mapping[str, object] = attrs.field(factory=dict)


@attrs.frozen(slots=True, kw_only=True)
class HealthCheckConfig:
    """Active probes. Interval/timeout/rise/fall are HAProxy-like (rise 2, fall 3).

    ``fast_interval`` is used while a server is in transition (some but not enough
    checks agree); ``jitter_fraction`` spreads each wait by that share either way.
    """

    enabled: bool = True
    type: str = "http"
    path: str = "/"
    method: str = "GET"
    headers: Mapping[str, str] = attrs.field(factory=dict)
    expected_status: tuple[int, ...] | None = None
    """Exact statuses that are good; None means 200-399."""
    expected_body: str | None = None
    port: int | None = None
    interval: float = 5.0
    timeout: float = 2.0
    fast_interval: float = 1.0
    jitter_fraction: float = 0.1
    healthy_threshold: int = 2
    unhealthy_threshold: int = 3


@attrs.frozen(slots=True, kw_only=True)
class OutlierConfig:
    """Passive health: ejection of a server by what requests met there."""

    enabled: bool = True
    consecutive_failures: int = 5
    base_ejection_time: float = 5.0
    max_ejection_time: float = 300.0
    max_ejection_fraction: float = 0.5


@attrs.frozen(slots=True, kw_only=True)
class BudgetConfig:
    """The share of extra attempts that retries may add (Finagle's and tower's form)."""

    enabled: bool = True
    fraction: float = 0.2
    min_per_second: float = 3.0
    window: float = 10.0


@attrs.frozen(slots=True, kw_only=True)
class RetryConfig:
    """When a failed attempt is tried again: idempotent or never sent, another server first."""

    max_retries: int = 2
    backoff: str = "exponential"
    base_delay: float = 0.025
    max_delay: float = 1.0
    budget: BudgetConfig = BudgetConfig()


@attrs.frozen(slots=True, kw_only=True)
class TimeoutsConfig:
    """Every wait has an end. ``total`` covers tries and backoff up to the response head."""

    client_head: float = 10.0
    client_body_idle: float = 60.0
    client_keep_alive: float = 75.0
    connect: float = 3.0
    first_byte: float = 30.0
    idle: float = 60.0
    total: float = 60.0
    response: float | None = None
    write_stall: float = 30.0
    upstream_keep_alive: float = 4.0
    tunnel_idle: float = 3600.0
    half_close_grace: float = 1.0


@attrs.frozen(slots=True, kw_only=True)
class LimitsConfig:
    """Every buffer and count has a bound."""

    max_connections: int = 1000
    per_client: int | None = None
    head_size: int = 32 * 1024
    target_size: int = 16 * 1024
    header_count: int = 100
    body_size: int | None = None
    replay_body_size: int = 64 * 1024
    requests_per_connection: int = 1000
    connection_age: float = 3600.0
    upstream_idle: int = 32
    buffer_size: int = 32 * 1024


@attrs.frozen(slots=True, kw_only=True)
class AccessLogConfig:
    """One line a request: ``combined``, ``json``, ``logfmt`` or ``off``; ``-`` is stderr."""

    format: str = "off"
    file: str = "-"


@attrs.frozen(slots=True, kw_only=True)
class LoggingConfig:
    """What is written where."""

    level: str = "info"
    access: AccessLogConfig = AccessLogConfig()


@attrs.frozen(slots=True, kw_only=True)
class PoolConfig:
    """Servers that can answer the same requests, and how one of them is chosen."""

    name: str = DEFAULT_POOL
    algorithm: str = "round_robin"
    servers: tuple[ServerConfig, ...] = ()
    health_check: HealthCheckConfig = HealthCheckConfig(enabled=False)
    outlier_detection: OutlierConfig = OutlierConfig()
    retry: RetryConfig = RetryConfig()


@attrs.frozen(slots=True, kw_only=True)
class Config:
    """One load balancer. ``pools`` holds the default pool under ``"default"``."""

    name: str = "trio-lb"
    listeners: tuple[ListenerConfig, ...] = ()
    pools: Mapping[str, PoolConfig] = attrs.field(factory=dict)
    timeouts: TimeoutsConfig = TimeoutsConfig()
    limits: LimitsConfig = LimitsConfig()
    logging: LoggingConfig = LoggingConfig()
    trusted_proxies: tuple[str, ...] = ()
    forwarded_headers: bool = True
    answer_headers: bool = False
    drain_timeout: float = 30.0
    accept_grace: float = 5.0
