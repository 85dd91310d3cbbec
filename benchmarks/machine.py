"""The machine that measures: its cores, its limits, its free ports, its name."""

import os
import platform
import resource
import socket
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final

import attrs

_CONGESTION_CONTROL: Final = Path("/proc/sys/net/ipv4/tcp_congestion_control")


@attrs.frozen(slots=True)
class Cores:
    """Who runs where: the proxy alone on one core, load, origin and we on another."""

    proxy: int
    load: int

    @classmethod
    def of(cls, allowed: AbstractSet[int]) -> "Cores":
        """The first two allowed cores.

        With one core the load competes with the proxy: CPU per request still
        stands, rates and latencies mean little.
        """
        first, *others = sorted(allowed)
        return cls(first, others[0] if others else first)


def raise_file_limit() -> None:
    """Let us and all our children open as many files as the system allows without asking."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def free_port() -> int:
    """A TCP port of 127.0.0.1 that is free now.

    The kernel hands ephemeral ports out in a scattered order, so two calls in a row,
    or a client's connection meanwhile, practically never meet on the same one.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def cpu_model_of(cpuinfo: str) -> str:
    """The processor's name out of /proc/cpuinfo; ARM kernels give none."""
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.machine()


def congestion_control(sysctl: Path = _CONGESTION_CONTROL) -> str:
    """The kernel's TCP congestion control; it paces loopback too, and so moves bulk figures."""
    return sysctl.read_text("utf-8").strip() if sysctl.exists() else "unknown"


def describe() -> str:
    """One line for the table: processor, cores, kernel, Python."""
    model = cpu_model_of(Path("/proc/cpuinfo").read_text("utf-8", errors="replace"))
    cores = len(os.sched_getaffinity(0))
    return (
        f"{model}, {cores} {'core' if cores == 1 else 'cores'}, Linux {platform.release()} "
        f"(TCP {congestion_control()}), Python {platform.python_version()}"
    )
