"""What protects clients from servers and servers from clients, as frozen values."""

from collections.abc import Mapping

import attrs

from trio_lb.config.choices import BACKOFF, FLAG
from trio_lb.config.http_kinds import HEADER_NAME, HEADER_VALUE
from trio_lb.config.kinds import Number, Text
from trio_lb.config.knobs import (
    FRACTION,
    RATE,
    SECONDS,
    SECONDS_OR_OFF,
    SHARE,
    MapOf,
    OptionalSection,
    count,
    knob,
    maybe,
    section,
)


@attrs.frozen(slots=True, kw_only=True)
class OutlierConfig:
    """Passive health: ejection of a server by what requests met there."""

    enabled: bool = knob(True, FLAG, "whether servers are ejected")
    consecutive_failures: int = knob(
        5, count(), "failures in a row that eject", source="Envoy 5; Finagle 5; linkerd 7; nginx 1"
    )
    success_rate: float | None = knob(
        0.5,
        maybe(FRACTION),
        "a server with a smaller share of successes in `interval` is ejected; null never",
        source="Envoy 1.9 standard deviations of >= 100 requests; Finagle 80 %",
    )
    min_requests: int = knob(20, count(), "fewer requests in `interval` are not judged by share")
    interval: float = knob(10.0, SECONDS, "how far back the share looks", source="Envoy 10 s")
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
class FallbackConfig:
    """The answer while every server is out because of its breaker."""

    status: int = knob(503, Number("a status", 200, 599, whole=True, span="in 200..599"), "status")
    body: str = knob("", Text("text", r"[\s\S]*"), "body; its type is in `headers`, or text/plain")
    headers: Mapping[str, str] = knob(
        attrs.Factory(dict), MapOf(HEADER_NAME, HEADER_VALUE), "such as Retry-After"
    )


@attrs.frozen(slots=True, kw_only=True)
class BreakerConfig:
    """A switch a server, that opens when requests there fail, and tries again later.

    Writing only ``failure_threshold`` turns the ratio form off, writing only
    ``threshold`` or ``min_requests`` the count form; with both, either trips.
    """

    enabled: bool = knob(True, FLAG, "whether it trips; writing the section says yes")
    failure_threshold: int | None = knob(
        5,
        maybe(count()),
        "failures in a row that open it; null: not counted so",
        source="requirements 000 and 002; pybreaker and AWS Powertools 5",
    )
    threshold: float | None = knob(
        0.5,
        maybe(SHARE),
        "share of failures in `interval` that opens it; null: not counted so",
        source="requirement 003; resilience4j 50 %",
    )
    min_requests: int = knob(
        100, count(), "fewer in `interval` are not judged by share", source="resilience4j 100"
    )
    interval: float = knob(
        60.0,
        SECONDS,
        "how far back the share looks",
        source="requirement 003",
        aliases=("monitoring_period",),
    )
    timeout: float = knob(
        30.0,
        SECONDS,
        "how long it stays open the first time",
        source="requirement 003, Polly and others 30 s; resilience4j 60 s",
        aliases=("recovery_timeout", "half_open_timeout"),
    )
    success_threshold: int = knob(
        3, count(), "good trials that close it", source="requirement 002; resilience4j 10"
    )
    max_half_open: int = knob(
        1, count(), "trials at one time while half-open", source="resilience4j 10 in all"
    )
    backoff: float = knob(
        2.0,
        Number("a factor", 1, 100, span="in [1, 100]"),
        "each further opening lasts so many times longer",
    )
    jitter: float = knob(
        0.0, FRACTION, "spreads the second and further openings by this share", source="linkerd 0.5"
    )
    max_timeout: float = knob(300.0, SECONDS, "how long it stays open at most")
    fallback_response: FallbackConfig | None = knob(
        None,
        OptionalSection(FallbackConfig),
        "the answer while all servers are out because of their breakers; null: our own 503",
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
