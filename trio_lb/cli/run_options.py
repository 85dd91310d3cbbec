"""What ``trio-lb run`` is told: its options, and the configuration that they make.

The options stand above the file: a value given on the command line wins. Without a
file they are a configuration of their own, with requirement 004's defaults.
"""

import argparse
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from trio_lb.cli.arguments import listen_host, of_kind, port, weighted_server
from trio_lb.cli.certificates import refuse_absent
from trio_lb.config.choices import ALGORITHM
from trio_lb.config.kinds import NOT_YET, Kind, show
from trio_lb.config.knobs import SECONDS_OR_OFF, knobs_of
from trio_lb.config.load import Examined, examine_file, examine_mapping
from trio_lb.config.overrides import has_the_form
from trio_lb.config.schema import (
    DEFAULT_POOL,
    AccessLogConfig,
    Config,
    HealthCheckConfig,
    LimitsConfig,
    ListenerConfig,
    PoolConfig,
    TimeoutsConfig,
)
from trio_lb.config.servers import server_of
from trio_lb.model.address import Address
from trio_lb.model.errors import ConfigError, Problem
from trio_lb.state.membership import refuse_doubles

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8000
DEFAULT_SERVERS: Final = (Address("127.0.0.1", 8080), Address("127.0.0.1", 8081))
DEFAULT_STATS_SECONDS: Final = 30.0


def _kind_of(cls: type[attrs.AttrsInstance], field: str) -> Callable[[str], Any]:
    """The option takes what the key of the configuration takes."""
    shape: Any = knobs_of(cls)[field].shape
    kind: Kind = shape
    return of_kind(kind)


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``trio-lb run``. None stands for "not given"."""
    parser.add_argument("config", metavar="CONFIG", nargs="?", help="a YAML, JSON or TOML file")
    _add_traffic(parser.add_argument_group("traffic"))
    _add_checks(parser.add_argument_group("health"))
    _add_program(parser.add_argument_group("the program"))


def _add_traffic(group: "argparse._ArgumentGroup") -> None:
    group.add_argument("-p", "--port", type=port, help="listen port, 0 takes any free one (8000)")
    group.add_argument("--host", type=listen_host, help="listen address (127.0.0.1)")
    group.add_argument(
        "-b",
        "--backends",
        metavar="SERVER",
        nargs="+",
        action="extend",
        type=weighted_server,
        help="HOST:PORT, HOST:PORT*WEIGHT or https://HOST, one or more (127.0.0.1:8080 127.0.0.1:8081)",
    )
    group.add_argument(
        "--algorithm", metavar="NAME", type=of_kind(ALGORITHM), help=f"one of: {ALGORITHM.allowed}"
    )
    group.add_argument(
        "--max-connections",
        metavar="N",
        type=_kind_of(LimitsConfig, "max_connections"),
        help="most client connections; one more is answered 503 (1000)",
    )
    group.add_argument(
        "--connection-timeout",
        metavar="TIME",
        type=_kind_of(TimeoutsConfig, "connect"),
        help="to connect to a server: seconds, or 500ms (3)",
    )
    group.add_argument(
        "--buffer-size",
        metavar="SIZE",
        type=_kind_of(LimitsConfig, "buffer_size"),
        help="of one piece that is relayed: bytes, or 64KiB (32768)",
    )


def _add_checks(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "--health-check-period",
        metavar="TIME",
        type=_kind_of(HealthCheckConfig, "interval"),
        help="from one probe to the next (5)",
    )
    group.add_argument(
        "--health-check-url",
        metavar="PATH",
        type=_kind_of(HealthCheckConfig, "path"),
        help="what a probe asks for (/)",
    )
    group.add_argument(
        "--no-health-check", action="store_true", help="probe nobody: every server counts as good"
    )


def _add_program(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "--stats-period",
        metavar="TIME",
        type=of_kind(SECONDS_OR_OFF),
        help="from one statistics block on stdout to the next; 0 is never (30; never with CONFIG)",
    )
    group.add_argument("--access-log", metavar="PATH", help="a line for each request; - is stderr")
    group.add_argument(
        "--log-format", choices=("auto", "text", "json"), default="auto", help="of stderr (auto)"
    )
    group.add_argument(
        "--set",
        metavar="PATH=VALUE",
        action="append",
        type=_override,
        default=[],
        help="put a value into the configuration, such as timeouts.total=10s",
    )
    group.add_argument(
        "--workers",
        metavar="N",
        type=_workers,
        default=1,
        help=f"processes (1; any other number is {NOT_YET})",
    )
    admin = group.add_mutually_exclusive_group()
    admin.add_argument("--admin", metavar="HOST:PORT", type=_admin, help=NOT_YET)
    admin.add_argument(
        "--no-admin", action="store_true", help="says what is so anyhow: there is no administration"
    )


def _workers(text: str) -> int:
    if text != "1":
        raise argparse.ArgumentTypeError(f"{show(text)} is {NOT_YET}; there is one process")
    return 1


def _override(text: str) -> str:
    if not has_the_form(text):
        raise argparse.ArgumentTypeError(f"{show(text)} is not of the form path.to.key=value")
    return text


def _admin(text: str) -> str:
    raise argparse.ArgumentTypeError(f"administration is {NOT_YET}")


def configuration(args: argparse.Namespace) -> tuple[Config, tuple[Problem, ...]]:
    """Return the configuration that ``args`` describe, and what to warn of.

    Raises:
      ConfigError: with every problem.
    """
    examined = _examined(args)
    config = examined.unwrap()
    for step in (_with_listener, _with_servers, _with_checks, _with_limits, _with_access_log):
        config = step(config, args)
    refuse_absent(config, examined.problems)
    return config, examined.problems


def stats_period_seconds(args: argparse.Namespace) -> float:
    """Return how often the statistics block is due; 0 is never."""
    if args.stats_period is not None:
        return float(args.stats_period)
    return 0.0 if args.config else DEFAULT_STATS_SECONDS


def _examined(args: argparse.Namespace) -> Examined:
    if args.config:
        return examine_file(args.config, overrides=args.set)
    bare: Mapping[str, object] = {
        "algorithm": "least_connections",
        "health_check": {"enabled": True},
        "listeners": [{"bind": str(Address(DEFAULT_HOST, DEFAULT_PORT))}],
        "servers": args.backends or [str(address) for address in DEFAULT_SERVERS],
    }
    return examine_mapping(bare, source="trio-lb run", overrides=args.set)


def _with_listener(config: Config, args: argparse.Namespace) -> Config:
    listeners = config.listeners or (ListenerConfig(),)
    if args.port is None and args.host is None:
        return attrs.evolve(config, listeners=listeners)
    if len(listeners) > 1:
        raise ConfigError(
            f"-p and --host stand for one listener, and {args.config} has {len(listeners)}; "
            "name the one that you mean: --set listeners[0].bind=HOST:PORT"
        )
    host = listeners[0].bind.host if args.host is None else args.host
    bind = Address(host, listeners[0].bind.port if args.port is None else args.port)
    return attrs.evolve(config, listeners=(attrs.evolve(listeners[0], bind=bind),))


def _with_servers(config: Config, args: argparse.Namespace) -> Config:
    known = config.pools.get(DEFAULT_POOL, PoolConfig())
    changes: dict[str, object] = {}
    if args.backends is not None:
        changes["servers"] = tuple(server_of(text, known) for text in args.backends)
    if args.algorithm is not None:
        changes["algorithm"] = args.algorithm
    if not changes:
        return config
    pool = attrs.evolve(known, **changes)  # type: ignore[arg-type]  # The keys are its fields.
    refuse_doubles(pool)
    return attrs.evolve(config, pools={**config.pools, DEFAULT_POOL: pool})


def _with_checks(config: Config, args: argparse.Namespace) -> Config:
    pools = {name: _with_checks_of_pool(pool, args) for name, pool in config.pools.items()}
    return attrs.evolve(config, pools=pools)


def _with_checks_of_pool(pool: PoolConfig, args: argparse.Namespace) -> PoolConfig:
    """A server's own check obeys the command line as its pool's does."""
    servers = tuple(
        attrs.evolve(each, health_check=_checks(each.health_check, args))
        if each.health_check is not None
        else each
        for each in pool.servers
    )
    return attrs.evolve(pool, servers=servers, health_check=_checks(pool.health_check, args))


def _checks(check: HealthCheckConfig, args: argparse.Namespace) -> HealthCheckConfig:
    """Who says how often or where to look wants a look; a probe never outlasts its period."""
    if args.no_health_check:
        return attrs.evolve(check, enabled=False)
    if args.health_check_url is not None:
        check = attrs.evolve(check, enabled=True, path=args.health_check_url)
    if args.health_check_period is not None:
        period = args.health_check_period
        check = attrs.evolve(
            check,
            enabled=True,
            interval=period,
            timeout=min(check.timeout, period),
            fast_interval=min(check.fast_interval, period),
        )
    return check


def _with_limits(config: Config, args: argparse.Namespace) -> Config:
    limits = _given(args, max_connections="max_connections", buffer_size="buffer_size")
    timeouts = _given(args, connection_timeout="connect")
    return attrs.evolve(
        config,
        limits=attrs.evolve(config.limits, **limits),
        timeouts=attrs.evolve(config.timeouts, **timeouts),
    )


def _given(args: argparse.Namespace, **fields: str) -> dict[str, Any]:
    """The options that were given, under the names of their fields."""
    values = ((field, getattr(args, option)) for option, field in fields.items())
    return {field: value for field, value in values if value is not None}


def _with_access_log(config: Config, args: argparse.Namespace) -> Config:
    if args.access_log is None:
        return config
    known = config.logging.access.format
    access = AccessLogConfig(format="combined" if known == "off" else known, file=args.access_log)
    return attrs.evolve(config, logging=attrs.evolve(config.logging, access=access))
