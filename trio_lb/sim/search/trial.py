"""One run as data, and what came of it: what everything that searches passes around.

    Trial --run--> Outcome

A trial says all that decides a run, so it can be sent to another process, stored,
shrunk and written into a test. Who runs it is a callable, and nothing here knows how.
"""

import importlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

import attrs

from trio_lb.model.errors import ConfigError, Problem
from trio_lb.sim.faults.record import Fault, in_order
from trio_lb.sim.faults.schedule import At, During, Entry, Schedule

DEFAULT_UNTIL_SECONDS: Final = 60.0
DEFAULT_SETTLE_SECONDS: Final = 30.0


_DEFAULTS: Final[Mapping[str, object]] = {
    "seed": 0,
    "schedule": "fifo",
    "config": None,
    "faults": [],
    "until": DEFAULT_UNTIL_SECONDS,
    "settle": DEFAULT_SETTLE_SECONDS,
    "options": {},
}


def _texts(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(texts)


def certain_faults(
    faults: "Schedule | Iterable[Fault | Mapping[str, object]]",
) -> tuple[Fault, ...]:
    """Return faults, records of faults, or a schedule that leaves nothing open, by instant.

    Raises:
      ConfigError: a record is wrong, or an entry leaves to chance whom it hits or when.
    """
    if isinstance(faults, Schedule):
        made = [_certain(index, entry) for index, entry in enumerate(faults.entries)]
    else:
        made = [each if isinstance(each, Fault) else Fault.from_data(each) for each in faults]
    return tuple(in_order(made))


def _certain(index: int, entry: Entry) -> Fault:
    target = entry.aim.certain()
    if target is None or not isinstance(entry.when, At | During):
        what = "whom it hits" if target is None else "when it comes"
        raise ConfigError(
            [Problem(f"[{index}]", f"leaves open {what}: a trial holds what expand() gives")]
        )
    at = entry.when.seconds if isinstance(entry.when, At) else entry.when.begin
    until = entry.when.until
    if entry.seconds is not None:
        until = max(round(at + entry.seconds, 9), math.nextafter(at, math.inf))
    return Fault(at, entry.kind, target, until, entry.args)


def _is_seconds(trial: "Trial", field: "attrs.Attribute[float]", value: float) -> None:
    """A run has a length; the peace after it may have none. Written so that nan fails."""
    some = value > 0 if field.name == "until" else value >= 0
    if not (some and value < math.inf):
        sign = ">" if field.name == "until" else ">="
        raise ConfigError([Problem(field.name, f"{value!r} is not {sign} 0 (seconds)")])


@attrs.frozen(slots=True)
class Trial:
    """Everything that decides one run; as JSON it is a line.

    ``scenario`` is the name of a scenario, or ``package.module:function`` for one that
    makes a simulation. Faults come on for ``until`` seconds, then the system is left in
    peace for ``settle`` more. ``config`` is a path or a mapping, None for the scenario's
    own; ``options`` are the scenario's (how many servers, say), as JSON can hold them.

    Raises:
      ConfigError: a fault is wrong or not certain, or a duration is none.
    """

    scenario: str
    seed: int = 0
    schedule: str = "fifo"
    config: str | Mapping[str, object] | None = None
    faults: tuple[Fault, ...] = attrs.field(default=(), converter=certain_faults)
    until: float = attrs.field(
        default=DEFAULT_UNTIL_SECONDS, converter=float, validator=_is_seconds
    )
    settle: float = attrs.field(
        default=DEFAULT_SETTLE_SECONDS, converter=float, validator=_is_seconds
    )
    options: Mapping[str, object] = attrs.field(factory=dict)

    def to_data(self) -> dict[str, object]:
        """Return what JSON can hold, without what is as by default."""
        data: dict[str, object] = attrs.asdict(self, recurse=False)
        data["faults"] = [fault.to_data() for fault in self.faults]
        return {name: value for name, value in data.items() if value != _DEFAULTS.get(name)}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Trial":
        """Return the trial that ``to_data`` wrote.

        Raises:
          ConfigError: a key is missing or unknown, or its value is wrong.
        """
        known = [field.name for field in attrs.fields(cls)]
        wrong = [
            Problem(key, f"is no part of a trial: {', '.join(known)}")
            for key in data
            if key not in known
        ]
        if "scenario" not in data:
            wrong.append(Problem("scenario", "is missing"))
        if wrong:
            raise ConfigError(wrong)
        return cls(**data)

    @property
    def text(self) -> str:
        """Return it as one line of JSON, always the same for the same trial."""
        return json.dumps(self.to_data(), sort_keys=True)


@attrs.frozen(slots=True)
class Outcome:
    """What came of a run.

    ``violations`` maps the name of each check that failed to its first violation in
    words, ``broken_at`` to the instant at which it objected. ``digest`` holds the run's numbers, ``coverage`` the points that it reached.
    """

    violations: Mapping[str, str] = attrs.field(factory=dict)
    trace_hash: str = ""
    digest: Mapping[str, float] = attrs.field(factory=dict)
    coverage: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    broken_at: Mapping[str, float] = attrs.field(factory=dict)

    @property
    def ok(self) -> bool:
        """Whether no check failed."""
        return not self.violations

    def to_data(self) -> dict[str, object]:
        """Return what JSON can hold; ``Outcome(**data)`` is the same outcome."""
        return {
            "violations": dict(self.violations),
            "trace_hash": self.trace_hash,
            "digest": dict(self.digest),
            "coverage": list(self.coverage),
            "broken_at": dict(self.broken_at),
        }


Run: TypeAlias = Callable[[Trial], Outcome]
"""Runs a trial in this process. The same trial gives the same outcome."""

CRASHED: Final = "crashed"
"""The name of the check that a run fails which raised, or took its process with it."""


def attempt(trial: Trial, run: Run) -> Outcome:
    """Run a trial; what the run raises is an outcome that fails the check ``crashed``.

    Raises:
      ConfigError: the trial makes no sense, which says nothing of the system.
    """
    try:
        return run(trial)
    except ConfigError:
        raise
    except Exception as error:
        return Outcome({CRASHED: f"{type(error).__name__}: {error}"})


def load(name: str) -> Callable[..., Any]:
    """Return the function that ``package.module:function`` names.

    Raises:
      ConfigError: there is none.
    """
    module, colon, function = name.partition(":")
    try:
        if not colon:
            raise ConfigError(f"{name!r} is not of the form package.module:function")
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{name!r} can't be loaded: {error}") from error
    if not callable(found):
        raise ConfigError(f"{name!r} is a {type(found).__name__}, not a function")
    return found  # type: ignore[no-any-return] # That it can be called is all that is known.


def name_of(function: Callable[..., Any]) -> str:
    """Return the name by which ``load`` finds a function of a module.

    Raises:
      ConfigError: it stands inside another, or is none that was defined by name.
    """
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", "")
    if module is None or not name.isidentifier():
        raise ConfigError(f"{function!r} is no function of a module: another process can't find it")
    return f"{module}:{name}"
