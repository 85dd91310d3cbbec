"""What commands do to their own process, and a test must not leave behind."""

import sys

import pytest


@pytest.fixture(autouse=True)
def _search_path_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scenario of the user's own is imported from where they are."""
    monkeypatch.setattr(sys, "path", list(sys.path))
