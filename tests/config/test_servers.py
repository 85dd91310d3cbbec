"""Servers in each way in which people write one."""

import pytest

from tests.config.support import node_of, said
from trio_lb.config.schema import HealthCheckConfig, PoolConfig, ServerConfig, UpstreamTls
from trio_lb.config.servers import read_servers
from trio_lb.model.address import Address

HERE = Address("10.0.0.1", 80)
POOL = PoolConfig(health_check=HealthCheckConfig(interval=7.0, path="/health"))


@pytest.mark.parametrize(
    ("written", "server"),
    [
        ("10.0.0.1:80", ServerConfig(id="10.0.0.1:80", address=HERE)),
        ("10.0.0.1:80*3", ServerConfig(id="10.0.0.1:80", address=HERE, weight=3)),
        ("http://10.0.0.1", ServerConfig(id="10.0.0.1:80", address=HERE)),
        ({"address": "10.0.0.1:80"}, ServerConfig(id="10.0.0.1:80", address=HERE)),
        ({"url": "http://10.0.0.1/", "id": "a"}, ServerConfig(id="a", address=HERE)),
        ({"host": "10.0.0.1", "port": 80, "name": "a"}, ServerConfig(id="a", address=HERE)),
        (
            {
                "name": "a",
                "address": "10.0.0.1:80",
                "weight": 100,
                "max_connections": 100,
                "backup": False,
                "disabled": True,
                "zone": "a",
                "priority": 1,
                "metadata": {"rack": [7]},
                "health_check": None,
            },
            ServerConfig(
                id="a",
                address=HERE,
                weight=100,
                max_connections=100,
                disabled=True,
                zone="a",
                priority=1,
                metadata={"rack": [7]},
            ),
        ),
    ],
)
def test_a_server_is_read(written: object, server: ServerConfig) -> None:
    node = node_of([written])
    assert read_servers(node, POOL) == (server,)
    assert said(node) == []


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (5, "[0]: 5 is not an address or a mapping"),
        (None, "[0]: null is not an address or a mapping"),
        ({}, "[0]: no address here: write address: host:port"),
        ({"port": 80}, "[0].port: no address here: write address: host:port"),
        ({"host": "h"}, "[0].host: no port beside it: add 'port', or write address: host:port"),
        ({"host": "10.0.0.256", "port": 80}, "[0].host: '10.0.0.256' has the host"),
        ({"host": "h:1", "port": 80}, "[0].host: 'h:1' has the host 'h:1', which is no IP address"),
        ({"host": "h", "port": "80"}, "[0].port: '80' is not a port; write it without quotes"),
        ({"address": "h:1", "port": 1}, "[0].port: given twice: 'address' has it already"),
        ({"url": "http://h", "host": "h"}, "[0].host: given twice: 'url' has it already"),
        ({"url": "http://h", "address": "h:1"}, "[0].address: given twice: 'url' means the same"),
        ({"address": "h:1", "wieght": 1}, "[0].wieght: unknown key; did you mean 'weight'?"),
        ({"address": "h:1", "weight": 0}, "[0].weight: 0 is not in 1..65535"),
        (
            {"address": "h:1", "name": "a b"},
            "[0].name: 'a b' is not a name (visible ASCII, no space)",
        ),
        ({"address": "h:1", "circuit_breaker": True}, "[0].circuit_breaker: not supported in this"),
        ("h", "[0]: 'h' is not an address"),
        ("h:1*0", "[0]: 'h:1*0' has the weight '0', which is not in 1..65535"),
        ("https://h/x", "[0]: 'https://h/x' has a path"),
        ({"url": "https://h/x"}, "[0].url: 'https://h/x' has a path"),
        ({"id": "a", "app": "main"}, "[0].app: 'main' is not a callable, or its name (package."),
    ],
)
def test_what_is_wrong_with_a_server_is_told(written: object, message: str) -> None:
    node = node_of([written])
    read_servers(node, POOL)
    (told,) = said(node)
    assert told.startswith(message)


def test_a_server_without_an_address_still_has_its_other_faults_told() -> None:
    node = node_of([{"address": "h", "weight": 0, "backup": "yes"}])
    assert read_servers(node, POOL) == ()
    assert [each.path for each in node.findings.problems] == [
        "[0].address",
        "[0].weight",
        "[0].backup",
    ]


SECURE = PoolConfig(tls=UpstreamTls(ca="/ca.pem"))
PLAIN = PoolConfig()


@pytest.mark.parametrize(
    ("pool", "written", "tls"),
    [
        (PLAIN, "https://h", UpstreamTls()),
        (PLAIN, {"url": "https://h"}, UpstreamTls()),
        (PLAIN, "http://h", None),
        (PLAIN, "h:1", None),
        (PLAIN, {"address": "h:1", "tls": True}, UpstreamTls()),
        (PLAIN, {"address": "h:1", "tls": {"server_name": "a"}}, UpstreamTls(server_name="a")),
        (SECURE, "h:1", None),
        (SECURE, "https://h", UpstreamTls(ca="/ca.pem")),
        (SECURE, {"host": "h", "port": 1}, None),
        (SECURE, {"address": "h:1", "tls": False}, UpstreamTls(ca="/ca.pem", enabled=False)),
        (
            SECURE,
            {"url": "https://h", "tls": {"server_name": "a"}},
            UpstreamTls(ca="/ca.pem", server_name="a"),
        ),
    ],
)
def test_a_url_says_whether_tls_is_spoken_and_the_pool_says_how(
    pool: PoolConfig, written: object, tls: UpstreamTls | None
) -> None:
    node = node_of([written])
    (server,) = read_servers(node, pool)
    assert (server.tls, said(node)) == (tls, [])


@pytest.mark.parametrize("written", ["http://h", {"url": "http://h"}])
def test_http_in_a_pool_with_tls_is_obeyed_with_a_warning(written: object) -> None:
    node = node_of([written])
    (server,) = read_servers(node, SECURE)
    assert server.tls == UpstreamTls(ca="/ca.pem", enabled=False)
    (warning,) = said(node)
    assert "is spoken to without TLS, as http:// says, though its pool has tls" in warning


@pytest.mark.parametrize(("url", "tls"), [("https://h", False), ("http://h", True)])
def test_tls_against_its_own_url_is_refused(url: str, tls: bool) -> None:
    node = node_of([{"url": url, "tls": tls}])
    read_servers(node, PLAIN)
    scheme = url.partition(":")[0]
    assert said(node) == [f"[0].tls: contradicts the address, which begins with {scheme}://"]


def test_an_application_is_a_server_by_its_name() -> None:
    node = node_of(
        [{"id": "a", "app": max}, {"app": min}, {"name": "c", "app": None, "url": "h:1"}]
    )
    servers = read_servers(node, PLAIN)
    (named,) = read_servers(node_of([{"app": "shop.web:site.app"}]), PLAIN)
    assert (named.id, named.app) == ("app:shop.web:site.app", "shop.web:site.app")
    assert [(each.id, str(each.address), each.app) for each in servers] == [
        ("a", "app:a", max),
        ("app:min", "app:min", min),
        ("c", "h:1", None),
    ]
    assert said(node) == []
