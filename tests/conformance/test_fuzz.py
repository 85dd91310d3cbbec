"""A fuzz of both readers: nearly valid streams in, and every byte that comes out is judged.

The whole proxy runs on the virtual network. What it sends on is read by the strict
parser, and compared with what that parser makes of the bytes that came in: where both
understand a message, they must understand the same.

By default the examples are few and always the same; ``TRIO_LB_FUZZ_EXAMPLES=20000``
asks for as many new ones.
"""

import os
from typing import Final

from hypothesis import HealthCheck, given, settings

from tests.conformance import strict
from tests.conformance.expect import Expect
from tests.conformance.judge import verdict
from tests.conformance.mutations import Stream, request_streams, response_streams
from tests.conformance.ours import open_virtual_stage
from tests.conformance.script import (
    Answers,
    Case,
    Close,
    Direction,
    Ending,
    HalfClose,
    Played,
    Send,
    Whole,
    head,
)
from tests.conformance.seen import End, Seen
from tests.conformance.stage import play
from tests.support.clock import run_in_virtual_time
from trio_lb.sim.network import VirtualNetwork

ASKED: Final = os.environ.get("TRIO_LB_FUZZ_EXAMPLES")
_MOST_ANSWERS: Final = 40

fuzz = settings(
    max_examples=int(ASKED) if ASKED else 150,
    derandomize=ASKED is None,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def played(case: Case) -> Seen:
    """Play it against a proxy of its own, in virtual time."""

    async def main() -> Seen:
        async with open_virtual_stage(VirtualNetwork(seed=0)) as stage:
            return await play(case, stage)

    seen = run_in_virtual_time(main)
    assert isinstance(seen, Seen)
    return seen


def told(seen: Seen) -> str:
    """What happened, for the report of a failure."""
    return "\n".join(seen.story())


ALWAYS: Final = (Expect(lambda _: None),)


def request_case(stream: Stream) -> Case:
    """Send the stream and then FIN: whatever waits for more gets its end."""
    return Case(
        id="fuzz: request",
        rule="9112",
        client=(Send(stream.pieces), HalfClose()),
        expect=ALWAYS,
        answers=_MOST_ANSWERS,
        methods=(b"GET",) * _MOST_ANSWERS,
        ending=Ending.CLOSED,
    )


def response_case(stream: Stream) -> Case:
    """Answer a GET with the stream, and close."""
    return Case(
        id="fuzz: response",
        rule="9112",
        # The script's end is waited for: what a server says behind its answer may come
        # after the next request was sent to it, and then nobody can tell it from an answer.
        client=(Send((head(),)), Answers(1), Played()),
        server=((Whole(), Send(stream.pieces), Close()),),
        expect=ALWAYS,
        direction=Direction.RESPONSE,
    )


@fuzz
@given(request_streams())
def test_whatever_a_client_sends_servers_get_strict_requests(stream: Stream) -> None:
    seen = played(request_case(stream))
    assert verdict(request_case(stream), seen) == [], told(seen)
    assert seen.ended is not End.OPEN, told(seen)
    refusals = [m for m in seen.answers if not m.head.values(b"x-answer-to")]
    assert len(seen.answers) - len(refusals) == len(seen.requests), told(seen)
    assert refusals in ([], seen.answers[-1:]), "an error ends the connection"
    agree_about(stream, seen)


def agree_about(stream: Stream, seen: Seen) -> None:
    """Message by message, up to where one of both refuses, the same was understood."""
    theirs = [(m.method, m.target, m.body) for m in seen.requests]
    ours = [(m.method, m.target, m.body) for m in strict.read_requests(stream.data).messages]
    assert theirs[: len(ours)] == ours[: len(theirs)], told(seen)
    answered = [m.head.values(b"x-answer-to") for m in seen.answers if m.status == 200]
    assert answered == [[target] for _, target, _ in theirs], told(seen)


@fuzz
@given(request_streams(most_mutations=0))
def test_a_valid_stream_is_served_whole_however_it_is_cut(stream: Stream) -> None:
    seen = played(request_case(stream))
    wanted = strict.read_requests(stream.data)
    assert wanted.rest == b""
    assert [m.status for m in seen.answers] == [200] * len(wanted.messages), told(seen)
    agree_about(stream, seen)


@fuzz
@given(response_streams())
def test_whatever_a_server_sends_clients_get_strict_answers(stream: Stream) -> None:
    seen = played(response_case(stream))
    assert verdict(response_case(stream), seen) == [], told(seen)
    flow = strict.read_responses(stream.data, [b"GET"], ended=True)
    if flow.finals:
        right = (flow.finals[0].status, flow.finals[0].body)
        got = [(m.status, m.body) for m in seen.answers]
        assert got == [right] or seen.first_status == 502, told(seen)
    elif flow.violation is None:
        assert not seen.answers or seen.first_status in (502, 200), told(seen)
        assert not seen.answers or seen.answers[0].body != b"hello", told(seen)


@fuzz
@given(response_streams(most_mutations=0))
def test_a_valid_answer_arrives_however_it_is_cut(stream: Stream) -> None:
    seen = played(response_case(stream))
    flow = strict.read_responses(stream.data, [b"GET"], ended=True)
    right = [(m.status, m.body) for m in flow.finals]
    assert [(m.status, m.body) for m in seen.answers] == right, told(seen)
    assert seen.interim == [m.status for m in flow.messages if m.status < 200], told(seen)
