"""Schedules written in Python say what a file says."""

import pytest

from trio_lb.model.errors import ConfigError
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.faults import fluent
from trio_lb.sim.faults.fluent import (
    Errors,
    Partition,
    Slow,
    Word,
    at,
    during,
    every,
    random_of,
    schedule,
)
from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.read import read_text

TEXT = """
- {every: {poisson: 15m}, start: 1m, kind: slow, target: {random: servers}, for: 60s, args: {x: 20}}
- {at: 10m, kind: partition, target: {link: [lb, "zone:b"]}, for: 2m}
- {at: 10m, kind: slow, target: "server:s1"}
- {during: [5m, 7m], kind: errors, target: "server:s1", args: {share: 0.5}}
"""


def test_python_and_a_file_say_the_same() -> None:
    assert schedule(
        every(Poisson(4 / 3600), Slow(random_of("servers"), x=20, for_="60s"), start="1m"),
        at("10m", Partition("lb", "zone:b", for_="2m"), Slow("server:s1")),
        during("5m", "7m", Errors("server:s1", share=0.5)),
    ) == read_text(TEXT, name="faults.yaml")


def test_every_kind_has_its_word() -> None:
    words = {name: each.kind for name, each in vars(fluent).items() if isinstance(each, Word)}
    assert words == {name.title().replace("_", ""): name for name in KINDS}


def test_entries_may_stand_in_any_order() -> None:
    made = schedule(at("10m", Slow("server:s1")), at(5, Slow("server:s2")))
    assert [entry.aim.ends for entry in made.entries] == [("s1",), ("s2",)]


def test_mistakes_are_told_as_in_a_file() -> None:
    with pytest.raises(ConfigError) as caught:
        schedule(at(1, Slow("server:s1", y=2)), every("0s", Partition("lb", "lb", for_=1)))
    assert [str(each) for each in caught.value.problems] == [
        "[0].args.y: unknown key; known here: x",
        "[1].every: '0s' is not > 0 (seconds)",
        "[1].target: both ends of this link are 'lb'",
    ]
