"""The variants of the balancer that ``benchmarks.path`` compares.

With a feature: settings, or a service beside the balancer. Without the looks at a
feature that is off: the functions that look are compiled anew from their own source with
that look changed. The code is only ever changed here, for a run of a benchmark, and a look that
is not found any more is an error, so that no variant can quietly measure nothing.
"""

import contextlib
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from trio_lb.app.balancer import Service
from trio_lb.net.real import FileSink
from trio_lb.observe.access_log import AccessLog
from trio_lb.policy.balance.registry import ALGORITHMS
from trio_lb.proxy.attempt import Attempt
from trio_lb.proxy.exchange import Exchange
from trio_lb.proxy.forward import Forward
from trio_lb.state.pool import Pool
from trio_lb.state.server import Server


@attrs.frozen(slots=True)
class Edit:
    """In the method ``name`` of ``owner``, ``new`` in place of every ``old``."""

    owner: type
    name: str
    old: str
    new: str


@attrs.frozen
class Variant:
    """A balancer to measure: ``settings`` of its configuration, ``services``, ``edits``."""

    name: str
    settings: Mapping[str, object] = attrs.Factory(dict)
    services: Sequence[Callable[[contextlib.AsyncExitStack], Service]] = ()
    edits: Sequence[Edit] = ()

    @contextlib.contextmanager
    def patches(self) -> Iterator[None]:
        """Put the edited methods in for the time of the block."""
        originals = {(e.owner, e.name): vars(e.owner)[e.name] for e in self.edits}
        for (owner, name), original in originals.items():
            changes = [(e.old, e.new) for e in self.edits if (e.owner, e.name) == (owner, name)]
            setattr(owner, name, edited(original, changes))
        try:
            yield
        finally:
            for (owner, name), original in originals.items():
                setattr(owner, name, original)


def edited(function: Callable[..., Any], changes: Sequence[tuple[str, str]]) -> Callable[..., Any]:
    """Compile ``function`` anew with its source changed.

    Raises:
      LookupError: the source does not hold what is to be changed.
    """
    source = textwrap.dedent(inspect.getsource(function))
    for old, new in changes:
        if old not in source:
            raise LookupError(f"{function.__qualname__} does not say {old!r} any more")
        source = source.replace(old, new)
    made: dict[str, Any] = {}
    exec(compile(source, inspect.getfile(function), "exec"), function.__globals__, made)
    changed: Callable[..., Any] = made[function.__name__]
    return changed


def _access_log(format: str) -> Callable[[contextlib.AsyncExitStack], Service]:
    def opened(stack: contextlib.AsyncExitStack) -> Service:
        sink = FileSink("/dev/null")
        stack.push_async_callback(sink.aclose)
        return AccessLog(sink, format, name="of the benchmark")

    return opened


_QUIET: Final[Mapping[str, object]] = {"health_check": {"enabled": False}}
"""Checks have a row of their own; here they would only fall into some rounds and not others."""

PLAIN: Final = Variant("at its defaults", _QUIET)


def _with(name: str, **settings: object) -> Variant:
    return Variant(name, {**_QUIET, **settings})


_LOOKS: Final[Mapping[str, Sequence[Edit]]] = {
    "breaker and outlier": (
        Edit(Pool, "observe", "if server.breaker is not None or self.outlier.is_alert:", "if 0:"),
        Edit(
            Server,
            "lease",
            "self._lease if trials is None else Trial(self._lease, trials, self._on_permit)",
            "self._lease",
        ),
    ),
    "news, access log": (
        Edit(
            Forward,
            "_try",
            "tell_selected(context, self._pool, server, exchange.client_address, exchange.id)",
            "pass",
        ),
        Edit(Exchange, "finish", "if context.bus.wants(RequestCompleted):", "if 0:"),
    ),
    "WebSockets and tunnels": (Edit(Forward, "_try", "if exchange.status == 101 and", "if 0 and"),),
    "PROXY to servers": (
        Edit(Forward, "_connection", 'if self._pool.config.proxy_protocol != "off":', "if 0:"),
    ),
    "answer headers": (
        Edit(
            Attempt,
            "_begin_answer",
            'exchange.answer_fields() if context.answer_headers else b""',
            'b""',
        ),
    ),
    "algorithms by time": (
        Edit(Pool, "order", "if self._timed is not None:", "if 0:"),
        Edit(Pool, "observe", "if self._timed is not None:", "if 0:"),
    ),
}

LOOKS: Final = (
    *(Variant(f"no look at: {name}", _QUIET, (), edits) for name, edits in _LOOKS.items()),
    Variant("no look at any of these", _QUIET, (), sum(map(tuple, _LOOKS.values()), ())),
)
"""Each leaves out what a feature costs that is off."""

FEATURES: Final = (
    _with("outlier detection off", outlier_detection={"enabled": False}),
    _with("a circuit breaker", circuit_breaker={}),
    _with("retries off", retry={"max_retries": 0}),
    _with("forwarded headers off", forwarded_headers=False),
    _with("a trusted client", trusted_proxies=["127.0.0.0/8"]),
    _with("answer headers", answer_headers=True),
    Variant("an access log, combined", _QUIET, (_access_log("combined"),)),
    Variant("an access log, JSON", _QUIET, (_access_log("json"),)),
    *(_with(f"algorithm {name}", algorithm=name) for name in ALGORITHMS if name != "round_robin"),
)
"""Each has something on (or off) that the plain one has not."""

VARIANTS: Final = (*LOOKS, *FEATURES)
