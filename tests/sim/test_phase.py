"""The phases of one half: what may follow what."""

from trio_lb.sim.phase import GONE, TRANSITIONS, Act, Phase


def test_an_end_cannot_be_said_after_the_close() -> None:
    assert TRANSITIONS[Phase.CLOSED] == {Act.ABANDON: Phase.ABANDONED}
    assert TRANSITIONS[Phase.ABANDONED] == {}
    assert Act.FINISH not in TRANSITIONS[Phase.FINISHED]


def test_whoever_has_closed_is_gone_and_never_comes_back() -> None:
    for gone in GONE:
        assert set(TRANSITIONS[gone].values()) <= set(GONE)
