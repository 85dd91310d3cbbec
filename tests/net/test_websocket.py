"""Frame boundaries: found by arithmetic, wherever the pieces of a stream were cut."""

from collections.abc import Sequence
from itertools import pairwise

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.frame_protocol import CloseReason, FrameProtocol, Opcode

from tests.support.frames import CONTINUATION, PING, PONG, TEXT, Frame
from trio_lb.net.websocket import GOING_AWAY, FrameTracker, close_frame, ping_frame

sizes = st.sampled_from([0, 1, 2, 125, 126, 127, 300, 65535, 65536, 70000])
controls = st.builds(Frame, st.sampled_from([PING, PONG]), st.binary(max_size=125))
messages = st.lists(st.tuples(sizes, st.lists(controls, max_size=2)), min_size=1, max_size=3)


def frames_of(message: Sequence[tuple[int, Sequence[Frame]]]) -> list[Frame]:
    """A message in as many fragments, each followed by some control frames."""
    frames: list[Frame] = []
    for number, (size, between) in enumerate(message):
        is_final = number == len(message) - 1
        opcode, payload = CONTINUATION if number else TEXT, b"\x88" * size
        frames += [Frame(opcode, payload, is_final), *between]
    return frames


def pieces_of(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    ends = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(ends)]


@given(
    st.lists(messages, max_size=4),
    st.booleans(),
    st.lists(st.integers(0, 2**20), max_size=8),
)
def test_law_every_boundary_is_found_however_the_stream_is_cut(
    conversation: list[list[tuple[int, list[Frame]]]], masked: bool, cuts: list[int]
) -> None:
    frames = [frame for message in conversation for frame in frames_of(message)]
    data, boundaries, gaps, in_message = b"", {0}, {0}, False
    for frame in frames:
        data += bytes(attrs.evolve(frame, is_masked=masked))
        boundaries.add(len(data))
        in_message = in_message if frame.opcode > 2 else not frame.is_final
        if not in_message:
            gaps.add(len(data))
    tracker, start = FrameTracker(masked=masked), 0
    for piece in pieces_of(data, cuts):
        tracker.feed(piece)
        end = start + len(piece)
        here = {at for at in boundaries if start <= at <= end}
        assert tracker.boundary == max(here, default=start - 1) - start
        assert tracker.gap == max(here & gaps, default=start - 1) - start
        assert tracker.is_between_frames is (end in boundaries)
        assert tracker.is_between_messages is (end in gaps)
        start = end
    assert not tracker.is_closed
    assert not tracker.is_lost


@given(st.binary(max_size=60), st.booleans(), st.lists(st.integers(0, 60), max_size=9))
def test_law_bytes_cut_anyhow_mean_the_same(data: bytes, masked: bool, cuts: list[int]) -> None:
    """Also where they are no frames: what is lost is lost at the same byte."""
    whole, parts = FrameTracker(masked=masked), FrameTracker(masked=masked)
    whole.feed(data)
    for piece in pieces_of(data, cuts):
        parts.feed(piece)
    for name in ("is_lost", "is_closed", "is_between_frames", "is_between_messages"):
        assert getattr(whole, name) == getattr(parts, name)


def tracker_after(data: bytes, *, masked: bool = False) -> FrameTracker:
    tracker = FrameTracker(masked=masked)
    tracker.feed(data)
    return tracker


@pytest.mark.parametrize(
    ("why", "data"),
    [
        ("a reserved opcode", b"\x83\x01x"),
        ("a reserved control opcode", b"\x8b\x00"),
        ("a control frame of 126 bytes", b"\x89\x7e\x00\x7e" + b"x" * 126),
        ("a control frame in fragments", b"\x09\x00"),
        ("a mask from a server", b"\x81\x81maskx"),
        ("a length of more than 63 bits", b"\x82\x7f\x80" + b"\x00" * 7),
    ],
)
def test_a_malformed_header_loses_it_for_good(why: str, data: bytes) -> None:
    tracker = tracker_after(b"\x81\x02ok" + data)
    assert tracker.is_lost, why
    assert not tracker.is_between_frames
    tracker.feed(b"\x81\x02ok" * 3)
    assert (tracker.boundary, tracker.gap, tracker.is_closed) == (-1, -1, False)


def test_what_came_whole_before_a_malformed_header_is_still_known() -> None:
    assert tracker_after(b"\x81\x02ok\x83\x00").boundary == 4


def test_a_client_that_does_not_mask_is_no_client() -> None:
    assert tracker_after(b"\x81\x02ok", masked=True).is_lost
    assert not tracker_after(b"\x81\x82maskok", masked=True).is_lost


def test_extensions_may_use_their_bits() -> None:
    """RSV1 marks a compressed message (RFC 7692 section 6)."""
    assert tracker_after(b"\xc1\x02ok").is_between_messages


def test_a_close_counts_once_all_of_it_came() -> None:
    tracker = tracker_after(b"\x81\x02ok\x88\x02\x03")
    assert (tracker.is_closed, tracker.is_between_frames) == (False, False)
    tracker.feed(b"\xe9")
    assert tracker.is_closed
    assert (tracker.boundary, tracker.gap) == (1, 1)
    tracker.feed(b"whatever follows")
    assert (tracker.is_closed, tracker.is_lost, tracker.boundary) == (True, False, -1)


def test_an_empty_close_is_a_close() -> None:
    assert tracker_after(b"\x88\x00").is_closed


def test_an_endless_frame_is_only_counted() -> None:
    tracker = tracker_after(b"\x82\x7f\x7f" + b"\xff" * 7)
    for _ in range(3):
        tracker.feed(b"\x88\x00" * 1000)
        assert (tracker.boundary, tracker.is_lost, tracker.is_closed) == (-1, False, False)


def test_our_close_is_read_as_one_by_a_client_and_by_a_server() -> None:
    to_client = FrameProtocol(client=True, extensions=[])
    to_client.receive_bytes(close_frame(GOING_AWAY))
    (frame,) = to_client.received_frames()
    assert (frame.opcode, frame.payload) == (Opcode.CLOSE, (CloseReason.GOING_AWAY, ""))
    to_server = FrameProtocol(client=False, extensions=[])
    to_server.receive_bytes(close_frame(GOING_AWAY, b"\x01\x02\x03\x04"))
    (frame,) = to_server.received_frames()
    assert (frame.opcode, frame.payload) == (Opcode.CLOSE, (CloseReason.GOING_AWAY, ""))
    assert close_frame(GOING_AWAY) == b"\x88\x02\x03\xe9"
    assert close_frame(GOING_AWAY, b"\x01\x02\x03\x04") == b"\x88\x82\x01\x02\x03\x04\x02\xeb"


def test_our_ping_is_one() -> None:
    client = FrameProtocol(client=True, extensions=[])
    client.receive_bytes(ping_frame(b"hello"))
    (frame,) = client.received_frames()
    assert (frame.opcode, frame.payload) == (Opcode.PING, b"hello")
    assert tracker_after(ping_frame(b"hello")).is_between_messages
