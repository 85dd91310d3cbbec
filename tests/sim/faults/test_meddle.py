"""Meddling: who is met, what the rules see of questions and answers, however they are cut up."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sim.faults.play import Play, play
from trio_lb.sim.faults.meddle import Asking, BodyCut, Cut, HeadScan, Talk, meddle
from trio_lb.sim.faults.overlay import Heal
from trio_lb.sim.rule import End, Rule
from trio_lb.sim.stream import VirtualStream

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
BODY = b"123456789"


def test_ends_that_stand_and_ends_that_come_are_met_until_the_heal() -> None:
    async def scene(world: Play) -> None:
        met: list[tuple[str, VirtualStream]] = []

        def meddler(end: VirtualStream) -> Heal:
            met.append(("on", end))
            return lambda: met.append(("off", end))

        _, far = await world.pair()
        host = world.net.host("s1")
        heal = meddle([host], [far], meddler)
        _, later = await world.pair()
        heal()
        heal()
        await world.pair()
        assert met == [("on", far), ("on", later), ("off", far), ("off", later)]
        assert not host.greeters

    play(scene)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[begin:end] for begin, end in itertools.pairwise(places)]


some_cuts = st.lists(st.integers(0, 100), max_size=6)


@given(some_cuts, st.binary(max_size=5))
def test_the_end_of_a_head_is_found_however_it_comes(cuts: list[int], behind: bytes) -> None:
    scan, seen = HeadScan(), 0
    for piece in pieces(HEAD + behind, cuts):
        end = scan.end_in(piece)
        if end is not None:
            assert seen + end == len(HEAD)
            return
        seen += len(piece)
    raise AssertionError("there is one")


@given(some_cuts, st.sampled_from([0, 1, 20, 41, 45]), st.booleans())
def test_an_answer_is_cut_after_so_many_bytes_and_the_next_one_again(
    cuts: list[int], most: int, body_only: bool
) -> None:
    talk = Talk()
    asking = Asking(talk)
    rule: Rule = BodyCut(talk, most, End.FIN) if body_only else Cut(talk, most, End.FIN)
    for _ in range(2):
        assert asking.judge(b"GET / HTTP/1.1\r\n", 0.0).data == b"GET / HTTP/1.1\r\n"
        asking.judge(b"\r\n", 0.0)
        passed, end = bytearray(), End.NONE
        for piece in pieces(HEAD + BODY, cuts):
            ruling = rule.judge(piece, 0.0)
            passed += ruling.data
            if ruling.end is not End.NONE:
                end = ruling.end
                break
        whole = len(HEAD) + len(BODY)
        allowed = most + (len(HEAD) if body_only else 0)
        assert passed == (HEAD + BODY)[:allowed]
        assert end is (End.FIN if allowed < whole else End.NONE)


@pytest.mark.parametrize("cuts", [[], [len(HEAD)]])
def test_no_byte_of_a_body_passes_where_none_may(cuts: list[int]) -> None:
    rule = BodyCut(Talk(), 0, End.RESET)
    first, *_ = pieces(HEAD + BODY, cuts)
    assert rule.judge(first, 0.0) == (HEAD, 0.0, End.RESET)
