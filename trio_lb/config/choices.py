"""The kinds that name things: algorithms, protocols, formats, servers and pools."""

from typing import Final

from trio_lb.config.kinds import Choice, Flag, Text
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


ALGORITHM: Final = Choice(
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
    later=frozenset(
        [
            "least_response_time",
            "peak_ewma",
            "ip_hash",
            "consistent_hash",
            "maglev",
            "rendezvous",
            "geo",
            "geo_based",
            "geo_aware",
        ]
    ),
)
PROTOCOL: Final = Choice("protocol", lambda: ("http",), later=frozenset({"https", "tcp"}))
PROBE: Final = Choice(
    "type of probe", lambda: ("http", "tcp"), later=frozenset({"websocket", "custom"})
)
BACKOFF: Final = Choice("backoff", lambda: ("exponential",))
ACCESS_FORMAT: Final = Choice("format", lambda: ("combined", "json", "logfmt", "off"))
LEVEL: Final = Choice("level", lambda: ("debug", "info", "warning", "error"))
