"""Errors, named after who erred; facts are attributes, the text says what follows."""

from collections.abc import Sequence

import attrs


class TrioLbError(Exception):
    """Root of every error that trio_lb raises on purpose."""


class IllegalTransition(TrioLbError):
    """A state machine was asked for a change that its table does not draw: our bug."""


@attrs.frozen(slots=True)
class Problem:
    """One thing wrong in a configuration.

    ``path`` is dotted (``pools.api.servers[0].port``), ``message`` says what was
    seen against what is allowed; ``file`` and ``line`` (1-based) are None for a
    dict. ``severity`` is ``"error"`` (nothing starts) or ``"warning"``.
    """

    path: str
    message: str
    file: str | None = None
    line: int | None = None
    severity: str = "error"

    def __str__(self) -> str:
        place = ""
        if self.file is not None:
            place = f"{self.file}:{self.line}" if self.line is not None else self.file
            place += " "
        mark = "warning: " if self.severity == "warning" else ""
        what = f"{self.path}: {self.message}" if self.path else self.message
        return f"{place}{mark}{what}"


class ConfigError(TrioLbError, ValueError):
    """A configuration, or a value given to the API, that is refused; nothing was changed."""

    def __init__(self, problems: Sequence[Problem] | str) -> None:
        if isinstance(problems, str):
            problems = [Problem("", problems)]
            text = problems[0].message
        else:
            text = "\n".join(map(str, problems))
        super().__init__(text)
        self.problems: tuple[Problem, ...] = tuple(problems)

    def below(self, path: str) -> "ConfigError":
        """Return the same problems, seen from further up: each path begins with ``path``."""
        return ConfigError(
            [
                attrs.evolve(each, path=f"{path}.{each.path}" if each.path else path)
                for each in self.problems
            ]
        )


class UnknownServer(TrioLbError, LookupError):
    """No server has the given id."""


class AmbiguousServer(TrioLbError, LookupError):
    """The id stands in several pools; ``pool/server`` names one of them."""


class NoServerAvailable(TrioLbError):
    """A pool had no usable server; the text says 'no healthy server' and why each is out."""


class DownstreamError(TrioLbError):
    """The client broke the protocol, stalled, or left."""


class UpstreamError(TrioLbError):
    """A server broke the protocol, stalled, or could not be reached."""


class RequestCut(TrioLbError):
    """A request was cut in its middle: its server failed, or the balancer stopped."""
