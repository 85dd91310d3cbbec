"""Cases that need another configuration than the corpus': trusted peers, and limits."""

from collections.abc import Callable
from typing import Final

import attrs
import pytest

from tests.conformance.expect import (
    body,
    broken_off,
    closed,
    kept,
    refused,
    requests,
    sent,
    sent_body,
    sent_last_client,
    sent_matching,
    status,
)
from tests.conformance.judge import verdict
from tests.conformance.script import Case, case, chunked, head, post, post_chunked
from tests.conformance.test_corpus import play_virtually
from tests.support.clock import run_in_virtual_time
from trio_lb.config.schema import Config, LimitsConfig

Change = Callable[[Config], Config]
FAR: Final = b"203.0.113.66"


def trusting(plan: Config) -> Config:
    """Every client of the virtual network is a proxy of ours."""
    return attrs.evolve(plan, trusted_proxies=("10.0.0.0/16",))


def silent(plan: Config) -> Config:
    """No fields about the client; Via stays (9110 §7.6.3)."""
    return attrs.evolve(plan, forwarded_headers=False)


def limited(**limits: int) -> Change:
    """The product's limits but for these."""
    return lambda plan: attrs.evolve(plan, limits=attrs.evolve(LimitsConfig(), **limits))


CASES: Final[tuple[tuple[Change, Case], ...]] = (
    (
        trusting,
        case(
            "configured: a trusted peer's X-Forwarded-For is appended to",
            "7239 7.4",
            head(b"X-Forwarded-For: " + FAR),
            status(200),
            sent_last_client(b"x-forwarded-for"),
            sent_matching(b"x-forwarded-for", lambda got: got[:-1] == [FAR], "what came stays"),
        ),
    ),
    (
        trusting,
        case(
            "configured: a trusted peer's X-Forwarded-Proto, -Host and X-Real-IP are kept",
            "7239 8",
            head(
                b"X-Forwarded-Proto: https",
                b"X-Forwarded-Host: b.test",
                b"X-Real-IP: " + FAR,
            ),
            status(200),
            sent(b"x-forwarded-proto", b"https"),
            sent(b"x-forwarded-host", b"b.test"),
            sent(b"x-real-ip", FAR),
        ),
    ),
    (
        trusting,
        case(
            "configured: a trusted peer's X-Request-ID is kept",
            "7239 8",
            head(b"X-Request-ID: abc-123"),
            status(200),
            sent(b"x-request-id", b"abc-123"),
        ),
    ),
    (
        silent,
        case(
            "configured: without forwarded fields Via is still there",
            "9110 7.6.3",
            head(),
            status(200),
            sent(b"x-forwarded-for"),
            sent(b"x-forwarded-proto"),
            sent(b"x-real-ip"),
            sent_matching(b"via", lambda got: len(got) == 1, "one entry"),
        ),
    ),
    (
        limited(body_size=10),
        case("configured: a body of the limit", "9110 15.5.14", post(b"x" * 10),
             status(200), sent_body(b"x" * 10), kept()),
    ),
    (
        limited(body_size=10),
        case("configured: a body above the limit", "9110 15.5.14", post(b"x" * 11), refused(413)),
    ),
    (
        limited(body_size=10),
        case("configured: chunks of the limit", "9110 15.5.14", post_chunked(chunked(b"x" * 10)),
             status(200), sent_body(b"x" * 10), kept()),
    ),
    (
        limited(body_size=10),
        case("configured: chunks above the limit", "9110 15.5.14",
             post_chunked(chunked(b"x" * 6, b"y" * 6)), broken_off(413)),
    ),
    (
        limited(header_count=5),
        case("configured: as many fields as may be", "9110 5.4", head(*[b"X-A: b"] * 4),
             status(200), requests(1), kept()),
    ),
    (
        limited(header_count=5),
        case("configured: a field too many", "9110 5.4", head(*[b"X-A: b"] * 5), refused(431)),
    ),
    (
        limited(target_size=100),
        case("configured: a target of the limit", "9112 3", head(target=b"/" + b"a" * 99),
             status(200), kept()),
    ),
    (
        limited(target_size=100),
        case("configured: a target above the limit", "9112 3", head(target=b"/" + b"a" * 100),
             refused(414)),
    ),
    (
        limited(head_size=2000),
        case("configured: a head above the limit", "9110 5.4", head(b"X-A: " + b"a" * 2000),
             refused(431)),
    ),
    (
        limited(requests_per_connection=2),
        case("configured: the last request of a connection", "9112 9.6",
             head(target=b"/1") + head(target=b"/2") + head(target=b"/3"),
             body(b"answer to /1"), body(b"answer to /2", at=1), requests(2),
             closed(), answers=2),
    ),
)  # fmt: skip
BY_ID: Final = {built.id: (change, built) for change, built in CASES}


@pytest.mark.parametrize("name", BY_ID)
def test_conforms_under_another_configuration(name: str) -> None:
    change, built = BY_ID[name]
    seen, leaks = run_in_virtual_time(lambda: play_virtually(built, change))
    assert verdict(built, seen) == [], "\n".join(seen.story())
    assert leaks == []
