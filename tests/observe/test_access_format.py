"""The three forms of an access line, byte for byte."""

import json
import re

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.observe.records import RECORD
from trio_lb.observe.access_format import FORMATS, as_json, combined, iso_time, logfmt

NEVER_ANSWERED = attrs.evolve(
    RECORD,
    status=0,
    bytes_out=0,
    pool=None,
    server_id=None,
    attempts=0,
    head_seconds=None,
    error="client_gone",
    referer="",
    user_agent="",
)
LATIN = st.text(st.characters(max_codepoint=255))


def test_combined_is_nginx_s_with_our_fields_at_the_end() -> None:
    assert combined(RECORD) == (
        '192.0.2.7 - - [01/Jan/2026:00:00:05 +0000] "GET /a?b=c HTTP/1.1" 200 12'
        ' "http://a/" "curl/8.5" c0ffee default/s1 1 0.002 0.003 -'
    )


def test_combined_shows_what_is_unknown_as_a_dash() -> None:
    assert combined(NEVER_ANSWERED).endswith('" 0 0 "-" "-" c0ffee - 0 - 0.003 client_gone')


def test_combined_names_the_pool_when_no_server_was_found() -> None:
    line = combined(attrs.evolve(RECORD, server_id=None))
    assert line.endswith(" c0ffee default 1 0.002 0.003 -")


def test_json_has_every_fact_with_its_type() -> None:
    assert json.loads(as_json(RECORD)) == {
        "time": "2026-01-01T00:00:05.250Z",
        "id": "c0ffee",
        "client": "192.0.2.7",
        "method": "GET",
        "target": "/a?b=c",
        "version": "HTTP/1.1",
        "status": 200,
        "bytes_in": 0,
        "bytes_out": 12,
        "pool": "default",
        "server": "s1",
        "attempts": 1,
        "head_seconds": 0.002,
        "total_seconds": 0.0031,
        "error": None,
        "referer": "http://a/",
        "user_agent": "curl/8.5",
    }


def test_logfmt_leaves_out_what_is_unknown() -> None:
    assert logfmt(NEVER_ANSWERED) == (
        "time=2026-01-01T00:00:05.250Z id=c0ffee client=192.0.2.7 method=GET"
        ' target="/a?b=c" version=HTTP/1.1 status=0 bytes_in=0 bytes_out=0 attempts=0'
        " total_seconds=0.0031 error=client_gone"
    )


def test_the_last_millisecond_of_a_second_is_not_rounded_into_the_next() -> None:
    assert iso_time(1_767_225_599.999_6) == "2025-12-31T23:59:59.999Z"


@pytest.mark.parametrize("name", FORMATS)
@given(LATIN, LATIN, LATIN, LATIN)
def test_no_client_can_forge_a_line(
    name: str, target: str, agent: str, referer: str, ident: str
) -> None:
    record = attrs.evolve(
        RECORD, target=target, user_agent=agent, referer=referer, id=ident, client=ident
    )
    assert re.fullmatch(r"[\x20-\x7e]+", FORMATS[name](record))


@given(LATIN, LATIN, LATIN)
def test_combined_always_splits_into_the_same_fields(target: str, agent: str, ident: str) -> None:
    record = attrs.evolve(RECORD, target=target, user_agent=agent, id=ident, client=ident)
    outside_quotes = re.sub(r'"[^"]*"', "Q", combined(record))
    assert len(outside_quotes.split(" ")) == 16


@given(LATIN, LATIN)
def test_json_gives_back_exactly_what_came_in(target: str, agent: str) -> None:
    read = json.loads(as_json(attrs.evolve(RECORD, target=target, user_agent=agent)))
    assert (read["target"], read["user_agent"]) == (target, agent)
