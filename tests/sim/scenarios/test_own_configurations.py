"""Every scenario runs with whatever configuration a user brings.

A check may honestly fail there, and a point of coverage may be out of reach; what must not
happen is that a story does not fit the servers, names, zones or pools that it finds.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from trio_lb.cli.main import main
from trio_lb.sim.checks.coverage import Sometimes
from trio_lb.sim.scenario import Scenario, is_own
from trio_lb.sim.scenarios.catalogue import MODULES, find, scenarios
from trio_lb.sim.search.trial import Trial
from trio_lb.sim.trial_run import run_whole

PAGE: Final = Path(__file__).parents[3] / "docs" / "simulation" / "your-configuration.md"

SMALL: Final = """\
load_balancer:
  listeners: [{port: 80}]
  servers: [10.0.0.1:8080, 10.0.0.2:8080]
"""
"""Two servers, and not a word more."""

SHOP: Final = """\
load_balancer:
  listeners:
    - {port: 80}
    - {port: 8081, pool: api}
    - {port: 8082, pool: static}
  algorithm: weighted_round_robin
  servers:
    - {name: web-1, address: "10.0.0.1:8080", weight: 3}
    - {name: web-2, address: "10.0.0.2:8080", weight: 2}
    - {name: web-3, address: "10.0.0.3:8080", weight: 1}
  health_check: {path: /health}
  pools:
    api:
      algorithm: consistent_hash
      hash_key: client_ip
      servers: [api-1.internal:9000, api-2.internal:9000]
    static:
      algorithm: ip_hash
      health_check: {type: tcp}
      servers: [10.0.2.1:80, 10.0.2.2:80, {address: "10.0.2.3:80", backup: true}]
"""
"""Three pools behind three listeners: static weights, clients that stick to a server, a backup."""

ZONES: Final = ("eu-1a", "eu-1b", "eu-1c")
MACHINES: Final = "\n".join(
    f"    - {{name: web-{n + 1:02}, address: 10.1.{n // 4}.{n % 4 + 1}:8080, zone: {ZONES[n // 4]},"
    f" weight: {1 + n % 2}, max_connections: 64, health_check: {{path: /ready}}}}"
    for n in range(12)
)
FULL: Final = f"""\
load_balancer:
  name: edge
  listeners: [{{bind: "0.0.0.0:80"}}]
  algorithm: power_of_two
  servers:
{MACHINES}
  health_check: {{path: /health, interval: 2s, timeout: 500ms, fast_interval: 500ms, fall: 2}}
  outlier_detection: {{consecutive_failures: 3, success_rate: 0.6, min_requests: 10, interval: 5s,
    base_ejection_time: 2s, max_ejection_time: 30s, max_ejection_fraction: 0.34}}
  circuit_breaker: {{failure_threshold: 5, threshold: 0.5, min_requests: 20, interval: 10s,
    timeout: 5s, success_threshold: 2, max_half_open: 2, jitter: 0.1, max_timeout: 1m,
    fallback_response: {{status: 503, body: back soon, headers: {{Retry-After: "5"}}}}}}
  retry: {{max_retries: 2, base_delay: 10ms, max_delay: 500ms,
    budget: {{fraction: 0.1, min_per_second: 1, window: 10s}}}}
  slow_start: 10s
  fail_open: auto
  timeouts: {{client_head: 5s, client_body_idle: 10s, client_keep_alive: 30s, connect: 500ms,
    first_byte: 5s, idle: 10s, total: 8s, response: 30s, write_stall: 10s,
    upstream_keep_alive: 3s, half_close_grace: 500ms}}
  limits: {{max_connections: 2000, per_client: 1500, head_size: 16KiB, header_count: 64,
    body_size: 1MiB, replay_body_size: 16KiB, requests_per_connection: 500, connection_age: 10m,
    upstream_idle: 16}}
  trusted_proxies: [10.9.0.0/16]
  access: {{deny: [192.0.2.0/24]}}
  answer_headers: true
  drain_timeout: 10s
  accept_grace: 1s
"""
"""Twelve servers in three zones, and nearly everything set."""

CONFIGURATIONS: Final = {"small": SMALL, "shop": SHOP, "full": FULL}

SHORT: Final[Mapping[str, object]] = {"rate": 2.0, "requests": 5000.0, "tricklers": 300}
"""Options that make a story lighter, where it has them and they are higher."""
UNTIL_SECONDS: Final = 24.0
"""Nearly all faults begin at second 20 or before."""


def lighter(scenario: Scenario) -> dict[str, object]:
    own = {key: value for key, value in scenario.options.items() if key in SHORT}
    return {
        key: SHORT[key] for key, value in own.items() if float(str(value)) > float(str(SHORT[key]))
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("configurations")
    for name, text in CONFIGURATIONS.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


@pytest.mark.parametrize("config", CONFIGURATIONS)
@pytest.mark.parametrize("name", MODULES)
def test_it_runs_and_somebody_is_served(name: str, config: str, folder: Path) -> None:
    scenario = find(name)
    until, settle = min(scenario.until, UNTIL_SECONDS), min(scenario.settle, 2.0)
    source, options = str(folder / f"{config}.yaml"), lighter(scenario)
    trial = Trial(name, config=source, until=until, settle=settle, options=options)
    result = run_whole(trial)
    assert result.figures().totals["good"] > 0


def test_a_point_out_of_reach_is_told_by_the_exit_code(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = str(folder / "small.yaml")
    code = main(["simulate", "panic-threshold", "-c", source, "--option", "rate=2"])
    lines = capsys.readouterr().out.splitlines()
    assert code == 5
    assert "VACUOUS: never reached: fail-open is entered, fail-open is left" in lines


ODD: Final[Mapping[str, Mapping[str, object]]] = {
    "one machine": {"servers": ["127.0.0.1:8001", "127.0.0.1:8002", "localhost:8003"]},
    "one name": {"servers": ["app:8001", "app:8002", "app:8003"]},
    "IPv6": {"servers": ["[fd00::1]:80", "[fd00::2]:80", "[fd00::3]:80"]},
    "names of the scenario's": {
        "servers": [
            {"name": name, "address": f"10.0.0.{place}:80"}
            for place, name in enumerate(("lb", "web", "web/1#a"), start=1)
        ]
    },
    "addresses that a network gives out": {"servers": [f"10.0.0.{n}:80" for n in (2, 3, 4)]},
    "PROXY headers": {
        "listeners": [{"port": 80, "proxy_protocol": "any"}],
        "servers": ["10.0.0.1:80", "10.0.0.2:80"],
        "proxy_protocol": "v2",
    },
    "probes of their own": {
        "servers": ["10.0.0.1:80", "10.0.0.2:80"],
        "health_check": {
            "probes": [
                {"path": "/ready", "port": 9000, "expected_body": "yes", "expected_status": 204},
                {"type": "tcp", "port": 9001},
                {"type": "websocket"},
            ]
        },
    },
    "a door that only sends on": {
        "listeners": [{"port": 80, "https_redirect": 8443}, {"port": 8080, "pool": "api"}],
        "servers": ["10.0.0.1:80"],
        "pools": {"api": {"servers": ["10.0.1.1:80", "10.0.1.2:80"]}},
    },
    "TLS on both sides": {
        "listeners": [
            {"port": 80, "https_redirect": True},
            {"protocol": "https", "port": 443, "ssl": {"certificate": "a.pem", "private_key": "b"}},
        ],
        "servers": ["https://10.0.0.1", "https://10.0.0.2:8443"],
    },
}
"""What files say that a naive world would stumble over."""


@pytest.mark.parametrize("name", ["gray-failure", "zone-partition", "fleet"])
@pytest.mark.parametrize("what", ODD)
def test_nothing_odd_about_its_servers_keeps_them_from_answering(name: str, what: str) -> None:
    scenario = find(name)
    config = {"listeners": [{"port": 80}], **ODD[what]}
    sim = scenario.simulation(config=config, options=lighter(scenario))
    totals = sim.run(15.0).figures().totals
    assert totals["good"] == totals["offered"] > 0


def test_whoever_takes_part_in_a_scenario_has_a_name_that_no_server_gets() -> None:
    for scenario in scenarios():
        sim = scenario.simulation()
        others = [*sim.clients_by_name, *sim.programs, *sim.dependencies, *sim.cast.hosts]
        assert [name for name in others if not is_own(name)] == [], scenario.name


TWO: Final[Mapping[str, object]] = {
    "listeners": [{"port": 80}],
    "servers": ["10.0.0.1:8080", "10.0.0.2:8080"],
}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("retry-storm", {"retry": {"max_retries": 0}, "timeouts": {"first_byte": "1s"}}),
        ("retry-storm", {}),
        ("metastable-failure", {}),
        ("thundering-herd", {}),
        ("flapping-health", {"health_check": {"type": "tcp"}}),
        ("panic-threshold", {"health_check": True, "fail_open": False}),
        ("zone-partition", {}),
        ("keep-alive-race", {"timeouts": {"upstream_keep_alive": "0s"}}),
        ("keep-alive-race", {"limits": {"upstream_idle": 0}}),
        ("slowloris", {"timeouts": {"client_head": "2m"}}),
        ("breaker-fleet", {"outlier_detection": False}),
    ],
)
def test_what_the_page_says_is_out_of_reach_is(name: str, said: Mapping[str, object]) -> None:
    scenario = find(name)
    options = {"tricklers": 300} if "tricklers" in scenario.options else {}
    sim = scenario.simulation(config={**TWO, **said}, options=options)
    assert sim.run(scenario.until, settle=scenario.settle).is_vacuous


def points(name: str) -> set[str]:
    """Return the points of coverage that a scenario claims to reach."""
    checks = find(name).simulation().checks
    return {check.point for check in checks if isinstance(check, Sometimes)}


def test_the_page_names_every_scenario_with_its_points() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text("utf-8").splitlines()
        if line.startswith("| [")
    ]
    said = {row[0].partition("]")[0].strip("["): row[1] for row in rows}
    assert list(said) == sorted(MODULES, key=lambda name: (find(name).number or 1000, name))
    for name, told in said.items():
        if name != "connection-leak-hunt":  # One for each state of the servers: it says so.
            assert set(re.findall(r"\*(.+?)\*", told)) == points(name), name
