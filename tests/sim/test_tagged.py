"""Tagged values: one key says the kind, problems are told where they were written."""

from typing import Any, Final, cast

import attrs
import pytest

from trio_lb.config.kinds import Number
from trio_lb.config.knobs import described, fits, knob
from trio_lb.model.errors import ConfigError
from trio_lb.sim.tagged import Rows, must, read_tagged, read_whole, refuse, rows, to_tagged

NUMBER: Final = Number("a number", 0, 100)


@attrs.frozen
class Disc:
    radius: float = must(NUMBER, "its size")
    hole: float = knob(0.0, NUMBER, "what is cut out")

    def __attrs_post_init__(self) -> None:
        if self.hole > self.radius:
            raise refuse(self, "hole", "the hole is larger than the disc")


@attrs.frozen
class Line:
    x: float = must(NUMBER, "to the right")
    y: float = must(NUMBER, "up")


@attrs.frozen
class Shape:
    points: tuple[tuple[float, float], ...] = attrs.field(
        converter=rows,
        validator=fits,
        metadata=described(cast(Any, Rows({"x": NUMBER, "y": NUMBER})), "its corners"),
    )


TABLE: Final = {"disc": Disc, "line": Line, "shape": Shape}


def read(value: object) -> object:
    return read_whole(value, "here", lambda node: read_tagged(node, TABLE, "figure"))


def written(value: object) -> object:
    return to_tagged(value, TABLE, written)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ({"disc": 3.0}, Disc(3.0)),
        ({"disc": {"radius": 3.0, "hole": 1.0}}, Disc(3.0, 1.0)),
        ({"line": {"x": 1.0, "y": 2.0}}, Line(1.0, 2.0)),
        ({"shape": [[1.0, 2.0], [3.0, 4.0]]}, Shape(((1.0, 2.0), (3.0, 4.0)))),
    ],
)
def test_what_is_read_is_written_back_in_its_shortest_form(data: object, value: object) -> None:
    assert (read(data), written(value)) == (value, data)


def test_the_long_form_of_what_may_stand_alone_is_read_too() -> None:
    assert read({"disc": {"radius": 3}}) == Disc(3.0)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (7, "here: 7 is not a figure (one of disc, line, shape, with its values)"),
        ({}, "here: 0 keys where a figure has one: one of disc, line, shape"),
        ({"disc": 1, "line": 2}, "here: 2 keys where a figure has one: one of disc, line, shape"),
        ({"disk": 1}, "here.disk: unknown figure; did you mean 'disc'?"),
        ({"sphere": 1}, "here.sphere: unknown figure; allowed: one of disc, line, shape"),
        ({7: 1}, "here: the key 7 is not text (put it in quotes)"),
        ({"disc": -1}, "here.disc: -1 is not >= 0"),
        ({"disc": {"hole": 0}}, "here.disc: 'radius' is missing; it is a number, >= 0"),
        ({"disc": {"radius": 1, "hol": 0}}, "here.disc.hol: unknown key; did you mean 'hole'?"),
        ({"disc": {"radius": 1, "hole": 2}}, "here.disc: the hole is larger than the disc"),
        ({"line": 5}, "here.line: 5 is not a mapping of x, y"),
        ({"shape": []}, "here.shape: nothing is not a list of [x, y]"),
        ({"shape": 5}, "here.shape: 5 is not a list of [x, y]"),
        ({"shape": [5]}, "here.shape[0]: 5 is not [x, y]"),
        ({"shape": [[1]]}, "here.shape[0]: 1 values where [x, y] is allowed"),
        ({"shape": [[1, 2], [3, True]]}, "here.shape[1][1]: true is not a number"),
    ],
)
def test_a_refusal_says_where_it_is_what_was_seen_and_what_is_allowed(
    data: object, problem: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(data)
    assert str(caught.value) == problem


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        read({"line": {"x": -1, "z": 3}})
    assert [each.path for each in caught.value.problems] == [
        "here.line.z",
        "here.line",
        "here.line.x",
    ]


def test_a_value_made_by_hand_obeys_the_same_bounds() -> None:
    with pytest.raises(ConfigError, match=r"^Disc\.radius: -1 is not >= 0$"):
        Disc(-1)
    with pytest.raises(ConfigError, match=r"^Shape\.points: \(1,\) is not \[x, y\]$"):
        Shape([[1]])


def test_without_a_path_a_problem_begins_at_the_value_itself() -> None:
    with pytest.raises(ConfigError, match=r"^disc: -1 is not >= 0$"):
        read_whole({"disc": -1}, "", lambda node: read_tagged(node, TABLE, "figure"))


def test_a_row_that_is_empty_is_refused_as_any_other_of_the_wrong_length() -> None:
    with pytest.raises(ConfigError, match=r"shape\[0\]: 0 values where \[x, y\] is allowed"):
        read({"shape": [[]]})
