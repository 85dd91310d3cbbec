"""The corpus again, behind middleware that touches nothing: neither side may notice it."""

import pytest

from tests.app.inside import as_it_is
from tests.conformance.judge import verdict
from tests.conformance.test_corpus import BY_ID, play_virtually
from tests.support.clock import run_in_virtual_time


@pytest.mark.parametrize("name", BY_ID)
def test_conforms_behind_middleware(name: str) -> None:
    case = BY_ID[name]
    seen, leaks = run_in_virtual_time(lambda: play_virtually(case, middleware=[as_it_is]))
    assert verdict(case, seen) == [], "\n".join(seen.story())
    assert leaks == []
