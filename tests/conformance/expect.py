"""Predicates over what was seen; each returns what is wrong, or ``None``.

A predicate with ``closes`` set asks for the end of the connection, so that the
client waits for it instead of asking for the barrier.
"""

from collections.abc import Callable, Collection
from typing import Final

import attrs

from tests.conformance.seen import End, Seen
from tests.conformance.strict import Framing, Message

Check = Callable[[Seen], str | None]


@attrs.frozen(slots=True)
class Expect:
    """A named check."""

    check: Check
    closes: bool = False

    def __call__(self, seen: Seen) -> str | None:
        return self.check(seen)


def _expect(good: Callable[[Seen], bool], wrong: Callable[[Seen], str]) -> Expect:
    return Expect(lambda seen: None if good(seen) else wrong(seen))


# ---------------------------------------------------------------- answers


def status(*allowed: int, at: int = 0) -> Expect:
    """The answer number ``at`` has one of these statuses."""

    def check(seen: Seen) -> str | None:
        if at == 0:
            got = seen.first_status
        else:
            got = seen.answers[at].status if len(seen.answers) > at else None
        return None if got in allowed else f"status {got} is none of {allowed}"

    return Expect(check)


def statuses(*wanted: int) -> Expect:
    """These are the statuses of all answers, in order."""
    return _expect(
        lambda seen: [m.status for m in seen.answers] == list(wanted),
        lambda seen: f"statuses {[m.status for m in seen.answers]} are not {list(wanted)}",
    )


def closed() -> Expect:
    """The proxy ends the connection."""

    def check(seen: Seen) -> str | None:
        return "the connection stayed open" if seen.ended is End.OPEN else None

    return Expect(check, closes=True)


def kept() -> Expect:
    """The connection serves another request."""
    return _expect(lambda seen: seen.barrier is not None, lambda _: "the connection was not kept")


def body(wanted: bytes, at: int = 0) -> Expect:
    """The answer number ``at`` is complete with this body."""

    def check(seen: Seen) -> str | None:
        if len(seen.answers) <= at:
            return f"no complete answer number {at}"
        got = seen.answers[at].body
        return None if got == wanted else f"body {got!r:.80} is not {wanted!r:.80}"

    return Expect(check)


def answers_to(*targets: bytes) -> Expect:
    """The answers name these targets, in this order, and there are no others."""
    return _expect(
        lambda seen: (
            [m.head.values(b"x-answer-to") for m in seen.answers] == [[t] for t in targets]
        ),
        lambda seen: f"answers to {[m.head.values(b'x-answer-to') for m in seen.answers]}",
    )


def one_answer() -> Expect:
    """Exactly one final answer."""
    return _expect(
        lambda seen: len(seen.answers) == 1, lambda seen: f"{len(seen.answers)} answers, not 1"
    )


def cut() -> Expect:
    """The first answer is visibly incomplete: no last chunk, too short, or a reset."""

    def check(seen: Seen) -> str | None:
        if seen.answers:
            return f"the answer looks complete: {seen.answers[0].status}, {len(seen.answers[0].body)} bytes"
        # Nothing at all before the end is as visible.
        return "no answer began" if seen.cut_head is None and seen.heard else None

    return Expect(check, closes=True)


def interim(*wanted: int) -> Expect:
    """These 1xx statuses came, in order, and no others."""
    return _expect(
        lambda seen: seen.interim == list(wanted),
        lambda seen: f"interim answers {seen.interim} are not {list(wanted)}",
    )


def field(name: bytes, *wanted: bytes, at: int = 0) -> Expect:
    """The answer has exactly these lines of the field; none given: it has none."""

    def check(seen: Seen) -> str | None:
        heads = [m.head for m in seen.answers]
        if not heads and seen.cut_head is not None:
            heads = [seen.cut_head]
        if len(heads) <= at:
            return f"no answer to look for {name.decode()} in"
        got = heads[at].values(name)
        return None if got == list(wanted) else f"{name.decode()} is {got}, not {list(wanted)}"

    return Expect(check)


def has_field(name: bytes, at: int = 0) -> Expect:
    """The answer has one line of the field."""
    return _expect(
        lambda seen: len(seen.answers) > at and len(seen.answers[at].head.values(name)) == 1,
        lambda _: f"the answer has not exactly one {name.decode()}",
    )


def framed(*allowed: Framing, at: int = 0) -> Expect:
    """The answer's body is framed in one of these ways."""
    return _expect(
        lambda seen: len(seen.answers) > at and seen.answers[at].framing in allowed,
        lambda seen: f"framing {[m.framing.value for m in seen.answers]} at {at}",
    )


def silent(secret: bytes) -> Expect:
    """The client never hears these bytes."""
    return _expect(lambda seen: secret not in seen.heard, lambda _: f"the client heard {secret!r}")


def heard(data: bytes) -> Expect:
    """The client hears these bytes."""
    return _expect(lambda seen: data in seen.heard, lambda _: f"the client never heard {data!r}")


# ---------------------------------------------------------------- servers


def nothing_sent() -> Expect:
    """No byte of it reaches a server."""
    return _expect(
        lambda seen: not seen.touched,
        lambda seen: f"the server got {bytes(seen.touched[0].data)!r:.200}",
    )


def requests(*counts: int) -> Expect:
    """So many complete requests reach the servers."""
    return _expect(
        lambda seen: len(seen.requests) in counts,
        lambda seen: f"{len(seen.requests)} requests reached the server, not {counts}",
    )


def nothing_complete() -> Expect:
    """No request becomes complete at a server."""
    return _expect(lambda seen: not seen.requests, lambda _: "a request became complete")


Look = Callable[[Message], str | None]


def _upstream(at: int, look: Look) -> Expect:
    def check(seen: Seen) -> str | None:
        if len(seen.requests) <= at:
            return f"no request number {at} at the server"
        return look(seen.requests[at])

    return Expect(check)


def sent(name: bytes, *wanted: bytes, at: int = 0) -> Expect:
    """The request at the server has exactly these lines of the field."""

    def look(message: Message) -> str | None:
        got = message.head.values(name)
        if got == list(wanted):
            return None
        return f"at the server {name.decode()} is {got}, not {list(wanted)}"

    return _upstream(at, look)


def sent_from_client(name: bytes) -> Expect:
    """The field at the server is the client's address."""
    return Expect(lambda seen: sent(name, seen.client_host)(seen))


def sent_last_client(name: bytes) -> Expect:
    """The last element of the list field at the server is the client's address."""
    return Expect(
        lambda seen: sent_matching(
            name, lambda got: got[-1:] == [seen.client_host], "the last must be the client"
        )(seen)
    )


def sent_matching(name: bytes, good: Callable[[list[bytes]], bool], why: str) -> Expect:
    """The list of the field's elements at the server, lower case, is ``good``."""

    def look(message: Message) -> str | None:
        got = message.head.options(name)
        return None if good(got) else f"at the server {name.decode()} is {got}: {why}"

    return _upstream(0, look)


def sent_body(wanted: bytes, at: int = 0) -> Expect:
    """The request at the server has this body."""
    return _upstream(
        at,
        lambda m: None if m.body == wanted else f"body at the server {m.body!r:.80}",
    )


def sent_target(*allowed: bytes, at: int = 0) -> Expect:
    """The request at the server has one of these targets."""
    return _upstream(
        at,
        lambda m: None if m.target in allowed else f"target at the server {m.target!r:.80}",
    )


def sent_in_our_version() -> Expect:
    """The request at the server is HTTP/1.1, whatever the client speaks."""
    return _upstream(
        0,
        lambda m: (
            None if m.head.start[2] == b"HTTP/1.1" else f"version at the server {m.head.start!r}"
        ),
    )


def sent_method(wanted: bytes) -> Expect:
    """The request at the server has this method."""
    return _upstream(
        0, lambda m: None if m.method == wanted else f"method at the server {m.method!r}"
    )


def unsent(secret: bytes) -> Expect:
    """No server ever sees these bytes."""
    return _expect(
        lambda seen: not any(secret in c.data for c in seen.upstream),
        lambda _: f"the server got {secret!r}",
    )


def delivered(data: bytes) -> Expect:
    """A server sees these bytes."""
    return _expect(
        lambda seen: any(data in c.data for c in seen.upstream),
        lambda _: f"the server never got {data!r:.80}",
    )


def upstream_dropped(at: int = 0) -> Expect:
    """The proxy ended the upstream connection ``at`` of the case and used it for nothing else."""

    def check(seen: Seen) -> str | None:
        if len(seen.touched) <= at:
            return "no upstream connection"
        connection = seen.touched[at]
        if len(connection.flow.messages) > 1:
            return "the upstream connection was used again"
        return "the upstream connection stayed open" if connection.ended is End.OPEN else None

    return Expect(check)


# ---------------------------------------------------------------- together


def either(*ways: Expect | tuple[Expect, ...]) -> Expect:
    """One of several ways that the rule allows; each is one predicate or all of a tuple."""
    lists: Final[list[Collection[Expect]]] = [w if isinstance(w, tuple) else (w,) for w in ways]

    def check(seen: Seen) -> str | None:
        wrongs = [[p(seen) for p in way] for way in lists]
        if any(not any(wrong) for wrong in wrongs):
            return None
        return " | ".join("; ".join(filter(None, wrong)) for wrong in wrongs)

    return Expect(check, closes=all(any(p.closes for p in way) for way in lists))


def refused(*statuses: int) -> Expect:
    """Answered with an error (400 unless said), closed, and no byte at a server."""
    allowed = statuses or (400,)
    ways = (status(*allowed), closed(), nothing_sent(), one_answer())

    def check(seen: Seen) -> str | None:
        wrongs = [wrong for p in ways if (wrong := p(seen)) is not None]
        return "; ".join(wrongs) or None

    return Expect(check, closes=True)


def refused_or_closed(*statuses: int) -> Expect:
    """Refused, or closed without a word."""
    quiet = _expect(lambda seen: not seen.heard, lambda _: "something was said")
    return either(refused(*statuses), (quiet, closed(), nothing_sent()))


def broken_off(*statuses: int) -> Expect:
    """Refused after the head was relayed: an error or a close, and nothing complete at a server."""
    quiet = _expect(lambda seen: not seen.heard, lambda _: "something was said")
    allowed = statuses or (400,)
    return either(
        (status(*allowed), closed(), nothing_complete(), one_answer()),
        (quiet, closed(), nothing_complete()),
    )


def bad_gateway() -> Expect:
    """502 instead of the server's answer, one answer only."""
    ways = (status(502), one_answer())
    return Expect(lambda seen: "; ".join(w for p in ways if (w := p(seen)) is not None) or None)
