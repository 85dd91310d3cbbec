"""The configuration as frozen values: every name, default and bound of one balancer.

A ``Config`` is always valid and complete: ``config.load`` makes one from a file or a
dict and reports every problem at once; programs may also build one directly, under
the same bounds (``ConfigError``). All times are seconds, all sizes bytes, all shares
fractions in [0, 1]. Each field says what it is for and whose default it has; the
reference (docs/reference/configuration.md) is made of nothing else.

This is the front door: the sections themselves live beside it, one subject each.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from trio_lb.config.bounds import LimitsConfig as LimitsConfig
from trio_lb.config.bounds import TimeoutsConfig as TimeoutsConfig
from trio_lb.config.choices import (
    ALGORITHM,
    FAIL_OPEN,
    FLAG,
    HASH_KEY,
    LABEL,
    POOL_NAME,
    PROTOCOL,
    PROXY_IN,
    PROXY_OUT,
    SERVER_ID,
    WEIGHT,
)
from trio_lb.config.diary import AccessLogConfig as AccessLogConfig
from trio_lb.config.diary import LoggingConfig as LoggingConfig
from trio_lb.config.encryption import CertificateConfig as CertificateConfig
from trio_lb.config.encryption import ListenerTls as ListenerTls
from trio_lb.config.encryption import UpstreamTls as UpstreamTls
from trio_lb.config.kinds import Anything, CodeOrName, Number
from trio_lb.config.knobs import (
    SECONDS,
    SECONDS_OR_OFF,
    ListOf,
    MapOf,
    OptionalSection,
    Section,
    count,
    described,
    fits,
    knob,
    maybe,
    section,
)
from trio_lb.config.net_kinds import FlagOrPort, Network, Place
from trio_lb.config.probing import HealthCheckConfig as HealthCheckConfig
from trio_lb.config.probing import ProbeConfig as ProbeConfig
from trio_lb.config.resilience import BreakerConfig as BreakerConfig
from trio_lb.config.resilience import BudgetConfig as BudgetConfig
from trio_lb.config.resilience import FallbackConfig as FallbackConfig
from trio_lb.config.resilience import OutlierConfig as OutlierConfig
from trio_lb.config.resilience import RetryConfig as RetryConfig
from trio_lb.model.address import Address

if TYPE_CHECKING:
    from trio_lb.policy.balance.custom import Algorithm, Select

DEFAULT_POOL = "default"
DEFAULT_HASH_KEY = "client_ip"


@attrs.frozen(slots=True, kw_only=True)
class ListenerConfig:
    """One place to accept connections. ``port: 80`` alone binds 0.0.0.0."""

    protocol: str = knob("http", PROTOCOL, "what is spoken there")
    bind: Address = knob(
        Address("127.0.0.1", 8000), Place(bind=True), "where; port 0 takes any free port"
    )
    pool: str = knob(DEFAULT_POOL, POOL_NAME, "the pool that answers")
    ssl: ListenerTls | None = knob(
        None, OptionalSection(ListenerTls), "certificates; needed for https", aliases=("tls",)
    )
    proxy_protocol: str = knob(
        "off",
        PROXY_IN,
        "whether peers begin with a PROXY header that names the client: v1, v2, or true for either;"
        " if `trusted_proxies` names any, only those may",
        source="nginx and HAProxy off",
    )
    https_redirect: bool | int = knob(
        False,
        FlagOrPort(),
        "http: answer every request 308 to https, at this port (true: that of the first https"
        " listener)",
    )

    @property
    def answers_itself(self) -> bool:
        """Whether no request that comes here ever meets a pool: each is sent to https."""
        return self.https_redirect is not False


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
    health_check: HealthCheckConfig | None = knob(
        None,
        OptionalSection(HealthCheckConfig),
        "its own probe; what it leaves out is as in the pool",
    )
    tls: UpstreamTls | None = knob(
        None, OptionalSection(UpstreamTls), "how it is spoken to; null: as the pool says"
    )
    app: object | None = knob(
        None,
        maybe(CodeOrName()),
        "instead of an address: an ASGI application or async callable, or its name "
        "(`package.module:name`)",
    )


@attrs.frozen(slots=True, kw_only=True)
class PoolConfig:
    """Servers that can answer the same requests, and how one of them is chosen."""

    name: str = DEFAULT_POOL
    algorithm: "str | Select | Algorithm | type" = knob(
        "round_robin", ALGORITHM, "how a server is chosen", source="nginx, Envoy"
    )
    servers: tuple[ServerConfig, ...] = knob(
        (), ListOf(Section(ServerConfig)), "its servers", aliases=("backends", "targets")
    )
    health_check: HealthCheckConfig = section(
        HealthCheckConfig, "active probes; off unless the section is written", enabled=False
    )
    outlier_detection: OutlierConfig = section(OutlierConfig, "passive health")
    retry: RetryConfig = section(RetryConfig, "second attempts")
    circuit_breaker: BreakerConfig = section(
        BreakerConfig, "a breaker a server; off unless the section is written", enabled=False
    )
    slow_start: float = knob(
        0.0,
        SECONDS_OR_OFF,
        "in which a server that returns comes to its full share; 30s is a good value",
        source="nginx Plus and HAProxy 0",
    )
    fail_open: str = knob(
        "auto",
        FAIL_OPEN,
        "whether bad checks are overruled: auto when all, or a whole zone, fail together;"
        " true always; false never",
        source="Envoy and Finagle at 50 % healthy",
    )
    hash_key: str = knob(
        DEFAULT_HASH_KEY,
        HASH_KEY,
        "what hashing algorithms (but ip_hash) look at",
        source="nginx hash KEY; Envoy hash_policy",
    )
    hash_balance_factor: float | None = knob(
        1.25,
        maybe(Number("a factor", 1.01, 100, span="in [1.01, 100]")),
        "a hashed server gets at most so many times the mean load; null: no bound",
        source="HAProxy 0 = off, advises 1.25",
    )
    response_time_window: float = knob(
        60.0, SECONDS, "how far back least_response_time looks", source="requirement 002"
    )
    response_time_samples: int = knob(
        10, count(1, 1000), "how many answers of each server it keeps", source="requirement 002"
    )
    ewma_decay: float = knob(
        10.0, SECONDS, "in which peak_ewma forgets", source="Finagle, linkerd and Envoy 10 s"
    )
    tls: UpstreamTls | None = knob(
        None, OptionalSection(UpstreamTls), "TLS towards the servers; null: none"
    )
    proxy_protocol: str = knob(
        "off",
        PROXY_OUT,
        "begin each connection to a server with a PROXY header that names the client; such a"
        " connection is never shared between clients",
        source="HAProxy send-proxy",
    )
    timeouts: TimeoutsConfig | None = knob(
        None,
        OptionalSection(TimeoutsConfig),
        "of its own, in place of the balancer's: connect, first_byte, idle, total, response,"
        " write_stall, tunnel_idle, half_close_grace",
    )


@attrs.frozen(slots=True, kw_only=True)
class AccessConfig:
    """Who may use the balancer, by the client's address; the most specific entry decides."""

    allow: tuple[str, ...] = knob(
        (), ListOf(Network()), "only these, if any is named", source="nginx allow"
    )
    deny: tuple[str, ...] = knob((), ListOf(Network()), "not these", source="nginx deny")


@attrs.frozen(slots=True, kw_only=True)
class WebSocketConfig:
    """What is done for WebSockets beyond carrying their bytes."""

    ping_interval: float | None = knob(
        None,
        maybe(SECONDS),
        "a ping to a client that has been silent for so long; null: none of ours",
        source="nginx, HAProxy and Envoy none",
    )
    close_on_drain: bool = knob(
        True, FLAG, "whether a stop tells both ends 1001 (going away), spread over half its time"
    )


@attrs.frozen(slots=True, kw_only=True)
class WatchdogConfig:
    """Notices when one task keeps all others from running."""

    enabled: bool = knob(True, FLAG, "whether the loop is watched")
    warn_after: float = knob(0.2, SECONDS, "a stall that is logged", source="Envoy's miss 200 ms")
    alarm_after: float = knob(
        1.0, SECONDS, "a stall whose stack is logged", source="Envoy's megamiss 1 s"
    )
    exit_after: float | None = knob(
        60.0, maybe(SECONDS), "a stall after which `trio-lb run` ends with 70; null: never"
    )


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
    websocket: WebSocketConfig = section(WebSocketConfig, "tunnels whose frames are understood")
    watchdog: WatchdogConfig = section(WatchdogConfig, "of the event loop")
    access: AccessConfig = section(
        AccessConfig, "who is let in: others are answered 403, on a tcp listener reset"
    )
    trusted_proxies: tuple[str, ...] = knob(
        (),
        ListOf(Network(unix=True)),
        "peers whose forwarding headers are believed and appended to;"
        " unix: stands for those of unix sockets",
        source="nginx set_real_ip_from",
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
