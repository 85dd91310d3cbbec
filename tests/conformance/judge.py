"""What must hold of every case, whatever it is about.

* every byte to a server is strict HTTP/1.1, framed in one way only, with nothing left
  in it that belonged to the client's hop;
* every byte to the client is strict, complete or visibly cut, and answers its request;
* the proxy lives, and nobody else noticed.
"""

from collections.abc import Iterator
from typing import Final

from tests.conformance.script import Case
from tests.conformance.seen import BARRIER, End, Seen
from tests.conformance.strict import Head

_OWN_OPTIONS: Final = frozenset({b"close", b"keep-alive", b"upgrade", b"te"})
_NEVER_RELAYED: Final = (b"keep-alive", b"proxy-connection", b"http2-settings")


def verdict(case: Case, seen: Seen) -> list[str]:
    """Everything that is wrong with a play, in plain words; empty when it is right."""
    found = [*_to_the_servers(seen), *_to_the_client(seen), *_of_the_house(seen)]
    for predicate in case.expect:
        if (wrong := predicate(seen)) is not None:
            found.append(wrong)
    return found


def _to_the_servers(seen: Seen) -> Iterator[str]:
    for connection in seen.upstream:
        flow = connection.flow
        if flow.violation is not None:
            yield f"to the server: {flow.violation}"
        for message in flow.messages:
            yield from (f"to the server: {wrong}" for wrong in _of_its_own_hop(message.head))


def _of_its_own_hop(head: Head) -> Iterator[str]:
    """Fields of one connection that stand in a message of another (9110 §7.6.1)."""
    options = set(head.options(b"connection"))
    if options - _OWN_OPTIONS:
        yield f"Connection names {options - _OWN_OPTIONS}"
    for name in _NEVER_RELAYED:
        if head.values(name):
            yield f"{name.decode()} was relayed"
    if head.values(b"upgrade") and b"upgrade" not in options:
        yield "Upgrade without its connection option"
    codings = head.options(b"te")
    if codings and (codings != [b"trailers"] or b"te" not in options):
        yield f"TE: {codings} with Connection: {options}"


def _to_the_client(seen: Seen) -> Iterator[str]:
    flow = seen.flow
    if flow.violation is not None:
        yield f"to the client: {flow.violation}"
    if seen.stuck is not None:
        yield seen.stuck
    finals = flow.finals
    for number, message in enumerate(flow.messages):
        yield from (f"to the client: {wrong}" for wrong in _of_its_own_hop_back(message.head))
        closes = b"close" in message.head.options(b"connection")
        if closes and number + 1 < len(flow.messages):
            yield "an answer followed one that said close"
    if finals and b"close" in finals[-1].head.options(b"connection") and seen.ended is End.OPEN:
        yield "the answer said close, but the connection stayed open"
    if seen.barrier_sent and seen.ended is End.OPEN and seen.barrier is None:
        yield "the next request on the connection got no answer of its own"
    if seen.barrier is not None and finals[-1] is not seen.barrier:
        yield f"the answer to {BARRIER.decode()} came before the end"


def _of_its_own_hop_back(head: Head) -> Iterator[str]:
    options = set(head.options(b"connection"))
    if options - _OWN_OPTIONS:
        yield f"Connection names {options - _OWN_OPTIONS}"
    for name in (*_NEVER_RELAYED, b"te"):
        if head.values(name):
            yield f"{name.decode()} was relayed"


def _of_the_house(seen: Seen) -> Iterator[str]:
    if seen.alive is not None:
        yield f"afterwards {seen.alive}"
    if seen.bystander is not None:
        yield f"a bystander was disturbed: {seen.bystander}"
