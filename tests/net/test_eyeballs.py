"""Happy eyeballs: who is dialled when, who wins, and what becomes of the losers."""

import math

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from trio_lb.net.env import ConnectError
from trio_lb.net.eyeballs import interleaved, race

SIX, FOUR, FIVE = "2001:db8::1", "10.0.0.1", "10.0.0.2"


@attrs.define
class Line:
    """A connection that was made."""

    host: str
    is_open: bool = True

    def close(self) -> None:
        self.is_open = False


@attrs.define
class Town:
    """Hosts, each with the seconds that dialling takes; a negative time ends in a refusal."""

    seconds: dict[str, float]
    has_refused: bool = True
    dialled: list[tuple[float, str]] = attrs.Factory(list)
    given_up: list[str] = attrs.Factory(list)
    lines: list[Line] = attrs.Factory(list)

    async def dial(self, host: str) -> Line:
        self.dialled.append((trio.current_time(), host))
        try:
            await trio.sleep(abs(self.seconds[host]))
        except trio.Cancelled:
            self.given_up.append(host)
            raise
        if self.seconds[host] < 0:
            raise ConnectError(f"{host}: no", refused=self.has_refused or host == FOUR)
        self.lines.append(Line(host))
        return self.lines[-1]


async def test_the_first_has_a_quarter_of_a_second_for_itself(autojump_clock: MockClock) -> None:
    town = Town({SIX: 0.249, FOUR: 0.0})
    assert (await race(town.dial, [SIX, FOUR])).host == SIX
    assert town.dialled == [(0.0, SIX)]
    assert trio.current_time() == 0.249


async def test_a_silent_address_costs_a_quarter_of_a_second_and_is_given_up(
    autojump_clock: MockClock,
) -> None:
    town = Town({SIX: math.inf, FOUR: 0.02})
    line = await race(town.dial, [SIX, FOUR])
    assert (line.host, line.is_open, trio.current_time()) == (FOUR, True, 0.27)
    assert town.given_up == [SIX]


async def test_a_refusal_lets_the_next_begin_at_once(autojump_clock: MockClock) -> None:
    town = Town({SIX: -0.01, FOUR: 0.02})
    assert (await race(town.dial, [SIX, FOUR])).host == FOUR
    assert town.dialled == [(0.0, SIX), (0.01, FOUR)]


async def test_the_slow_first_may_still_win(autojump_clock: MockClock) -> None:
    town = Town({SIX: 0.3, FOUR: 0.2})
    assert (await race(town.dial, [SIX, FOUR])).host == SIX
    assert town.given_up == [FOUR]


@pytest.mark.parametrize("ours_at", [SIX, FOUR])
async def test_one_that_could_not_be_tried_is_no_refusal_of_all(ours_at: str) -> None:
    async def dial(host: str) -> Line:
        raise ConnectError(f"{host}: no", refused=host != ours_at, ours=host == ours_at)

    with pytest.raises(ConnectError) as caught:
        await race(dial, [SIX, FOUR])
    assert (caught.value.refused, caught.value.ours) == (False, True)


async def test_of_two_winners_in_one_pass_one_is_closed(autojump_clock: MockClock) -> None:
    lines, gate = [], trio.Event()

    async def dial(host: str) -> Line:
        await gate.wait()
        lines.append(Line(host))
        return lines[-1]

    async def open_gate() -> None:
        await trio.sleep(0.3)
        gate.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(open_gate)
        line = await race(dial, [SIX, FOUR])
    assert len(lines) == 2
    assert [each for each in lines if each.is_open] == [line]


@pytest.mark.parametrize("hosts", [[SIX], [SIX, FOUR], [SIX, FOUR, FIVE]])
async def test_all_refused_is_a_refusal(hosts: list[str], autojump_clock: MockClock) -> None:
    with pytest.raises(ConnectError, match=f"{hosts[-1]}: no") as caught:
        await race(Town(dict.fromkeys(hosts, -0.01)).dial, hosts)
    assert caught.value.refused


async def test_one_refusal_among_other_faults_is_none(autojump_clock: MockClock) -> None:
    town = Town({SIX: -0.01, FOUR: -0.01}, has_refused=False)
    with pytest.raises(ConnectError, match=f"{SIX}: no; {FOUR}: no") as caught:
        await race(town.dial, [SIX, FOUR])
    assert not caught.value.refused


async def test_who_is_cancelled_in_the_moment_of_winning_leaves_nothing_open(
    autojump_clock: MockClock,
) -> None:
    lines = []
    with trio.CancelScope() as scope:

        async def dial(host: str) -> Line:
            await trio.lowlevel.checkpoint()
            scope.cancel()
            lines.append(Line(host))
            return lines[-1]

        await race(dial, [SIX, FOUR])
        await trio.lowlevel.checkpoint()
    assert scope.cancelled_caught
    assert [line.is_open for line in lines] == [False]


def test_families_alternate_beginning_with_the_preferred_one() -> None:
    assert interleaved(["::1", "::2", "::3", FOUR, FIVE]) == ["::1", FOUR, "::2", FIVE, "::3"]
    assert interleaved([FOUR, FIVE, SIX]) == [FOUR, SIX, FIVE]
    assert interleaved([FOUR, FIVE]) == [FOUR, FIVE]


TIMES = st.sampled_from([-0.3, -0.25, -0.1, 0.0, 0.1, 0.25, 0.5, math.inf])


@given(st.lists(TIMES, min_size=1, max_size=6))
def test_law_one_line_stays_open_and_each_address_is_dialled_once(times: list[float]) -> None:
    town = Town({f"10.0.0.{n}": seconds for n, seconds in enumerate(times)})

    async def live() -> None:
        won: list[Line] = []
        with trio.move_on_after(60):
            try:
                won = [await race(town.dial, list(town.seconds))]
            except ConnectError:
                assert all(seconds < 0 for seconds in times)
        assert [line for line in town.lines if line.is_open] == won
        assert bool(won) == any(0 <= seconds < math.inf for seconds in times)
        hosts = [host for _, host in town.dialled]
        assert hosts == list(town.seconds)[: len(hosts)]
        gaps = [
            later - at for (at, _), (later, _) in zip(town.dialled, town.dialled[1:], strict=False)
        ]
        assert all(gap <= 0.2500001 for gap in gaps)

    trio.run(live, clock=MockClock(autojump_threshold=0))
