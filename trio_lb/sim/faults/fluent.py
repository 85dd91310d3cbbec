"""Schedules written in Python, in the words in which one speaks of them.

    schedule(
        at("10m", Partition("lb", "zone:b", for_="2m")),
        every(Poisson(4 / 3600), Slow(random_of("servers"), x=20, for_="60s")),
        during("5m", "7m", Errors("server:s1", share=0.5)),
    )

These words only write down what a file would hold; ``read`` checks it, so that both
ways know the same rules and speak of mistakes in the same sentences.
"""

from typing import Final

import attrs

from trio_lb.sim.arrivals import Poisson as Poisson  # A word of schedules, too.
from trio_lb.sim.faults.read import read_data
from trio_lb.sim.faults.schedule import Schedule
from trio_lb.sim.faults.target import Drawn

Time = str | float
"""``"10m"``, or seconds."""
End = str | Drawn


@attrs.frozen(slots=True)
class Wanted:
    """A fault that has no time yet, as a file would say it."""

    data: dict[str, object]


@attrs.frozen(slots=True)
class Timed:
    """Entries of a schedule, as a file would hold them."""

    entries: tuple[dict[str, object], ...]


@attrs.frozen(slots=True)
class Word:
    """Makes faults of one kind; see docs/simulation/faults.md for their arguments."""

    kind: str

    def __call__(self, *target: End, for_: Time | None = None, **args: object) -> Wanted:
        """Return such a fault: at a target, or between two ends of a link."""
        ends = [end.to_data() if isinstance(end, Drawn) else end for end in target]
        aim: object = ends[0] if len(ends) == 1 else {"link": ends}
        data: dict[str, object] = {"kind": self.kind, "target": aim}
        if for_ is not None:
            data["for"] = for_
        return Wanted(data | ({"args": args} if args else {}))


def random_of(group: str, count: int = 1) -> Drawn:
    """Return so many of the ``servers``, ``hosts``, ``clients`` or ``zones``, drawn each time."""
    return Drawn(group, count)


def at(when: Time, *faults: Wanted) -> Timed:
    """Let these begin at that instant."""
    return Timed(tuple({"at": when, **fault.data} for fault in faults))


def every(
    interval: Time | Poisson, *faults: Wanted, start: Time = 0, stop: Time | None = None
) -> Timed:
    """Let each of these come again and again; each draws times of its own.

    ``Poisson`` is that of ``sim.arrivals``: so many a second, not the mean between them.
    """
    way: object = {"poisson": 1 / interval.rate} if isinstance(interval, Poisson) else interval
    when: dict[str, object] = {"every": way}
    if start:
        when["start"] = start
    if stop is not None:
        when["stop"] = stop
    return Timed(tuple({**when, **fault.data} for fault in faults))


def during(begin: Time, end: Time, *faults: Wanted) -> Timed:
    """Let these be there from one instant to the other."""
    return Timed(tuple({"during": [begin, end], **fault.data} for fault in faults))


def schedule(*timed: Timed) -> Schedule:
    """Return the schedule of all of these, in any order.

    Raises:
      ConfigError: with everything that is wrong; ``[2]`` is the third fault.
    """
    return read_data([entry for each in timed for entry in each.entries], ordered=False)


Latency: Final = Word("latency")
Jitter: Final = Word("jitter")
Bandwidth: Final = Word("bandwidth")
Bufferbloat: Final = Word("bufferbloat")
Loss: Final = Word("loss")
Flap: Final = Word("flap")
Partition: Final = Word("partition")
Jam: Final = Word("jam")
SwizzleClog: Final = Word("swizzle_clog")
Refuse: Final = Word("refuse")
Blackhole: Final = Word("blackhole")
BacklogFull: Final = Word("backlog_full")
SlowAccept: Final = Word("slow_accept")
PortExhaustion: Final = Word("port_exhaustion")
OutOfDescriptors: Final = Word("out_of_descriptors")
Reset: Final = Word("reset")
ResetAfter: Final = Word("reset_after")
ResetBeforeBody: Final = Word("reset_before_body")
FinMidBody: Final = Word("fin_mid_body")
HalfClose: Final = Word("half_close")
HalfOpen: Final = Word("half_open")
StalledReader: Final = Word("stalled_reader")
Trickle: Final = Word("trickle")
IdleDrop: Final = Word("idle_drop")
Crash: Final = Word("crash")
Restart: Final = Word("restart")
Drain: Final = Word("drain")
Pause: Final = Word("pause")
SlowCpu: Final = Word("slow_cpu")
WarmUp: Final = Word("warm_up")
MemoryLimit: Final = Word("memory_limit")
ClockSkew: Final = Word("clock_skew")
ClockJump: Final = Word("clock_jump")
Slow: Final = Word("slow")
Errors: Final = Word("errors")
ErrorBurst: Final = Word("error_burst")
WrongContentLength: Final = Word("wrong_content_length")
TruncatedChunked: Final = Word("truncated_chunked")
EndlessResponse: Final = Word("endless_response")
TooBusy: Final = Word("too_busy")
HealthLies: Final = Word("health_lies")
ResponseSplitting: Final = Word("response_splitting")
DnsAdd: Final = Word("dns_add")
DnsRemove: Final = Word("dns_remove")
DnsStale: Final = Word("dns_stale")
DnsNxdomain: Final = Word("dns_nxdomain")
DnsServfail: Final = Word("dns_servfail")
DnsSlow: Final = Word("dns_slow")
Reload: Final = Word("reload")
RotateCertificate: Final = Word("rotate_certificate")
ExpireCertificate: Final = Word("expire_certificate")
DeployWave: Final = Word("deploy_wave")
ScaleUp: Final = Word("scale_up")
ScaleDown: Final = Word("scale_down")
Abort: Final = Word("abort")
SlowlorisHead: Final = Word("slowloris_head")
SlowlorisBody: Final = Word("slowloris_body")
Pipelining: Final = Word("pipelining")
HugeHeaders: Final = Word("huge_headers")
RetryBurst: Final = Word("retry_burst")
Shrink: Final = Word("shrink")
OneByteReads: Final = Word("one_byte_reads")
SpuriousTimeout: Final = Word("spurious_timeout")
