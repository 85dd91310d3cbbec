"""The weather: which faults are in force, and since when none is."""

from trio_lb.sim.checks.faults import Weather
from trio_lb.sim.happening import Happening, What


def injected(at: float, kind: str, number: int) -> Happening:
    return Happening(at, What.INJECT, "s1", 0, 0, (kind, number, "{}"))


def healed(at: float, kind: str, number: int) -> Happening:
    return Happening(at, What.HEALED, "s1", 0, 0, (kind, number))


def test_it_is_calm_before_the_first_and_after_the_last() -> None:
    weather = Weather()
    assert weather.was_calm(0.0)
    weather.injected(injected(1.0, "slow", 1))
    weather.injected(injected(2.0, "partition", 2))
    weather.healed(healed(3.0, "slow", 1))
    assert (weather.is_calm, weather.was_calm(2.5)) == (False, False)
    weather.healed(healed(4.0, "partition", 2))
    assert (weather.is_calm, weather.was_calm(3.5), weather.was_calm(4.5)) == (True, False, True)
    assert weather.first_at == 1.0


def test_a_fault_of_an_instant_is_over_at_once_but_not_forgotten() -> None:
    weather = Weather()
    weather.injected(injected(1.0, "reset", 1))
    assert (weather.is_calm, weather.was_calm(0.5), weather.was_calm(1.5)) == (True, False, True)


def test_it_may_look_at_some_kinds_only() -> None:
    weather = Weather(("pause",))
    weather.injected(injected(1.0, "slow", 1))
    weather.healed(healed(2.0, "slow", 1))
    assert (weather.was_calm(0.5), weather.first_at) == (True, None)
