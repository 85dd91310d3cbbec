"""One check of one server: whatever happens, it ends in time and with a verdict.

A check is good when every probe of it is. They run at the same time, under one timeout:
one after the other, a slow first one would use up the time of the rest, and a check
would take as long as all of them together. The first that fails decides, and the others
are soon dropped; so a dead database is told at once, not after a hanging page has timed
out.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import attrs
import trio

from trio_lb.config.schema import HealthCheckConfig, ProbeConfig
from trio_lb.control import custom_probe, http_probe
from trio_lb.model.address import Address
from trio_lb.model.probe_result import ProbeResult
from trio_lb.net.env import ConnectError, Env, Stream
from trio_lb.net.haste import hurried
from trio_lb.policy.health import CheckResult
from trio_lb.state.server import Server

Connect = Callable[[Server, int | None], Awaitable[Stream]]
"""Opens a stream to a server as requests would, on another port of its host if one is given."""

TOGETHER_SECONDS: Final = 0.01
"""Probes that fail so soon after another failed together: the first in order is named, so that
a dead server has one reason, check after check, and not whichever came first this time."""


async def check_server(
    server: Server, config: HealthCheckConfig, env: Env, connect: Connect | None = None
) -> CheckResult:
    """Ask ``server`` what ``config`` says, over streams that ``connect`` opens.

    Without ``connect`` streams are the network's own, plain ones. ``latency_seconds`` is
    that of the slowest probe. ``detail`` tells operators what failed, and of several probes
    which one. Cancelled or not, no stream is left open.
    """
    check = _Check(server, config, env, connect or plain(env))
    return await check.run()


def plain(env: Env) -> Connect:
    """Return how to connect where nothing but an address is known of a server."""

    async def connect(server: Server, port: int | None) -> Stream:
        return await env.network.connect(_at(server, port))

    return connect


def _at(server: Server, port: int | None) -> Address:
    return server.address if port is None else Address(server.address.host, port)


def name_of(probe: ProbeConfig) -> str:
    """Return what people call a probe: ``http /ready``, ``tcp :5432``, ``custom check_queue``."""
    if probe.type == "custom":
        return f"custom {custom_probe.name_of(probe.check)}"
    port = "" if probe.port is None else f":{probe.port}"
    path = "" if probe.type == "tcp" else probe.path
    return f"{probe.type} {port}{path}".rstrip()


@attrs.frozen(slots=True)
class _Finding:
    """What one probe found, and after how long."""

    result: ProbeResult
    took_seconds: float
    refused: bool = False
    unasked: bool = False

    @property
    def latency_seconds(self) -> float:
        told = self.result.latency_seconds
        return self.took_seconds if told is None else told


class _Check:
    """The probes of one check, and what each has found so far."""

    def __init__(
        self, server: Server, config: HealthCheckConfig, env: Env, connect: Connect
    ) -> None:
        self._server = server
        self._probes: Sequence[ProbeConfig] = config.questions
        self._timeout_seconds = config.timeout
        self._env = env
        self._connect = connect
        self._started_at = env.now()
        self._found: list[_Finding | None] = [None] * len(self._probes)

    async def run(self) -> CheckResult:
        in_time = trio.current_time() + self._timeout_seconds
        with trio.move_on_at(hurried(self._env, "probe", in_time)):
            if len(self._probes) == 1:
                await self._probe(0)
            else:
                await self._probe_all()
        return self._verdict()

    async def _probe_all(self) -> None:
        async with trio.open_nursery() as nursery:
            for number in range(len(self._probes)):
                nursery.start_soon(self._probe, number, nursery.cancel_scope)

    async def _probe(self, number: int, others: trio.CancelScope | None = None) -> None:
        """Ask one probe; if it fails, there is no need to wait long for the ``others``."""
        finding = await self._ask(self._probes[number])
        if finding.took_seconds > self._timeout_seconds:
            return  # It did not let itself be cut: what it says now is too late.
        self._found[number] = finding
        if others is not None and not finding.result.healthy:
            others.deadline = min(others.deadline, self._env.now() + TOGETHER_SECONDS)

    async def _ask(self, probe: ProbeConfig) -> _Finding:
        refused, unasked, result = False, False, None
        try:
            result = await self._answer(probe)
            wrong = None
        except ConnectError as error:
            refused, unasked = error.refused, error.ours
            wrong = "connect refused" if refused else f"connect failed: {error}"
        except trio.BrokenResourceError:
            wrong = "connection reset"
        except OSError as error:
            wrong = f"connect failed: {error}"
        took_seconds = self._env.now() - self._started_at
        result = result or ProbeResult(False, error=wrong)
        return _Finding(result, took_seconds, refused, unasked)

    async def _answer(self, probe: ProbeConfig) -> ProbeResult:
        if probe.type == "custom":
            return await custom_probe.ask(self._server, probe.check)
        stream = await self._connect(self._server, probe.port)
        async with stream:
            if probe.type == "tcp":
                return ProbeResult(True)
            address = _at(self._server, probe.port)
            if probe.type == "websocket":
                # Only who probes WebSockets pays for the library.
                from trio_lb.control import websocket_probe

                return await websocket_probe.ask(
                    stream, address, probe, started_at=self._started_at
                )
            wrong = await http_probe.ask(stream, address, probe)
            return ProbeResult(wrong is None, error=wrong)

    # ------------------------------------------------------------------ the verdict

    def _verdict(self) -> CheckResult:
        """Join the findings: the first bad one in configured order, else one that is missing.

        One that could not ask comes last of the bad: what another knows is evidence.
        """
        details = self._details()
        bad = [(f.unasked, number, f) for number, f in self._heard() if not f.result.healthy]
        if bad:
            _, number, finding = min(bad, key=lambda one: one[:2])
            return self._bad(number, finding, details)
        if None in self._found:
            wrong = f"timed out after {self._timeout_seconds:g} s"
            elapsed_seconds = self._env.now() - self._started_at
            late = _Finding(ProbeResult(False, error=wrong), elapsed_seconds)
            return self._bad(self._found.index(None), late, details)
        slowest = max(each.latency_seconds for _, each in self._heard())
        return CheckResult(ok=True, latency_seconds=slowest, details=details)

    def _heard(self) -> list[tuple[int, _Finding]]:
        """The findings that there are, with their probes' numbers."""
        return [(n, each) for n, each in enumerate(self._found) if each is not None]

    def _bad(self, number: int, finding: _Finding, details: Mapping[str, object]) -> CheckResult:
        wrong = finding.result.error or "unhealthy"
        if len(self._probes) > 1:
            wrong = f"{name_of(self._probes[number])}: {wrong}"
        return CheckResult(
            ok=False,
            latency_seconds=finding.latency_seconds,
            detail=wrong,
            refused=finding.refused,
            unasked=finding.unasked,
            details=details,
        )

    def _details(self) -> Mapping[str, object]:
        """What the probes told beside their verdict; of several under each one's name."""
        told = {
            name_of(probe): finding.result.details
            for probe, finding in zip(self._probes, self._found, strict=True)
            if finding is not None and finding.result.details
        }
        return next(iter(told.values()), {}) if len(self._probes) == 1 else told
