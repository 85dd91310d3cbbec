"""The faults of the wire: of links, of connecting, and of streams."""

from collections.abc import Sequence
from typing import Final

from trio_lb.config.kinds import Number
from trio_lb.config.knobs import SECONDS, count, size_from
from trio_lb.sim.faults.shape import Arg, FaultKind, Lasts, one_of
from trio_lb.sim.faults.target import Sort

_LINK: Final = (Sort.LINK,)
_SERVER: Final = (Sort.SERVER,)
_CONNECT: Final = (Sort.LINK, Sort.SERVER)
_HOST: Final = (Sort.HOST, Sort.SERVER)
_CAP: Final = Arg(size_from(1), 128 * 1024, "bytes a second")
_WAY: Final = Arg(
    one_of("direction", "both", "there", "back"), "both", "from the first end, the second, or both"
)


def link_kinds() -> Sequence[FaultKind]:
    """What happens between two hosts."""

    def kind(name: str, says: str, **args: Arg) -> FaultKind:
        return FaultKind(name, "link", _LINK, Lasts.OPEN, says, args)

    return [
        kind(
            "latency",
            "adds to the one-way latency",
            shift=Arg(SECONDS, 0.1, "what is added"),
            way=_WAY,
        ),
        kind(
            "jitter",
            "adds up to so much by chance, order kept",
            most=Arg(SECONDS, 0.02, "the most that is added"),
            way=_WAY,
        ),
        kind("bandwidth", "caps the bytes a second", rate=_CAP, way=_WAY),
        kind(
            "bufferbloat",
            "caps the rate before a long queue, so that latency grows with load",
            rate=_CAP,
            queue=Arg(size_from(1024), 1024 * 1024, "what the queue holds"),
        ),
        kind(
            "loss",
            "delays what was lost by retransmission timeouts",
            share=Arg(
                Number("a fraction", 0, 0.99, above=True, span="in (0, 0.99]"),
                0.01,
                "of the pieces",
            ),
            way=_WAY,
        ),
        kind(
            "flap",
            "goes down and comes up again, over and over",
            down=Arg(SECONDS, 1.0, "time down"),
            up=Arg(SECONDS, 1.0, "time up"),
        ),
        kind("partition", "lets nothing through; SYNs are lost", way=_WAY),
        kind("jam", "holds everything, also SYNs, and lets it go at the end", way=_WAY),
        kind(
            "swizzle_clog",
            "stops the links one after the other and frees them in another order",
            step=Arg(SECONDS, 1.0, "from one to the next"),
        ),
    ]


def connect_kinds() -> Sequence[FaultKind]:
    """What becomes of an attempt to connect."""

    def kind(name: str, targets: tuple[Sort, ...], says: str, **args: Arg) -> FaultKind:
        return FaultKind(name, "connect", targets, Lasts.OPEN, says, args)

    return [
        kind("refuse", _CONNECT, "answers each SYN with RST, as if nobody listened"),
        kind("blackhole", _CONNECT, "loses each SYN"),
        kind(
            "backlog_full",
            _SERVER,
            "has no place for another connection that waits to be accepted",
            overflow=Arg(
                one_of("overflow", "drop", "reset"), "drop", "what a SYN meets: silence or RST"
            ),
        ),
        kind(
            "slow_accept",
            _SERVER,
            "waits before each accept",
            delay=Arg(SECONDS, 1.0, "before each"),
        ),
        kind(
            "port_exhaustion",
            _HOST,
            "has no more local ports to dial from",
            left=Arg(count(0, 65535), 0, "ports that are left"),
        ),
        kind(
            "out_of_descriptors",
            _HOST,
            "is at its limit of open files (EMFILE)",
            where=Arg(one_of("place", "both", "accept", "connect"), "both", "the calls that fail"),
        ),
    ]


def stream_kinds() -> Sequence[FaultKind]:
    """What happens to connections that stand."""

    def kind(name: str, lasts: Lasts, says: str, **args: Arg) -> FaultKind:
        return FaultKind(name, "stream", _CONNECT, lasts, says, args)

    after = Arg(size_from(0), 1024, "bytes of the answer that pass")
    of_body = Arg(size_from(0), 16, "bytes of the body that pass")
    return [
        kind("reset", Lasts.INSTANT, "breaks every open connection with RST"),
        kind("reset_after", Lasts.SPAN, "breaks connections with RST in mid answer", bytes=after),
        kind("reset_before_body", Lasts.SPAN, "breaks connections between head and body"),
        kind("fin_mid_body", Lasts.SPAN, "ends the stream in mid body with FIN", bytes=of_body),
        kind(
            "half_close",
            Lasts.SPAN,
            "closes its sending side when it has read the head of a request",
        ),
        kind("half_open", Lasts.INSTANT, "forgets its connections; the next byte meets RST"),
        kind("stalled_reader", Lasts.SPAN, "reads nothing, so that the window closes"),
        kind(
            "trickle",
            Lasts.SPAN,
            "sends a few bytes at a time",
            bytes=Arg(size_from(1), 1, "in one piece"),
            every=Arg(SECONDS, 0.1, "from piece to piece"),
        ),
        kind(
            "idle_drop",
            Lasts.OPEN,
            "forgets connections that were silent, without a word (NAT)",
            idle=Arg(SECONDS, 60.0, "silence that is allowed"),
        ),
    ]
