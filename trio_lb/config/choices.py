"""The kinds that name things: algorithms, protocols, formats, servers and pools."""

from typing import Final

import attrs

from trio_lb.config.kinds import Choice, Flag, Refused, Text
from trio_lb.config.knobs import count

FLAG: Final = Flag()
SERVER_ID: Final = Text("a name (visible ASCII, no space)", r"[!-~]{1,255}")
POOL_NAME: Final = Text("a name (letters, digits, _ . : -)", r"[A-Za-z0-9_.:-]{1,255}")
LABEL: Final = Text("text on one line", r"[^\x00-\x1f\x7f]+")
WEIGHT: Final = count(1, 65535)


def algorithm_names() -> tuple[str, ...]:
    """Return the algorithms that can be chosen; imported late, for `trio-lb --version`'s sake."""
    from trio_lb.policy.balance.registry import ALGORITHMS

    return ALGORITHMS


ENTRY_POINTS: Final = "trio_lb.algorithms"

_NAMED: Final = Choice(
    "algorithm",
    algorithm_names,
    aliases={
        "weighted": "weighted_random",
        "rr": "round_robin",
        "wrr": "weighted_round_robin",
        "least_conn": "least_connections",
        "p2c": "power_of_two",
        "power_of_two_choices": "power_of_two",
    },
    later=frozenset(["geo", "geo_based", "geo_aware"]),
)


@attrs.frozen(slots=True)
class AlgorithmOrCode:
    """An algorithm by name; a program may give a callable, or an object with ``select``.

    A name that is not ours may be one that an installed package has entered.
    """

    @property
    def allowed(self) -> str:
        return f"{_NAMED.allowed}, or an entry point of {ENTRY_POINTS}"

    def read(self, raw: object) -> object:
        if _is_code(raw):
            return raw
        try:
            return _NAMED.read(raw)
        except Refused:
            if _is_entered(raw):
                return str(raw)
            raise

    def check(self, value: object) -> None:
        if _is_code(value):
            return
        try:
            _NAMED.check(value)
        except Refused:
            if not _is_entered(value):
                raise


def _is_code(value: object) -> bool:
    return callable(value) or callable(getattr(value, "select", None))


def _is_entered(name: object) -> bool:
    """Asked last: looking through the installed packages takes milliseconds."""
    return isinstance(name, str) and name in entered_algorithms()


def entered_algorithms() -> frozenset[str]:
    """Return the names under which installed packages offer algorithms."""
    from importlib.metadata import entry_points

    return frozenset(each.name for each in entry_points(group=ENTRY_POINTS))


ALGORITHM: Final = AlgorithmOrCode()
HASH_KEY: Final = Text(
    "client_ip, path or header:NAME", r"client_ip|path|header:[!#$%&'*+.^_`|~0-9A-Za-z-]+"
)
FAIL_OPEN: Final = Choice(
    "fail_open", lambda: ("auto", "true", "false"), plain={"true": "true", "false": "false"}
)
PROXY_IN: Final = Choice(
    "proxy_protocol", lambda: ("off", "v1", "v2", "any"), plain={"true": "any", "false": "off"}
)
PROXY_OUT: Final = Choice(
    "proxy_protocol", lambda: ("off", "v1", "v2"), plain={"true": "v1", "false": "off"}
)
# nginx writes TLSv1.2; and a version without quotes is a number to YAML.
TLS_VERSION: Final = Choice(
    "TLS version",
    lambda: ("1.2", "1.3"),
    aliases={"tlsv1.2": "1.2", "tlsv1.3": "1.3"},
    plain={"1.2": "1.2", "1.3": "1.3"},
)
PROTOCOL: Final = Choice(
    "protocol",
    lambda: ("http", "https", "tcp"),
    later=frozenset(["h2", "h2c", "http2", "http/2", "http3", "grpc"]),
)
PROBE: Final = Choice("type of probe", lambda: ("http", "tcp", "websocket", "custom"))
BACKOFF: Final = Choice("backoff", lambda: ("exponential",))
ACCESS_FORMAT: Final = Choice("format", lambda: ("combined", "json", "logfmt", "off"))
LEVEL: Final = Choice("level", lambda: ("debug", "info", "warning", "error"))
