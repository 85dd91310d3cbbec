"""What can be done with a virtual socket, and the numbers of what cannot."""

import errno

import pytest

from trio_lb.sim.shim_standing import ILLEGAL, TRANSITIONS, Act, Standing, after

DONE_BY_THE_PROGRAM = (Act.BIND, Act.LISTEN, Act.DIAL)

PAIRS = [(standing, act) for standing in Standing for act in DONE_BY_THE_PROGRAM]


@pytest.mark.parametrize(("standing", "act"), PAIRS)
def test_every_act_of_a_program_is_a_transition_or_an_error_of_linux(
    standing: Standing, act: Act
) -> None:
    if act in TRANSITIONS[standing]:
        assert after(standing, act) is TRANSITIONS[standing][act]
        return
    with pytest.raises(OSError) as caught:
        after(standing, act)
    expected = {
        Standing.CLOSED: errno.EBADF,
        Standing.DIALLING: errno.EALREADY if act is Act.DIAL else errno.EINVAL,
    }
    assert caught.value.errno == expected.get(standing, ILLEGAL[act])


def test_whatever_is_open_can_be_closed_once() -> None:
    closing = {standing: ways.get(Act.CLOSE) for standing, ways in TRANSITIONS.items()}
    assert closing.pop(Standing.CLOSED) is None
    assert set(closing.values()) == {Standing.CLOSED}


def test_an_error_says_what_was_tried_and_when() -> None:
    with pytest.raises(OSError, match=r"Transport endpoint is already .*: connect while listening"):
        after(Standing.LISTENING, Act.DIAL)
