"""What is aimed at, and what a run says of it: one line an aim, yes or no.

An aim is a figure of ours, or its ratio to a peer's in the same run, and a limit. One whose
row was not run, or whose peer is not here, is open.
"""

from collections.abc import Callable, Sequence
from typing import Final

import attrs

from benchmarks.peers import OURS
from benchmarks.results import Results

MANY_TUNNELS: Final = 10_000


@attrs.frozen(slots=True)
class Figures:
    """The medians of a run, by row and key. A figure that is not there is a ``LookupError``."""

    results: Results

    def of(self, peer: str, row: str, key: str) -> float:
        """A peer's figure."""
        result = self.results.rows.get(row)
        value = None if result is None else result.median(peer, key)
        if value is None:
            raise LookupError(f"{row} of {peer} was not measured")
        return value

    def ours(self, row: str, key: str) -> float:
        """Our figure."""
        return self.of(OURS, row, key)

    def ratio(self, row: str, key: str, peer: str) -> float:
        """Ours over a peer's."""
        return self.ours(row, key) / self.of(peer, row, key)

    def errors(self, row: str) -> int:
        """How many errors our clients saw."""
        self.ours(row, "cpu_us")
        return sum(self.results.rows[row].errors(OURS).values())


@attrs.frozen(slots=True)
class Aim:
    """``value`` of a run is to be at most ``limit``, or at least."""

    goal: str
    what: str
    limit: float
    value: Callable[[Figures], float]
    at_least: bool = False
    digits: int = 2

    def line(self, figures: Figures) -> str:
        """The aim's row of the table."""
        sign = "≥" if self.at_least else "≤"
        limit = f"{sign} {self.limit:,g}"
        try:
            value = self.value(figures)
        except LookupError:
            return f"| {self.goal} | {self.what} | {limit} | – | open |"
        reached = value >= self.limit if self.at_least else value <= self.limit
        said = "yes" if reached else "**no**"
        return f"| {self.goal} | {self.what} | {limit} | {value:,.{self.digits}f} | {said} |"


def _many_tunnels_mb(figures: Figures) -> float:
    kib = figures.ours("idle", "rss_mib") * 1024
    return (kib + MANY_TUNNELS * figures.ours("tunnels", "tunnel_kib")) * 1024 / 1e6


AIMS: Final[Sequence[Aim]] = (
    Aim("P1", "CPU of a small request ÷ aiohttp's", 1.0,
        lambda run: run.ratio("small", "cpu_us", "aiohttp")),
    Aim("P1", "the same with a browser's 14 fields", 1.0,
        lambda run: run.ratio("browser", "cpu_us", "aiohttp")),
    Aim("P1", "CPU of a small request ÷ Caddy's (aimed at with heads read in C)", 1.0,
        lambda run: run.ratio("small", "cpu_us", "Caddy")),
    Aim("P2", "small requests per second on one core", 10_000,
        lambda run: run.ours("small", "rate"), at_least=True, digits=0),
    Aim("P3", "added p50 at one connection ÷ Caddy's", 1.25,
        lambda run: run.ratio("single", "added_p50_us", "Caddy")),
    Aim("P3", "added p99 at one connection, µs", 1000,
        lambda run: run.ours("single", "added_p99_us"), digits=0),
    Aim("P4", "CPU of a MiB down ÷ nginx's", 1.1,
        lambda run: run.ratio("bulk", "down_us", "nginx")),
    Aim("P4", "CPU of a MiB up ÷ nginx's", 1.1,
        lambda run: run.ratio("bulk", "up_us", "nginx")),
    Aim("P4", "the same in chunks, down", 1.1,
        lambda run: run.ratio("chunked", "down_us", "nginx")),
    Aim("P4", "the same in chunks, up", 1.1,
        lambda run: run.ratio("chunked", "up_us", "nginx")),
    Aim("P5", "errors at 2,000 busy connections", 0,
        lambda run: run.errors("connections-2000"), digits=0),
    Aim("P5", "their p99 ÷ p50", 3.0, lambda run: run.ours("connections-2000", "spread")),
    Aim("P5", "KiB per idle kept connection", 8, lambda run: run.ours("idle", "kept_kib"), digits=1),
    Aim("P5", "MB with 10,000 idle WebSockets (reckoned from 2,000)", 150,
        _many_tunnels_mb, digits=0),
    Aim("P6", "per cent of a core to check 1,000 servers every 5 s", 10,
        lambda run: run.ours("probes", "core_percent"), digits=1),
    Aim("P7", "resident MiB when idle", 45, lambda run: run.ours("idle", "rss_mib"), digits=1),
    Aim("P7", "ms from start to first answer", 500,
        lambda run: run.ours("idle", "ready_ms"), digits=0),
    Aim("P7", "ms for `--version`", 100, lambda run: run.ours("idle", "version_ms"), digits=0),
    Aim("P8", "CPU µs that TLS adds to a request", 25,
        lambda run: run.ours("tls", "cpu_us") - run.ours("small", "cpu_us"), digits=1),
    Aim("P8", "handshakes per second ÷ nginx's", 0.5,
        lambda run: run.ratio("tls", "handshake_rate", "nginx"), at_least=True),
)  # fmt: skip
"""The goals of which a run of rows can tell."""


def table(results: Results) -> str:
    """All aims as a Markdown table."""
    figures = Figures(results)
    head = ["| goal | what | aim | measured | reached |", "|---|---|---:|---:|---|"]
    return "\n".join([*head, *(aim.line(figures) for aim in AIMS)])
