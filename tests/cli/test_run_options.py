"""The options of ``trio-lb run`` and the configuration that they make."""

import argparse
from pathlib import Path

import pytest

from trio_lb.cli.arguments import Parser
from trio_lb.cli.exits import Exit
from trio_lb.cli.run_options import add_run_arguments, configuration, stats_period_seconds
from trio_lb.config.schema import Config, UpstreamTls
from trio_lb.model.address import Address
from trio_lb.model.errors import ConfigError

FILE = """
load_balancer:
  listeners: [{bind: "127.0.0.1:7000"}]
  servers: [10.0.0.1:80]
  pools: {api: {servers: [10.0.0.2:80]}}
  limits: {max_connections: 7}
  logging: {access: {format: json, file: /var/log/a}}
"""


def parse(*argv: str) -> argparse.Namespace:
    parser = Parser(prog="trio-lb run")
    add_run_arguments(parser)
    return parser.parse(argv)


def configured(*argv: str) -> Config:
    config, problems = configuration(parse(*argv))
    assert problems == ()
    return config


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "lb.yaml"
    path.write_text(FILE)
    return str(path)


def configured_by(file: str, *argv: str) -> Config:
    """With a file, warnings (it says nothing of health checks) are none of our business."""
    return configuration(parse(file, *argv))[0]


def test_without_anything_it_is_requirement_004_s_proxy() -> None:
    config = configured()
    (pool,) = config.pools.values()
    assert [listener.bind for listener in config.listeners] == [Address("127.0.0.1", 8000)]
    assert [str(each.address) for each in pool.servers] == ["127.0.0.1:8080", "127.0.0.1:8081"]
    assert (pool.algorithm, config.limits.max_connections) == ("least_connections", 1000)
    assert (config.timeouts.connect, config.limits.buffer_size) == (3.0, 32768)
    check = pool.health_check
    assert (check.enabled, check.interval, check.path) == (True, 5.0, "/")
    assert pool.outlier_detection.enabled
    assert pool.retry.budget.enabled
    assert config.logging.access.format == "off"


def test_every_option_of_requirement_004_reaches_its_place() -> None:
    config = configured(
        *("-p", "80", "-b", "10.0.0.1:1", "10.0.0.2:2*3", "--max-connections", "9"),
        *("--health-check-period", "7", "--health-check-url", "/up"),
        *("--connection-timeout", "2", "--buffer-size", "65536"),
    )
    (pool,) = config.pools.values()
    assert config.listeners[0].bind == Address("127.0.0.1", 80)
    assert [(each.id, each.weight) for each in pool.servers] == [
        ("10.0.0.1:1", 1),
        ("10.0.0.2:2", 3),
    ]
    assert (pool.health_check.interval, pool.health_check.path) == (7.0, "/up")
    assert (config.limits.max_connections, config.limits.buffer_size) == (9, 65536)
    assert config.timeouts.connect == 2.0


def test_a_server_may_be_spoken_to_over_tls_as_its_pool_says(tmp_path: Path) -> None:
    (pool,) = configured("-b", "https://10.0.0.1*2", "10.0.0.2:80").pools.values()
    first, second = pool.servers
    assert (first.address, first.weight) == (Address("10.0.0.1", 443), 2)
    assert (first.tls, second.tls) == (UpstreamTls(), None)
    file = tmp_path / "lb.yaml"
    file.write_text("load_balancer: {tls: {server_name: a.example, enabled: false}}\n")
    servers = configured_by(str(file), "-b", "https://10.0.0.1").pools["default"].servers
    assert servers[0].tls == UpstreamTls(server_name="a.example")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            "--max-connections 2000 --health-check-period 3 --connection-timeout 2"
            " --buffer-size 65536",
            (8000, 2000, 3.0, "/", 2.0, 65536),
        ),
        (
            "--max-connections 5000 --health-check-period 2 --connection-timeout 1"
            " --buffer-size 131072",
            (8000, 5000, 2.0, "/", 1.0, 131072),
        ),
        (
            "--health-check-period 1 --health-check-url /health",
            (8000, 1000, 1.0, "/health", 3.0, 32768),
        ),
        ("--max-connections 500 --buffer-size 16384", (8000, 500, 5.0, "/", 3.0, 16384)),
        (
            "-p 8000 --health-check-period 10 --connection-timeout 5",
            (8000, 1000, 10.0, "/", 5.0, 32768),
        ),
    ],
    ids=["throughput", "availability", "fast checks", "little memory", "debugging"],
)
def test_requirement_004_s_presets_are_option_sets(
    options: str, expected: tuple[object, ...]
) -> None:
    config = configured(*options.split())
    check = config.pools["default"].health_check
    assert (
        config.listeners[0].bind.port,
        config.limits.max_connections,
        check.interval,
        check.path,
        config.timeouts.connect,
        config.limits.buffer_size,
    ) == expected


@pytest.mark.parametrize(
    ("option", "default"),
    [
        ("--port", "8000"),
        ("--backends", "127.0.0.1:8080 127.0.0.1:8081"),
        ("--max-connections", "1000"),
        ("--health-check-period", "5"),
        ("--health-check-url", "/"),
        ("--connection-timeout", "3"),
        ("--buffer-size", "32768)"),
        ("--no-health-check", ""),
    ],
)
def test_help_explains_every_option_of_requirement_004_and_says_the_default(
    option: str, default: str
) -> None:
    parser = Parser(prog="trio-lb run")
    add_run_arguments(parser)
    (action,) = [each for each in parser._actions if option in each.option_strings]
    assert action.help
    assert f"({default}" in action.help or not default


def test_health_checks_can_be_switched_off() -> None:
    assert not configured("--no-health-check").pools["default"].health_check.enabled


def test_a_server_s_own_health_check_obeys_the_options_too(tmp_path: Path) -> None:
    file = tmp_path / "lb.yaml"
    file.write_text("servers: [{address: h:1, health_check: {path: /own}}, h:2]\n")
    off, none = configured_by(str(file), "--no-health-check").pools["default"].servers
    assert off.health_check is not None
    assert (off.health_check.enabled, none.health_check) == (False, None)
    own, _ = configured_by(str(file), "--health-check-period", "1").pools["default"].servers
    assert own.health_check is not None
    assert (own.health_check.interval, own.health_check.path) == (1.0, "/own")


def test_a_probe_never_outlasts_a_short_period() -> None:
    check = configured("--health-check-period", "0.5").pools["default"].health_check
    assert (check.interval, check.timeout, check.fast_interval) == (0.5, 0.5, 0.5)


def test_backends_may_come_in_several_options() -> None:
    config = configured("-b", "10.0.0.1:1", "-b", "10.0.0.2:2", "--host", "::1", "-p", "0")
    assert [each.id for each in config.pools["default"].servers] == ["10.0.0.1:1", "10.0.0.2:2"]
    assert str(config.listeners[0].bind) == "[::1]:0"


def test_set_reaches_everything_else() -> None:
    config = configured("--set", "timeouts.total=10s", "--set", "answer_headers=true")
    assert (config.timeouts.total, config.answer_headers) == (10.0, True)


def test_an_access_log_is_combined_unless_another_form_is_set() -> None:
    access = configured("--access-log", "/a").logging.access
    assert (access.format, access.file) == ("combined", "/a")
    other = configured("--access-log", "/a", "--set", "logging.access.format=json").logging.access
    assert (other.format, other.file) == ("json", "/a")


def test_options_stand_above_the_file_and_the_rest_of_it_stays(file: str) -> None:
    config = configured_by(
        file, "-p", "9", "--algorithm", "random", "--max-connections", "8", "--access-log", "-"
    )
    assert config.listeners[0].bind == Address("127.0.0.1", 9)
    assert config.pools["default"].algorithm == "random"
    assert [each.id for each in config.pools["default"].servers] == ["10.0.0.1:80"]
    assert config.limits.max_connections == 8
    assert (config.logging.access.format, config.logging.access.file) == ("json", "-")


def test_a_file_without_options_is_taken_as_it_is(file: str) -> None:
    config = configured_by(file)
    assert config.listeners[0].bind == Address("127.0.0.1", 7000)
    assert not config.pools["default"].health_check.enabled


def test_backends_replace_the_default_pool_s_servers_alone(file: str) -> None:
    config = configured_by(file, "-b", "10.9.9.9:1")
    assert [each.id for each in config.pools["default"].servers] == ["10.9.9.9:1"]
    assert [each.id for each in config.pools["api"].servers] == ["10.0.0.2:80"]


def test_who_says_where_to_look_wants_a_look_in_every_pool(file: str) -> None:
    config = configured_by(file, "--health-check-url", "/up")
    checks = [pool.health_check for pool in config.pools.values()]
    assert [(check.enabled, check.path) for check in checks] == [(True, "/up")] * 2


def test_one_port_cannot_stand_for_two_listeners(file: str) -> None:
    two = "listeners=[{bind: '127.0.0.1:1'}, {bind: '127.0.0.1:2'}]"
    with pytest.raises(ConfigError, match="has 2; name the one"):
        configuration(parse(file, "-p", "9", "--set", two))


def test_a_file_without_listeners_gets_the_usual_one(file: str) -> None:
    config = configured_by(file, "--set", "listeners=[]")
    assert [str(each.bind) for each in config.listeners] == ["127.0.0.1:8000"]


@pytest.mark.parametrize("with_file", [False, True])
def test_the_same_server_twice_is_refused(file: str, with_file: bool) -> None:
    argv = [file] if with_file else []
    with pytest.raises(ConfigError, match=r"10\.0\.0\.1:1"):
        configuration(parse(*argv, "-b", "10.0.0.1:1", "10.0.0.1:1"))


def test_statistics_come_each_thirty_seconds_but_with_a_file_only_when_asked_for() -> None:
    argvs: list[list[str]] = [
        [],
        ["--stats-period", "5"],
        ["--stats-period", "0"],
        ["lb.yaml"],
        ["lb.yaml", "--stats-period", "1m"],
    ]
    assert [stats_period_seconds(parse(*argv)) for argv in argvs] == [30.0, 5.0, 0.0, 0.0, 60.0]


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--max-connections", "0"], "argument --max-connections: '0' is not >= 1"),
        (["-p", "65536"], "argument -p/--port: '65536' is not in 1..65535"),
        (["-b", "nowhere"], "argument -b/--backends: 'nowhere' is not an address"),
        (["--algorithm", "robin"], "is no algorithm; did you mean 'round_robin'?"),
        (["--health-check-url", "up"], "argument --health-check-url: 'up' is not"),
        (["--set", "timeouts"], "argument --set: 'timeouts' is not of the form path.to.key=value"),
        (["--admin", "127.0.0.1:9900"], "administration is not supported in this version"),
        (["--workers", "4"], "'4' is not supported in this version; there is one process"),
        (["--max-conections", "5"], "did you mean '--max-connections'?"),
    ],
)
def test_a_bad_option_is_a_usage_error_that_says_what_is_allowed(
    argv: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        parse(*argv)
    assert left.value.code == Exit.USAGE
    assert says in capsys.readouterr().err


def test_what_asks_for_nothing_unbuilt_is_accepted() -> None:
    args = parse("--no-admin", "--workers", "1")
    assert (args.no_admin, args.workers) == (True, 1)
