"""What no single field can know: fields of one section that contradict each other.

One table, two readers. The walk over a file tells each remark where the field was
written (``structure.tell``); ``verify`` tells it of a ``Config`` that a program built.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs

from trio_lb.config.kinds import NOT_YET
from trio_lb.config.nodes import Node
from trio_lb.config.schema import (
    BreakerConfig,
    CertificateConfig,
    HealthCheckConfig,
    ListenerConfig,
    ListenerTls,
    ProbeConfig,
    ServerConfig,
    UpstreamTls,
    WatchdogConfig,
)

TLS_FORM: Final = "certificate: FILE.pem, private_key: FILE.pem"


@attrs.frozen(slots=True)
class Remark:
    """What is wrong, and at which field; without one, at the section as a whole."""

    field: str
    message: str
    told: Callable[[Node, str], None] = Node.refuse


def remarks(section: attrs.AttrsInstance) -> Iterator[Remark]:
    """Yield all that the rules say of one section, not of those inside of it."""
    rule = _RULES.get(type(section))
    return iter(()) if rule is None else rule(section)


def _of_listener(listener: ListenerConfig) -> Iterator[Remark]:
    speaks = listener.protocol
    if speaks == "https" and listener.ssl is None:
        yield Remark("ssl", f"https needs a certificate: write ssl: {{{TLS_FORM}}}")
    if speaks == "http" and listener.ssl is not None:
        yield Remark("ssl", "is for https alone: write protocol: https beside it")
    if speaks == "tcp" and listener.ssl is not None:
        # Its bytes are passed on as they come, encrypted or not.
        message = f"on a tcp listener is {NOT_YET}; TLS ends at protocol: https"
        yield Remark("ssl", message, Node.not_yet)
    if speaks != "http" and listener.answers_itself:
        yield Remark("https_redirect", f"is for http alone, and this listener speaks {speaks}")
    elif not isinstance(listener.https_redirect, bool) and (
        listener.https_redirect == listener.bind.port
    ):
        yield Remark("https_redirect", f"port {listener.bind.port} is this listener's own")


def _of_listener_tls(tls: ListenerTls) -> Iterator[Remark]:
    if not tls.all_certificates:
        yield Remark("", f"no certificate here: write {TLS_FORM}")
    elif tls.certificate is None and tls.private_key is not None:
        yield Remark("private_key", "no certificate beside it")


def _of_certificate(each: CertificateConfig) -> Iterator[Remark]:
    if not each.certificate:
        yield Remark("", f"no certificate here: write {TLS_FORM}")


def _of_upstream_tls(tls: UpstreamTls) -> Iterator[Remark]:
    if tls.private_key is not None and tls.certificate is None:
        yield Remark("private_key", "no certificate beside it")
    if tls.ca is not None and not tls.verify:
        yield Remark("ca", "nobody is measured by it: verify is false", Node.warn)


def _of_probe(probe: ProbeConfig) -> Iterator[Remark]:
    if probe.type == "custom" and probe.check is None:
        yield Remark("type", "custom calls 'check', an async function that only a program can give")
    if probe.type != "custom" and probe.check is not None:
        yield Remark("check", f"only a probe of the type custom calls it; this one is {probe.type}")


def _of_health_check(check: HealthCheckConfig) -> Iterator[Remark]:
    """The section itself asks nothing while it is off, or where ``probes`` do."""
    return _of_probe(check) if check.enabled and not check.probes else iter(())


def _of_breaker(breaker: BreakerConfig) -> Iterator[Remark]:
    if breaker.enabled and breaker.failure_threshold is None and breaker.threshold is None:
        message = "never opens by itself: failure_threshold and threshold are both null"
        yield Remark("", message, Node.warn)


def _of_server(server: ServerConfig) -> Iterator[Remark]:
    if server.app is not None and not server.address.is_inside:
        yield Remark("app", f"its address is app:NAME, and not '{server.address}'")
    if server.app is None and server.address.is_inside:
        yield Remark("address", f"there is no app to call at '{server.address}'")


def _of_watchdog(watchdog: WatchdogConfig) -> Iterator[Remark]:
    if watchdog.alarm_after < watchdog.warn_after:
        message = f"comes before warn_after, {watchdog.warn_after:g} s"
        yield Remark("alarm_after", message, Node.warn)


_RULES: Final[Mapping[type, Callable[[Any], Iterator[Remark]]]] = {
    BreakerConfig: _of_breaker,
    CertificateConfig: _of_certificate,
    HealthCheckConfig: _of_health_check,
    ListenerConfig: _of_listener,
    ListenerTls: _of_listener_tls,
    ProbeConfig: _of_probe,
    ServerConfig: _of_server,
    UpstreamTls: _of_upstream_tls,
    WatchdogConfig: _of_watchdog,
}
