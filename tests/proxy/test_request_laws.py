"""What holds of any request on its way through, whoever sent it.

Heads come from the reader and go back into it, and into the strict parser that
shares no code with either.
"""

import attrs
from hypothesis import example, given
from hypothesis import strategies as st

from tests.conformance import strict
from tests.proxy.heads import requests
from tests.proxy.stage import READER, head_of
from trio_lb.model.address import Address
from trio_lb.model.message import Field, RequestHead
from trio_lb.proxy.request_out import RequestWriter, Trust

SERVER = Address("10.0.0.9", 8000)
PEER = "192.0.2.7"

NEVER_PASSED_ON = {
    b"keep-alive", b"proxy-connection", b"proxy-authorization", b"proxy", b"http2-settings",
}  # fmt: skip
WRITTEN_ANEW = NEVER_PASSED_ON | {
    b"host", b"content-length", b"transfer-encoding", b"expect", b"connection", b"te", b"upgrade",
}  # fmt: skip
GUARDS = {b"host", b"via", b"max-forwards"}

WRITERS = st.builds(
    RequestWriter,
    peer=st.just(PEER),
    scheme=st.sampled_from(["http", "https"]),
    trusted=st.booleans(),
    forwarded=st.booleans(),
    pseudonym=st.just("trio-lb-1"),
)


GUARDED = head_of(
    "OPTIONS / HTTP/1.1\nHost: a\nConnection: host, via, max-forwards\n"
    "Via: 1.0 elsewhere\nMax-Forwards: 7"
)
TYPICAL = RequestWriter(
    peer=PEER, scheme="http", trusted=False, forwarded=True, pseudonym="trio-lb-1"
)


def write(writer: RequestWriter, head: RequestHead) -> bytes:
    """The head as it goes out; no request here has been there before."""
    written = writer.write(head, request_id="c0ffee", server=SERVER)
    assert written is not None
    return written


def again(written: bytes) -> RequestHead:
    """The head as the next trio-lb reads it."""
    head = READER.parse(written)
    assert isinstance(head, RequestHead), head
    return head


def vouches(field: Field) -> bool:
    """Whether a field is a proxy's word for its client."""
    lower = field[0]
    named = {b"forwarded", b"x-real-ip", b"x-request-id"}
    return lower.startswith(b"x-forwarded-") or lower in named


@given(requests(), WRITERS)
def test_what_goes_out_is_strict_http_with_one_host(
    head: RequestHead, writer: RequestWriter
) -> None:
    written = write(writer, head)
    parsed = strict.read_head(written)
    assert parsed is not None
    assert parsed.size == len(written)
    assert parsed.start == (head.method, head.target, b"HTTP/1.1")
    strict.check_host(parsed)
    assert parsed.values(b"host") == [head.host or b"10.0.0.9:8000"]


@example(GUARDED, TYPICAL)
@given(requests(), WRITERS)
def test_what_goes_out_means_what_came_in(head: RequestHead, writer: RequestWriter) -> None:
    out = again(write(writer, head))
    meaning = attrs.fields_dict(RequestHead).keys() - {"fields", "minor", "connection", "host"}
    for name in meaning - {"max_forwards"}:
        assert getattr(out, name) == getattr(head, name), name
    assert out.max_forwards == (None if head.max_forwards is None else head.max_forwards - 1)


@given(requests(), WRITERS)
def test_nothing_that_belongs_to_the_client_s_hop_goes_out(
    head: RequestHead, writer: RequestWriter
) -> None:
    out = again(write(writer, head))
    names = {lower for lower, _, _ in out.fields}
    assert names & NEVER_PASSED_ON == set()
    assert out.connection == ({b"upgrade"} if head.upgrade else out.connection & {b"te"})
    assert (b"te" in names) == (b"te" in out.connection)
    assert (b"upgrade" in names) == (head.upgrade is not None)
    ours = {lower for lower, _, _ in out.fields if vouches((lower, b"", b""))}
    assert names & head.connection <= WRITTEN_ANEW | GUARDS | ours


@given(requests(), WRITERS)
def test_every_other_field_goes_out_as_it_came_and_in_its_order(
    head: RequestHead, writer: RequestWriter
) -> None:
    out = again(write(writer, head))
    # Max-Forwards may count down, and Via has our own behind it: both are tested apart.
    apart = WRITTEN_ANEW | GUARDS
    sent = [field for field in head.fields if field[0] not in apart | head.connection]
    arrived = [field for field in out.fields if field[0] not in apart]
    assert [f for f in arrived if not vouches(f)] == [f for f in sent if not vouches(f)]


@example(GUARDED, TYPICAL)
@given(requests(), WRITERS)
def test_our_own_via_stands_last_behind_every_other(
    head: RequestHead, writer: RequestWriter
) -> None:
    before = [value for lower, _, value in head.fields if lower == b"via"]
    after = [value for lower, _, value in again(write(writer, head)).fields if lower == b"via"]
    assert after == [*before, b"1.%d trio-lb-1" % head.minor]


@given(requests(), WRITERS)
def test_a_request_that_comes_back_is_known(head: RequestHead, writer: RequestWriter) -> None:
    returned = again(write(writer, head))
    assert writer.write(returned, request_id="c0ffee", server=SERVER) is None


@given(requests(), st.booleans())
def test_without_forwarded_headers_only_a_trusted_peer_s_own_pass(
    head: RequestHead, trusted: bool
) -> None:
    writer = RequestWriter(
        peer=PEER, scheme="http", trusted=trusted, forwarded=False, pseudonym="trio-lb-1"
    )
    out = again(write(writer, head))
    kept = [f for f in head.fields if vouches(f) and f[0] not in head.connection]
    assert [f for f in out.fields if vouches(f)] == (kept if trusted else [])


def values(head: RequestHead, name: bytes) -> list[bytes]:
    return [value for lower, _, value in head.fields if lower == name]


@given(requests())
def test_nothing_that_an_untrusted_peer_says_of_itself_arrives(head: RequestHead) -> None:
    out = again(write(TYPICAL, head))
    said = {lower: value for lower, _, value in out.fields if vouches((lower, b"", b""))}
    element = said.pop(b"forwarded", b"")
    assert element.startswith(b"for=192.0.2.7;proto=http") or not element
    assert bool(element) == (b"forwarded" in {f[0] for f in head.fields} - head.connection)
    expected = {
        b"x-forwarded-for": b"192.0.2.7",
        b"x-forwarded-proto": b"http",
        b"x-real-ip": b"192.0.2.7",
        b"x-request-id": b"c0ffee",
    }
    assert said == expected | ({b"x-forwarded-host": head.host} if head.host else {})
    assert all(len(values(out, name)) == 1 for name in said)


@given(requests())
def test_a_trusted_peer_s_words_stay_and_the_peer_stands_behind_them(head: RequestHead) -> None:
    writer = RequestWriter(
        peer=PEER, scheme="http", trusted=True, forwarded=True, pseudonym="trio-lb-1"
    )
    out = again(write(writer, head))
    nominated = b"x-forwarded-for" in head.connection
    chain = [] if nominated else values(head, b"x-forwarded-for")
    assert values(out, b"x-forwarded-for") == [b", ".join([*chain, b"192.0.2.7"])]
    assert values(out, b"x-request-id") == [b"c0ffee"]
    for name in (b"x-forwarded-proto", b"x-forwarded-prefix"):
        assert values(out, name)[: len(values(head, name))] == values(head, name)


# Who the client is.

TRUST = Trust(["10.0.0.0/8", "2001:db8::/32"])
OURS = ["10.0.0.1", "10.9.9.9", "2001:db8::1"]
HOSTS = st.sampled_from([*OURS, "192.0.2.7", "8.8.8.8", "::1", "unknown", "192.0.2.7:81"])
CHAINS = st.lists(HOSTS, max_size=5)


@given(CHAINS, HOSTS)
def test_the_client_is_the_last_one_whom_nobody_trusted_vouches_for(
    chain: list[str], peer: str
) -> None:
    """A word that is no address ends the chain: who said it is the last that is known."""
    whole = [*(host.removesuffix(":81") for host in chain), peer]
    nonsense = [place for place, host in enumerate(chain) if host == "unknown"]
    known = whole[nonsense[-1] + 1 :] if nonsense else whole
    strangers = [host for host in known if host not in OURS]
    client = TRUST.client_of(peer, ", ".join(chain))
    assert client == (strangers[-1] if strangers else known[0])


@given(CHAINS, CHAINS, HOSTS)
def test_nothing_that_a_client_puts_in_front_changes_who_it_is(
    invented: list[str], chain: list[str], peer: str
) -> None:
    real = ["203.0.113.5", *chain]
    assert TRUST.client_of(peer, ",".join([*invented, *real])) == TRUST.client_of(
        peer, ",".join(real)
    )
