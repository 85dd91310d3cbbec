"""The faults of whoever takes part: hosts, servers, clients, the balancer's surroundings."""

from collections.abc import Sequence
from typing import Final

from trio_lb.config.kinds import Flag, Number, Text
from trio_lb.config.knobs import FRACTION, SECONDS, SECONDS_OR_OFF, SHARE, count, size_from
from trio_lb.net.haste import WAITS
from trio_lb.sim.certificates import SPOILT
from trio_lb.sim.faults.shape import FACTOR, SHIFT, Arg, FaultKind, Lasts, one_of
from trio_lb.sim.faults.target import Sort

_SERVER: Final = (Sort.SERVER,)
_HOST: Final = (Sort.HOST, Sort.SERVER)
_CLIENT: Final = (Sort.CLIENT,)
_NAME: Final = (Sort.RESOLVER,)
_LB: Final = (Sort.LB,)
_POINT: Final = (Sort.POINT,)

_OF_MODELS: Final = ("reload", "rotate_certificate", "expire_certificate", "scale_up")
"""What changes around the balancer, or a modelled server, and is no program's."""
_STATUS: Final = Number("a status (400..599)", 400, 599, whole=True, span="in 400..599")
_ADDRESS: Final = Text("an IP address", r"[0-9a-fA-F:.]+")
_SHARE_HIT: Final = Arg(SHARE, 1.0, "of the requests that are hit")


def host_kinds() -> Sequence[FaultKind]:
    """What happens to a whole machine."""

    def kind(
        name: str, lasts: Lasts, says: str, *, targets: tuple[Sort, ...] = _HOST, **args: Arg
    ) -> FaultKind:
        modelled = name in ("slow_cpu", "warm_up", "memory_limit")
        return FaultKind(name, "host", targets, lasts, says, args, modelled=modelled)

    return [
        kind(
            "crash",
            Lasts.OPEN,
            "dies, and comes back at the end",
            fin=Arg(Flag(), False, "whether its kernel still closes the connections"),
        ),
        kind(
            "restart",
            Lasts.INSTANT,
            "stops and starts again",
            down=Arg(SECONDS_OR_OFF, 1.0, "in between"),
        ),
        kind(
            "drain",
            Lasts.OPEN,
            "finishes what it has and takes no new work",
            grace=Arg(SECONDS_OR_OFF, 30.0, "then it closes what is left"),
        ),
        kind(
            "pause", Lasts.SPAN, "stands still (SIGSTOP, garbage collection); its kernel does not"
        ),
        kind("slow_cpu", Lasts.OPEN, "computes slower", x=Arg(FACTOR, 10.0, "times")),
        kind(
            "warm_up",
            Lasts.INSTANT,
            "begins slow and gets faster, as after a start",
            x=Arg(FACTOR, 10.0, "times slower at first"),
            ramp=Arg(SECONDS, 30.0, "until it is as fast as ever"),
        ),
        kind(
            "memory_limit",
            Lasts.OPEN,
            "can queue only so many bytes and sheds the rest",
            targets=_SERVER,
            bytes=Arg(size_from(1024), 16 * 1024**2, "in its queue"),
        ),
        kind("clock_skew", Lasts.OPEN, "tells another time", shift=Arg(SHIFT, 60.0, "ahead")),
        kind("clock_jump", Lasts.INSTANT, "has its clock set", shift=Arg(SHIFT, 60.0, "forward")),
    ]


def app_kinds() -> Sequence[FaultKind]:
    """What a server does wrong by itself."""

    def kind(name: str, says: str, **args: Arg) -> FaultKind:
        return FaultKind(name, "app", _SERVER, Lasts.OPEN, says, args, modelled=True)

    return [
        kind("slow", "takes longer for each answer", x=Arg(FACTOR, 10.0, "times")),
        kind(
            "errors",
            "answers a share of requests with an error",
            share=Arg(FRACTION, 0.1, "of the requests"),
            status=Arg(_STATUS, 500, "of the answer"),
        ),
        kind(
            "error_burst",
            "answers so many requests in a row with an error",
            length=Arg(count(), 100, "requests"),
            status=Arg(_STATUS, 503, "of the answer"),
        ),
        kind(
            "wrong_content_length",
            "promises another number of bytes than it sends",
            by=Arg(Number("a whole number", -(2**20), 2**20, whole=True), 1, "bytes too many"),
            share=_SHARE_HIT,
        ),
        kind("truncated_chunked", "leaves out the last chunk", share=_SHARE_HIT),
        kind("endless_response", "never ends its body", share=_SHARE_HIT),
        kind(
            "too_busy",
            "sends clients away, and says when to come back",
            status=Arg(_STATUS, 503, "429 or 503"),
            retry_after=Arg(SECONDS_OR_OFF, 5.0, "in Retry-After"),
            share=_SHARE_HIT,
        ),
        kind(
            "health_lies",
            "answers probes with the opposite of the truth",
            answer=Arg(one_of("answer", "ok", "failing"), "ok", "what probes are told"),
        ),
        kind("response_splitting", "puts a second answer into a header", share=_SHARE_HIT),
    ]


def control_kinds() -> Sequence[FaultKind]:
    """What changes around the balancer."""

    def kind(
        name: str,
        targets: tuple[Sort, ...],
        lasts: Lasts,
        says: str,
        **args: Arg,
    ) -> FaultKind:
        modelled = name in _OF_MODELS
        return FaultKind(name, "control", targets, lasts, says, args, modelled=modelled)

    address = Arg(_ADDRESS, None, "of the name")
    members = Arg(count(1, 10_000), 1, "servers")
    return [
        kind("dns_add", _NAME, Lasts.OPEN, "gives one address more", address=address),
        kind("dns_remove", _NAME, Lasts.OPEN, "gives one less", address=address),
        kind("dns_stale", _NAME, Lasts.SPAN, "keeps to its old answer while the truth changes"),
        kind("dns_nxdomain", _NAME, Lasts.OPEN, "does not know the name"),
        kind("dns_servfail", _NAME, Lasts.OPEN, "cannot say"),
        kind(
            "dns_slow",
            _NAME,
            Lasts.OPEN,
            "takes its time",
            delay=Arg(SECONDS, 5.0, "before the answer"),
        ),
        kind("reload", _LB, Lasts.INSTANT, "reads its configuration again"),
        kind(
            "rotate_certificate",
            _LB,
            Lasts.OPEN,
            "gets another certificate, and reads it",
            to=Arg(one_of("certificate", "good", *SPOILT), "good", "what the file holds"),
        ),
        kind(
            "expire_certificate",
            (Sort.SERVER, Sort.LB),
            Lasts.OPEN,
            "shows a certificate whose days are over, until it gets another",
        ),
        kind(
            "deploy_wave",
            _LB,
            Lasts.INSTANT,
            "restarts its servers, a share at a time",
            share=Arg(SHARE, 0.1, "of the servers in one wave"),
            every=Arg(SECONDS, 30.0, "from wave to wave"),
        ),
        kind("scale_up", _LB, Lasts.INSTANT, "gets more servers", count=members),
        kind("scale_down", _LB, Lasts.INSTANT, "loses servers, drained first", count=members),
    ]


def client_kinds() -> Sequence[FaultKind]:
    """What those do who ask."""

    def kind(name: str, says: str, **args: Arg) -> FaultKind:
        return FaultKind(name, "client", _CLIENT, Lasts.SPAN, says, args, modelled=True)

    every = Arg(SECONDS, 10.0, "from byte to byte")
    return [
        kind(
            "abort",
            "leaves in mid answer",
            share=_SHARE_HIT,
            bytes=Arg(size_from(0), 1024, "of the answer that it takes"),
        ),
        kind("slowloris_head", "sends its head byte by byte", share=_SHARE_HIT, every=every),
        kind("slowloris_body", "sends its body byte by byte", share=_SHARE_HIT, every=every),
        kind(
            "pipelining",
            "asks before it is answered",
            depth=Arg(count(2, 1000), 4, "requests at once"),
        ),
        kind(
            "huge_headers",
            "sends a large head",
            bytes=Arg(size_from(1024, 16 * 1024**2), 64 * 1024, "of the head"),
            share=_SHARE_HIT,
        ),
        kind("retry_burst", "retries each failure", retries=Arg(count(1, 100), 3, "at once")),
    ]


def buggify_kinds() -> Sequence[FaultKind]:
    """What our own code does at named points to try itself."""
    on = Arg(FRACTION, 0.25, "of the seeds in which the point is armed")
    fires = Arg(FRACTION, 0.25, "of the passes at which an armed point acts")

    def kind(name: str, points: tuple[str, ...], says: str, **args: Arg) -> FaultKind:
        both = args | {"on": on, "fires": fires}
        return FaultKind(name, "buggify", _POINT, Lasts.OPEN, says, both, points=points)

    return [
        kind(
            "shrink",
            ("window", "backlog"),
            "makes a pool, a backlog or a buffer small",
            to=Arg(count(1, 1024), 1, "its size"),
        ),
        kind("one_byte_reads", ("reads",), "hands on what it received byte by byte"),
        kind("spurious_timeout", WAITS, "lets a wait end too early"),
    ]
