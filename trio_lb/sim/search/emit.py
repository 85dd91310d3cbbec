"""A pytest file of less than twenty lines that runs one trial again.

Faults are written in fluent words, one a line, for as long as that fits; a trial that is longer
becomes one line of JSON. The text is as ``ruff format`` would leave it, and the same each time.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

import attrs

from trio_lb.sim.faults import fluent
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.target import Sort
from trio_lb.sim.search.trial import Trial

MOST_LINES: Final = 19
MOST_COLUMNS: Final = 100

_WORDS: Final[Mapping[str, str]] = {
    word.kind: name for name, word in vars(fluent).items() if isinstance(word, fluent.Word)
}
"""The fluent word for each kind of fault."""

_WORD_MODULE: Final = "trio_lb.sim.faults.fluent"
_TRIAL_IMPORT: Final = "from trio_lb.sim.search.trial import Trial"


@attrs.frozen(slots=True)
class Call:
    """Code that can be broken: what opens it, what stands between its commas, what closes it."""

    opens: str
    items: tuple["str | Call", ...]
    closes: str


Code: TypeAlias = str | Call


def emit(trial: Trial, *, run: str, check: str, says: str = "") -> str:
    """Return the text of a test that runs ``trial`` by ``package.module:function``.

    The test is red for as long as the trial fails any check; ``check`` names it, and ``says`` is
    what the check said. The text ends with a newline.
    """
    told = f'"""{_prose(trial, check, says)}"""'
    name = f"def {name_for(trial, check)}() -> None:"
    # Written as words first, to see how long that gets: how lines break decides, not a guess.
    fluently = _file(
        told, _imports_of_words(trial), run, _schedule(trial), name, _trial_in_words(trial)
    )
    if fluently.count("\n") <= MOST_LINES:
        return fluently
    as_data = Call("Trial.from_data(", (Call("json.loads(", (_quoted(trial.text),), ")"),), ")")
    return _file(told, ["import json", "", _TRIAL_IMPORT], run, [], name, as_data)


def emit_replay(
    test: str, world: str, trial: Trial, *, more: Mapping[str, object] | None = None
) -> str:
    """Return the text of a test that plays ``world`` again by the fixture ``lb_sim``.

    It belongs beside ``world``, a function of the same file. Of the trial it takes seed, faults
    and durations; ``more`` are other arguments of ``replay``.
    """
    said = {"seed": trial.seed, "until": trial.until, "settle": trial.settle, **(more or {})}
    named: list[Code] = [_prefixed(f"{name}=", _literal(value)) for name, value in said.items()]
    words: list[Code] = [_fault_in_words(fault) for fault in trial.faults]
    begin = f"def {_identifier(f'{test} with seed {trial.seed}')}(lb_sim):"
    call = [*_laid_out("    ", Call("lb_sim.replay(", (world, *words, *named), ")"), "")]
    imports = [_import_of_words(sorted(_words_of(trial)))] if words else []
    if len(call) > MOST_LINES:
        data = json.dumps([fault.to_data() for fault in trial.faults])
        as_data = Call("*json.loads(", (_quoted(data),), ")")
        call = [*_laid_out("    ", Call("lb_sim.replay(", (world, as_data, *named), ")"), "")]
        imports = ["import json"]
    return "\n".join([*imports, *(["", ""] if imports else []), begin, *call]) + "\n"


def in_words(fault: Fault) -> str:
    """Return one fault in fluent words: ``during(4, 9, Pause("server:s1"))``."""
    return _flat(_fault_in_words(fault))


def name_for(trial: Trial, check: str) -> str:
    """Return a name for the test and its file: ``test_no_leaks_of_storm_with_seed_7``."""
    scenario = trial.scenario.rpartition(":")[2]
    text = f"test {check} of {scenario} with seed {trial.seed}"
    return _identifier(text)


def _identifier(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _file(
    told: str, imports: list[str], run: str, schedule: list[str], name: str, made: Code
) -> str:
    module, _, function = run.partition(":")
    ours = f"from {module} import {function}"
    *imports, last = imports
    # What belongs to whoever keeps the test stands apart from what they installed.
    beside = sorted([last, ours]) if module.startswith("trio_lb.") else [last, "", ours]
    lines = [
        *(told, "", *imports, *beside, *schedule, "", "", name),
        *_laid_out("    trial = ", made, ""),
        f"    assert {function}(trial).violations == {{}}",
    ]
    return "\n".join(lines) + "\n"


def _schedule(trial: Trial) -> list[str]:
    if not trial.faults:
        return []
    faults = Call("schedule(", tuple(map(_fault_in_words, trial.faults)), ")")
    return ["", *_laid_out("FAULTS = ", faults, "", broken=len(trial.faults) > 1)]


def _imports_of_words(trial: Trial) -> list[str]:
    """Sorted as isort does: names of classes before those of functions."""
    if not trial.faults:
        return [_TRIAL_IMPORT]
    return [_import_of_words(sorted({"schedule", *_words_of(trial)})), _TRIAL_IMPORT]


def _words_of(trial: Trial) -> set[str]:
    ways = {_way(fault) for fault in trial.faults}
    return ways | {_WORDS[fault.kind] for fault in trial.faults}


def _import_of_words(names: list[str]) -> str:
    line = f"from {_WORD_MODULE} import {', '.join(names)}"
    if len(line) <= MOST_COLUMNS:
        return line
    return "\n".join([f"from {_WORD_MODULE} import (", *(f"    {name}," for name in names), ")"])


def _prose(trial: Trial, check: str, says: str) -> str:
    """One line of a docstring, whatever a check said: no quotes, no escapes, cut where it is long."""
    # A violation begins with its instant and its check, which need not be named twice.
    instant, told, rest = says.partition(f" s {check}: ")
    how = f" at {instant} s: {rest}" if told else f": {says}" if says else ""
    text = f"{trial.scenario} with seed {trial.seed} fails {check}{how}"
    text = "".join(each if each.isprintable() else " " for each in text)
    text = text.replace("\\", "/").replace('"', "'").strip().rstrip(".")
    most = MOST_COLUMNS - len('"""."""')
    return f"{text if len(text) <= most else text[: most - 3].rstrip() + ' ..'}."


# ---------------------------------------------------------------------- words


def _trial_in_words(trial: Trial) -> Code:
    """``Trial(...)``, with what is not as by default; its faults stand above, under a name."""
    items: list[Code] = [_quoted(trial.scenario)]
    for name, value in trial.to_data().items():
        if name == "faults":
            items.append("faults=FAULTS")
        elif name != "scenario":
            items.append(_prefixed(f"{name}=", _literal(value)))
    return Call("Trial(", tuple(items), ")")


def _way(fault: Fault) -> str:
    return "at" if fault.until is None else "during"


def _fault_in_words(fault: Fault) -> Code:
    """One line, with all arguments, defaults too: it means the same when a default changes."""
    ends = fault.target.names if fault.target.sort is Sort.LINK else (str(fault.target.to_data()),)
    said = [_quoted(end) for end in ends]
    said += [_flat(_prefixed(f"{name}=", _literal(value))) for name, value in fault.args.items()]
    times = [_number(at) for at in (fault.at, fault.until) if at is not None]
    word = Call(f"{_WORDS[fault.kind]}(", tuple(said), ")")
    return Call(f"{_way(fault)}(", (*times, word), ")")


def _number(number: float) -> str:
    """Whole ones without a point, which are read as the same float; powers as the formatter has them."""
    if number.is_integer() and abs(number) < 1e15:
        return str(int(number))
    return repr(number).replace("e+", "e")


# ---------------------------------------------------------------------- literals and lines


def _literal(value: object) -> Code:
    """Whatever JSON can hold, as Python writes it."""
    match value:
        case str():
            return _quoted(value)
        case float():
            return _number(value)
        case Mapping():
            pairs = (_prefixed(f"{_quoted(str(k))}: ", _literal(v)) for k, v in value.items())
            return Call("{", tuple(pairs), "}")
        case list() | tuple():
            return Call("[", tuple(map(_literal, value)), "]")
    return repr(value)


def _quoted(text: str) -> str:
    """A literal in double quotes, unless it holds more of them than of single ones."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    body = "".join(_escaped(each, quote) for each in text)
    return f"{quote}{body}{quote}"


def _escaped(char: str, quote: str) -> str:
    if char in (quote, "\\"):
        return f"\\{char}"
    # Plain ASCII: how wide other characters are is a matter of opinion.
    return (
        char
        if char.isascii() and char.isprintable()
        else char.encode("unicode_escape").decode("ascii")
    )


def _prefixed(prefix: str, code: Code) -> Code:
    """A keyword or a key before code; it stays on the line that opens it."""
    if isinstance(code, str):
        return prefix + code
    return attrs.evolve(code, opens=prefix + code.opens)


def _flat(code: Code) -> str:
    if isinstance(code, str):
        return code
    return f"{code.opens}{', '.join(map(_flat, code.items))}{code.closes}"


def _laid_out(before: str, code: Code, after: str, *, broken: bool = False) -> Iterator[str]:
    """Yield its lines: one if it fits, else one for each item, with a comma after the last.

    That comma makes the formatter leave it so, also where it is ``broken`` without need.
    """
    line = f"{before}{_flat(code)}{after}"
    fits = len(line) <= MOST_COLUMNS and not broken
    if fits or isinstance(code, str) or not code.items:
        yield line
        return
    indent = " " * (len(before) - len(before.lstrip(" ")))
    yield f"{before}{code.opens}"
    for item in code.items:
        yield from _laid_out(f"{indent}    ", item, ",")
    yield f"{indent}{code.closes}{after}"
