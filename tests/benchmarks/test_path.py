"""Costs of our own code: every variant serves every request, and ratios are of the same rounds."""

import pytest

from benchmarks import path
from benchmarks.path import Series
from benchmarks.program import ProgramFailed
from benchmarks.variants import PLAIN, VARIANTS, Variant


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path, "CLIENTS", 2)
    monkeypatch.setattr(path, "REQUESTS", 3)


@pytest.mark.parametrize("variant", [PLAIN, *VARIANTS], ids=lambda variant: variant.name)
def test_every_variant_serves_every_request(variant: Variant, short: None) -> None:
    assert path.cost_us(variant) > 0


def test_a_variant_that_fails_requests_is_no_figure(
    short: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(path, "ANSWER", b"HTTP/9 nonsense\r\n\r\n")
    with pytest.raises(ProgramFailed, match="at its defaults: 0 of 6 requests went well"):
        path.cost_us(PLAIN)


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    # The machine was half as fast in the second round, for both.
    plain, other = Series(PLAIN, [100.0, 200.0, 100.0]), Series(PLAIN, [110.0, 220.0, 150.0])
    assert other.ratio_to(plain) == 1.1
    assert other.cost_us == 150.0


def test_the_table_has_a_row_for_each_variant_and_begins_with_the_plain_one(short: None) -> None:
    lines = path.table(path.measure([PLAIN, *VARIANTS[:2]], rounds=2))
    names = [line.split(" | ")[0].lstrip("| ") for line in lines[2:]]
    assert names == [PLAIN.name, VARIANTS[0].name, VARIANTS[1].name]


def test_words_choose_variants(short: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert path.main(["maglev", "--rounds", "1"]) == 0
    assert [line.split(" | ")[0] for line in capsys.readouterr().out.splitlines()[2:]] == [
        "| at its defaults",
        "| algorithm maglev",
    ]
