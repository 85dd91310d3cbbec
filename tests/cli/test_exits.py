"""Exit codes: the documented numbers, and no others."""

from trio_lb.cli.exits import Exit


def test_the_codes_are_the_documented_ones() -> None:
    assert {code.name: code.value for code in Exit} == {
        "OK": 0,
        "FAILURE": 1,
        "USAGE": 2,
        "SOFTWARE": 70,
        "CANNOT_BIND": 71,
        "DRAIN_TIMED_OUT": 75,
        "BAD_CONFIG": 78,
        "INTERRUPTED": 130,
    }


def test_a_code_is_a_number_that_says_what_it_means() -> None:
    assert [code for code in Exit if code == 78] == [Exit.BAD_CONFIG]
    assert Exit.BAD_CONFIG.says == "the configuration is bad"
