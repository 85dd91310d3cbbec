"""A plain function is a check: its text is a violation, its name the check's."""

import pytest

from tests.sim.checks.support import Play
from trio_lb.sim.checks import CheckCrashed
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.plain import PlainCheck, as_check, checks
from trio_lb.sim.happening import Happening, What


@checks(What.ANSWER)
def no_teapots(h: Happening) -> str | None:
    return "a teapot answered" if h.values[0] == 418 else None


def test_a_returned_text_is_a_violation() -> None:
    play = Play(no_teapots)
    play.tell(1.0, What.ANSWER, "web", 200, 2, 5, "s1", req=1)
    play.tell(2.0, What.ANSWER, "web", 418, 2, 5, "s1", req=2)
    (check,) = play.board.checks
    assert [str(v) for v in check.violations] == [
        "2.000000 s no_teapots: web, request 2: a teapot answered"
    ]


def test_a_decorated_function_hears_only_what_it_wants() -> None:
    assert list(PlainCheck(no_teapots).ears) == [What.ANSWER]


def test_another_hears_everything() -> None:
    heard: list[What] = []
    play = Play(lambda happening: heard.append(happening.what))
    play.tell(0.0, What.ARRIVE, "web", "GET")
    play.tell(0.0, What.NOTE, "me")
    assert heard == [What.ARRIVE, What.NOTE]


def test_what_is_no_text_is_a_fault_of_the_check() -> None:
    play = Play(lambda happening: True)  # type: ignore[arg-type, return-value]  # the mistake that is tried
    play.tell(0.0, What.NOTE, "me")
    with pytest.raises(CheckCrashed, match="returned True; a text or None was expected"):
        play.end()


@pytest.mark.parametrize("given", [Check, 3, "no_teapots"])
def test_what_is_no_check_is_refused(given: object) -> None:
    with pytest.raises(TypeError, match="is no check"):
        as_check(given)  # type: ignore[arg-type]  # the mistake that is tried


def test_a_check_stays_what_it_is() -> None:
    check = Check()
    assert as_check(check) is check
