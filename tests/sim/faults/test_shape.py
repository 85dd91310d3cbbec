"""How what is said about a fault is checked against its kind."""

from trio_lb.config.knobs import SECONDS
from trio_lb.config.nodes import Findings, Node
from trio_lb.sim.faults.shape import FACTOR, SHIFT, Arg, FaultKind, Lasts, one_of
from trio_lb.sim.faults.target import Sort

KIND = FaultKind(
    "nap",
    "host",
    (Sort.HOST,),
    Lasts.SPAN,
    "sleeps",
    {
        "long": Arg(SECONDS, 1.0, "how long"),
        "x": Arg(FACTOR, None, "times"),
        "side": Arg(one_of("side", "left", "right"), "left", "to lie on"),
        "shift": Arg(SHIFT, 0.0, "of the clock"),
    },
)


def read(**args: object) -> tuple[dict[str, object], list[str]]:
    findings = Findings()
    made = KIND.read_args(Node(args, ("args",), findings))
    return made, [str(each) for each in findings.problems]


def test_what_is_not_said_has_its_default() -> None:
    assert read(x=2) == ({"long": 1.0, "side": "left", "shift": 0.0, "x": 2.0}, [])


def test_values_are_spelt_as_in_a_configuration() -> None:
    made, _ = read(x=2, long="250ms", side="Right", shift="-1m30s")
    assert made == {"long": 0.25, "side": "right", "shift": -90.0, "x": 2.0}


def test_everything_wrong_is_told() -> None:
    _, told = read(long=0, side="rihgt", sift=1)
    assert sorted(told) == [
        "args.long: 0 is not > 0 (seconds)",
        "args.side: 'rihgt' is no side; did you mean 'right'?",
        "args.sift: unknown key; did you mean 'shift'?",
        "args: 'x' is missing: a factor, in 1..10000",
    ]


def test_a_zone_stands_only_for_hosts_and_servers() -> None:
    client = FaultKind("leave", "client", (Sort.CLIENT,), Lasts.SPAN, "leaves")
    assert (KIND.takes(Sort.ZONE), client.takes(Sort.ZONE)) == (True, False)
    assert (KIND.takes(Sort.HOST), KIND.takes(Sort.SERVER)) == (True, False)
