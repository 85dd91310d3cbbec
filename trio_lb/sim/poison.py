"""What must not be touched in a run: chance, clocks, threads and sockets of the real world.

One look at the wall clock, and two runs are not the same; one thread, and virtual time runs
away while it works. So for the length of a run these names raise ``Poisoned``, which says
who called what and what there is instead. Code that can't be changed is let through by
name, and gets virtual time and seeded bytes from the same names.
"""

import contextlib
import os
import random
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import trio

from trio_lb.sim.chance import derive_rng

STANDARD_GUESTS: Final = ("logging", "wsproto", "trio_websocket", "uuid", "tempfile", "_pytest")
"""Modules that look at the clock or draw bytes where it does no harm: time stamps, masks."""

EVERYBODY: Final = "*"
"""Among guests: whoever is not our own code. For services that were not written for a simulator."""

_OURS: Final = "trio_lb"

_CHANCE: Final = (
    "random", "randint", "randrange", "randbytes", "choice", "choices", "shuffle", "sample",
    "uniform", "triangular", "gauss", "normalvariate", "lognormvariate", "expovariate",
    "betavariate", "gammavariate", "paretovariate", "weibullvariate", "vonmisesvariate",
    "getrandbits", "seed",
)  # fmt: skip
_CLOCKS: Final = ("time", "monotonic", "perf_counter", "time_ns", "monotonic_ns", "perf_counter_ns")
_NETWORK: Final = ("bind", "connect", "connect_ex", "listen", "accept", "sendto")
_LOOKUPS: Final = ("getaddrinfo", "gethostbyname", "getnameinfo", "create_connection")


class Poisoned(RuntimeError):
    """Something of the real world was touched in a simulated one."""


def _refusal(what: str, instead: str) -> Callable[..., Any]:
    def refuse(*args: object, **options: object) -> Any:
        caller = sys._getframe(1)
        while caller.f_back is not None and caller.f_globals is globals():
            caller = caller.f_back
        where = f"{caller.f_globals.get('__name__', '?')}:{caller.f_lineno}"
        raise Poisoned(
            f"{where} calls {what} in a simulation, where it would differ each time; {instead}"
        )

    return refuse


@contextlib.contextmanager
def poisoned(
    seed: int = 0,
    *,
    now: Callable[[], float] | None = None,
    epoch: float = 0.0,
    guests: tuple[str, ...] = (),
) -> Iterator[None]:
    """Take the real world away from everybody but ``guests`` while the block runs.

    ``guests`` are the names of modules (with all that is below them) beside
    ``STANDARD_GUESTS``, or ``EVERYBODY``. Asking for the time they are told ``now()``, as wall time ``epoch``
    later; bytes come from the stream ``real world`` of ``seed``. Threads and sockets are for nobody.
    """
    welcome = (*STANDARD_GUESTS, *guests)
    clock = now or (lambda: 0.0)
    drawn = derive_rng(seed, "real world")
    with contextlib.ExitStack() as antidote:
        for name in _CHANCE:
            instead = _refusal(f"random.{name}()", "draw from env.rng(name)")
            _swap(antidote, random, name, _for_guests(getattr(drawn, name), instead, welcome))
        for name in _CLOCKS:
            offset = epoch if name.startswith("time") else 0.0
            instead = _refusal(f"time.{name}()", "ask env.now() or env.wall()")
            virtual = _virtual(clock, offset, in_ns=name.endswith("_ns"))
            _swap(antidote, time, name, _for_guests(virtual, instead, welcome))
        instead = _refusal("os.urandom()", "ask env.token(size)")
        _swap(antidote, os, "urandom", _for_guests(drawn.randbytes, instead, welcome))
        _take_threads_and_sockets(antidote)
        yield


def _take_threads_and_sockets(antidote: contextlib.ExitStack) -> None:
    inside = "a simulated program has no threads: time would run away meanwhile"
    _swap(antidote, trio.to_thread, "run_sync", _refusal("trio.to_thread.run_sync()", inside))
    _swap(antidote, threading.Thread, "start", _refusal("Thread.start()", inside))
    network = "use env.network"
    for name in _NETWORK:
        _swap(antidote, socket.socket, name, _refusal(f"socket.{name}()", network))
    for name in _LOOKUPS:
        _swap(antidote, socket, name, _refusal(f"socket.{name}()", network))


def _virtual(clock: Callable[[], float], offset: float, *, in_ns: bool) -> Callable[[], float]:
    if in_ns:
        return lambda: round((clock() + offset) * 1e9)
    return lambda: clock() + offset


def _for_guests(
    virtual: Callable[..., Any], refuse: Callable[..., Any], welcome: tuple[str, ...]
) -> Callable[..., Any]:
    """The virtual one for modules that are welcome, the refusal for all others."""

    def choose(*args: Any, **options: Any) -> Any:
        frame = sys._getframe(1)
        name = str(frame.f_globals.get("__name__", ""))
        if any(_is_in(name, each) for each in welcome):
            return virtual(*args, **options)
        return refuse(*args, **options)

    return choose


def _is_in(name: str, package: str) -> bool:
    if package == EVERYBODY:
        return not _is_in(name, _OURS)
    return name == package or name.startswith(f"{package}.")


def _swap(antidote: contextlib.ExitStack, owner: Any, name: str, value: object) -> None:
    """Put ``value`` in the place of an attribute; one that was inherited is taken out again."""
    own = vars(owner)
    if name in own:
        antidote.callback(setattr, owner, name, own[name])
    else:
        antidote.callback(delattr, owner, name)
    setattr(owner, name, value)
