"""Faults as data: records, schedules, and the words to write them in.

    from trio_lb.sim.faults import Crash, Partition, at, every, random_of

A word is imported when it is first used; docs/simulation/faults.md explains each.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trio_lb.sim.faults.fluent import Abort as Abort
    from trio_lb.sim.faults.fluent import BacklogFull as BacklogFull
    from trio_lb.sim.faults.fluent import Bandwidth as Bandwidth
    from trio_lb.sim.faults.fluent import Blackhole as Blackhole
    from trio_lb.sim.faults.fluent import Bufferbloat as Bufferbloat
    from trio_lb.sim.faults.fluent import ClockJump as ClockJump
    from trio_lb.sim.faults.fluent import ClockSkew as ClockSkew
    from trio_lb.sim.faults.fluent import Crash as Crash
    from trio_lb.sim.faults.fluent import DeployWave as DeployWave
    from trio_lb.sim.faults.fluent import DnsAdd as DnsAdd
    from trio_lb.sim.faults.fluent import DnsNxdomain as DnsNxdomain
    from trio_lb.sim.faults.fluent import DnsRemove as DnsRemove
    from trio_lb.sim.faults.fluent import DnsServfail as DnsServfail
    from trio_lb.sim.faults.fluent import DnsSlow as DnsSlow
    from trio_lb.sim.faults.fluent import DnsStale as DnsStale
    from trio_lb.sim.faults.fluent import Drain as Drain
    from trio_lb.sim.faults.fluent import EndlessResponse as EndlessResponse
    from trio_lb.sim.faults.fluent import ErrorBurst as ErrorBurst
    from trio_lb.sim.faults.fluent import Errors as Errors
    from trio_lb.sim.faults.fluent import ExpireCertificate as ExpireCertificate
    from trio_lb.sim.faults.fluent import FinMidBody as FinMidBody
    from trio_lb.sim.faults.fluent import Flap as Flap
    from trio_lb.sim.faults.fluent import HalfClose as HalfClose
    from trio_lb.sim.faults.fluent import HalfOpen as HalfOpen
    from trio_lb.sim.faults.fluent import HealthLies as HealthLies
    from trio_lb.sim.faults.fluent import HugeHeaders as HugeHeaders
    from trio_lb.sim.faults.fluent import IdleDrop as IdleDrop
    from trio_lb.sim.faults.fluent import Jam as Jam
    from trio_lb.sim.faults.fluent import Jitter as Jitter
    from trio_lb.sim.faults.fluent import Latency as Latency
    from trio_lb.sim.faults.fluent import Loss as Loss
    from trio_lb.sim.faults.fluent import MemoryLimit as MemoryLimit
    from trio_lb.sim.faults.fluent import OneByteReads as OneByteReads
    from trio_lb.sim.faults.fluent import OutOfDescriptors as OutOfDescriptors
    from trio_lb.sim.faults.fluent import Partition as Partition
    from trio_lb.sim.faults.fluent import Pause as Pause
    from trio_lb.sim.faults.fluent import Pipelining as Pipelining
    from trio_lb.sim.faults.fluent import PortExhaustion as PortExhaustion
    from trio_lb.sim.faults.fluent import Refuse as Refuse
    from trio_lb.sim.faults.fluent import Reload as Reload
    from trio_lb.sim.faults.fluent import Reset as Reset
    from trio_lb.sim.faults.fluent import ResetAfter as ResetAfter
    from trio_lb.sim.faults.fluent import ResetBeforeBody as ResetBeforeBody
    from trio_lb.sim.faults.fluent import ResponseSplitting as ResponseSplitting
    from trio_lb.sim.faults.fluent import Restart as Restart
    from trio_lb.sim.faults.fluent import RetryBurst as RetryBurst
    from trio_lb.sim.faults.fluent import RotateCertificate as RotateCertificate
    from trio_lb.sim.faults.fluent import ScaleDown as ScaleDown
    from trio_lb.sim.faults.fluent import ScaleUp as ScaleUp
    from trio_lb.sim.faults.fluent import Shrink as Shrink
    from trio_lb.sim.faults.fluent import Slow as Slow
    from trio_lb.sim.faults.fluent import SlowAccept as SlowAccept
    from trio_lb.sim.faults.fluent import SlowCpu as SlowCpu
    from trio_lb.sim.faults.fluent import SlowlorisBody as SlowlorisBody
    from trio_lb.sim.faults.fluent import SlowlorisHead as SlowlorisHead
    from trio_lb.sim.faults.fluent import SpuriousTimeout as SpuriousTimeout
    from trio_lb.sim.faults.fluent import StalledReader as StalledReader
    from trio_lb.sim.faults.fluent import SwizzleClog as SwizzleClog
    from trio_lb.sim.faults.fluent import TooBusy as TooBusy
    from trio_lb.sim.faults.fluent import Trickle as Trickle
    from trio_lb.sim.faults.fluent import TruncatedChunked as TruncatedChunked
    from trio_lb.sim.faults.fluent import WarmUp as WarmUp
    from trio_lb.sim.faults.fluent import WrongContentLength as WrongContentLength
    from trio_lb.sim.faults.fluent import at as at
    from trio_lb.sim.faults.fluent import during as during
    from trio_lb.sim.faults.fluent import every as every
    from trio_lb.sim.faults.fluent import random_of as random_of

__all__ = [
    "Abort",
    "BacklogFull",
    "Bandwidth",
    "Blackhole",
    "Bufferbloat",
    "ClockJump",
    "ClockSkew",
    "Crash",
    "DeployWave",
    "DnsAdd",
    "DnsNxdomain",
    "DnsRemove",
    "DnsServfail",
    "DnsSlow",
    "DnsStale",
    "Drain",
    "EndlessResponse",
    "ErrorBurst",
    "Errors",
    "ExpireCertificate",
    "FinMidBody",
    "Flap",
    "HalfClose",
    "HalfOpen",
    "HealthLies",
    "HugeHeaders",
    "IdleDrop",
    "Jam",
    "Jitter",
    "Latency",
    "Loss",
    "MemoryLimit",
    "OneByteReads",
    "OutOfDescriptors",
    "Partition",
    "Pause",
    "Pipelining",
    "PortExhaustion",
    "Refuse",
    "Reload",
    "Reset",
    "ResetAfter",
    "ResetBeforeBody",
    "ResponseSplitting",
    "Restart",
    "RetryBurst",
    "RotateCertificate",
    "ScaleDown",
    "ScaleUp",
    "Shrink",
    "Slow",
    "SlowAccept",
    "SlowCpu",
    "SlowlorisBody",
    "SlowlorisHead",
    "SpuriousTimeout",
    "StalledReader",
    "SwizzleClog",
    "TooBusy",
    "Trickle",
    "TruncatedChunked",
    "WarmUp",
    "WrongContentLength",
    "at",
    "during",
    "every",
    "random_of",
]


def __getattr__(name: str) -> Any:
    """Import a word at its first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from trio_lb.sim.faults import fluent

    value = globals()[name] = getattr(fluent, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
