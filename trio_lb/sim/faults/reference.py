"""The page's table of kinds, made from the kinds.

``python -m trio_lb.sim.faults.reference`` prints it; docs/simulation/faults.md holds it.
"""

import sys

from trio_lb.config.kinds import show
from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.shape import Arg, FaultKind, Lasts

_LASTS = {Lasts.INSTANT: "no end", Lasts.SPAN: "needs one", Lasts.OPEN: "may have one"}

_PROGRAMS = "reaches your own programs"


def render() -> str:
    """Return the tables, one for each family, in Markdown."""
    families = list(dict.fromkeys(kind.family for kind in KINDS.values()))
    return "\n".join(map(_family, families))


def _family(family: str) -> str:
    rows = [_row(kind) for kind in KINDS.values() if kind.family == family]
    head = f"| kind | hits a | what it does | arguments (default) | end | {_PROGRAMS} |\n"
    head += "|---" * 6
    return f"### {family}\n\n{head}|\n{''.join(rows)}"


def _row(kind: FaultKind) -> str:
    targets = " or ".join(sort.value for sort in kind.targets)
    args = "<br>".join(_arg(name, arg) for name, arg in kind.args.items()) or "none"
    reaches = "no" if kind.modelled else "yes"
    cells = (f"`{kind.name}`", targets, kind.says, args, _LASTS[kind.lasts], reaches)
    return f"| {' | '.join(cells)} |\n"


def _arg(name: str, arg: Arg) -> str:
    default = "required" if arg.default is None else show(arg.default)
    unit = getattr(arg.kind, "unit", "")
    allowed = f"{arg.kind.allowed}{f' ({unit})' if unit else ''}"
    return f"`{name}` ({default}): {arg.says}; {allowed}"


if __name__ == "__main__":
    sys.stdout.write(render())
