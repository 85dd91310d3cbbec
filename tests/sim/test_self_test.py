"""The self-test passes, and each pin that is taken out is noticed by name."""

import warnings

import pytest
import trio

from trio_lb.sim import pins, self_test
from trio_lb.sim.pins import PinError
from trio_lb.sim.self_test import require_pins

REMOVED = {
    "_pin_batches": "fire in the order in which they were entered|order in which they were started",
    "_pin_deadlines": "Scopes whose deadlines are the same fire in the order in which they were",
    "_pin_sets": "The tasks that a scope cancels hear of it in the order in which they came",
}


def test_all_pins_hold() -> None:
    self_test.self_test()


@pytest.mark.parametrize("pin", REMOVED)
def test_a_pin_that_is_missing_is_noticed(pin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, pin, lambda *args: None)
    with pytest.raises(PinError, match=rf"trio {trio.__version__}: .*({REMOVED[pin]})"):
        self_test.self_test()


def test_each_pin_of_the_module_is_tried_here() -> None:
    assert {name for name in vars(pins) if name.startswith("_pin_")} == set(REMOVED)


def test_a_version_that_is_not_known_is_tried_once_and_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trio, "__version__", "0.99.1")
    require_pins.cache_clear()
    with pytest.warns(RuntimeWarning, match=r"the self-test passes under 0\.99\.1"):
        require_pins()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        require_pins()
    require_pins.cache_clear()


def test_a_version_that_is_not_known_and_does_not_hold_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trio, "__version__", "0.99.1")
    monkeypatch.setattr(pins, "_pin_sets", lambda *args: None)
    require_pins.cache_clear()
    with pytest.raises(PinError, match=r"trio 0\.99\.1: this does not hold"):
        require_pins()
    require_pins.cache_clear()
