"""What clashes, and what was hardly meant; the other half is named with its line."""

import pytest

from tests.config.support import AROUND, told
from trio_lb.config import lint


def test_two_servers_share_neither_name_nor_address() -> None:
    servers = """\
    servers:
      - {name: a, address: api.local:80}
      - {name: a, address: 10.0.0.2:80}
      - {name: c, address: API.local:80}
      - {name: d, address: 10.0.0.2:81}
    """
    assert told(f"{servers}\n    health_check: false\n    listeners: [port: 80]\n") == [
        "3 servers[1]: has the same name as servers[0] in line 2: 'a'",
        "4 servers[2]: has the same address as servers[0] in line 2: 'api.local:80'",
    ]


@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [
        ("127.0.0.1:80", "127.0.0.1:80", "127.0.0.1:80 is taken by listeners[0] in line 2"),
        (":80", "h:80", "h:80 is taken by listeners[0] in line 2, which binds 0.0.0.0:80"),
        ("h:80", ":80", "0.0.0.0:80 is taken by listeners[0] in line 2, which binds h:80"),
        ("unix:/a", "unix:/a", "unix:/a is taken by listeners[0] in line 2"),
        ("127.0.0.1:80", "127.0.0.2:80", None),
        (":80", "[::]:80", None),
        (":0", ":0", None),
        (":80", ":81", None),
        ("unix:/a", "unix:/b", None),
    ],
)
def test_two_listeners_can_not_have_one_address(first: str, second: str, clash: str | None) -> None:
    listeners = f"listeners:\n  - bind: '{first}'\n  - bind: '{second}'\n"
    wanted = [] if clash is None else [f"3 listeners[1]: {clash}"]
    assert told(f"{listeners}servers: ['h:1']\nhealth_check: false\n") == wanted


def test_a_listener_s_pool_is_named_by_the_nearest_that_exists() -> None:
    text = (
        "listeners: [{port: 80, pool: aip}]\nhealth_check: false\npools: {api: {servers: [h:1]}}\n"
    )
    assert told(text) == ["1 listeners[0]: there is no pool 'aip'; did you mean 'api'?"]


def test_an_empty_default_pool_beside_others_is_a_warning() -> None:
    text = f"{AROUND}pools: {{api: {{servers: [h:1]}}, web: {{}}}}\n"
    assert told(text) == [
        "1 warning: listeners[0]: the default pool has no servers; set 'pool' to one of: api, web"
    ]


def test_no_listener_and_no_server_are_warnings() -> None:
    assert told("load_balancer: {name: x}\n") == [
        "1 warning: load_balancer: no listeners here: trio-lb run takes 127.0.0.1:8000, or what -p says",
        "1 warning: load_balancer: no servers here: unless -b names some,"
        " every request would be answered 503",
    ]


def test_servers_that_are_all_disabled_are_as_good_as_none() -> None:
    servers = "servers: [{address: 'h:1', disabled: true}]\nhealth_check: false\n"
    assert told(f"listeners: [{{port: 80}}]\n{servers}") == [
        "warning: every server here is disabled: unless -b names some,"
        " every request would be answered 503"
    ]


def test_what_an_error_may_have_hidden_is_not_missed() -> None:
    assert told("load_balancer: {listener: [port: 80], server: [h:1]}\n") == [
        "1 load_balancer.listener: unknown key; did you mean 'listeners'?",
        "1 load_balancer.server: unknown key; did you mean 'servers'?",
    ]


def test_a_pool_that_nobody_decided_to_leave_unprobed_is_a_warning() -> None:
    text = """\
    load_balancer:
      listeners: [port: 80]
      servers: [h:1]
      pools:
        api: {servers: [h:2]}
        web: {servers: [h:3], health_check: false}
        sql: {servers: [h:4], health_check: {type: tcp}}
        old: {}
    """
    assert told(text) == [
        "1 warning: load_balancer: pool 'default' has no health_check: its servers are not probed",
        "5 warning: load_balancer.pools.api: pool 'api' has no health_check:"
        " its servers are not probed",
    ]


def test_a_decision_in_load_balancer_is_inherited() -> None:
    text = f"{AROUND}servers: [h:1]\npools: {{api: {{servers: [h:2]}}}}\n"
    assert told(text) == []


@pytest.mark.parametrize(
    ("check", "warned"),
    [
        ("{timeout: 5.1s}", "5.1 s is longer than the interval, 5 s, which is not written here"),
        ("{interval: 2s, timeout: 3s}", "3 s is longer than the interval, 2 s"),
        ("{timeout: 5s}", ""),
        ("{interval: 1s}", ""),
        ("{interval: 2s, timeout: 2s}", ""),
        ("{interval: 2s, timeout: 1s}", ""),
        ("{path: /x}", ""),
    ],
)
def test_a_probe_that_may_outlast_its_interval_is_a_warning(check: str, warned: str) -> None:
    text = f"listeners: [port: 80]\nservers: [h:1]\nhealth_check: {check}\n"
    assert told(text) == ([f"3 warning: health_check: a timeout of {warned}"] if warned else [])


@pytest.mark.parametrize("algorithm", ["round_robin", "random"])
def test_weights_that_nobody_looks_at_are_a_warning(algorithm: str) -> None:
    servers = f"{AROUND}servers: ['h:1*3', 'h:2']\n"
    assert told(f"{servers}algorithm: {algorithm}\n") == [
        f"warning: pool 'default': {algorithm} does not look at weights; weighted_{algorithm} does"
    ]
    assert told(f"{servers}algorithm: weighted_{algorithm}\n") == []
    assert told(f"{AROUND}servers: ['h:1*3', 'h:2*3']\nalgorithm: {algorithm}\n") == []


QUIET = "servers: [h:1]\nhealth_check: false\n"


@pytest.mark.parametrize(
    ("listeners", "warned"),
    [
        (
            "[{port: 80, https_redirect: true}]",
            [
                "1 warning: listeners[0].https_redirect: no https listener here:"
                " clients are sent to port 443"
            ],
        ),
        ("[{port: 80, https_redirect: 8443}]", []),
        (
            "[{port: 80, https_redirect: 80}]",
            ["1 listeners[0].https_redirect: port 80 is this listener's own"],
        ),
        (
            "[{port: 80, https_redirect: true},"
            " {port: 1, protocol: https, ssl: {certificate: /dev/null}}]",
            [],
        ),
    ],
)
def test_a_redirect_leads_somewhere(listeners: str, warned: list[str]) -> None:
    assert told(f"listeners: {listeners}\n{QUIET}") == warned


def test_a_listener_that_sends_clients_on_needs_no_server() -> None:
    listeners = "listeners: [{port: 80, https_redirect: 443}, {port: 1, pool: api}]\n"
    pools = "health_check: true\npools: {api: {servers: [h:1]}}\n"
    assert told(listeners + pools) == []
    assert told(listeners.replace("443", "443, pool: aip") + pools) == [
        "1 listeners[0]: there is no pool 'aip'; did you mean 'api'?"
    ]


def test_a_client_that_anybody_may_name_is_a_warning() -> None:
    text = f"listeners: [{{port: 80, proxy_protocol: v2}}]\n{QUIET}"
    assert told(text) == [
        "1 warning: listeners[0].proxy_protocol: every peer is believed when it names a client;"
        " name those that may in trusted_proxies"
    ]
    assert told(f"{text}trusted_proxies: [10.0.0.0/8]\n") == []


TCP = "listeners: [{port: 1, protocol: tcp}, {port: 2, pool: api}]\npools: {api: {}}\n"


@pytest.mark.parametrize(
    ("check", "warned"),
    [
        ("{type: http}", True),
        ("{path: /health}", True),
        ("{probes: [{port: 9}, {path: /x}]}", True),
        ("{type: websocket}", True),
        ("{type: http, port: 8008}", False),
        ("{enabled: false, type: http}", False),
        ("{type: tcp}", False),
        ("true", False),
    ],
)
def test_a_probe_that_speaks_http_to_servers_of_tcp_is_a_warning(check: str, warned: str) -> None:
    speaks = "websocket" if "websocket" in check else "http"
    assert told(f"{TCP}servers: [h:1]\nhealth_check: {check}\n") == (
        [
            "4 warning: health_check: pool 'default' is only used by tcp listeners,"
            f" and its probe speaks {speaks}; type: tcp only connects"
        ]
        if warned
        else []
    )


def test_a_pool_of_backups_alone_is_a_warning() -> None:
    servers = "servers: [{address: h:1, backup: true}, {address: h:2, backup: true}]\n"
    assert told(AROUND + servers) == [
        "warning: pool 'default': every server is a backup, so that none of them is one"
    ]
    assert told(AROUND + servers.replace("true}]", "false}]")) == []


@pytest.mark.parametrize(
    ("settings", "warned"),
    [
        ("algorithm: random\nhash_key: path", ["hash_key: random hashes nothing"]),
        ("algorithm: random\nhash_balance_factor: 2", ["hash_balance_factor: random hashes no"]),
        ("algorithm: ip_hash\nhash_key: path", ["hash_key: ip_hash always takes the client's"]),
        ("algorithm: ip_hash\nslow_start: 30s", ["slow_start: ip_hash does not look at it"]),
        ("algorithm: ip_hash\nhash_balance_factor: 2", []),
        ("algorithm: maglev\nhash_key: path", []),
        ("algorithm: maglev\nslow_start: 0", []),
        ("algorithm: random\nslow_start: 30s", []),
        ("algorithm: random\nhash_balance_factor: null", []),
    ],
)
def test_a_setting_that_its_algorithm_does_not_look_at_is_a_warning(
    settings: str, warned: list[str]
) -> None:
    found = told(f"{AROUND}servers: [h:1]\n{settings}\n")
    assert len(found) == len(warned)
    assert all(want in each for want, each in zip(warned, found, strict=True))


def test_a_setting_that_another_pool_inherits_is_looked_at() -> None:
    pools = "pools: {api: {servers: [h:2], algorithm: maglev}}\n"
    assert told(f"{AROUND}servers: [h:1]\nhash_key: path\nslow_start: 9s\n{pools}") == []
    own = "pools: {api: {servers: [h:2], hash_key: path}, web: {servers: [h:3]}}\n"
    assert told(f"{AROUND}servers: [h:1]\nalgorithm: maglev\n{own}") == []
    own = "pools: {api: {servers: [h:2], hash_key: path}}\n"
    assert told(f"{AROUND}servers: [h:1]\n{own}") == [
        "4 warning: pools.api.hash_key: round_robin hashes nothing"
    ]


def test_a_timeout_that_a_pool_has_no_say_in_is_a_warning() -> None:
    looked_at = ", ".join(f"{name}: 1s" for name in lint.TIMEOUTS_OF_A_POOL)
    pools = f"pools: {{api: {{servers: [h:2], timeouts: {{client_head: 1s, {looked_at}}}}}}}\n"
    (warning,) = told(f"{AROUND}servers: [h:1]\n{pools}")
    assert warning.startswith(
        "4 warning: pools.api.timeouts.client_head: is not looked at in a pool, whose own are"
        " connect, first_byte, idle, total, response, write_stall, tunnel_idle, half_close_grace;"
    )
