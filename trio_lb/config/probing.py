"""Active health checks, as frozen values: what a probe asks, and how often."""

from collections.abc import Mapping

import attrs

from trio_lb.config.choices import FLAG, PROBE
from trio_lb.config.http_kinds import HEADER_NAME, HEADER_VALUE, METHOD, TARGET, Statuses
from trio_lb.config.kinds import Code, Text
from trio_lb.config.knobs import (
    FRACTION,
    PORT,
    SECONDS,
    ListOf,
    MapOf,
    Section,
    count,
    knob,
    maybe,
)


@attrs.frozen(slots=True, kw_only=True)
class ProbeConfig:
    """One question to a server. A server is well when every probe of it is answered well."""

    type: str = knob(
        "http",
        PROBE,
        "http asks and reads the status; tcp only connects; websocket shakes hands and pings;"
        " custom calls `check`",
    )
    path: str = knob("/", TARGET, "what an http or websocket probe asks for")
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
    port: int | None = knob(
        None,
        maybe(PORT),
        "probe that port of the server's host instead; no PROXY header is sent there",
        source="HAProxy check-send-proxy",
    )
    check: object | None = knob(
        None, maybe(Code()), "of a custom probe: `async def check(server) -> ProbeResult`"
    )


@attrs.frozen(slots=True, kw_only=True)
class HealthCheckConfig(ProbeConfig):
    """Active probes. Interval/timeout/rise/fall are HAProxy-like (rise 2, fall 3).

    The section is one probe and its schedule; ``probes`` puts several in its place.
    ``fast_interval`` is used while a server is in transition (some but not enough
    checks agree); ``jitter_fraction`` spreads each wait by that share either way.
    """

    enabled: bool = knob(True, FLAG, "whether servers are probed; writing the section says yes")
    probes: tuple[ProbeConfig, ...] = knob(
        (),
        ListOf(Section(ProbeConfig)),
        "several probes, all of which must be good; what one leaves out is as above",
    )
    interval: float = knob(
        5.0,
        SECONDS,
        "from one probe to the next",
        source="nginx Plus 5 s; HAProxy 2 s; Caddy and Traefik 30 s",
    )
    timeout: float = knob(
        2.0,
        SECONDS,
        "for the whole probe; at most `interval`, where that is written and this is not",
        source="Caddy and Traefik 5 s; HAProxy its interval",
    )
    fast_interval: float = knob(
        1.0,
        SECONDS,
        "while checks begin to disagree with the state; at most `interval`, as the timeout",
        source="HAProxy's fastinter",
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

    @property
    def questions(self) -> tuple[ProbeConfig, ...]:
        """Every probe that a check makes: ``probes``, or the section itself."""
        return self.probes or (self,)
