"""What is written down is read back, and bodies name their request."""

from pathlib import Path

import pytest

from benchmarks.ledger.records import (
    ID_IN_TARGET,
    Journal,
    answer_body,
    digest,
    id_named_by,
    read_journal,
)
from tests.ledger.books import right_books


def test_a_journal_gives_back_what_was_written(tmp_path: Path) -> None:
    books = right_books()
    path = tmp_path / "journal"
    with Journal(path) as journal:
        journal.write(*books.intents)
        journal.write(*books.outcomes, *books.sightings)
    assert list(read_journal(path)) == [*books.intents, *books.outcomes, *books.sightings]


def test_a_second_writer_appends(tmp_path: Path) -> None:
    first, second = right_books().intents[:2]
    for record in (first, second):
        with Journal(tmp_path / "journal") as journal:
            journal.write(record)
    assert list(read_journal(tmp_path / "journal")) == [first, second]


def test_a_line_that_is_not_whole_yet_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(path) as journal:
        journal.write(*right_books().intents[:2])
    path.write_bytes(path.read_bytes()[:-10])
    assert list(read_journal(path)) == right_books().intents[:1]


def test_a_journal_that_was_never_begun_is_empty(tmp_path: Path) -> None:
    assert list(read_journal(tmp_path / "none")) == []


@pytest.mark.parametrize("size", [200, 1000, 1024])
def test_a_body_has_the_size_that_was_asked_for_and_names_its_request(size: int) -> None:
    body = answer_body("load-000001", "GET", digest(b""), size)
    assert len(body) == size
    assert id_named_by(body) == "load-000001"


def test_a_body_is_never_too_short_to_name_its_request() -> None:
    body = answer_body("load-000001", "GET", digest(b""), 0)
    assert id_named_by(body) == "load-000001"


def test_two_requests_never_share_a_body_s_filler() -> None:
    one = answer_body("load-000001", "GET", digest(b""), 400)
    other = answer_body("load-000002", "GET", digest(b""), 400)
    assert one[200:] != other[200:]


@pytest.mark.parametrize("body", [b"", b"Bad Gateway", b"ledger load-1 GET short\n", b"ledger x"])
def test_a_proxy_s_own_error_names_nobody(body: bytes) -> None:
    assert id_named_by(body) is None


def test_the_id_is_found_in_a_log_s_target_however_it_is_escaped() -> None:
    line = r'"uri":"/ledger/load-000001?bytes=0\u0026frame=length"'
    assert ID_IN_TARGET.findall(line) == ["load-000001"]
