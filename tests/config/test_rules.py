"""Fields of one section that contradict each other, told at the field that was written."""

import pytest

from tests.config.support import AROUND, told
from trio_lb.config.load import load_mapping
from trio_lb.config.nodes import Node
from trio_lb.config.rules import Remark, remarks
from trio_lb.config.schema import (
    BreakerConfig,
    HealthCheckConfig,
    ListenerConfig,
    ListenerTls,
    ServerConfig,
    UpstreamTls,
    WatchdogConfig,
)
from trio_lb.model.address import Address
from trio_lb.model.errors import ConfigError

TLS = ListenerTls(certificate="/c.pem")


@pytest.mark.parametrize(
    ("listener", "message"),
    [
        ("{port: 443, protocol: https}", "listeners[0]: https needs a certificate: write ssl: {"),
        ("{port: 1, protocol: https, ssl: false}", "listeners[0].ssl: https needs a certificate"),
        ("{port: 1, ssl: {certificate: /dev/null}}", "listeners[0].ssl: is for https alone: write"),
        ("{port: 1, tls: {certificate: /dev/null}}", "listeners[0].tls: is for https alone: write"),
        (
            "{port: 1, protocol: tcp, ssl: {certificate: /dev/null}}",
            "listeners[0].ssl: on a tcp listener is not supported in this version",
        ),
        (
            "{port: 1, protocol: tcp, https_redirect: true}",
            "listeners[0].https_redirect: is for http alone, and this listener speaks tcp",
        ),
        (
            "{port: 1, protocol: https, ssl: {}}",
            "listeners[0].ssl: no certificate here: write certificate: FILE.pem, private_key: FILE",
        ),
        (
            "{port: 1, protocol: https,"
            " ssl: {private_key: /dev/null, certificates: [{certificate: /dev/null}]}}",
            "listeners[0].ssl.private_key: no certificate beside it",
        ),
        (
            "{port: 1, protocol: https, ssl: {certificates: [{private_key: /dev/null}]}}",
            "listeners[0].ssl.certificates[0]: no certificate here",
        ),
    ],
)
def test_a_listener_that_contradicts_itself_is_refused(listener: str, message: str) -> None:
    (problem,) = told(f"listeners:\n  - {listener}\nservers: [h:1]\nhealth_check: true\n")
    assert problem.startswith(f"2 {message}")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("tls: {private_key: /dev/null}", "tls.private_key: no certificate beside it"),
        (
            "tls: {ca: /dev/null, verify: false}",
            "warning: tls.ca: nobody is measured by it: verify is false",
        ),
        (
            "circuit_breaker: {failure_threshold: null, threshold: null}",
            "warning: circuit_breaker: never opens by itself: failure_threshold and threshold are",
        ),
        ("watchdog: {warn_after: 2s}", "warning: watchdog: comes before warn_after, 2 s"),
    ],
)
def test_a_section_that_contradicts_itself_is_told(line: str, message: str) -> None:
    (problem,) = told(f"{AROUND}servers: [h:1]\n{line}\n")
    assert message in problem


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ("{type: custom}", "health_check.type: custom calls 'check', an async function that only"),
        ("{check: app.check}", "health_check.check: 'app.check' is not a callable; only a program"),
        ("{probes: [{type: custom}]}", "health_check.probes[0].type: custom calls 'check'"),
    ],
)
def test_a_file_can_not_bring_a_probe_of_its_own(check: str, message: str) -> None:
    (problem,) = told(f"listeners: [port: 80]\nservers: [h:1]\nhealth_check: {check}\n")
    assert problem.startswith(f"3 {message}")


async def probe(server: object) -> None:
    """Never called here."""


def test_a_program_s_probe_is_a_custom_one_by_itself() -> None:
    config = load_mapping({"servers": ["h:1"], "health_check": {"check": probe}})
    check = config.pools["default"].health_check
    assert (check.type, check.check, check.enabled) == ("custom", probe, True)


def test_a_check_that_no_probe_would_call_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"check: only a probe of the type custom calls it"):
        load_mapping({"servers": ["h:1"], "health_check": {"type": "http", "check": probe}})


def test_what_is_off_contradicts_nothing() -> None:
    assert list(remarks(HealthCheckConfig(enabled=False, type="custom"))) == []
    assert list(remarks(UpstreamTls(enabled=False))) == []
    off = BreakerConfig(enabled=False, failure_threshold=None, threshold=None)
    assert list(remarks(off)) == []


def test_a_misread_section_is_not_told_to_contradict_itself() -> None:
    text = "listeners: [{port: 443, protocol: https, ssl: {certificate: 5}}]\nservers: [h:1]\n"
    assert told(text + "health_check: true\n") == [
        "1 listeners[0].ssl.certificate: 5 is not text (put it in quotes)"
    ]


@pytest.mark.parametrize(
    ("section", "remark"),
    [
        (
            ServerConfig(id="a", address=Address("h", 80), app=probe),
            Remark("app", "its address is app:NAME, and not 'h:80'"),
        ),
        (
            ServerConfig(id="a", address=Address("app:a", 0)),
            Remark("address", "there is no app to call at 'app:a'"),
        ),
        (
            ListenerConfig(protocol="https", ssl=TLS, https_redirect=True),
            Remark("https_redirect", "is for http alone, and this listener speaks https"),
        ),
        (
            WatchdogConfig(warn_after=5.0),
            Remark("alarm_after", "comes before warn_after, 5 s", Node.warn),
        ),
    ],
)
def test_a_value_built_by_hand_meets_the_same_rules(section: object, remark: Remark) -> None:
    assert list(remarks(section)) == [remark]  # type: ignore[arg-type]  # a mixed list of sections


@pytest.mark.parametrize(
    "section",
    [
        ListenerConfig(https_redirect=8443),
        ListenerConfig(protocol="https", ssl=TLS, proxy_protocol="v2"),
        ListenerConfig(protocol="tcp", proxy_protocol="any"),
        ServerConfig(id="a", address=Address("app:a", 0), app=probe),
        BreakerConfig(),
        UpstreamTls(certificate="/both.pem"),
        HealthCheckConfig(type="custom", check=probe),
        WatchdogConfig(),
    ],
)
def test_what_fits_together_is_passed_over_in_silence(section: object) -> None:
    assert list(remarks(section)) == []  # type: ignore[arg-type]  # a mixed list of sections
