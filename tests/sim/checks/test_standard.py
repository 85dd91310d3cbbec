"""The standard checks are made anew for each run, and each has a name of its own."""

from trio_lb.sim.checks import Board, standard_checks


def test_each_has_a_name_of_its_own_and_hears_something_or_judges_the_end() -> None:
    checks = standard_checks()
    names = [check.name for check in checks]
    assert len(names) == len(dict.fromkeys(names))
    assert [check.name for check in checks if not check.ears] == ["no_leaks"]


def test_two_runs_share_no_check() -> None:
    first, second = Board(standard_checks()), Board(standard_checks())
    assert not [one for one, other in zip(first.checks, second.checks, strict=True) if one is other]
